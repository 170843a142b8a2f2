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
#include "options.h"

#define MAX_OPTION_LEN 288

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
set_text(char *field, size_t room, const char *value)
{
	if (value[0] == '\0' || strlen(value) >= room)
		return -EINVAL;
	strcpy(field, value);
	return 0;
}

#define WORD(name, words) \
	{ .key = #name, .offset = offsetof(struct hotplug_config, name), .choices = words }
#define NUMBER(name, least, most) \
	{ .key = #name, .offset = offsetof(struct hotplug_config, name), .min = least, .max = most }

static const struct option options[] = {
	WORD(policy, policy_choices),
	{ .key = "policy.", .choices = policy_choices },
	WORD(heal_other, switch_choices),
	WORD(heal_forced, switch_choices),
	WORD(sigbus, sigbus_choices),
	WORD(fill, fill_choices),
	{ .key = "fill.", .choices = fill_choices },
	WORD(uio_mmap, switch_choices),
	NUMBER(liveness_ms, 0, CONFIG_MAX_MS),
	NUMBER(deadline_ms, 0, CONFIG_MAX_MS),
	NUMBER(stuck_ms, 1, CONFIG_MAX_MS),
	NUMBER(flaps, 0, DEVICE_MAX_FLAPS),
	WORD(sync, switch_choices),
	NUMBER(sync_deadline_ms, 1, CONFIG_MAX_MS),
	NUMBER(sync_probe_ms, 1, CONFIG_MAX_MS),
	WORD(sync_late, switch_choices),
	WORD(sync_ignore_strangers, switch_choices),
	WORD(sync_tell_strangers, switch_choices),
	NUMBER(drill_after_ms, 0, CONFIG_MAX_MS),
	NUMBER(drill_for_ms, 0, CONFIG_MAX_MS),
	NUMBER(uevent_buffer_kb, 1, CONFIG_MAX_BUFFER_KB),
	{ .key = "drill", .text = "a device's name" },
	{ .key = "history", .text = "a file's path, at most 255 bytes long" },
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

const struct option *
options_at(unsigned int i)
{
	return i < sizeof(options) / sizeof(options[0]) ? &options[i] : NULL;
}

const struct option *
options_find(const char *key)
{
	const struct option *option;
	unsigned int i;
	size_t len;

	for (i = 0; (option = options_at(i)) != NULL; i++) {
		len = strlen(option->key);
		if (option->key[len - 1] == '.' ? strncmp(option->key, key, len) == 0 :
		    strcmp(option->key, key) == 0)
			return option;
	}
	return NULL;
}

/* Of one device, or one driver: the key goes on with a name. */
static int
set_own(struct hotplug_config *config, const struct option *option, const char *name,
	const char *value)
{
	int choice = choose(option->choices, value);

	if (choice < 0)
		return choice;
	return option->choices == fill_choices ? set_driver_fill(config, name, choice) :
		set_own_policy(config, name, choice);
}

/* -ENOENT: no such key. */
static int
set_option(struct hotplug_config *config, const char *key, const char *value)
{
	const struct option *option = options_find(key);
	size_t len = option != NULL ? strlen(option->key) : 0;

	if (option == NULL)
		return -ENOENT;
	if (option->key[len - 1] == '.')
		return set_own(config, option, key + len, value);
	if (strcmp(key, "drill") == 0)
		return set_text(config->drill, HOTPLUG_NAME_LEN, value);
	if (strcmp(key, "history") == 0)
		return set_text(config->history, HOTPLUG_PATH_LEN, value);
	return set_field(config, option, value);
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
		complain(option, ret, error, error_len);
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
