/* SPDX-License-Identifier: BSD-3-Clause */

/* test_request: what is asked for or suspected is resolved, and said once.
 * In:  simulated cards and a clock that jumps.  Out: REQUESTED, HELD, GONE.
 * Context: app. */

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
	config.deadline_ms = 5000;
	return sim_enable(&config) != 0 || hotplug_event_subscribe(NULL, heard_fn, &heard) < 0;
}

static int
stop(void **state)
{
	(void)state;
	sim_disable();
	return 0;
}

/* Time passes, and watch has been awake since. */
static void
pass_ms(unsigned int ms)
{
	script_skip_ms(ms);
	assert_true(hotplug_scan() >= 0);
	assert_true(hotplug_scan() >= 0);
}

static void
attach(const char *name, const struct hotplug_identity *id)
{
	sim_put(name, SIM_USER, id);
	hotplug_scan();
	assert_int_equal(sim_attach(name), 0);
}

/* EAL's monitor takes a `remove` that somebody wrote for a removal. */
static void
test_suspect_is_nobody_for_eal_s_word_alone(void **state)
{
	(void)state;
	attach("eal0", NULL);
	assert_int_equal(sim_request("eal0"), 0);
	assert_int_equal(hotplug_device_state("eal0"), HOTPLUG_STATE_ATTACHED);
	pass_ms(3000);
	assert_int_equal(hotplug_device_state("eal0"), HOTPLUG_STATE_ATTACHED);
	assert_int_equal(heard_count(&heard, HOTPLUG_EVENT_RESTORED), 0);
	sim_drive("eal0", "");
	assert_int_equal(sim_request("eal0"), 0);
	assert_int_equal(heard_wait(&heard, HOTPLUG_EVENT_GONE, 0).sign, HOTPLUG_SIGN_EAL);
}

static uint64_t
real_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ull + ts.tv_nsec / 1000000;
}

/* EAL calls its own subscribers when our handler returns: ours were told, or it has waited
 * for them as long as it may (50 ms); so long only a busy machine takes, and not each time. */
static void
test_request_of_eal_returns_when_ours_were_told(void **state)
{
	char name[] = "eal1";
	unsigned int n = 0;
	uint64_t start;
	bool is_told;

	(void)state;
	do {
		attach(name, NULL);
		sim_take(name);
		start = real_ms();
		assert_int_equal(sim_request(name), 0);
		is_told = heard_count(&heard, HOTPLUG_EVENT_GONE) == n + 1;
		assert_true(is_told || real_ms() - start >= 50);
		assert_int_equal(heard_wait(&heard, HOTPLUG_EVENT_GONE, n++).type,
				 HOTPLUG_EVENT_GONE);
		name[3]++;
	} while (!is_told && name[3] <= '9');
	assert_true(is_told);
}

/* It lives, but its registers cannot be had again: lost within 2 s, said once. */
static void
test_suspect_that_cannot_be_mapped_again_is_lost(void **state)
{
	struct hotplug_device_info info;
	struct hotplug_event event;
	struct toy toy;

	(void)state;
	assert_int_equal(hotplug_bus_register(&toy_bus), 0);
	toy_make(&toy, "toy0", 2, test_page());
	toy_info(&toy, &info);
	info.region[1].restore_fd = -1; /* and its file has no name */
	assert_int_equal(hotplug_device_publish(&toy_bus, &info), 0);
	assert_int_equal(toy_report(&toy), 0);
	event = heard_wait(&heard, HOTPLUG_EVENT_GONE, 0);
	assert_int_equal(event.cause, HOTPLUG_CAUSE_FAULT);
	assert_uint_in_range((event.event_ns - event.sign_ns) / 1000000, 1000, 10000);
	assert_int_equal(fake_log_count("cannot be mapped again"), 1);
	assert_true(toy_reads_all(toy.bar[0], test_page(), 0xff));
	toy_destroy(&toy);
	assert_int_equal(hotplug_bus_unregister(&toy_bus), 0);
}

/* The application lets it go while nobody knows yet: no look is owed any more. */
static void
test_suspect_that_is_detached_leaves_the_watcher_idle(void **state)
{
	unsigned int n;

	(void)state;
	attach("susp0", NULL);
	sim_drive("susp0", "");
	assert_int_equal(sim_request("susp0"), 0);
	assert_true(WAIT_FOR(hotplug_device_state("susp0") == HOTPLUG_STATE_SUSPECT));
	assert_int_equal(sim_detach("susp0"), 0);
	n = sim_n_looks("susp0");
	test_sleep_ms(200);
	assert_uint_in_range(sim_n_looks("susp0") - n, 0, 20);
}

/* The kernel repeats its request every 10 s. */
static void
test_request_is_told_once_and_held_after_the_deadline(void **state)
{
	struct hotplug_event event;

	(void)state;
	sim_put("vfio0", SIM_USER, NULL);
	hotplug_scan();
	assert_int_equal(sim_attach_vfio("vfio0"), 0);
	assert_int_equal(sim_request("vfio0"), 0);
	event = heard_wait(&heard, HOTPLUG_EVENT_REQUESTED, 0);
	assert_int_equal(event.cause, HOTPLUG_CAUSE_REQUESTED);
	assert_int_equal(event.sign, HOTPLUG_SIGN_VFIO);
	assert_int_equal(event.cut_ns, 0);
	pass_ms(4000);
	assert_int_equal(sim_request("vfio0"), 0);
	pass_ms(0);
	assert_int_equal(heard_count(&heard, HOTPLUG_EVENT_HELD), 0);
	pass_ms(1100);
	event = heard_wait(&heard, HOTPLUG_EVENT_HELD, 0);
	assert_true(event.event_ns - event.sign_ns >= 5000 * 1000000ull);
	assert_int_equal(sim_request("vfio0"), 0);
	pass_ms(10000);
	assert_int_equal(heard_total(&heard), 3);   /* READY, REQUESTED, HELD */
	assert_int_equal(hotplug_device_state("vfio0"), HOTPLUG_STATE_ATTACHED);
}

/* While the kernel waits its driver's link is gone already; the device works, and
 * stays as it is however often it is looked at. */
static void
test_request_leaves_the_device_alone_while_it_is_held(void **state)
{
	(void)state;
	sim_put("vfio2", SIM_USER, NULL);
	hotplug_scan();
	assert_int_equal(sim_attach_vfio("vfio2"), 0);
	sim_drive("vfio2", "");
	assert_int_equal(sim_request("vfio2"), 0);
	assert_int_equal(heard_wait(&heard, HOTPLUG_EVENT_REQUESTED, 0).sign, HOTPLUG_SIGN_VFIO);
	pass_ms(3000);
	test_sleep_ms(300);
	assert_int_equal(hotplug_device_state("vfio2"), HOTPLUG_STATE_ATTACHED);
	assert_int_equal(heard_count(&heard, HOTPLUG_EVENT_GONE), 0);
	assert_int_equal(heard_count(&heard, HOTPLUG_EVENT_REQUESTED), 1);
}

/* A process that the kernel does not ask (a secondary's) sees it all the same. */
static void
test_request_shows_by_the_missing_driver(void **state)
{
	struct hotplug_event event;

	(void)state;
	sim_put("vfio3", SIM_USER, NULL);
	hotplug_scan();
	assert_int_equal(sim_attach_vfio("vfio3"), 0);
	sim_drive("vfio3", "");
	event = heard_wait(&heard, HOTPLUG_EVENT_REQUESTED, 0);
	assert_int_equal(event.sign, HOTPLUG_SIGN_LIVENESS);
	pass_ms(3000);
	test_sleep_ms(300);
	assert_int_equal(hotplug_device_state("vfio3"), HOTPLUG_STATE_ATTACHED);
	assert_int_equal(heard_count(&heard, HOTPLUG_EVENT_REQUESTED), 1);
	assert_int_equal(heard_count(&heard, HOTPLUG_EVENT_GONE), 0);
}

static void
test_request_that_is_met_is_over(void **state)
{
	(void)state;
	sim_put("vfio1", SIM_USER, NULL);
	hotplug_scan();
	assert_int_equal(sim_attach_vfio("vfio1"), 0);
	assert_int_equal(sim_request("vfio1"), 0);
	heard_wait(&heard, HOTPLUG_EVENT_REQUESTED, 0);
	assert_int_equal(sim_detach("vfio1"), 0);
	sim_take("vfio1");
	pass_ms(6000);
	assert_int_equal(heard_total(&heard), 2);
	assert_int_equal(hotplug_device_state("vfio1"), HOTPLUG_STATE_ABSENT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_suspect_is_nobody_for_eal_s_word_alone, start, stop),
		cmocka_unit_test_setup_teardown(
			test_request_of_eal_returns_when_ours_were_told, start, stop),
		cmocka_unit_test_setup_teardown(
			test_suspect_that_cannot_be_mapped_again_is_lost, start, stop),
		cmocka_unit_test_setup_teardown(
			test_suspect_that_is_detached_leaves_the_watcher_idle, start, stop),
		cmocka_unit_test_setup_teardown(
			test_request_is_told_once_and_held_after_the_deadline, start, stop),
		cmocka_unit_test_setup_teardown(
			test_request_leaves_the_device_alone_while_it_is_held, start, stop),
		cmocka_unit_test_setup_teardown(
			test_request_shows_by_the_missing_driver, start, stop),
		cmocka_unit_test_setup_teardown(
			test_request_that_is_met_is_over, start, stop),
	};

	return cmocka_run_group_tests_name("request", tests, NULL, NULL);
}
