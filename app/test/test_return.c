/* SPDX-License-Identifier: BSD-3-Clause */

/* test_return: which card came back, and how often.
 * In:  simulated cards and a clock that jumps.  Out: READY with the right card,
 *      FLAPPING once, zombies counted.
 * Context: app. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/device.h"
#include "script.h"
#include "sim_bus.h"
#include "test.h"
#include "toy_bus.h"

#define FLAPS 10                /* losses and returns within a minute */
#define QUIET_MS 10000

static struct heard heard;

static int
start(void **state)
{
	(void)state;
	script_reset();
	heard_init(&heard);
	return sim_enable(NULL) != 0 || hotplug_event_subscribe(NULL, heard_fn, &heard) < 0;
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

/* `before` is attached, and `after` sits there when anybody looks again. */
static enum hotplug_card
swap(struct hotplug_identity before, struct hotplug_identity after)
{
	static unsigned int n;
	char name[16];
	struct hotplug_event event;

	snprintf(name, sizeof(name), "swap%u", n++);
	attach(name, &before);
	sim_put(name, SIM_USER, &after);
	hotplug_scan();
	event = heard_wait(&heard, HOTPLUG_EVENT_READY, 2 * n - 1);
	assert_string_equal(event.device, name);
	assert_int_equal(event.id.serial, after.serial);
	assert_int_equal(event.id.vendor, after.vendor);
	return event.card;
}

static void
test_return_tells_the_card_by_ids_and_serial(void **state)
{
	const struct hotplug_identity card = {
		.vendor = 0x8086, .device = 0x10d3, .subsystem_vendor = 0x8086,
		.subsystem_device = 1, .serial = 77,
	};
	struct hotplug_identity plain = card, other = card;

	(void)state;
	plain.serial = 0;
	assert_int_equal(swap(card, card), HOTPLUG_CARD_SAME);
	assert_int_equal(swap(plain, plain), HOTPLUG_CARD_ALIKE);
	assert_int_equal(swap(card, plain), HOTPLUG_CARD_OTHER);
	assert_int_equal(swap(plain, card), HOTPLUG_CARD_OTHER);
	other.serial = 78;
	assert_int_equal(swap(card, other), HOTPLUG_CARD_OTHER);
	other = card;
	other.device++;
	assert_int_equal(swap(card, other), HOTPLUG_CARD_OTHER);
	other = card;
	other.subsystem_device++;
	assert_int_equal(swap(card, other), HOTPLUG_CARD_OTHER);
}

/* Faster than any look: GONE of the old one, then READY. */
static void
test_return_faster_than_the_watcher_is_a_loss_all_the_same(void **state)
{
	struct hotplug_event gone, ready;

	(void)state;
	attach("sim0", NULL);
	sim_take("sim0");
	sim_put("sim0", SIM_USER, NULL);
	gone = heard_wait(&heard, HOTPLUG_EVENT_GONE, 0);       /* by liveness */
	ready = heard_wait(&heard, HOTPLUG_EVENT_READY, 1);
	assert_int_equal(gone.cause, HOTPLUG_CAUSE_REMOVED);
	assert_true(gone.sequence < ready.sequence);
	assert_int_equal(ready.card, HOTPLUG_CARD_ALIKE);
	assert_true(gone.id.generation < ready.id.generation);
}

/* Its driver lets the old card go while the new one is asked who it is. */
static void
test_return_is_told_whatever_happens_while_it_is_asked(void **state)
{
	unsigned int n;

	(void)state;
	attach("sim9", NULL);
	sim_take("sim9");
	heard_wait(&heard, HOTPLUG_EVENT_GONE, 0);
	n = atomic_load(&sim_n_identified);
	pthread_mutex_lock(&sim_way_back);
	sim_put("sim9", SIM_USER, NULL);
	script_uevent("bind", "sim9", SIM_USER);
	assert_true(WAIT_FOR(atomic_load(&sim_n_identified) == n + 1));
	assert_int_equal(sim_detach("sim9"), 0);
	pthread_mutex_unlock(&sim_way_back);
	heard_wait(&heard, HOTPLUG_EVENT_READY, 1);
	pass_ms(0);
	assert_int_equal(heard_count(&heard, HOTPLUG_EVENT_READY), 2);
}

/* No descriptor is left just then: nothing else happens that would make anybody look. */
static void
test_return_is_told_when_the_card_can_be_asked_at_last(void **state)
{
	unsigned int n;

	(void)state;
	attach("sim10", NULL);
	sim_take("sim10");
	heard_wait(&heard, HOTPLUG_EVENT_GONE, 0);
	n = atomic_load(&sim_n_identified);
	atomic_store(&sim_identify_ret, -EMFILE);
	sim_put("sim10", SIM_USER, NULL);
	script_uevent("bind", "sim10", SIM_USER);
	assert_true(WAIT_FOR(atomic_load(&sim_n_identified) > n + 1));
	assert_int_equal(heard_count(&heard, HOTPLUG_EVENT_READY), 1);
	atomic_store(&sim_identify_ret, 0);
	heard_wait(&heard, HOTPLUG_EVENT_READY, 1);
}

/* It goes before it could be asked: that is no return. */
static void
test_return_is_not_told_of_a_card_that_goes_unasked(void **state)
{
	unsigned int n;

	(void)state;
	attach("sim11", NULL);
	sim_take("sim11");
	heard_wait(&heard, HOTPLUG_EVENT_GONE, 0);
	n = atomic_load(&sim_n_identified);
	atomic_store(&sim_identify_ret, -EIO);
	sim_put("sim11", SIM_USER, NULL);
	script_uevent("bind", "sim11", SIM_USER);
	assert_true(WAIT_FOR(atomic_load(&sim_n_identified) > n));
	sim_take("sim11");
	script_uevent("remove", "sim11", NULL);
	atomic_store(&sim_identify_ret, 0);
	pass_ms(2000);
	pass_ms(2000);
	assert_int_equal(heard_count(&heard, HOTPLUG_EVENT_READY), 1);
	assert_int_equal(sim_detach("sim11"), 0);
}

/* One loss and one return. */
static void
flap(const char *name)
{
	attach(name, NULL);
	sim_take(name);
	hotplug_scan();
	assert_int_equal(hotplug_device_state(name), HOTPLUG_STATE_GONE);
	assert_int_equal(sim_detach(name), 0);
}

static void
test_flapping_is_said_once_and_ready_no_more(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < FLAPS / 2; i++)
		flap("flap0");
	assert_string_equal(heard_wait(&heard, HOTPLUG_EVENT_FLAPPING, 0).device, "flap0");
	for (i = 0; i < FLAPS / 2; i++)
		flap("flap0");
	heard_wait(&heard, HOTPLUG_EVENT_GONE, FLAPS - 1);
	test_sleep_ms(20);
	assert_int_equal(heard_count(&heard, HOTPLUG_EVENT_FLAPPING), 1);
	assert_int_equal(heard_count(&heard, HOTPLUG_EVENT_READY), FLAPS / 2);
	assert_int_equal(heard_count(&heard, HOTPLUG_EVENT_GONE), FLAPS);
}

/* As the kernel brings it back: somebody has to bind it, when it has calmed down. */
static void
test_flapping_card_without_a_driver_is_not_forgotten(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < FLAPS / 2; i++)
		flap("flap8");
	assert_string_equal(heard_wait(&heard, HOTPLUG_EVENT_FLAPPING, 0).device, "flap8");
	sim_n_unbound = 0;
	sim_put("flap8", "", NULL);
	pass_ms(1);
	assert_int_equal(sim_n_unbound, 0);
	pass_ms(QUIET_MS);
	assert_int_equal(sim_n_unbound, 1);
	pass_ms(QUIET_MS);
	assert_int_equal(sim_n_unbound, 1);
}

static void
enable_with(uint32_t flaps)
{
	struct hotplug_config config;

	sim_disable();
	hotplug_config_init(&config);
	config.flaps = flaps;
	assert_int_equal(sim_enable(&config), 0);
	assert_true(hotplug_event_subscribe(NULL, heard_fn, &heard) >= 0);
}

/* More often than any limit: each return is told. */
static void
test_flapping_can_be_switched_off(void **state)
{
	unsigned int i;

	(void)state;
	enable_with(0);
	for (i = 0; i < 20; i++)
		flap("flap6");
	heard_wait(&heard, HOTPLUG_EVENT_GONE, 19);
	test_sleep_ms(20);
	assert_int_equal(heard_count(&heard, HOTPLUG_EVENT_FLAPPING), 0);
	assert_int_equal(heard_count(&heard, HOTPLUG_EVENT_READY), 20);
}

/* The most that can be asked for: the last of them is the first that flaps. */
static void
test_flapping_takes_as_many_changes_as_asked_for(void **state)
{
	unsigned int i;

	(void)state;
	enable_with(32);
	for (i = 0; i < 15; i++)
		flap("flap7");
	attach("flap7", NULL);
	heard_wait(&heard, HOTPLUG_EVENT_READY, 15);
	test_sleep_ms(20);
	assert_int_equal(heard_count(&heard, HOTPLUG_EVENT_FLAPPING), 0);
	sim_take("flap7");
	hotplug_scan();
	assert_string_equal(heard_wait(&heard, HOTPLUG_EVENT_FLAPPING, 0).device, "flap7");
}

/* Nine changes are not ten; ten in more than a minute are not flapping. */
static void
test_flapping_takes_ten_changes_in_a_minute(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < FLAPS / 2; i++) {
		if (i == 4)
			pass_ms(61000);
		flap("flap1");
	}
	for (i = 0; i < FLAPS / 2 - 1; i++)
		flap("flap2");
	attach("flap2", NULL);
	heard_wait(&heard, HOTPLUG_EVENT_READY, 9);
	test_sleep_ms(20);
	assert_int_equal(heard_count(&heard, HOTPLUG_EVENT_FLAPPING), 0);
}

static void
test_flapping_ends_with_ready_when_it_stays(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < FLAPS; i++)
		flap("flap3");
	sim_put("flap3", SIM_USER, NULL);
	hotplug_scan();
	heard_wait(&heard, HOTPLUG_EVENT_GONE, FLAPS - 1);
	pass_ms(QUIET_MS - 1000);
	assert_int_equal(heard_count(&heard, HOTPLUG_EVENT_READY), FLAPS / 2);
	pass_ms(2000);
	heard_wait(&heard, HOTPLUG_EVENT_READY, FLAPS / 2);
	pass_ms(QUIET_MS);
	assert_int_equal(heard_count(&heard, HOTPLUG_EVENT_READY), FLAPS / 2 + 1);
	flap("flap3");          /* and it is not flapping any more */
	heard_wait(&heard, HOTPLUG_EVENT_GONE, FLAPS);
	assert_int_equal(heard_count(&heard, HOTPLUG_EVENT_FLAPPING), 1);
}

/* What was before is no part of what is enabled anew. */
static void
test_flapping_is_forgotten_when_disabled(void **state)
{
	unsigned int i;

	for (i = 0; i < FLAPS; i++)
		flap("flap4");
	heard_wait(&heard, HOTPLUG_EVENT_FLAPPING, 0);
	sim_disable();
	assert_int_equal(start(state), 0);
	flap("flap4");
	heard_wait(&heard, HOTPLUG_EVENT_GONE, 0);
	assert_int_equal(heard_count(&heard, HOTPLUG_EVENT_READY), 1);
}

static unsigned int
n_zombies(void)
{
	struct hotplug_stats stats = { .size = sizeof(stats) };

	assert_int_equal(hotplug_stats_get(&stats), 0);
	return stats.zombies;
}

/* It answers no more and nobody says so: lost, and a zombie as long as it is
 * listed. */
static void
test_zombie_is_counted_while_it_is_listed(void **state)
{
	(void)state;
	attach("dark0", NULL);
	sim_look("dark0", HOTPLUG_LOOK_DARK);
	assert_int_equal(heard_wait(&heard, HOTPLUG_EVENT_GONE, 0).cause, HOTPLUG_CAUSE_SILENT);
	hotplug_scan();
	assert_int_equal(n_zombies(), 1);
	sim_take("dark0");
	hotplug_scan();
	assert_int_equal(n_zombies(), 0);
	assert_int_equal(heard_count(&heard, HOTPLUG_EVENT_GONE), 1);
}

/* Dark for three looks; how long, in milliseconds, from the first of them until what they have
 * found is over. */
static unsigned int
darken(const char *name)
{
	unsigned int n = sim_n_looks(name);
	uint64_t begun_ns;

	sim_look(name, HOTPLUG_LOOK_DARK);
	assert_true(WAIT_FOR(sim_n_looks(name) > n));
	begun_ns = device_now_ns();
	assert_true(WAIT_FOR(sim_n_looks(name) > n + 2));
	sim_look(name, -1);
	pass_ms(0);
	return (device_now_ns() - begun_ns) / 1000000;
}

/* Dark for a moment (a reset): nothing has happened.  On a machine that does much else, three
 * looks may take a second: then again, with another. */
static void
test_zombie_needs_a_second_of_darkness(void **state)
{
	unsigned int i, ms = 900;
	char name[16];

	(void)state;
	for (i = 1; ms >= 900; i++) {
		assert_true(i < 20);
		snprintf(name, sizeof(name), "dark%u", i);
		attach(name, NULL);
		ms = darken(name);
	}
	pass_ms(5000);
	assert_int_equal(hotplug_device_state(name), HOTPLUG_STATE_ATTACHED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_return_is_told_whatever_happens_while_it_is_asked, start, stop),
		cmocka_unit_test_setup_teardown(
			test_return_is_told_when_the_card_can_be_asked_at_last, start, stop),
		cmocka_unit_test_setup_teardown(
			test_return_is_not_told_of_a_card_that_goes_unasked, start, stop),
		cmocka_unit_test_setup_teardown(
			test_return_tells_the_card_by_ids_and_serial, start, stop),
		cmocka_unit_test_setup_teardown(
			test_return_faster_than_the_watcher_is_a_loss_all_the_same, start, stop),
		cmocka_unit_test_setup_teardown(
			test_flapping_is_said_once_and_ready_no_more, start, stop),
		cmocka_unit_test_setup_teardown(
			test_flapping_card_without_a_driver_is_not_forgotten, start, stop),
		cmocka_unit_test_setup_teardown(
			test_flapping_takes_ten_changes_in_a_minute, start, stop),
		cmocka_unit_test_setup_teardown(
			test_flapping_can_be_switched_off, start, stop),
		cmocka_unit_test_setup_teardown(
			test_flapping_takes_as_many_changes_as_asked_for, start, stop),
		cmocka_unit_test_setup_teardown(
			test_flapping_ends_with_ready_when_it_stays, start, stop),
		cmocka_unit_test_setup_teardown(
			test_flapping_is_forgotten_when_disabled, start, stop),
		cmocka_unit_test_setup_teardown(
			test_zombie_is_counted_while_it_is_listed, start, stop),
		cmocka_unit_test_setup_teardown(
			test_zombie_needs_a_second_of_darkness, start, stop),
	};

	return cmocka_run_group_tests_name("return", tests, NULL, NULL);
}
