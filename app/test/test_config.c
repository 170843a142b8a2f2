/* SPDX-License-Identifier: BSD-3-Clause */

/* test_config: options are understood; bad ones are named, and change nothing.
 * In:  texts and structures as users write them.
 * Context: app. */

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "core/config.h"
#include "core/enable.h"
#include "fake_host.h"
#include "test.h"
#include "toy_bus.h"

static void
test_config_defaults_are_the_documented_ones(void **state)
{
	struct hotplug_config config;

	(void)state;
	memset(&config, 0xee, sizeof(config));
	hotplug_config_init(&config);
	assert_int_equal(config.size, sizeof(config));
	assert_int_equal(config.sigbus, HOTPLUG_SIGBUS_OWN);
	assert_int_equal(config.fill, HOTPLUG_FILL_ONES);
	assert_int_equal(config.liveness_ms, 1000);
	assert_int_equal(config.deadline_ms, 5000);
	assert_int_equal(config.uevent_buffer_kb, 16384);
	assert_int_equal(config.uio_mmap, 0);
	assert_int_equal(config.stuck_ms, 10000);
	assert_int_equal(config.flaps, 10);
	assert_int_equal(config.sync, 1);
	assert_int_equal(config.sync_deadline_ms, 1000);
	assert_int_equal(config.sync_probe_ms, 10000);
	assert_int_equal(config.sync_late, 0);
	assert_int_equal(config.sync_ignore_strangers, 0);
	assert_int_equal(config.sync_tell_strangers, 0);
	assert_int_equal(config.heal_forced, 0);
	assert_string_equal(config.drill, "");
	assert_int_equal(config.drill_after_ms, 10000);
	assert_int_equal(config.drill_for_ms, 5000);
	assert_string_equal(config.driver_fill[0].driver, "net_virtio");
	assert_int_equal(config.driver_fill[0].fill, HOTPLUG_FILL_ZEROS);
	assert_string_equal(config.driver_fill[1].driver, "");
	assert_null(config_fault(&config));
}

static void
test_config_good_options_are_taken(void **state)
{
	struct hotplug_config config;
	char error[256] = "untouched";

	(void)state;
	hotplug_config_init(&config);
	assert_int_equal(hotplug_config_parse(&config,
		"sigbus=dispatch,fill=zeros,fill.net_e1000_em=ones,fill.net_virtio=ones,"
		"liveness_ms=250", error, sizeof(error)), 0);
	assert_int_equal(config.sigbus, HOTPLUG_SIGBUS_DISPATCH);
	assert_int_equal(config.fill, HOTPLUG_FILL_ZEROS);
	assert_int_equal(config.liveness_ms, 250);
	assert_int_equal(config.driver_fill[0].fill, HOTPLUG_FILL_ONES);
	assert_string_equal(config.driver_fill[1].driver, "net_e1000_em");
	assert_int_equal(config.driver_fill[1].fill, HOTPLUG_FILL_ONES);
	assert_string_equal(error, "untouched");
	assert_int_equal(hotplug_config_parse(&config, "sigbus=none", NULL, 0), 0);
	assert_int_equal(config.sigbus, HOTPLUG_SIGBUS_NONE);
	assert_int_equal(hotplug_config_parse(&config, "sigbus=own,fill=ones", NULL, 0), 0);
	assert_int_equal(config.fill, HOTPLUG_FILL_ONES);
}

static void
test_config_ends_of_the_range_are_in_it(void **state)
{
	struct hotplug_config config;

	(void)state;
	hotplug_config_init(&config);
	assert_int_equal(hotplug_config_parse(&config, "liveness_ms=0", NULL, 0), 0);
	assert_int_equal(config.liveness_ms, 0);
	assert_int_equal(hotplug_config_parse(&config, "liveness_ms=3600000", NULL, 0), 0);
	assert_int_equal(config.liveness_ms, 3600000);
	assert_int_equal(hotplug_config_parse(&config, "deadline_ms=0", NULL, 0), 0);
	assert_int_equal(config.deadline_ms, 0);
	assert_int_equal(hotplug_config_parse(&config, "uevent_buffer_kb=1", NULL, 0), 0);
	assert_int_equal(config.uevent_buffer_kb, 1);
	assert_int_equal(hotplug_config_parse(&config, "drill=0000:01:00.0,drill_after_ms=7,"
					      "drill_for_ms=0", NULL, 0), 0);
	assert_string_equal(config.drill, "0000:01:00.0");
	assert_int_equal(config.drill_after_ms, 7);
	assert_int_equal(config.drill_for_ms, 0);
	assert_int_equal(hotplug_config_parse(&config, "uio_mmap=on", NULL, 0), 0);
	assert_int_equal(config.uio_mmap, 1);
	assert_int_equal(hotplug_config_parse(&config, "uio_mmap=off", NULL, 0), 0);
	assert_int_equal(config.uio_mmap, 0);
	assert_int_equal(hotplug_config_parse(&config, "sync=off,sync_deadline_ms=1,"
					      "sync_probe_ms=3600000,sync_late=on,"
					      "sync_ignore_strangers=on,sync_tell_strangers=on,"
					      "heal_forced=on", NULL, 0), 0);
	assert_int_equal(config.sync, 0);
	assert_int_equal(config.sync_deadline_ms, 1);
	assert_int_equal(config.sync_probe_ms, 3600000);
	assert_int_equal(config.sync_late, 1);
	assert_int_equal(config.sync_ignore_strangers, 1);
	assert_int_equal(config.sync_tell_strangers, 1);
	assert_int_equal(config.heal_forced, 1);
}

/* A device's own goes before its driver's, that before everybody's. */
static void
test_config_policy_of_a_device_and_of_a_driver(void **state)
{
	struct hotplug_config config;
	char text[64];
	unsigned int i;

	(void)state;
	hotplug_config_init(&config);
	assert_int_equal(hotplug_config_parse(&config, "policy=heal,policy.0000:03:00.0=tell,"
		"policy.net_virtio=heal,policy.net_virtio=survive", NULL, 0), 0);
	assert_null(config_fault(&config));
	assert_int_equal(config_policy(&config, "0000:03:00.0", "net_virtio"),
			 HOTPLUG_POLICY_TELL);
	assert_int_equal(config_policy(&config, "0000:03:00.1", "net_virtio"),
			 HOTPLUG_POLICY_SURVIVE);
	assert_int_equal(config_policy(&config, "0000:03:00.1", "net_e1000_em"),
			 HOTPLUG_POLICY_HEAL);
	assert_int_equal(config_policy(&config, "0000:03:00.1", NULL), HOTPLUG_POLICY_HEAL);
	for (i = 2; i < HOTPLUG_MAX_POLICIES; i++) {
		snprintf(text, sizeof(text), "policy.driver%u=tell", i);
		assert_int_equal(hotplug_config_parse(&config, text, NULL, 0), 0);
	}
	assert_int_equal(hotplug_config_parse(&config, "policy.more=tell", NULL, 0), -ENOSPC);
	config.own_policy[0].policy = HOTPLUG_POLICY_HEAL + 1;
	assert_string_equal(config_fault(&config),
			    "an own_policy has a policy that is no enum hotplug_policy");
	memset(config.own_policy[0].name, 'x', HOTPLUG_NAME_LEN);
	assert_string_equal(config_fault(&config), "an own_policy has a name without an end");
}

static void
test_config_nothing_changes_nothing(void **state)
{
	struct hotplug_config config, before;

	(void)state;
	hotplug_config_init(&config);
	before = config;
	assert_int_equal(hotplug_config_parse(&config, NULL, NULL, 0), 0);
	assert_int_equal(hotplug_config_parse(&config, "", NULL, 0), 0);
	assert_memory_equal(&config, &before, sizeof(config));
}

/* Bad text, the part that must be named. */
static const struct { const char *text, *named; } bad[] = {
	{ "x", "'x'" },
	{ "polcy=tell", "'polcy=tell'" },
	{ "fill=ones,polcy=tell", "'polcy=tell'" },
	{ "=ones", "'=ones'" },
	{ "fill", "'fill'" },
	{ "fill=", "'fill='" },
	{ "fill=ONES", "'fill=ONES'" },
	{ "fill= ones", "'fill= ones'" },
	{ "fil=ones", "'fil=ones'" },
	{ "fillx=ones", "'fillx=ones'" },
	{ "fill.=ones", "'fill.=ones'" },
	{ "fill.net_e1000=maybe", "'fill.net_e1000=maybe'" },
	{ "policy.=tell", "'policy.=tell'" },
	{ "policy.0000:03:00.0=", "'policy.0000:03:00.0='" },
	{ "policy.net_virtio=no", "'policy.net_virtio=no'" },
	{ "sigbus=yes", "'sigbus=yes'" },
	{ "sigbus", "'sigbus'" },
	{ "liveness_ms=", "'liveness_ms='" },
	{ "liveness_ms=-1", "'liveness_ms=-1'" },
	{ "liveness_ms=+1", "'liveness_ms=+1'" },
	{ "liveness_ms=1s", "'liveness_ms=1s'" },
	{ "liveness_ms=0x10", "'liveness_ms=0x10'" },
	{ "liveness_ms=3600001", "'liveness_ms=3600001'" },
	{ "liveness_ms=99999999999999999999999", "'liveness_ms=9999" },
	{ "deadline_ms=3600001", "'deadline_ms=3600001'" },
	{ "deadline_ms=soon", "'deadline_ms=soon'" },
	{ "stuck_ms=0", "'stuck_ms=0'" },
	{ "stuck_ms=3600001", "'stuck_ms=3600001'" },
	{ "flaps=33", "'flaps=33'" },
	{ "flaps=off", "'flaps=off'" },
	{ "uevent_buffer_kb=0", "'uevent_buffer_kb=0'" },
	{ "uevent_buffer_kb=1048577", "'uevent_buffer_kb=1048577'" },
	{ "uio_mmap=1", "'uio_mmap=1'" },
	{ "uio_mmap=", "'uio_mmap='" },
	{ "sync=1", "'sync=1'" },
	{ "sync_deadline_ms=0", "'sync_deadline_ms=0'" },
	{ "sync_probe_ms=0", "'sync_probe_ms=0'" },
	{ "sync_late=maybe", "'sync_late=maybe'" },
	{ "sync_ignore_strangers", "'sync_ignore_strangers'" },
	{ "sync_tell_strangers=2", "'sync_tell_strangers=2'" },
	{ "heal_forced=maybe", "'heal_forced=maybe'" },
	{ "drill=", "'drill='" },
	{ "drill_after_ms=3600001", "'drill_after_ms=3600001'" },
	{ "drill_for_ms=-1", "'drill_for_ms=-1'" },
	{ ",", "''" },
	{ "fill=ones,,fill=zeros", "''" },
	{ "fill=ones fill=zeros", "'fill=ones fill=zeros'" },
};

static void
test_config_bad_options_are_named_and_change_nothing(void **state)
{
	struct hotplug_config config, before;
	char error[256];
	unsigned int i;

	(void)state;
	hotplug_config_init(&config);
	before = config;
	for (i = 0; i < N_ELEMENTS(bad); i++) {
		error[0] = '\0';
		if (hotplug_config_parse(&config, bad[i].text, error, sizeof(error)) != -EINVAL)
			fail_msg("'%s' was taken", bad[i].text);
		if (strstr(error, bad[i].named) == NULL)
			fail_msg("'%s' is not named in \"%s\"", bad[i].named, error);
		assert_memory_equal(&config, &before, sizeof(config));
	}
}

/* What was written, and what is said of it. */
static const struct { const char *text, *said; } helped[] = {
	{ "polcy=tell", "'polcy=tell': no such option (did you mean 'policy'?); there are policy, "
			"policy.NAME, heal_other, " },
	{ "livenes_ms=1", "did you mean 'liveness_ms'?" },
	{ "xyzzy=1", "'xyzzy=1': no such option; there are policy, " },
	{ "policy", "'policy': it has no value: policy=..." },
	{ "policy=cure", "'policy=cure': bad value; good are tell, survive, heal" },
	{ "policy=heel", "good are tell, survive, heal (did you mean 'heal'?)" },
	{ "policy.net_virtio=no", "good are tell, survive, heal" },
	{ "policy.=tell", "a name is missing: policy.NAME=..." },
	{ "sigbus=yes", "bad value; good are own, dispatch, none" },
	{ "fill.net_e1000=maybe", "bad value; good are ones, zeros" },
	{ "sync=1", "bad value; good are off, on" },
	{ "stuck_ms=0", "'stuck_ms=0': bad value; good is a number from 1 to 3600000" },
	{ "drill=", "bad value; good is a device's name" },
	{ "history=", "bad value; good is a file's path, at most 255 bytes long" },
};

static void
test_config_what_is_wrong_says_what_is_right(void **state)
{
	struct hotplug_config config;
	char error[480];
	unsigned int i;

	(void)state;
	hotplug_config_init(&config);
	for (i = 0; i < N_ELEMENTS(helped); i++) {
		assert_int_equal(hotplug_config_parse(&config, helped[i].text, error,
						      sizeof(error)), -EINVAL);
		if (strstr(error, helped[i].said) == NULL)
			fail_msg("\"%s\" is not in \"%s\"", helped[i].said, error);
	}
	hotplug_config_parse(&config, "xyzzy=1", error, sizeof(error));
	assert_non_null(strstr(error, ", drill, history"));     /* the last one is there, whole */
}

static void
test_config_history_is_a_path(void **state)
{
	struct hotplug_config config;
	char text[HOTPLUG_PATH_LEN + 16] = "history=";

	(void)state;
	hotplug_config_init(&config);
	assert_string_equal(config.history, "");
	memset(text + 8, 'p', HOTPLUG_PATH_LEN - 1);
	assert_int_equal(hotplug_config_parse(&config, text, NULL, 0), 0);
	assert_int_equal(strlen(config.history), HOTPLUG_PATH_LEN - 1);
	memset(text + 8, 'q', HOTPLUG_PATH_LEN);
	assert_int_equal(hotplug_config_parse(&config, text, NULL, 0), -EINVAL);
	assert_int_equal(config.history[0], 'p');
	memset(config.history, 'x', sizeof(config.history));
	assert_string_equal(config_fault(&config), "history has a path without an end");
}

static void
test_config_endless_names_are_refused(void **state)
{
	struct hotplug_config config;
	char text[1000] = "fill.", error[64];

	(void)state;
	hotplug_config_init(&config);
	memset(text + 5, 'a', HOTPLUG_NAME_LEN);
	strcpy(text + 5 + HOTPLUG_NAME_LEN, "=ones");
	assert_int_equal(hotplug_config_parse(&config, text, error, sizeof(error)), -EINVAL);
	memset(text, 'b', sizeof(text) - 1);
	assert_int_equal(hotplug_config_parse(&config, text, error, sizeof(error)), -EINVAL);
	assert_int_equal(strlen(error), sizeof(error) - 1);
	assert_int_equal(hotplug_config_parse(&config, text, NULL, 0), -EINVAL);
}

static void
test_config_sixteen_drivers_fit_and_no_more(void **state)
{
	struct hotplug_config config;
	char text[64], error[256];
	unsigned int i;

	(void)state;
	hotplug_config_init(&config);   /* net_virtio is the first */
	for (i = 1; i < HOTPLUG_MAX_DRIVER_FILLS; i++) {
		snprintf(text, sizeof(text), "fill.driver%u=zeros", i);
		assert_int_equal(hotplug_config_parse(&config, text, error, sizeof(error)), 0);
	}
	assert_null(config_fault(&config));
	assert_int_equal(hotplug_config_parse(&config, "fill.one_more=ones", error,
					      sizeof(error)), -ENOSPC);
	assert_non_null(strstr(error, "'fill.one_more=ones'"));
}

/* One nonsense field at a time, as an application might leave it. */
static void
spoil(struct hotplug_config *config, unsigned int what)
{
	switch (what) {
	case 0: config->size = 0; break;
	case 1: config->size = sizeof(*config) + 8; break;
	case 2: config->sigbus = HOTPLUG_SIGBUS_NONE + 1; break;
	case 3: config->fill = HOTPLUG_FILL_ZEROS + 1; break;
	case 4: config->fill = (enum hotplug_fill)-1; break;
	case 5: config->liveness_ms = 3600001; break;
	case 6: memset(config->driver_fill[3].driver, 'x', HOTPLUG_NAME_LEN); break;
	case 7: config->deadline_ms = 3600001; break;
	case 8: config->uevent_buffer_kb = 0; break;
	case 9: config->uevent_buffer_kb = 1048577; break;
	case 10: config->uio_mmap = 2; break;
	case 11: config->driver_fill[15].fill = 77; break;
	case 12: memset(config->drill, 'x', HOTPLUG_NAME_LEN); break;
	case 13: config->drill_after_ms = 3600001; break;
	case 14: config->drill_for_ms = 3600001; break;
	case 15: config->reserved = 1; break;
	default: memset(config, 0xff, sizeof(*config)); break;
	}
}

static void
test_config_nonsense_is_refused_by_enable_and_named(void **state)
{
	static const char *const named[] = {
		"size", "size", "sigbus", "fill", "fill", "liveness_ms", "driver_fill",
		"deadline_ms", "uevent_buffer_kb", "uevent_buffer_kb", "uio_mmap", "driver_fill",
		"drill", "drill_after_ms", "drill_for_ms", "reserved", "size",
	};
	struct hotplug_config config;
	unsigned int i;

	(void)state;
	for (i = 0; i < N_ELEMENTS(named); i++) {
		hotplug_config_init(&config);
		spoil(&config, i);
		fake_log_clear();
		assert_int_equal(hotplug_enable(&config), -EINVAL);
		if (!fake_log_has("ERR: configuration: ") || !fake_log_has(named[i]))
			fail_msg("field %u is not named: %s", i, fake_log());
	}
	assert_int_equal(hotplug_disable(), -EALREADY);
}

/* An application's struct, and what lies behind it. */
union shell {
	struct hotplug_config config;
	uint8_t byte[sizeof(struct hotplug_config) + 64];
};

/* As if hotplug.h had once ended before flaps. */
#define OLD_SIZE offsetof(struct hotplug_config, flaps)
#define OUTSIDE 0xee

static void
check_outside(const union shell *shell, size_t size)
{
	size_t i;

	for (i = size; i < sizeof(*shell); i++)
		if (shell->byte[i] != OUTSIDE)
			fail_msg("byte %zu of %zu was written", i, size);
}

static void
test_config_an_older_struct_is_written_no_further(void **state)
{
	union shell shell;
	char error[256];
	size_t size;

	(void)state;
	for (size = 0; size < sizeof(size); size++) {
		memset(&shell, OUTSIDE, sizeof(shell));
		hotplug_config_defaults(&shell.config, size);
		check_outside(&shell, 0);
	}
	for (; size <= sizeof(shell.config); size++) {
		memset(&shell, OUTSIDE, sizeof(shell));
		hotplug_config_defaults(&shell.config, size);
		assert_int_equal(shell.config.size, size);
		check_outside(&shell, size);
	}
	hotplug_config_defaults(&shell.config, OLD_SIZE);
	memset(&shell.byte[OLD_SIZE], OUTSIDE, sizeof(shell) - OLD_SIZE);
	assert_int_equal(hotplug_config_parse(&shell.config, "drill_for_ms=7,stuck_ms=8", error,
					      sizeof(error)), 0);
	assert_int_equal(shell.config.drill_for_ms, 7);
	assert_int_equal(shell.config.stuck_ms, 8);
	assert_int_equal(shell.config.size, OLD_SIZE);
	check_outside(&shell, OLD_SIZE);
}

/* It must not get lost. */
static void
test_config_an_option_that_an_older_struct_lacks_is_refused(void **state)
{
	union shell shell, before;
	char error[256];

	(void)state;
	memset(&shell, OUTSIDE, sizeof(shell));
	hotplug_config_defaults(&shell.config, OLD_SIZE);
	before = shell;
	assert_int_equal(hotplug_config_parse(&shell.config, "drill_for_ms=7,flaps=3", error,
					      sizeof(error)), -E2BIG);
	assert_non_null(strstr(error, "'flaps=3': the application was compiled with an older"));
	assert_memory_equal(&shell, &before, sizeof(shell));
	assert_int_equal(hotplug_config_parse(&shell.config, "flaps=10", NULL, 0), 0);
}

static void
test_config_what_an_older_struct_lacks_has_its_default(void **state)
{
	union shell shell;

	(void)state;
	memset(&shell, OUTSIDE, sizeof(shell));         /* flaps were more than 32 */
	hotplug_config_defaults(&shell.config, OLD_SIZE);
	shell.config.drill_for_ms = 7;
	assert_int_equal(hotplug_enable(&shell.config), 0);
	assert_int_equal(enable_config()->drill_for_ms, 7);
	assert_int_equal(enable_config()->flaps, 10);
	assert_int_equal(enable_config()->reserved, 0);
	assert_int_equal(enable_config()->size, sizeof(struct hotplug_config));
	assert_int_equal(hotplug_disable(), 0);
	check_outside(&shell, OLD_SIZE);
}

static void
test_config_a_newer_struct_is_filled_and_refused(void **state)
{
	const size_t size = sizeof(struct hotplug_config) + 8;
	union shell shell;
	char error[256];

	(void)state;
	memset(&shell, OUTSIDE, sizeof(shell));
	hotplug_config_defaults(&shell.config, size);
	check_outside(&shell, size);
	assert_int_equal(shell.config.size, size);
	assert_int_equal(shell.config.liveness_ms, 1000);
	assert_int_equal(shell.byte[size - 1], 0);
	fake_log_clear();
	assert_int_equal(hotplug_enable(&shell.config), -EINVAL);
	assert_true(fake_log_has("ERR: configuration: size is larger than this library's"));
	assert_int_equal(hotplug_config_parse(&shell.config, "flaps=3", error, sizeof(error)),
			 -EINVAL);
	assert_non_null(strstr(error, "size is larger than this library's"));
	assert_int_equal(shell.config.flaps, 10);
	assert_int_equal(hotplug_config_parse(&shell.config, "flaps=3", NULL, 0), -EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_config_defaults_are_the_documented_ones),
		cmocka_unit_test(test_config_good_options_are_taken),
		cmocka_unit_test(test_config_ends_of_the_range_are_in_it),
		cmocka_unit_test(test_config_nothing_changes_nothing),
		cmocka_unit_test(test_config_policy_of_a_device_and_of_a_driver),
		cmocka_unit_test(test_config_bad_options_are_named_and_change_nothing),
		cmocka_unit_test(test_config_what_is_wrong_says_what_is_right),
		cmocka_unit_test(test_config_history_is_a_path),
		cmocka_unit_test(test_config_endless_names_are_refused),
		cmocka_unit_test(test_config_sixteen_drivers_fit_and_no_more),
		cmocka_unit_test(test_config_nonsense_is_refused_by_enable_and_named),
		cmocka_unit_test(test_config_an_older_struct_is_written_no_further),
		cmocka_unit_test(test_config_an_option_that_an_older_struct_lacks_is_refused),
		cmocka_unit_test(test_config_what_an_older_struct_lacks_has_its_default),
		cmocka_unit_test(test_config_a_newer_struct_is_filled_and_refused),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
