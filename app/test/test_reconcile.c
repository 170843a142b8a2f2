/* SPDX-License-Identifier: BSD-3-Clause */

/* test_reconcile: hotplug_scan() finds what no uevent told, and says it once.
 * In:  a simulated bus that changes without a word.  Out: events and counts.
 * Context: app; scans run on watch. */

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "fake_host.h"
#include "script.h"
#include "sim_bus.h"
#include "test.h"
#include "toy_bus.h"

#define N_DEVICES 8
#define N_CALLERS 4

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
	assert_true(fake_log_has("cannot list its devices"));
	assert_int_equal(hotplug_device_state("sim0"), HOTPLUG_STATE_ATTACHED);
	assert_int_equal(hotplug_device_state("sim1"), HOTPLUG_STATE_READY);
	assert_heard(0, 2);
}

static pthread_t other;
static bool has_asked;

static void *
ask(void *arg)
{
	(void)arg;
	hotplug_scan();
	return NULL;
}

static void
ask_meanwhile(unsigned int index)
{
	if (has_asked || index != 0)
		return;
	has_asked = true;
	assert_int_equal(pthread_create(&other, NULL, ask, NULL), 0);
	test_sleep_ms(2);
}

/* Who asks is told what its own scan found, not what the next one did. */
static void
test_scan_answers_each_with_its_own(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 100; i++) {
		sim_put("sim0", "", NULL);
		has_asked = false;
		sim_on_enumerate(ask_meanwhile);
		assert_int_equal(hotplug_scan(), 1);
		pthread_join(other, NULL);
	}
}

static _Atomic int inner_ret;

static void
scan_inside(const struct hotplug_event *event, void *arg)
{
	(void)arg;
	if (strcmp(event->device, "sim0") != 0)
		return;
	sim_put("inner0", SIM_USER, NULL);      /* not known, so not in the outer one */
	atomic_store(&inner_ret, hotplug_scan());
}

static void
test_scan_in_a_subscriber(void **state)
{
	(void)state;
	atomic_store(&inner_ret, -1);
	assert_true(hotplug_event_subscribe(NULL, scan_inside, NULL) > 0);
	sim_put("sim0", SIM_USER, NULL);
	assert_int_equal(hotplug_scan(), 1);
	assert_heard(0, 2);
	assert_int_equal(atomic_load(&inner_ret), 1);
}

static _Atomic bool is_over;

static void *
scan_on(void *arg)
{
	(void)arg;
	while (!atomic_load(&is_over))
		hotplug_scan();
	return NULL;
}

/* All at once, while scans run: each is reported once. */
static void
test_scan_while_eight_devices_are_lost(void **state)
{
	char name[N_DEVICES][16];
	pthread_t caller[N_CALLERS];
	unsigned int i, j, n;

	(void)state;
	for (i = 0; i < N_DEVICES; i++) {
		snprintf(name[i], sizeof(name[i]), "sim%u", i);
		sim_put(name[i], SIM_USER, NULL);
	}
	hotplug_scan();
	for (i = 0; i < N_DEVICES; i++)
		assert_int_equal(sim_attach(name[i]), 0);
	atomic_store(&is_over, false);
	for (i = 0; i < N_CALLERS; i++)
		pthread_create(&caller[i], NULL, scan_on, NULL);
	for (i = 0; i < N_DEVICES; i++)
		sim_take(name[i]);
	heard_wait(&heard, HOTPLUG_EVENT_GONE, N_DEVICES - 1);
	atomic_store(&is_over, true);
	for (i = 0; i < N_CALLERS; i++)
		pthread_join(caller[i], NULL);
	assert_heard(N_DEVICES, N_DEVICES);
	for (i = 0; i < N_DEVICES; i++) {
		for (j = N_DEVICES, n = 0; j < heard_total(&heard); j++)
			n += strcmp(heard.event[j].device, name[i]) == 0;
		assert_int_equal(n, 1);
	}
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
		cmocka_unit_test_setup_teardown(
			test_scan_answers_each_with_its_own, start, stop),
		cmocka_unit_test_setup_teardown(test_scan_in_a_subscriber, start, stop),
		cmocka_unit_test_setup_teardown(
			test_scan_while_eight_devices_are_lost, start, stop),
		cmocka_unit_test(test_scan_needs_the_library_enabled),
	};

	return cmocka_run_group_tests_name("reconcile", tests, NULL, NULL);
}
