/* SPDX-License-Identifier: BSD-3-Clause */

/* config: defaults, the options text, and what is out of range.
 * In:  hotplug_config_*() (app), DPDK_HOTPLUG (plugin).  Out: a configuration, or
 *      a sentence that names what is wrong with it.
 * Context: app. */

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "device.h"

#define MAX_MS 3600000u
#define MAX_BUFFER_KB 1048576u
#define MAX_OPTION_LEN 256

void
hotplug_config_init(struct hotplug_config *config)
{
	*config = (struct hotplug_config){
		.size = sizeof(*config),
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
}

struct choice {
	const char *name;
	int value;
};

static const struct choice policy_choices[] = {
	{ "tell", HOTPLUG_POLICY_TELL },
	{ "survive", HOTPLUG_POLICY_SURVIVE },
	{ "heal", HOTPLUG_POLICY_HEAL },
	{ NULL, 0 },
};

static const struct choice sigbus_choices[] = {
	{ "own", HOTPLUG_SIGBUS_OWN },
	{ "dispatch", HOTPLUG_SIGBUS_DISPATCH },
	{ "none", HOTPLUG_SIGBUS_NONE },
	{ NULL, 0 },
};

static const struct choice fill_choices[] = {
	{ "ones", HOTPLUG_FILL_ONES },
	{ "zeros", HOTPLUG_FILL_ZEROS },
	{ NULL, 0 },
};

static int
choose(const struct choice *choices, const char *value)
{
	for (; choices->name != NULL; choices++)
		if (strcmp(choices->name, value) == 0)
			return choices->value;
	return -EINVAL;
}

static const struct choice switch_choices[] = {
	{ "off", 0 },
	{ "on", 1 },
	{ NULL, 0 },
};

static int
parse_number(const char *value, uint32_t min, uint32_t max, uint32_t *number)
{
	unsigned long n;
	char *end;

	if (value[0] < '0' || value[0] > '9')
		return -EINVAL;
	errno = 0;
	n = strtoul(value, &end, 10);
	if (errno != 0 || *end != '\0' || n < min || n > max)
		return -EINVAL;
	*number = n;
	return 0;
}

static int
set_driver_fill(struct hotplug_config *config, const char *driver, int fill)
{
	struct hotplug_driver_fill *entry = config->driver_fill;
	unsigned int i;

	if (driver[0] == '\0' || strlen(driver) >= HOTPLUG_NAME_LEN)
		return -EINVAL;
	for (i = 0; i < HOTPLUG_MAX_DRIVER_FILLS; i++, entry++) {
		if (entry->driver[0] != '\0' && strcmp(entry->driver, driver) != 0)
			continue;
		strcpy(entry->driver, driver);
		entry->fill = fill;
		return 0;
	}
	return -ENOSPC;
}

static int
set_own_policy(struct hotplug_config *config, const char *name, int policy)
{
	struct hotplug_own_policy *entry = config->own_policy;
	unsigned int i;

	if (name[0] == '\0' || strlen(name) >= HOTPLUG_NAME_LEN)
		return -EINVAL;
	for (i = 0; i < HOTPLUG_MAX_POLICIES; i++, entry++) {
		if (entry->name[0] != '\0' && strcmp(entry->name, name) != 0)
			continue;
		strcpy(entry->name, name);
		entry->policy = policy;
		return 0;
	}
	return -ENOSPC;
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

static int
set_drill(struct hotplug_config *config, const char *device)
{
	if (device[0] == '\0' || strlen(device) >= HOTPLUG_NAME_LEN)
		return -EINVAL;
	strcpy(config->drill, device);
	return 0;
}

/* Options that are one 32-bit field: a word out of some, or a number. */
static const struct option {
	const char *key;
	size_t offset;
	const struct choice *choices;   /* NULL: a number */
	uint32_t min, max;
} options[] = {
	{ "policy", offsetof(struct hotplug_config, policy), policy_choices, 0, 0 },
	{ "heal_other", offsetof(struct hotplug_config, heal_other), switch_choices, 0, 0 },
	{ "heal_forced", offsetof(struct hotplug_config, heal_forced), switch_choices, 0, 0 },
	{ "sigbus", offsetof(struct hotplug_config, sigbus), sigbus_choices, 0, 0 },
	{ "fill", offsetof(struct hotplug_config, fill), fill_choices, 0, 0 },
	{ "uio_mmap", offsetof(struct hotplug_config, uio_mmap), switch_choices, 0, 0 },
	{ "liveness_ms", offsetof(struct hotplug_config, liveness_ms), NULL, 0, MAX_MS },
	{ "deadline_ms", offsetof(struct hotplug_config, deadline_ms), NULL, 0, MAX_MS },
	{ "stuck_ms", offsetof(struct hotplug_config, stuck_ms), NULL, 1, MAX_MS },
	{ "flaps", offsetof(struct hotplug_config, flaps), NULL, 0, DEVICE_MAX_FLAPS },
	{ "sync", offsetof(struct hotplug_config, sync), switch_choices, 0, 0 },
	{ "sync_deadline_ms", offsetof(struct hotplug_config, sync_deadline_ms), NULL, 1, MAX_MS },
	{ "sync_probe_ms", offsetof(struct hotplug_config, sync_probe_ms), NULL, 1, MAX_MS },
	{ "sync_late", offsetof(struct hotplug_config, sync_late), switch_choices, 0, 0 },
	{ "sync_ignore_strangers", offsetof(struct hotplug_config, sync_ignore_strangers),
	  switch_choices, 0, 0 },
	{ "sync_tell_strangers", offsetof(struct hotplug_config, sync_tell_strangers),
	  switch_choices, 0, 0 },
	{ "drill_after_ms", offsetof(struct hotplug_config, drill_after_ms), NULL, 0, MAX_MS },
	{ "drill_for_ms", offsetof(struct hotplug_config, drill_for_ms), NULL, 0, MAX_MS },
	{ "uevent_buffer_kb", offsetof(struct hotplug_config, uevent_buffer_kb), NULL, 1,
	  MAX_BUFFER_KB },
};

_Static_assert(sizeof(enum hotplug_fill) == sizeof(uint32_t), "an option is 32 bits");

static int
set_field(struct hotplug_config *config, const struct option *option, const char *value)
{
	uint32_t field;
	int ret;

	if (option->choices == NULL) {
		ret = parse_number(value, option->min, option->max, &field);
	} else {
		ret = choose(option->choices, value);
		field = ret;
	}
	if (ret < 0)
		return ret;
	memcpy((char *)config + option->offset, &field, sizeof(field));
	return 0;
}

/* -ENOENT: no such key. */
static int
set_option(struct hotplug_config *config, const char *key, const char *value)
{
	unsigned int i;
	int choice;

	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (strcmp(options[i].key, key) == 0)
			return set_field(config, &options[i], value);
	if (strcmp(key, "drill") == 0)
		return set_drill(config, value);
	if (strncmp(key, "fill.", 5) == 0) {
		choice = choose(fill_choices, value);
		return choice < 0 ? choice : set_driver_fill(config, key + 5, choice);
	}
	if (strncmp(key, "policy.", 7) == 0) {
		choice = choose(policy_choices, value);
		return choice < 0 ? choice : set_own_policy(config, key + 7, choice);
	}
	return -ENOENT;
}

static const char *
what_is_wrong(int ret)
{
	switch (ret) {
	case -ENOENT:
		return "unknown option (known: policy=tell|survive|heal, "
			"policy.DEVICE=..., policy.DRIVER=..., heal_other=on|off, "
			"heal_forced=on|off, "
			"sigbus=own|dispatch|none, fill=ones|zeros, "
			"fill.DRIVER=ones|zeros, liveness_ms=0..3600000, deadline_ms=0..3600000, "
			"stuck_ms=1..3600000, flaps=0..32, uevent_buffer_kb=1..1048576, uio_mmap=on|off, "
			"sync=on|off, sync_deadline_ms=1..3600000, sync_probe_ms=1..3600000, "
			"sync_late=on|off, sync_ignore_strangers=on|off, "
			"sync_tell_strangers=on|off, "
			"drill=DEVICE, drill_after_ms=0..3600000, drill_for_ms=0..3600000)";
	case -ENOSPC:
		return "too many with a fill or a policy of their own";
	default:
		return "bad value";
	}
}

/* One "key=value", copied out of the list. */
static int
parse_option(struct hotplug_config *config, const char *text, size_t len, char *error,
	     size_t error_len)
{
	char option[MAX_OPTION_LEN], *value;
	int ret = -EINVAL;

	snprintf(option, sizeof(option), "%.*s", (int)len, text);
	value = strchr(option, '=');
	if (len < sizeof(option) && value != NULL) {
		*value = '\0';
		ret = set_option(config, option, value + 1);
		*value = '=';
	} else if (len < sizeof(option)) {
		ret = -ENOENT;
	}
	if (ret != 0 && error != NULL)
		snprintf(error, error_len, "'%s': %s", option, what_is_wrong(ret));
	return ret == -ENOENT ? -EINVAL : ret;
}

int
hotplug_config_parse(struct hotplug_config *config, const char *text, char *error,
		     size_t error_len)
{
	struct hotplug_config result = *config;
	const char *end;
	int ret;

	for (; text != NULL && *text != '\0'; text = *end == ',' ? end + 1 : end) {
		end = strchrnul(text, ',');
		ret = parse_option(&result, text, end - text, error, error_len);
		if (ret != 0)
			return ret;
	}
	*config = result;
	return 0;
}

const char *
config_fault(const struct hotplug_config *config)
{
	unsigned int i;

	if (config->size != sizeof(*config))
		return "size is not sizeof(struct hotplug_config): call hotplug_config_init()";
	if (config->sigbus > HOTPLUG_SIGBUS_NONE)
		return "sigbus is no enum hotplug_sigbus";
	if (config->fill > HOTPLUG_FILL_ZEROS)
		return "fill is no enum hotplug_fill";
	if (config->liveness_ms > MAX_MS)
		return "liveness_ms is more than 3600000";
	if (config->deadline_ms > MAX_MS)
		return "deadline_ms is more than 3600000";
	if (config->stuck_ms < 1 || config->stuck_ms > MAX_MS)
		return "stuck_ms is not between 1 and 3600000";
	if (config->flaps > DEVICE_MAX_FLAPS)
		return "flaps is more than 32";
	if (config->uevent_buffer_kb < 1 || config->uevent_buffer_kb > MAX_BUFFER_KB)
		return "uevent_buffer_kb is not between 1 and 1048576";
	if (config->policy > HOTPLUG_POLICY_HEAL)
		return "policy is no enum hotplug_policy";
	if (strnlen(config->drill, HOTPLUG_NAME_LEN) == HOTPLUG_NAME_LEN)
		return "drill has a name without an end";
	if (config->drill_after_ms > MAX_MS)
		return "drill_after_ms is more than 3600000";
	if (config->drill_for_ms > MAX_MS)
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
	if (config->sync > 1 || config->sync_late > 1)
		return "sync or sync_late is neither 0 nor 1";
	if (config->sync_ignore_strangers > 1 || config->sync_tell_strangers > 1)
		return "sync_ignore_strangers or sync_tell_strangers is neither 0 nor 1";
	if (config->sync_deadline_ms < 1 || config->sync_deadline_ms > MAX_MS ||
	    config->sync_probe_ms < 1 || config->sync_probe_ms > MAX_MS)
		return "sync_deadline_ms or sync_probe_ms is not between 1 and 3600000";
	for (i = 0; i < HOTPLUG_MAX_DRIVER_FILLS; i++) {
		if (strnlen(config->driver_fill[i].driver, HOTPLUG_NAME_LEN) == HOTPLUG_NAME_LEN)
			return "a driver_fill has a name without an end";
		if (config->driver_fill[i].fill > HOTPLUG_FILL_ZEROS)
			return "a driver_fill has a fill that is no enum hotplug_fill";
	}
	return NULL;
}
