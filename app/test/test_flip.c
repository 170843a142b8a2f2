/* SPDX-License-Identifier: BSD-3-Clause */

/* test_flip: whenever a driver is at work on registers that are dead, they flip, from the
 * loss until it returns, and nothing constant is laid over them.
 * In:  toy devices that are lost, and a driver that comes, stays, and goes.
 * Context: app; faults are real ones. */

#include <pthread.h>
#include <string.h>

#include "core/device.h"
#include "enabled.h"
#include "survive/pages.h"
#include "survive/publish.h"
#include "toy_bus.h"
#include "vmas.h"

#define BIG (4 * 1024 * 1024)   /* larger than what is filled at once */
#define N_ROUNDS (IS_SANITIZED ? 50 : 200)

static struct toy toy;
static struct heard heard;

static int
start(void **state)
{
	(void)state;
	heard_init(&heard);
	if (toy_enable(NULL) != 0)
		return -1;
	hotplug_event_subscribe(NULL, heard_fn, &heard);
	toy_make(&toy, "toy0", 2, BIG);
	toy.len = BIG;
	return toy_publish(&toy);
}

static int
stop(void **state)
{
	(void)state;
	toy_destroy(&toy);
	toy_disable();
	return 0;
}

static struct hotplug_device *
device(void)
{
	return device_find(&toy_bus, "toy0");
}

static void
lose(void)
{
	atomic_store(&toy.look, HOTPLUG_LOOK_ABSENT);
	assert_int_equal(toy_report(&toy), 0);
}

static void
check_flips(void)
{
	unsigned int i;

	for (i = 0; i < toy.n_regions; i++) {
		assert_true(toy_flips(&toy.bar[i][0]));
		assert_true(toy_flips(&toy.bar[i][toy.len / 2]));
		assert_true(toy_flips(&toy.bar[i][toy.len - 1]));
	}
}

/* L3: GONE was said of registers that were the card's still. */
static void
test_lost_while_its_driver_closes_it_flips_at_once(void **state)
{
	(void)state;
	assert_int_equal(hotplug_device_unsettle(&toy_bus, &toy), 0);
	lose();
	check_flips();
	heard_wait(&heard, HOTPLUG_EVENT_GONE, 0);
	check_flips();
	assert_int_equal(hotplug_device_settle(&toy_bus, &toy), 0);
	assert_true(toy_reads_all(toy.bar[0], BIG, 0xff));
	assert_true(toy_reads_all(toy.bar[1], BIG, 0xff));
}

/* L3: it has come before anybody knew of a loss, and unmaps nothing. */
static void
test_lost_while_its_driver_is_in_a_call_it_flips_at_once(void **state)
{
	(void)state;
	device_enter(device());
	lose();
	check_flips();
	device_enter(device());
	device_leave(device());
	check_flips();
	device_leave(device());
	assert_true(toy_reads_all(toy.bar[0], BIG, 0xff));
}

static void
test_a_call_that_comes_after_the_loss_meets_flipping_registers(void **state)
{
	(void)state;
	lose();
	assert_true(toy_reads_all(toy.bar[0], BIG, 0xff));
	device_enter(device());
	check_flips();
	device_leave(device());
	assert_true(toy_reads_all(toy.bar[0], BIG, 0xff));
}

static void
test_registers_of_a_living_device_do_not_flip(void **state)
{
	(void)state;
	device_enter(device());
	hotplug_device_unsettle(&toy_bus, &toy);
	assert_true(toy_reads_all(toy.bar[0], BIG, 0x5a));
	hotplug_device_settle(&toy_bus, &toy);
	device_leave(device());
	assert_true(toy_reads_all(toy.bar[0], BIG, 0x5a));
}

/* The driver is at work on a card that was only suspected. */
static void
test_a_scare_meanwhile_ends_with_its_own_registers(void **state)
{
	(void)state;
	device_enter(device());
	toy_report(&toy);
	heard_wait(&heard, HOTPLUG_EVENT_RESTORED, 0);
	assert_true(toy_reads_all(toy.bar[0], BIG, 0x5a));
	device_leave(device());
	assert_true(toy_reads_all(toy.bar[0], BIG, 0x5a));
}

/* Also where another's SIGBUS handler is on top. */
static void
test_a_small_bar_flips_without_a_fault(void **state)
{
	static struct toy small;
	struct hotplug_stats before = { .size = sizeof(before) }, after = before;

	(void)state;
	toy_make(&small, "toy1", 1, 256 * 1024);
	assert_int_equal(toy_publish(&small), 0);
	atomic_store(&small.look, HOTPLUG_LOOK_ABSENT);
	hotplug_stats_get(&before);
	assert_int_equal(hotplug_device_unsettle(&toy_bus, &small), 0);
	toy_report(&small);
	assert_true(toy_flips(&small.bar[0][100]) && toy_flips(&small.bar[0][200000]));
	hotplug_device_settle(&toy_bus, &small);
	hotplug_stats_get(&after);
	assert_int_equal(after.faults, before.faults);
	toy_destroy(&small);
}

/* Its driver is at work on it from before hotplug_disable() until after hotplug_enable(). */
static void
flips_when_enabled_again(size_t len)
{
	static struct toy again;
	struct hotplug_device *dev;

	toy_make(&again, "toy2", 1, len);
	assert_int_equal(toy_publish(&again), 0);
	dev = device_find(&toy_bus, "toy2");
	device_enter(dev);
	atomic_store(&again.look, HOTPLUG_LOOK_ABSENT);
	toy_report(&again);
	assert_true(toy_flips(&again.bar[0][100]));
	assert_int_equal(hotplug_disable(), 0);
	assert_true(toy_flips(&again.bar[0][100]));
	assert_int_equal(hotplug_enable(NULL), 0);
	assert_int_equal(toy_publish(&again), 0);
	assert_true(WAIT_FOR(atomic_load(&dev->is_gone)));
	assert_true(toy_flips(&again.bar[0][100]));
	device_leave(dev);
	toy_destroy(&again);
}

/* It was cut off anew, with ones that are laid at once and do not flip. */
static void
test_a_small_bar_flips_when_enabled_again(void **state)
{
	(void)state;
	flips_when_enabled_again(CUTOFF_CHUNK);
}

static void
test_a_large_bar_flips_when_enabled_again(void **state)
{
	(void)state;
	flips_when_enabled_again(4 * CUTOFF_CHUNK);
}

static void
test_a_large_bar_costs_one_mapping_until_it_is_touched(void **state)
{
	(void)state;
	lose();
	device_enter(device());
	assert_int_equal(vmas_of(toy.bar[0], BIG).n, 1);
	assert_true(toy_flips(&toy.bar[0][5 * CUTOFF_CHUNK]));
	assert_int_equal(vmas_of(toy.bar[0], BIG).n, 3);
	device_leave(device());
}

/* --- beside handlers that are under way ---------------------------------------------- */

static atomic_bool is_over;

static void *
touch(void *at)
{
	while (!atomic_load(&is_over))
		(void)toy_read(at);
	return NULL;
}

static bool
is_file(const void *at, const char *name)
{
	return strstr(vmas_of(at, 1).vma[0].path, name) != NULL;
}

/* L4: one that began before the driver came laid its ones over what flips, for as long as
 * the driver was there; and over the card's own registers when they came back. */
static void
test_a_late_handler_lays_nothing_constant(void **state)
{
	uint8_t *at[2] = { &toy.bar[0][CUTOFF_CHUNK], &toy.bar[0][2 * CUTOFF_CHUNK] };
	pthread_t thread[2];
	unsigned int i, j;

	(void)state;
	lose();
	atomic_store(&is_over, false);
	for (j = 0; j < 2; j++)
		assert_int_equal(pthread_create(&thread[j], NULL, touch, at[j]), 0);
	for (i = 0; i < N_ROUNDS; i++) {
		device_enter(device());
		for (j = 0; j < 2; j++) {
			(void)toy_read(at[j]);
			assert_true(is_file(at[j], "hotplug-flip"));
		}
		device_leave(device());
		for (j = 0; j < 2; j++) {
			(void)toy_read(at[j]);
			assert_true(is_file(at[j], "hotplug-ones"));
		}
	}
	atomic_store(&is_over, true);
	for (j = 0; j < 2; j++)
		pthread_join(thread[j], NULL);
}

static void
test_a_late_handler_lays_nothing_over_a_card_that_lives(void **state)
{
	uint8_t *at[2] = { &toy.bar[0][CUTOFF_CHUNK], &toy.bar[0][2 * CUTOFF_CHUNK] };
	pthread_t thread[2];
	unsigned int i, j;

	(void)state;
	atomic_store(&is_over, false);
	for (j = 0; j < 2; j++)
		assert_int_equal(pthread_create(&thread[j], NULL, touch, at[j]), 0);
	for (i = 0; i < N_ROUNDS / 10; i++) {
		toy_report(&toy);
		heard_wait(&heard, HOTPLUG_EVENT_RESTORED, i);
		for (j = 0; j < 2; j++) /* for good: nobody would fault there any more */
			assert_true(WAIT_FOR(is_file(at[j], "memfd:toy")));
	}
	atomic_store(&is_over, true);
	for (j = 0; j < 2; j++)
		pthread_join(thread[j], NULL);
}

static pthread_barrier_t round_begin, round_end;

static void *
leave_each_round(void *dev)
{
	unsigned int i;

	for (i = 0; i < N_ROUNDS; i++) {
		device_enter(dev);
		pthread_barrier_wait(&round_begin);
		device_leave(dev);
		pthread_barrier_wait(&round_end);
		pthread_barrier_wait(&round_end);
	}
	return NULL;
}

/* Who came while another's leave ended the flipping found that it flipped still, and then
 * polled constant registers: a teardown does, behind a control call (guest: e1000e, 44 s). */
static void
test_who_comes_while_another_leaves_meets_flipping_registers(void **state)
{
	const struct timespec pause = { .tv_nsec = 20000 };
	pthread_t thread;
	unsigned int i;

	(void)state;
	lose();
	pthread_barrier_init(&round_begin, NULL, 2);
	pthread_barrier_init(&round_end, NULL, 2);
	assert_int_equal(pthread_create(&thread, NULL, leave_each_round, device()), 0);
	for (i = 0; i < N_ROUNDS; i++) {
		pthread_barrier_wait(&round_begin);
		if (i % 2 != 0)
			nanosleep(&pause, NULL);
		device_enter(device());
		pthread_barrier_wait(&round_end);
		assert_non_null(atomic_load(&device()->flip));
		device_leave(device());
		assert_null(atomic_load(&device()->flip));
		assert_true(toy_reads_all(toy.bar[0], CUTOFF_CHUNK, 0xff));
		pthread_barrier_wait(&round_end);
	}
	pthread_join(thread, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ENABLED(test_lost_while_its_driver_closes_it_flips_at_once),
		ENABLED(test_lost_while_its_driver_is_in_a_call_it_flips_at_once),
		ENABLED(test_a_call_that_comes_after_the_loss_meets_flipping_registers),
		ENABLED(test_registers_of_a_living_device_do_not_flip),
		ENABLED(test_a_scare_meanwhile_ends_with_its_own_registers),
		ENABLED(test_a_small_bar_flips_without_a_fault),
		ENABLED(test_a_small_bar_flips_when_enabled_again),
		ENABLED(test_a_large_bar_flips_when_enabled_again),
		ENABLED(test_a_large_bar_costs_one_mapping_until_it_is_touched),
		ENABLED(test_a_late_handler_lays_nothing_constant),
		ENABLED(test_a_late_handler_lays_nothing_over_a_card_that_lives),
		ENABLED(test_who_comes_while_another_leaves_meets_flipping_registers),
	};

	return cmocka_run_group_tests_name("flip", tests, NULL, NULL);
}
