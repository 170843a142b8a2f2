/* SPDX-License-Identifier: BSD-3-Clause */

/* config: defaults, sizes of older versions, and what is out of range.
 * In:  hotplug_config_defaults(), hotplug_enable() (app).  Out: a configuration, or
 *      a sentence that names what is wrong with it.
 * Context: app. */

#include <stddef.h>
#include <string.h>

#include "config.h"
#include "device.h"

/* A later member that lay in an earlier version's padding would be read as garbage. */
_Static_assert(offsetof(struct hotplug_config, history) + HOTPLUG_PATH_LEN ==
	       sizeof(struct hotplug_config), "it ends with padding");
_Static_assert(offsetof(struct hotplug_config, reserved) + sizeof(uint32_t) ==
	       offsetof(struct hotplug_config, history), "there is padding in it");

void
hotplug_config_defaults(struct hotplug_config *config, size_t size)
{
	const struct hotplug_config defaults = {
		.size = size,
		.sigbus = HOTPLUG_SIGBUS_OWN,
		.fill = HOTPLUG_FILL_ONES,
		.driver_fill = { { "net_virtio", HOTPLUG_FILL_ZEROS } },
		.liveness_ms = 1000,
		.deadline_ms = 5000,
		.uevent_buffer_kb = 16384,
		.stuck_ms = 10000,
		.flaps = 10,
		.sync = 1,
		.sync_deadline_ms = 1000,
		.sync_probe_ms = 10000,
		.drill_after_ms = 10000,
		.drill_for_ms = 5000,
	};
	size_t known = size < sizeof(defaults) ? size : sizeof(defaults);

	if (size < sizeof(config->size))
		return;
	memcpy(config, &defaults, known);
	memset((char *)config + known, 0, size - known);
}

const char *
config_size_fault(size_t size)
{
	if (size < sizeof(size))
		return "size is none: call hotplug_config_init()";
	if (size > sizeof(struct hotplug_config))
		return "size is larger than this library's: it is older than the hotplug.h that "
			"the application was compiled with, or hotplug_config_init() was not "
			"called";
	return NULL;
}

const char *
config_read(struct hotplug_config *config, const struct hotplug_config *from)
{
	const char *fault = config_size_fault(from->size);

	if (fault != NULL)
		return fault;
	hotplug_config_init(config);
	memcpy(config, from, from->size);
	config->size = sizeof(*config);
	return config_fault(config);
}

enum hotplug_policy
config_policy(const struct hotplug_config *config, const char *device, const char *driver)
{
	const struct hotplug_own_policy *entry = config->own_policy;
	enum hotplug_policy policy = config->policy;
	unsigned int i;

	for (i = 0; i < HOTPLUG_MAX_POLICIES && entry->name[0] != '\0'; i++, entry++) {
		if (strcmp(entry->name, device) == 0)
			return entry->policy;
		if (driver != NULL && strcmp(entry->name, driver) == 0)
			policy = entry->policy;
	}
	return policy;
}

const char *
config_fault(const struct hotplug_config *config)
{
	unsigned int i;

	if (config->sigbus > HOTPLUG_SIGBUS_NONE)
		return "sigbus is no enum hotplug_sigbus";
	if (config->fill > HOTPLUG_FILL_ZEROS)
		return "fill is no enum hotplug_fill";
	if (config->liveness_ms > CONFIG_MAX_MS)
		return "liveness_ms is more than 3600000";
	if (config->deadline_ms > CONFIG_MAX_MS)
		return "deadline_ms is more than 3600000";
	if (config->stuck_ms < 1 || config->stuck_ms > CONFIG_MAX_MS)
		return "stuck_ms is not between 1 and 3600000";
	if (config->flaps > DEVICE_MAX_FLAPS)
		return "flaps is more than 32";
	if (config->reserved != 0)
		return "reserved is not 0: call hotplug_config_init()";
	if (config->uevent_buffer_kb < 1 || config->uevent_buffer_kb > CONFIG_MAX_BUFFER_KB)
		return "uevent_buffer_kb is not between 1 and 1048576";
	if (config->policy > HOTPLUG_POLICY_HEAL)
		return "policy is no enum hotplug_policy";
	if (strnlen(config->drill, HOTPLUG_NAME_LEN) == HOTPLUG_NAME_LEN)
		return "drill has a name without an end";
	if (config->drill_after_ms > CONFIG_MAX_MS)
		return "drill_after_ms is more than 3600000";
	if (config->drill_for_ms > CONFIG_MAX_MS)
		return "drill_for_ms is more than 3600000";
	if (config->heal_other > 1 || config->heal_forced > 1)
		return "heal_other or heal_forced is neither 0 nor 1";
	if (config->uio_mmap > 1)
		return "uio_mmap is neither 0 nor 1";
	for (i = 0; i < HOTPLUG_MAX_POLICIES; i++) {
		if (strnlen(config->own_policy[i].name, HOTPLUG_NAME_LEN) == HOTPLUG_NAME_LEN)
			return "an own_policy has a name without an end";
		if (config->own_policy[i].policy > HOTPLUG_POLICY_HEAL)
			return "an own_policy has a policy that is no enum hotplug_policy";
	}
	if (strnlen(config->history, HOTPLUG_PATH_LEN) == HOTPLUG_PATH_LEN)
		return "history has a path without an end";
	if (config->sync > 1 || config->sync_late > 1)
		return "sync or sync_late is neither 0 nor 1";
	if (config->sync_ignore_strangers > 1 || config->sync_tell_strangers > 1)
		return "sync_ignore_strangers or sync_tell_strangers is neither 0 nor 1";
	if (config->sync_deadline_ms < 1 || config->sync_deadline_ms > CONFIG_MAX_MS ||
	    config->sync_probe_ms < 1 || config->sync_probe_ms > CONFIG_MAX_MS)
		return "sync_deadline_ms or sync_probe_ms is not between 1 and 3600000";
	for (i = 0; i < HOTPLUG_MAX_DRIVER_FILLS; i++) {
		if (strnlen(config->driver_fill[i].driver, HOTPLUG_NAME_LEN) == HOTPLUG_NAME_LEN)
			return "a driver_fill has a name without an end";
		if (config->driver_fill[i].fill > HOTPLUG_FILL_ZEROS)
			return "a driver_fill has a fill that is no enum hotplug_fill";
	}
	return NULL;
}
