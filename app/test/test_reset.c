/* SPDX-License-Identifier: BSD-3-Clause */

/* test_reset: a device was reset, and answers: lost, or its application's to see to.
 * In:  a toy whose look() says so; a duty that spares it, or none.
 * Context: app; the library's own threads do the work. */

#include <string.h>

#include "core/device.h"
#include "core/duty.h"
#include "enabled.h"
#include "fake_host.h"
#include "toy_bus.h"

static struct toy toy;
static struct heard heard;
static _Atomic unsigned int n_asked;

static bool
spares(struct hotplug_bus *bus, const void *key)
{
	(void)bus;
	n_asked++;
	return key != NULL;
}

static const struct duty sparing = { .spares = spares };

static int
start(void **state)
{
	struct hotplug_config config;

	(void)state;
	hotplug_config_init(&config);
	config.liveness_ms = 20;
	heard_init(&heard);
	atomic_store(&n_asked, 0);
	fake_log_clear();
	if (toy_enable(&config) != 0 || hotplug_event_subscribe(NULL, heard_fn, &heard) < 0)
		return -1;
	toy_make(&toy, "toy", 1, 4096);
	return toy_publish(&toy);
}

static int
stop(void **state)
{
	(void)state;
	duty_leave(&sparing);
	toy_destroy(&toy);
	toy_disable();
	return 0;
}

static void
assert_lost_by_reset(void)
{
	struct hotplug_event event = heard_wait(&heard, HOTPLUG_EVENT_GONE, 0);

	assert_int_equal(event.cause, HOTPLUG_CAUSE_RESET);
	assert_string_equal(hotplug_cause_name(event.cause), "RESET");
	assert_int_equal(toy_read(&toy.bar[0][0]), 0xff);
	assert_int_equal(hotplug_device_state("toy"), HOTPLUG_STATE_GONE);
}

static void
test_reset_that_is_counted_is_a_loss(void **state)
{
	(void)state;
	atomic_store(&toy.look, HOTPLUG_LOOK_RESET);
	assert_lost_by_reset();
}

/* Nobody counts, but it was seen in the middle. */
static void
test_reset_that_is_seen_is_a_loss(void **state)
{
	unsigned int n;

	(void)state;
	atomic_store(&toy.look, HOTPLUG_LOOK_MUTED);
	n = atomic_load(&toy.n_looks);
	assert_true(WAIT_FOR(atomic_load(&toy.n_looks) > n + 2));
	assert_int_equal(hotplug_device_state("toy"), HOTPLUG_STATE_ATTACHED);
	atomic_store(&toy.look, HOTPLUG_LOOK_PRESENT);
	assert_lost_by_reset();
}

static void
test_reset_that_restores_nothing_is_a_loss(void **state)
{
	(void)state;
	atomic_store(&toy.look, HOTPLUG_LOOK_MUTED);
	assert_lost_by_reset();
}

/* Once each time, and no register is touched. */
static void
test_reset_that_is_the_applications_is_told(void **state)
{
	struct hotplug_event event;
	unsigned int n;

	(void)state;
	assert_int_equal(duty_take(&sparing), 0);
	atomic_store(&toy.look, HOTPLUG_LOOK_MUTED);
	n = atomic_load(&toy.n_looks);
	assert_true(WAIT_FOR(atomic_load(&toy.n_looks) > n + 2));
	assert_int_equal(atomic_load(&n_asked), 0);     /* it is not over */
	atomic_store(&toy.look, HOTPLUG_LOOK_PRESENT);
	event = heard_wait(&heard, HOTPLUG_EVENT_RESTORED, 0);
	assert_int_equal(event.cause, HOTPLUG_CAUSE_RESET);
	assert_int_equal(toy_read(&toy.bar[0][0]), 0x5a);
	assert_int_equal(hotplug_device_state("toy"), HOTPLUG_STATE_ATTACHED);
	n = atomic_load(&toy.n_looks);
	assert_true(WAIT_FOR(atomic_load(&toy.n_looks) > n + 5));
	assert_int_equal(heard_count(&heard, HOTPLUG_EVENT_RESTORED), 1);
	assert_int_equal(heard_count(&heard, HOTPLUG_EVENT_GONE), 0);
	assert_int_equal(atomic_load(&n_asked), 1);
}

/* Cut off by then, for another sign: mapped again. */
static void
test_reset_of_a_suspect_that_is_the_applications_is_restored(void **state)
{
	struct hotplug_event event;

	(void)state;
	assert_int_equal(duty_take(&sparing), 0);
	pthread_mutex_lock(&toy.gate);
	atomic_store(&toy.look, HOTPLUG_LOOK_RESET);
	assert_int_equal(toy_report(&toy), 0);
	assert_int_equal(toy_read(&toy.bar[0][0]), 0xff);
	pthread_mutex_unlock(&toy.gate);
	event = heard_wait(&heard, HOTPLUG_EVENT_RESTORED, 0);
	assert_int_equal(event.cause, HOTPLUG_CAUSE_RESET);
	assert_int_equal(toy_read(&toy.bar[0][0]), 0x5a);
	atomic_store(&toy.look, HOTPLUG_LOOK_PRESENT);
}

/* Who is asked takes his time: its life ends meanwhile, and another begins, which is neither
 * lost for what was found nor told of it. */
static bool is_next_spared;

static bool
exchanges(struct hotplug_bus *bus, const void *key)
{
	(void)bus;
	(void)key;
	if (n_asked++ == 0) {
		atomic_store(&toy.look, HOTPLUG_LOOK_PRESENT);
		assert_int_equal(toy_withdraw(&toy), 0);
		assert_int_equal(toy_publish(&toy), 0);
	}
	return is_next_spared;
}

static const struct duty exchanging = { .spares = exchanges };

static void
assert_next_life_is_untouched(bool is_spared)
{
	unsigned int n;

	is_next_spared = is_spared;
	assert_int_equal(duty_take(&exchanging), 0);
	atomic_store(&toy.look, HOTPLUG_LOOK_RESET);
	assert_true(WAIT_FOR(atomic_load(&n_asked) > 0));
	n = atomic_load(&toy.n_looks);
	assert_true(WAIT_FOR(atomic_load(&toy.n_looks) > n + 3));
	duty_leave(&exchanging);
	assert_int_equal(heard_count(&heard, HOTPLUG_EVENT_GONE), 0);
	assert_int_equal(heard_count(&heard, HOTPLUG_EVENT_RESTORED), 0);
	assert_int_equal(toy_read(&toy.bar[0][0]), 0x5a);
	assert_int_equal(hotplug_device_state("toy"), HOTPLUG_STATE_ATTACHED);
}

static void
test_reset_of_a_life_that_has_ended_takes_no_other(void **state)
{
	(void)state;
	assert_next_life_is_untouched(false);
}

static void
test_reset_of_a_life_that_has_ended_is_told_of_no_other(void **state)
{
	(void)state;
	assert_next_life_is_untouched(true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ENABLED(test_reset_that_is_counted_is_a_loss),
		ENABLED(test_reset_that_is_seen_is_a_loss),
		ENABLED(test_reset_that_restores_nothing_is_a_loss),
		ENABLED(test_reset_that_is_the_applications_is_told),
		ENABLED(test_reset_of_a_suspect_that_is_the_applications_is_restored),
		ENABLED(test_reset_of_a_life_that_has_ended_takes_no_other),
		ENABLED(test_reset_of_a_life_that_has_ended_is_told_of_no_other),
	};

	return cmocka_run_group_tests_name("reset", tests, NULL, NULL);
}
