/* SPDX-License-Identifier: BSD-3-Clause */

/* test_monitor: uevents that are lost, bad, late, false or missing altogether.
 * In:  scripted uevents about simulated cards.  Out: events, each once.
 * Context: app; uevents are read on watch. */

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
enable(void)
{
	struct hotplug_config config;

	fake_log_clear();
	heard_init(&heard);
	hotplug_config_init(&config);
	config.liveness_ms = 0; /* no look but for cause */
	return sim_enable(&config) != 0 || hotplug_event_subscribe(NULL, heard_fn, &heard) < 0;
}

static int
start(void **state)
{
	(void)state;
	script_reset();
	return enable();
}

static int
stop(void **state)
{
	(void)state;
	sim_disable();
	return 0;
}

/* A card that is attached before anything happens. */
static void
attach(const char *name)
{
	sim_put(name, SIM_USER, NULL);
	hotplug_scan();
	heard_wait(&heard, HOTPLUG_EVENT_READY, 0);
	assert_int_equal(sim_attach(name), 0);
}

static bool
has_monitor(void)
{
	struct hotplug_stats stats = { .size = sizeof(stats) };

	assert_int_equal(hotplug_stats_get(&stats), 0);
	return stats.has_monitor;
}

static void
remove_loudly(const char *name)
{
	sim_drive(name, "");
	script_uevent("unbind", name, NULL);
	sim_take(name);
	script_uevent("remove", name, NULL);
}

static void
put_loudly(const char *name)
{
	sim_put(name, "", NULL);
	script_uevent("add", name, NULL);
	sim_drive(name, SIM_USER);
	script_uevent("bind", name, SIM_USER);
}

static void
test_monitor_tells_of_a_removal_and_a_return_once_each(void **state)
{
	struct hotplug_event event;

	(void)state;
	attach("sim0");
	remove_loudly("sim0");
	event = heard_wait(&heard, HOTPLUG_EVENT_GONE, 0);
	assert_int_equal(event.cause, HOTPLUG_CAUSE_REMOVED);
	assert_int_equal(event.sign, HOTPLUG_SIGN_UEVENT);
	assert_int_equal(sim_detach("sim0"), 0);
	put_loudly("sim0");
	heard_wait(&heard, HOTPLUG_EVENT_READY, 1);
	assert_true(WAIT_FOR(script_is_read()));
	assert_int_equal(heard_total(&heard), 3);
}

/* An error's recovery: what has become of the card is looked at, now and not at a tick. */
static void
test_monitor_change_is_worth_a_look(void **state)
{
	struct hotplug_event event;
	unsigned int n;

	(void)state;
	attach("sim0");
	n = sim_n_looks("sim0");
	script_uevent("change", "sim0", NULL);
	assert_true(WAIT_FOR(sim_n_looks("sim0") > n));
	assert_int_equal(hotplug_device_state("sim0"), HOTPLUG_STATE_ATTACHED);
	sim_look("sim0", HOTPLUG_LOOK_RESET);
	script_uevent("change", "sim0", NULL);
	event = heard_wait(&heard, HOTPLUG_EVENT_GONE, 0);
	assert_int_equal(event.cause, HOTPLUG_CAUSE_RESET);
	sim_look("sim0", -1);
	script_uevent("change", "sim9", NULL);  /* nobody's: a card that is not there */
	assert_true(WAIT_FOR(script_is_read()));
	assert_int_equal(hotplug_device_state("sim9"), HOTPLUG_STATE_ABSENT);
}

/* The kernel says that some were lost: whatever they said shows in a scan. */
static void
test_monitor_loss_is_made_up_for(void **state)
{
	struct hotplug_stats stats = { .size = sizeof(stats) };

	(void)state;
	attach("sim0");
	sim_take("sim0");
	sim_put("sim1", SIM_USER, NULL);
	script_error(-ENOBUFS);
	heard_wait(&heard, HOTPLUG_EVENT_GONE, 0);
	heard_wait(&heard, HOTPLUG_EVENT_READY, 1);
	assert_true(has_monitor());
	hotplug_stats_get(&stats);
	assert_int_equal(stats.uevent_losses, 1);
	remove_loudly("sim1");
	assert_true(WAIT_FOR(hotplug_device_state("sim1") == HOTPLUG_STATE_ABSENT));
}

/* A message that is no uevent (cut short, too long, somebody else's) is one lost
 * message, not the end of all. */
static void
test_monitor_survives_bad_messages(void **state)
{
	unsigned int i;

	(void)state;
	attach("sim0");
	for (i = 0; i < 200; i++) {
		script_error(i % 2 ? -EINVAL : -EBADMSG);
		script_uevent("change", "sim0", NULL);
	}
	assert_true(WAIT_FOR(script_is_read()));
	assert_int_equal(fake_log_count("WARN: uevents were lost"), 1);
	remove_loudly("sim0");
	assert_int_equal(heard_wait(&heard, HOTPLUG_EVENT_GONE, 0).sign, HOTPLUG_SIGN_UEVENT);
	assert_true(has_monitor());
}

/* Nothing but errors: its descriptor is dead.  Timers take over. */
static void
test_monitor_that_breaks_is_replaced_by_a_timer(void **state)
{
	unsigned int i;

	(void)state;
	attach("sim0");
	script_hold();
	for (i = 0; i < 128; i++)
		script_error(-EBADF);
	script_let_go();
	assert_true(WAIT_FOR(!has_monitor()));
	assert_int_equal(fake_log_count("no uevents any more"), 1);
	sim_take("sim0");
	heard_wait(&heard, HOTPLUG_EVENT_GONE, 0);
	assert_int_equal(heard_count(&heard, HOTPLUG_EVENT_GONE), 1);
}

static void
assert_found_by_timer(void)
{
	assert_int_equal(fake_log_count("no uevents"), 1);
	assert_false(has_monitor());
	attach("sim0");
	sim_take("sim0");
	sim_put("sim1", SIM_USER, NULL);
	assert_string_equal(heard_wait(&heard, HOTPLUG_EVENT_GONE, 0).device, "sim0");
	assert_string_equal(heard_wait(&heard, HOTPLUG_EVENT_READY, 1).device, "sim1");
}

static void
test_monitor_that_cannot_be_opened_is_replaced_by_a_timer(void **state)
{
	(void)state;
	script_reset();
	script_no_monitor();
	assert_int_equal(enable(), 0);
	assert_found_by_timer();
}

/* It opens, but the kernel sends nothing here. */
static void
test_monitor_that_hears_nothing_is_replaced_by_a_timer(void **state)
{
	(void)state;
	script_reset();
	script_obstacle("nobody sends any here");
	assert_int_equal(enable(), 0);
	assert_true(fake_log_has("nobody sends any here"));
	assert_found_by_timer();
}

/* Somebody writes to a uevent file: sysfs knows better. */
static void
test_monitor_synthetic_events_remove_nothing(void **state)
{
	static const char *const actions[] = { "remove", "unbind", "bind", "add" };
	unsigned int i;

	(void)state;
	attach("sim0");
	for (i = 0; i < N_ELEMENTS(actions); i++)
		script_synthetic(actions[i], "sim0");
	assert_true(WAIT_FOR(script_is_read()));
	assert_int_equal(hotplug_device_state("sim0"), HOTPLUG_STATE_ATTACHED);
	assert_int_equal(heard_total(&heard), 1);
}

static void
test_monitor_synthetic_removal_is_believed_when_it_is_true(void **state)
{
	(void)state;
	attach("sim0");
	sim_take("sim0");
	script_synthetic("remove", "sim0");
	assert_int_equal(heard_wait(&heard, HOTPLUG_EVENT_GONE, 0).cause,
			 HOTPLUG_CAUSE_REMOVED);
}

/* A backlog: by the time it is read the device has been lost, found again by a
 * scan, and attached anew.  It speaks of what is over. */
static void
test_monitor_old_news_do_not_remove_what_came_after(void **state)
{
	(void)state;
	attach("sim0");
	script_hold();
	remove_loudly("sim0");
	put_loudly("sim0");
	hotplug_scan();
	heard_wait(&heard, HOTPLUG_EVENT_GONE, 0);
	heard_wait(&heard, HOTPLUG_EVENT_READY, 1);
	assert_int_equal(sim_detach("sim0"), 0);
	assert_int_equal(sim_attach("sim0"), 0);
	script_let_go();
	assert_true(WAIT_FOR(script_is_read()));
	test_sleep_ms(20);
	assert_int_equal(hotplug_device_state("sim0"), HOTPLUG_STATE_ATTACHED);
	assert_int_equal(heard_total(&heard), 3);
}

/* The same, not attached anew: READY was said. */
static void
test_monitor_old_news_do_not_announce_twice(void **state)
{
	(void)state;
	attach("sim0");
	script_hold();
	remove_loudly("sim0");
	put_loudly("sim0");
	hotplug_scan();
	heard_wait(&heard, HOTPLUG_EVENT_READY, 1);
	assert_int_equal(sim_detach("sim0"), 0);
	script_let_go();
	assert_true(WAIT_FOR(script_is_read()));
	test_sleep_ms(20);
	assert_int_equal(heard_total(&heard), 3);
}

/* The kernel says `remove` a moment before its folder is gone. */
static void
test_monitor_looks_again_after_an_early_remove(void **state)
{
	(void)state;
	sim_put("sim0", SIM_USER, NULL);
	hotplug_scan();
	script_uevent("remove", "sim0", NULL);
	assert_true(WAIT_FOR(script_is_read()));
	assert_int_equal(hotplug_device_state("sim0"), HOTPLUG_STATE_READY);
	sim_take("sim0");
	assert_true(WAIT_FOR(hotplug_device_state("sim0") == HOTPLUG_STATE_ABSENT));
}

/* What is bound anew to the same driver is another binding. */
static void
test_monitor_sees_the_same_driver_bound_again(void **state)
{
	(void)state;
	sim_put("sim0", SIM_USER, NULL);
	hotplug_scan();
	script_uevent("unbind", "sim0", NULL);
	script_uevent("bind", "sim0", SIM_USER);
	heard_wait(&heard, HOTPLUG_EVENT_READY, 1);
	assert_true(WAIT_FOR(script_is_read()));
	assert_int_equal(heard_total(&heard), 2);
}

/* A network interface is announced before anybody finds it by its name. */
static void
test_monitor_announces_what_cannot_be_seen_yet(void **state)
{
	(void)state;
	script_uevent("bind", "sim0", SIM_USER);
	assert_true(WAIT_FOR(script_is_read()));
	test_sleep_ms(60);              /* looked for, several times */
	assert_int_equal(hotplug_device_state("sim0"), HOTPLUG_STATE_ABSENT);
	sim_put("sim0", SIM_USER, NULL);
	assert_string_equal(heard_wait(&heard, HOTPLUG_EVENT_READY, 0).device, "sim0");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_monitor_tells_of_a_removal_and_a_return_once_each, start, stop),
		cmocka_unit_test_setup_teardown(test_monitor_change_is_worth_a_look, start, stop),
		cmocka_unit_test_setup_teardown(test_monitor_loss_is_made_up_for, start, stop),
		cmocka_unit_test_setup_teardown(
			test_monitor_announces_what_cannot_be_seen_yet, start, stop),
		cmocka_unit_test_setup_teardown(test_monitor_survives_bad_messages, start, stop),
		cmocka_unit_test_setup_teardown(
			test_monitor_that_breaks_is_replaced_by_a_timer, start, stop),
		cmocka_unit_test_teardown(
			test_monitor_that_cannot_be_opened_is_replaced_by_a_timer, stop),
		cmocka_unit_test_teardown(
			test_monitor_that_hears_nothing_is_replaced_by_a_timer, stop),
		cmocka_unit_test_setup_teardown(
			test_monitor_synthetic_events_remove_nothing, start, stop),
		cmocka_unit_test_setup_teardown(
			test_monitor_synthetic_removal_is_believed_when_it_is_true, start, stop),
		cmocka_unit_test_setup_teardown(
			test_monitor_old_news_do_not_remove_what_came_after, start, stop),
		cmocka_unit_test_setup_teardown(
			test_monitor_old_news_do_not_announce_twice, start, stop),
		cmocka_unit_test_setup_teardown(
			test_monitor_looks_again_after_an_early_remove, start, stop),
		cmocka_unit_test_setup_teardown(
			test_monitor_sees_the_same_driver_bound_again, start, stop),
	};

	return cmocka_run_group_tests_name("monitor", tests, NULL, NULL);
}
