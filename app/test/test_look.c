/* SPDX-License-Identifier: BSD-3-Clause */

/* test_look: who asks a card that does not answer waits for it, and nobody else does.
 * In:  toys whose look() the test holds.
 * Context: app; look(): look, work. */

#include <stdio.h>
#include <string.h>

#include "core/device.h"
#include "enabled.h"
#include "fake_host.h"
#include "toy_bus.h"

#define N_HELD 60u
#define SOON_MS 3000            /* on a busy machine */
#define LOOK_MS 15              /* three are more than EAL's thread waits in a burst */

static struct toy held[N_HELD], other;
static struct heard heard;

static int
start(void **state)
{
	struct hotplug_config config;

	(void)state;
	hotplug_config_init(&config);
	config.liveness_ms = 20;
	heard_init(&heard);
	fake_log_clear();
	return toy_enable(&config) != 0 ||
		hotplug_event_subscribe(NULL, heard_fn, &heard) < 0;
}

static int
stop(void **state)
{
	(void)state;
	toy_disable();
	return 0;
}

static uint64_t
now_ms(void)
{
	return device_now_ns() / 1000000;
}

static void
make(struct toy *toy, const char *name, unsigned int n)
{
	char full[16];

	snprintf(full, sizeof(full), "%s%u", name, n);
	toy_make(toy, full, 1, 4096);
	assert_int_equal(toy_publish(toy), 0);
}

/* As a card that is being reset: the kernel lets nobody read it. */
static void
hold(unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		make(&held[i], "held", i);
		pthread_mutex_lock(&held[i].gate);
		toy_hang_up(&held[i]);
	}
	for (i = 0; i < n; i++)
		assert_true(WAIT_FOR(hotplug_device_state(held[i].name) ==
				     HOTPLUG_STATE_SUSPECT));
}

static void
let_go(unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		pthread_mutex_unlock(&held[i].gate);
}

static void
destroy(unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		toy_destroy(&held[i]);
}

static void
test_look_that_blocks_keeps_no_other_device(void **state)
{
	uint64_t begin;
	unsigned int i;

	(void)state;
	hold(N_HELD);
	for (i = 0; i < N_HELD; i++)
		assert_int_equal(toy_read(&held[i].bar[0][0]), 0xff);   /* cut off, too */
	make(&other, "other", 0);
	begin = now_ms();
	atomic_store(&other.look, HOTPLUG_LOOK_ABSENT);
	toy_hang_up(&other);
	assert_string_equal(heard_wait(&heard, HOTPLUG_EVENT_GONE, 0).device, "other0");
	assert_true(hotplug_scan() >= 0);
	assert_true(now_ms() - begin < SOON_MS);
	assert_int_equal(hotplug_device_state("held0"), HOTPLUG_STATE_SUSPECT);
	for (i = 0; i < N_HELD; i++)
		atomic_store(&held[i].look, HOTPLUG_LOOK_ABSENT);
	let_go(N_HELD);
	heard_wait(&heard, HOTPLUG_EVENT_GONE, N_HELD); /* each has its answer */
	destroy(N_HELD);
	toy_destroy(&other);
}

/* It found the device present, before the sign came. */
static void
test_look_from_before_a_sign_is_not_believed(void **state)
{
	unsigned int n;

	(void)state;
	make(&other, "other", 1);
	n = atomic_load(&other.n_looks);
	pthread_mutex_lock(&other.way_back);
	assert_true(WAIT_FOR(atomic_load(&other.n_looks) > n)); /* for liveness */
	atomic_store(&other.look, HOTPLUG_LOOK_ABSENT);
	assert_int_equal(toy_report(&other), 0);
	assert_true(WAIT_FOR(hotplug_device_state("other1") == HOTPLUG_STATE_SUSPECT));
	pthread_mutex_unlock(&other.way_back);
	heard_wait(&heard, HOTPLUG_EVENT_GONE, 0);
	assert_int_equal(heard_count(&heard, HOTPLUG_EVENT_RESTORED), 0);
	toy_destroy(&other);
}

/* Its answer is about a card that is another by now. */
static void
test_look_that_returns_after_disable_is_nobodys(void **state)
{
	unsigned int n;
	uint64_t begin;

	(void)state;
	make(&other, "other", 2);
	pthread_mutex_lock(&other.way_back);
	atomic_store(&other.look, HOTPLUG_LOOK_ABSENT);
	n = atomic_load(&other.n_looks);
	assert_true(WAIT_FOR(atomic_load(&other.n_looks) > n));
	atomic_store(&other.look, HOTPLUG_LOOK_PRESENT);
	begin = now_ms();
	assert_int_equal(hotplug_disable(), 0);
	assert_true(now_ms() - begin < SOON_MS);
	assert_true(fake_log_has("WARN: 1 look(s) at devices do not return"));
	assert_int_equal(hotplug_enable(NULL), 0);
	assert_int_equal(toy_publish(&other), 0);
	pthread_mutex_unlock(&other.way_back);
	assert_int_equal(hotplug_scan(), 0);
	assert_int_equal(hotplug_device_state("other2"), HOTPLUG_STATE_ATTACHED);
	toy_destroy(&other);
}

/* 28 ms of waiting in all, not for each device. */
static void
test_look_and_subscribers_keep_eals_thread_for_50_ms_in_all(void **state)
{
	uint64_t begin;
	unsigned int i;

	(void)state;
	for (i = 0; i < N_HELD; i++) {
		make(&held[i], "held", i);
		pthread_mutex_lock(&held[i].gate);
		atomic_store(&held[i].look, HOTPLUG_LOOK_ABSENT);
	}
	begin = now_ms();
	for (i = 0; i < N_HELD; i++)
		assert_int_equal(hotplug_bus_report(&toy_bus, &held[i], HOTPLUG_SIGN_EAL), 0);
	if (!IS_SANITIZED)      /* whose maps are long, and walked for each cut-off */
		assert_true(now_ms() - begin < N_HELD * 50 * 2 / 3);
	for (i = 0; i < N_HELD; i++)    /* what cannot be told is cut off */
		assert_int_equal(toy_read(&held[i].bar[0][0]), 0xff);
	let_go(N_HELD);
	heard_wait(&heard, HOTPLUG_EVENT_GONE, N_HELD - 1);
	destroy(N_HELD);
}

static void *
answer_late(void *arg)
{
	pthread_mutex_lock(&other.gate);
	atomic_store((atomic_bool *)arg, true);
	test_sleep_ms(LOOK_MS);
	pthread_mutex_unlock(&other.gate);
	return NULL;
}

/* Reports that come alone are no burst: each has the 28 ms for itself, and a device that
 * answers in that time keeps its registers.  Where this machine took longer nothing is said. */
static void
test_look_is_waited_for_at_each_report_that_comes_alone(void **state)
{
	unsigned int i, n_in_time = 0;
	atomic_bool is_held;
	pthread_t thread;
	uint64_t begin;

	(void)state;
	make(&other, "other", 3);
	for (i = 0; i < 40 && n_in_time < 5; i++) {
		test_sleep_ms(2 * 100);         /* longer than what joins two to a burst */
		atomic_store(&is_held, false);
		assert_int_equal(pthread_create(&thread, NULL, answer_late, &is_held), 0);
		assert_true(WAIT_FOR(atomic_load(&is_held)));
		begin = now_ms();
		assert_int_equal(hotplug_bus_report(&toy_bus, &other, HOTPLUG_SIGN_EAL), 0);
		if (now_ms() - begin < 28) {
			assert_int_equal(toy_read(&other.bar[0][0]), 0x5a);
			n_in_time++;
		}
		pthread_join(thread, NULL);
		/* its state says nothing before watch has come to it */
		assert_true(WAIT_FOR(toy_read(&other.bar[0][0]) == 0x5a));
		assert_true(WAIT_FOR(hotplug_device_state(other.name) ==
				     HOTPLUG_STATE_ATTACHED));
	}
	assert_int_equal(n_in_time, 5);
	toy_destroy(&other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ENABLED(test_look_that_blocks_keeps_no_other_device),
		ENABLED(test_look_from_before_a_sign_is_not_believed),
		ENABLED(test_look_that_returns_after_disable_is_nobodys),
		ENABLED(test_look_and_subscribers_keep_eals_thread_for_50_ms_in_all),
		ENABLED(test_look_is_waited_for_at_each_report_that_comes_alone),
	};

	return cmocka_run_group_tests_name("look", tests, NULL, NULL);
}
