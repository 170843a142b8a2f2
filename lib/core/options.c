/* SPDX-License-Identifier: BSD-3-Clause */

/* options: the text of DPDK_HOTPLUG into a configuration.
 * In:  hotplug_config_parse() (app, the plugin).  Out: the configuration, or a sentence
 *      that names the bad option.
 * Context: app. */

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "device.h"

#define MAX_OPTION_LEN 256

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

static bool
is_name(const char *name)
{
	return name[0] != '\0' && strlen(name) < HOTPLUG_NAME_LEN;
}

/* The entry of that name, else the first free one, named; NULL: there is none.  Entries
 * of these lists begin with their names. */
static void *
entry_of(void *list, unsigned int n, size_t size, const char *name)
{
	char *entry = list;

	for (; n > 0; n--, entry += size) {
		if (entry[0] != '\0' && strcmp(entry, name) != 0)
			continue;
		strcpy(entry, name);
		return entry;
	}
	return NULL;
}

_Static_assert(offsetof(struct hotplug_driver_fill, driver) == 0 &&
	       offsetof(struct hotplug_own_policy, name) == 0, "entries begin with their names");

static int
set_driver_fill(struct hotplug_config *config, const char *driver, int fill)
{
	struct hotplug_driver_fill *entry;

	if (!is_name(driver))
		return -EINVAL;
	entry = entry_of(config->driver_fill, HOTPLUG_MAX_DRIVER_FILLS, sizeof(*entry), driver);
	if (entry == NULL)
		return -ENOSPC;
	entry->fill = fill;
	return 0;
}

static int
set_own_policy(struct hotplug_config *config, const char *name, int policy)
{
	struct hotplug_own_policy *entry;

	if (!is_name(name))
		return -EINVAL;
	entry = entry_of(config->own_policy, HOTPLUG_MAX_POLICIES, sizeof(*entry), name);
	if (entry == NULL)
		return -ENOSPC;
	entry->policy = policy;
	return 0;
}

static int
set_drill(struct hotplug_config *config, const char *device)
{
	if (!is_name(device))
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
	{ "liveness_ms", offsetof(struct hotplug_config, liveness_ms), NULL, 0, CONFIG_MAX_MS },
	{ "deadline_ms", offsetof(struct hotplug_config, deadline_ms), NULL, 0, CONFIG_MAX_MS },
	{ "stuck_ms", offsetof(struct hotplug_config, stuck_ms), NULL, 1, CONFIG_MAX_MS },
	{ "flaps", offsetof(struct hotplug_config, flaps), NULL, 0, DEVICE_MAX_FLAPS },
	{ "sync", offsetof(struct hotplug_config, sync), switch_choices, 0, 0 },
	{ "sync_deadline_ms", offsetof(struct hotplug_config, sync_deadline_ms), NULL, 1,
	  CONFIG_MAX_MS },
	{ "sync_probe_ms", offsetof(struct hotplug_config, sync_probe_ms), NULL, 1, CONFIG_MAX_MS },
	{ "sync_late", offsetof(struct hotplug_config, sync_late), switch_choices, 0, 0 },
	{ "sync_ignore_strangers", offsetof(struct hotplug_config, sync_ignore_strangers),
	  switch_choices, 0, 0 },
	{ "sync_tell_strangers", offsetof(struct hotplug_config, sync_tell_strangers),
	  switch_choices, 0, 0 },
	{ "drill_after_ms", offsetof(struct hotplug_config, drill_after_ms), NULL, 0,
	  CONFIG_MAX_MS },
	{ "drill_for_ms", offsetof(struct hotplug_config, drill_for_ms), NULL, 0, CONFIG_MAX_MS },
	{ "uevent_buffer_kb", offsetof(struct hotplug_config, uevent_buffer_kb), NULL, 1,
	  CONFIG_MAX_BUFFER_KB },
};

_Static_assert(sizeof(enum hotplug_fill) == sizeof(uint32_t), "an option is 32 bits");

static int
set_field(struct hotplug_config *config, const struct option *option, const char *value)
{
	uint32_t *field = (uint32_t *)(void *)((char *)config + option->offset);
	int ret;

	if (option->choices == NULL)
		return parse_number(value, option->min, option->max, field);
	ret = choose(option->choices, value);
	if (ret < 0)
		return ret;
	*field = ret;
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
			"stuck_ms=1..3600000, flaps=0..32, uevent_buffer_kb=1..1048576, "
			"uio_mmap=on|off, "
			"sync=on|off, sync_deadline_ms=1..3600000, sync_probe_ms=1..3600000, "
			"sync_late=on|off, sync_ignore_strangers=on|off, "
			"sync_tell_strangers=on|off, "
			"drill=DEVICE, drill_after_ms=0..3600000, drill_for_ms=0..3600000)";
	case -E2BIG:
		return "the application was compiled with an older hotplug.h, which has no such "
			"option";
	case -ENOSPC:
		return "too many with a fill or a policy of their own";
	default:
		return "bad value";
	}
}

/* Is all that is set in the part that the application knows? */
static bool
is_in_its_size(const struct hotplug_config *config)
{
	struct hotplug_config defaults;

	hotplug_config_init(&defaults);
	return memcmp((const char *)config + config->size, (const char *)&defaults + config->size,
		      sizeof(defaults) - config->size) == 0;
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
		if (ret == 0 && !is_in_its_size(config))
			ret = -E2BIG;
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
	const char *fault = config_size_fault(config->size), *end;
	struct hotplug_config result;
	int ret;

	if (fault != NULL) {
		if (error != NULL)
			snprintf(error, error_len, "configuration: %s", fault);
		return -EINVAL;
	}
	hotplug_config_init(&result);
	memcpy(&result, config, config->size);
	for (; text != NULL && *text != '\0'; text = *end == ',' ? end + 1 : end) {
		end = strchrnul(text, ',');
		ret = parse_option(&result, text, end - text, error, error_len);
		if (ret != 0)
			return ret;
	}
	memcpy(config, &result, config->size);
	return 0;
}
