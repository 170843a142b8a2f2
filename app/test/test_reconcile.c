/* SPDX-License-Identifier: BSD-3-Clause */

/* test_reconcile: hotplug_scan() finds what no uevent told, and says it once.
 * In:  a simulated bus that changes without a word.  Out: events and counts.
 * Context: app; scans run on watch. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fake_host.h"
#include "script.h"
#include "sim_bus.h"
#include "test.h"
#include "toy_bus.h"

static struct heard heard;

static int
start(void **state)
{
	struct hotplug_config config;

	(void)state;
	script_reset();
	fake_log_clear();
	heard_init(&heard);
	hotplug_config_init(&config);
	config.liveness_ms = 0; /* only scans look */
	return sim_enable(&config) != 0 || hotplug_event_subscribe(NULL, heard_fn, &heard) < 0;
}

static int
stop(void **state)
{
	(void)state;
	sim_disable();
	return 0;
}

/* The events so far are these, and no more. */
static void
assert_heard(unsigned int n_gone, unsigned int n_ready)
{
	if (n_gone > 0)
		heard_wait(&heard, HOTPLUG_EVENT_GONE, n_gone - 1);
	if (n_ready > 0)
		heard_wait(&heard, HOTPLUG_EVENT_READY, n_ready - 1);
	test_sleep_ms(20);
	assert_int_equal(heard_count(&heard, HOTPLUG_EVENT_GONE), n_gone);
	assert_int_equal(heard_count(&heard, HOTPLUG_EVENT_READY), n_ready);
	assert_int_equal(heard_total(&heard), n_gone + n_ready);
}

static void
test_scan_finds_nothing_where_nothing_changed(void **state)
{
	(void)state;
	sim_put("sim0", SIM_USER, NULL);
	sim_put("sim1", "", NULL);
	hotplug_scan();
	heard_wait(&heard, HOTPLUG_EVENT_READY, 0);
	assert_int_equal(sim_attach("sim0"), 0);
	assert_int_equal(hotplug_scan(), 0);
	assert_int_equal(hotplug_scan(), 0);
	assert_heard(0, 1);
}

static void
test_scan_tells_of_a_new_device_only_when_it_can_be_used(void **state)
{
	struct hotplug_event event;

	(void)state;
	sim_put("sim2", SIM_USER, NULL);
	sim_put("sim3", "", NULL);
	sim_put("sim4", "e1000e", NULL);
	assert_int_equal(hotplug_scan(), 3);
	event = heard_wait(&heard, HOTPLUG_EVENT_READY, 0);
	assert_string_equal(event.device, "sim2");
	assert_string_equal(event.kernel_driver, SIM_USER);
	assert_int_equal(event.card, HOTPLUG_CARD_NEW);
	assert_int_equal(hotplug_device_state("sim2"), HOTPLUG_STATE_READY);
	assert_int_equal(hotplug_device_state("sim3"), HOTPLUG_STATE_PRESENT);
	assert_int_equal(hotplug_device_state("sim4"), HOTPLUG_STATE_PRESENT);
	assert_heard(0, 1);
}

static void
test_scan_finds_an_attached_device_gone(void **state)
{
	struct hotplug_event event;

	(void)state;
	sim_put("sim0", SIM_USER, NULL);
	sim_put("sim1", SIM_USER, NULL);
	assert_int_equal(hotplug_scan(), 2);
	assert_int_equal(sim_attach("sim0"), 0);
	sim_take("sim0");
	sim_take("sim1");
	assert_int_equal(hotplug_scan(), 2);
	event = heard_wait(&heard, HOTPLUG_EVENT_GONE, 0);
	assert_string_equal(event.device, "sim0");
	assert_int_equal(event.cause, HOTPLUG_CAUSE_REMOVED);
	assert_int_equal(hotplug_device_state("sim1"), HOTPLUG_STATE_ABSENT);
	assert_int_equal(hotplug_scan(), 0);
	assert_heard(1, 2);
}

/* Removed and back before anybody looked: GONE first, then READY. */
static void
test_scan_takes_a_swap_apart(void **state)
{
	(void)state;
	sim_put("sim0", SIM_USER, NULL);
	hotplug_scan();
	assert_int_equal(sim_attach("sim0"), 0);
	sim_put("sim0", SIM_USER, NULL);
	assert_int_equal(hotplug_scan(), 1);
	assert_heard(1, 2);
	assert_int_equal(heard.event[1].type, HOTPLUG_EVENT_GONE);
	assert_int_equal(heard.event[1].cause, HOTPLUG_CAUSE_REMOVED);
	assert_int_equal(heard.event[2].type, HOTPLUG_EVENT_READY);
	assert_int_equal(hotplug_device_state("sim0"), HOTPLUG_STATE_GONE);
	assert_int_equal(sim_detach("sim0"), 0);
	assert_int_equal(hotplug_device_state("sim0"), HOTPLUG_STATE_READY);
	assert_int_equal(sim_attach("sim0"), 0);
	assert_int_equal(hotplug_scan(), 0);
	assert_heard(1, 2);
}

static void
drive_and_scan(const char *driver, enum hotplug_state wanted)
{
	sim_drive("sim0", driver);
	assert_int_equal(hotplug_scan(), 1);
	assert_int_equal(hotplug_device_state("sim0"), wanted);
}

static void
test_scan_follows_the_driver(void **state)
{
	(void)state;
	sim_put("sim0", SIM_USER, NULL);
	hotplug_scan();
	drive_and_scan("", HOTPLUG_STATE_PRESENT);
	drive_and_scan("e1000e", HOTPLUG_STATE_PRESENT);
	drive_and_scan(SIM_USER, HOTPLUG_STATE_READY);
	assert_heard(0, 2);
}

/* While attached: lost to another driver; usable again when it has its own. */
static void
test_scan_finds_an_attached_device_taken_by_another_driver(void **state)
{
	struct hotplug_event event;

	(void)state;
	sim_put("sim0", SIM_USER, NULL);
	hotplug_scan();
	assert_int_equal(sim_attach("sim0"), 0);
	sim_drive("sim0", "e1000e");
	assert_int_equal(hotplug_scan(), 1);
	event = heard_wait(&heard, HOTPLUG_EVENT_GONE, 0);
	assert_int_equal(event.cause, HOTPLUG_CAUSE_UNBOUND);
	assert_string_equal(event.kernel_driver, SIM_USER);
	assert_true(WAIT_FOR(hotplug_scan() == 0));
	assert_int_equal(sim_detach("sim0"), 0);
	assert_int_equal(hotplug_device_state("sim0"), HOTPLUG_STATE_PRESENT);
	drive_and_scan(SIM_USER, HOTPLUG_STATE_READY);
	assert_heard(1, 2);
}

static void
take_third(unsigned int index)
{
	if (index == 2)
		sim_take("sim2");
}

/* Listed, and gone when its turn comes. */
static void
test_scan_goes_on_when_a_device_vanishes_under_it(void **state)
{
	char name[16];
	unsigned int i;

	(void)state;
	for (i = 0; i < 5; i++) {
		snprintf(name, sizeof(name), "sim%u", i);
		sim_put(name, SIM_USER, NULL);
	}
	hotplug_scan();
	assert_int_equal(sim_attach("sim2"), 0);
	sim_take("sim4");
	sim_put("sim5", SIM_USER, NULL);
	sim_on_enumerate(take_third);
	assert_int_equal(hotplug_scan(), 3);
	sim_on_enumerate(NULL);
	assert_heard(1, 6);
	assert_int_equal(hotplug_device_state("sim4"), HOTPLUG_STATE_ABSENT);
	assert_int_equal(hotplug_scan(), 0);
}

/* A list that cannot be had is not an empty one. */
static void
test_scan_that_cannot_list_loses_nobody(void **state)
{
	(void)state;
	sim_put("sim0", SIM_USER, NULL);
	sim_put("sim1", SIM_USER, NULL);
	hotplug_scan();
	assert_int_equal(sim_attach("sim0"), 0);
	sim_enumerate_fails(-EMFILE);
	assert_int_equal(hotplug_scan(), 0);
	assert_int_equal(hotplug_scan(), 0);
	assert_int_equal(fake_log_count("cannot list its devices"), 1); /* it may last */
	assert_int_equal(hotplug_device_state("sim0"), HOTPLUG_STATE_ATTACHED);
	assert_int_equal(hotplug_device_state("sim1"), HOTPLUG_STATE_READY);
	assert_heard(0, 2);
}

static void
test_scan_needs_the_library_enabled(void **state)
{
	(void)state;
	assert_int_equal(hotplug_scan(), -EPERM);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_scan_finds_nothing_where_nothing_changed, start, stop),
		cmocka_unit_test_setup_teardown(
			test_scan_tells_of_a_new_device_only_when_it_can_be_used, start, stop),
		cmocka_unit_test_setup_teardown(
			test_scan_finds_an_attached_device_gone, start, stop),
		cmocka_unit_test_setup_teardown(test_scan_takes_a_swap_apart, start, stop),
		cmocka_unit_test_setup_teardown(test_scan_follows_the_driver, start, stop),
		cmocka_unit_test_setup_teardown(
			test_scan_finds_an_attached_device_taken_by_another_driver, start, stop),
		cmocka_unit_test_setup_teardown(
			test_scan_goes_on_when_a_device_vanishes_under_it, start, stop),
		cmocka_unit_test_setup_teardown(
			test_scan_that_cannot_list_loses_nobody, start, stop),
		cmocka_unit_test(test_scan_needs_the_library_enabled),
	};

	return cmocka_run_group_tests_name("reconcile", tests, NULL, NULL);
}
