/* SPDX-License-Identifier: BSD-3-Clause */

/* test_work: what blocks about one device keeps no other waiting, and is not lost.
 * In:  jobs of devices that a test holds; a subscriber that sleeps; stuck_ms=200.
 * Context: app; jobs: work. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/device.h"
#include "core/enable.h"
#include "core/work.h"
#include "report/events.h"
#include "fake_host.h"
#include "test.h"
#include "toy_bus.h"

#define STUCK_MS 200
#define N_BLOCKED 20u

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static _Atomic unsigned int n_inside, n_done, n_beside;
static _Atomic bool was_left;
static struct toy toy;
static struct heard heard;

static int
start(void **state)
{
	struct hotplug_config config;
	char name[16];
	unsigned int i;

	(void)state;
	hotplug_config_init(&config);
	config.stuck_ms = STUCK_MS;
	config.liveness_ms = 0;
	n_inside = n_done = n_beside = 0;
	was_left = false;
	fake_log_clear();
	heard_init(&heard);
	if (toy_enable(&config) != 0)
		return -1;
	for (i = 0; i <= N_BLOCKED; i++) {
		snprintf(name, sizeof(name), "dev%u", i);
		if (device_know(&toy_bus, name) == NULL)
			return -1;
	}
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	toy_disable();
	return 0;
}

static void
block(const char *device)
{
	(void)device;
	atomic_fetch_add(&n_inside, 1);
	pthread_mutex_lock(&gate);
	pthread_mutex_unlock(&gate);
	was_left = was_left || work_is_left();
	atomic_fetch_sub(&n_inside, 1);
}

static void
do_it(const char *device)
{
	(void)device;
	atomic_fetch_add(&n_done, 1);
}

static void
do_beside(const char *device)
{
	(void)device;
	atomic_fetch_add(&n_beside, 1);
}

static void
test_work_that_blocks_keeps_no_other_device(void **state)
{
	char name[16];
	unsigned int i;

	(void)state;
	pthread_mutex_lock(&gate);
	for (i = 0; i < N_BLOCKED; i++) {
		snprintf(name, sizeof(name), "dev%u", i);
		assert_int_equal(work_push(block, name, 0), 0);
	}
	snprintf(name, sizeof(name), "dev%u", N_BLOCKED);
	assert_int_equal(work_push(do_it, name, 0), 0);
	assert_true(WAIT_FOR(atomic_load(&n_inside) == N_BLOCKED && atomic_load(&n_done) == 1));
	pthread_mutex_unlock(&gate);
	assert_true(WAIT_FOR(atomic_load(&n_inside) == 0));
}

/* But one that has to be done beside is. */
static void
test_work_of_one_device_is_done_one_at_a_time(void **state)
{
	(void)state;
	pthread_mutex_lock(&gate);
	assert_int_equal(work_push(block, "dev0", 0), 0);
	assert_true(WAIT_FOR(atomic_load(&n_inside) == 1));
	assert_int_equal(work_push(do_it, "dev0", 0), 0);
	assert_int_equal(work_push(block, "dev0", 0), 0);
	assert_int_equal(work_push_beside(do_beside, "dev0", 0), 0);
	assert_true(WAIT_FOR(atomic_load(&n_beside) == 1));
	test_sleep_ms(20);
	assert_int_equal(atomic_load(&n_inside), 1);
	assert_int_equal(atomic_load(&n_done), 0);
	pthread_mutex_unlock(&gate);
	assert_true(WAIT_FOR(atomic_load(&n_done) == 1));
}

static void
test_work_asked_for_twice_is_done_once_at_the_earlier_time(void **state)
{
	uint64_t begin = device_now_ns();
	unsigned int i;

	(void)state;
	assert_int_equal(work_push(do_it, "dev0", 3600 * 1000), 0);
	for (i = 0; i < 1000; i++)
		assert_int_equal(work_push(do_it, "dev0", 50), 0);
	assert_int_equal(work_push(do_it, "dev0", 3600 * 1000), 0);
	assert_true(WAIT_FOR(atomic_load(&n_done) == 1));
	assert_true(device_now_ns() - begin >= 50 * 1000000ull);
	test_sleep_ms(20);
	assert_int_equal(atomic_load(&n_done), 1);
	assert_int_equal(work_push(do_it, "no such device", 3600 * 1000), 0);
	assert_int_equal(work_push(do_it, "nor this", 0), -ENOENT);
}

/* And what it does when it comes back is no business of the library's next life. */
static void
test_work_that_does_not_return_is_left_behind(void **state)
{
	uint64_t begin;

	(void)state;
	pthread_mutex_lock(&gate);
	assert_int_equal(work_push(block, "dev0", 0), 0);
	assert_int_equal(work_push(do_it, "dev1", 3600 * 1000), 0);
	assert_true(WAIT_FOR(atomic_load(&n_inside) == 1));
	begin = device_now_ns();
	assert_int_equal(hotplug_disable(), 0);
	assert_true(device_now_ns() - begin < 10 * STUCK_MS * 1000000ull);
	assert_true(fake_log_has("ERR: dev0: what was begun about it does not return"));
	assert_int_equal(work_push(do_it, "dev1", 0), -EPERM);
	assert_int_equal(hotplug_enable(NULL), 0);
	assert_int_equal(work_push(do_it, "dev1", 0), 0);
	assert_true(WAIT_FOR(atomic_load(&n_done) == 1));
	pthread_mutex_unlock(&gate);
	assert_true(WAIT_FOR(atomic_load(&n_inside) == 0));
	assert_true(was_left);
	assert_int_equal(work_push(do_it, "dev0", 0), 0);       /* served again */
	assert_true(WAIT_FOR(atomic_load(&n_done) == 2));
}

static void
wait_for_beside(const char *device)
{
	(void)device;
	atomic_fetch_add(&n_inside, 1);
	(void)WAIT_FOR(atomic_load(&n_beside) >= 3);
	atomic_fetch_sub(&n_inside, 1);
}

static void
do_beside_again(const char *device)
{
	if (atomic_fetch_add(&n_beside, 1) < 3)
		(void)work_push_beside(do_beside_again, device, 10);
}

/* Jobs beside see to those that are waited for; they ended first, and disable left the others
 * behind. */
static void
test_work_that_is_waited_for_at_the_end_has_what_is_beside(void **state)
{
	(void)state;
	assert_int_equal(work_push(wait_for_beside, "dev0", 0), 0);
	assert_true(WAIT_FOR(atomic_load(&n_inside) == 1));
	assert_int_equal(work_push_beside(do_beside_again, "dev0", 20), 0);
	assert_int_equal(hotplug_disable(), 0);
	assert_int_equal(atomic_load(&n_inside), 0);
	assert_false(fake_log_has("does not return"));
	assert_int_equal(work_push_beside(do_beside, "dev0", 0), -EPERM);
	assert_int_equal(hotplug_enable(NULL), 0);
}

static void
sleep_inside(const struct hotplug_event *event, void *arg)
{
	(void)event;
	(void)arg;
	block("");
}

/* What is owed to EAL's own callbacks. */
static void
test_work_is_done_beside_a_subscriber_that_sleeps(void **state)
{
	struct hotplug_event noise = { .size = sizeof(noise), .type = HOTPLUG_EVENT_READY };
	unsigned int i, before = fake_eal_forwarded();

	(void)state;
	pthread_mutex_lock(&gate);
	assert_true(hotplug_event_subscribe(NULL, sleep_inside, NULL) > 0);
	for (i = 0; i < 1100; i++)
		events_push(&noise);
	assert_true(WAIT_FOR(atomic_load(&n_inside) == 1));
	toy_make(&toy, "toy0", 1, 4096);
	assert_int_equal(toy_publish(&toy), 0);
	toy_pull(&toy);
	assert_int_equal(toy_report(&toy), 0);
	assert_true(WAIT_FOR(fake_eal_forwarded() == before + 1));
	assert_int_equal(atomic_load(&n_inside), 1);
	pthread_mutex_unlock(&gate);
	toy_destroy(&toy);
}

static void
test_work_of_a_subscriber_that_sleeps_keeps_no_disable(void **state)
{
	struct hotplug_event event = { .size = sizeof(event), .type = HOTPLUG_EVENT_READY };
	uint64_t begin;

	(void)state;
	pthread_mutex_lock(&gate);
	assert_true(hotplug_event_subscribe(NULL, sleep_inside, NULL) > 0);
	events_push(&event);
	events_push(&event);
	assert_true(WAIT_FOR(atomic_load(&n_inside) == 1));
	begin = device_now_ns();
	assert_int_equal(hotplug_disable(), 0);
	assert_true(device_now_ns() - begin < 10 * STUCK_MS * 1000000ull);
	assert_true(fake_log_has("ERR: a subscriber does not return"));
	assert_int_equal(hotplug_enable(NULL), 0);
	assert_true(hotplug_event_subscribe(NULL, heard_fn, &heard) > 0);
	events_push(&event);
	assert_int_equal(heard_wait(&heard, HOTPLUG_EVENT_READY, 0).sequence, 1);
	pthread_mutex_unlock(&gate);
	assert_true(WAIT_FOR(atomic_load(&n_inside) == 0));
	test_sleep_ms(20);              /* in which it would go on */
	assert_int_equal(heard_total(&heard), 1);
}

#define WORK(test) cmocka_unit_test_setup_teardown(test, start, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WORK(test_work_that_blocks_keeps_no_other_device),
		WORK(test_work_of_one_device_is_done_one_at_a_time),
		WORK(test_work_asked_for_twice_is_done_once_at_the_earlier_time),
		WORK(test_work_that_does_not_return_is_left_behind),
		WORK(test_work_that_is_waited_for_at_the_end_has_what_is_beside),
		WORK(test_work_is_done_beside_a_subscriber_that_sleeps),
		WORK(test_work_of_a_subscriber_that_sleeps_keeps_no_disable),
	};

	return cmocka_run_group_tests_name("work", tests, NULL, NULL);
}
