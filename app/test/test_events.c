/* SPDX-License-Identifier: BSD-3-Clause */

/* test_events: subscribers are told in order, once, without a lock held.
 * In:  events pushed as watch does.  Out: what subscribers of all manners heard.
 * Context: app pushes, events delivers. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "enabled.h"
#include "fake_host.h"
#include "report/events.h"
#include "toy_bus.h"

static struct heard heard;

static int
start(void **state)
{
	(void)state;
	heard_init(&heard);
	fake_log_clear();
	return hotplug_enable(NULL);
}

static int
stop(void **state)
{
	(void)state;
	return hotplug_disable();
}

static void
push(const char *device, uint64_t mark)
{
	struct hotplug_event event = {
		.size = sizeof(event), .type = HOTPLUG_EVENT_GONE, .sign_ns = mark,
	};

	snprintf(event.device, sizeof(event.device), "%s", device);
	events_push(&event);
}

static void
test_events_come_in_order_with_growing_numbers(void **state)
{
	unsigned int i;

	(void)state;
	assert_true(hotplug_event_subscribe(NULL, heard_fn, &heard) > 0);
	for (i = 0; i < 200; i++)
		push("a", i + 1);
	heard_wait(&heard, HOTPLUG_EVENT_GONE, 199);
	assert_int_equal(heard_total(&heard), 200);
	for (i = 0; i < 200; i++) {
		assert_int_equal(heard.event[i].sign_ns, i + 1);
		assert_int_equal(heard.event[i].sequence, i + 1);
		assert_true(heard.event[i].event_ns != 0);
	}
}

static void
test_events_of_one_device_reach_its_subscriber_only(void **state)
{
	struct heard all;

	(void)state;
	heard_init(&all);
	assert_true(hotplug_event_subscribe("b", heard_fn, &heard) > 0);
	assert_true(hotplug_event_subscribe(NULL, heard_fn, &all) > 0);
	push("a", 1);
	push("b", 2);
	push("bb", 3);
	push("", 4);
	heard_wait(&all, HOTPLUG_EVENT_GONE, 3);
	assert_int_equal(all.n, 4);
	assert_int_equal(heard_total(&heard), 1);
	assert_int_equal(heard.event[0].sign_ns, 2);
}

static void
test_events_reach_the_log_too(void **state)
{
	(void)state;
	push("0000:01:00.0", 5000001000);
	assert_true(WAIT_FOR(fake_log_has("NOTICE: 0000:01:00.0 gone t_sign=5.000001")));
}

static int own_id, other_id;
static _Atomic int n_calls;

static void
leave(const struct hotplug_event *event, void *arg)
{
	(void)event;
	(void)arg;
	if (hotplug_event_unsubscribe(own_id) == 0)
		atomic_fetch_add(&n_calls, 1);
}

static void
test_events_unsubscribe_from_inside_does_not_wait_for_itself(void **state)
{
	(void)state;
	atomic_store(&n_calls, 0);
	own_id = hotplug_event_subscribe(NULL, leave, NULL);
	hotplug_event_subscribe(NULL, heard_fn, &heard);
	push("a", 1);
	push("a", 2);
	heard_wait(&heard, HOTPLUG_EVENT_GONE, 1);
	assert_int_equal(atomic_load(&n_calls), 1);
	assert_int_equal(hotplug_event_unsubscribe(own_id), -ENOENT);
}

static void
drop_other(const struct hotplug_event *event, void *arg)
{
	(void)event;
	(void)arg;
	hotplug_event_unsubscribe(other_id);
}

static void
test_events_a_dropped_subscriber_misses_the_event_that_dropped_it(void **state)
{
	struct heard last;

	(void)state;
	heard_init(&last);
	hotplug_event_subscribe(NULL, drop_other, NULL);
	other_id = hotplug_event_subscribe(NULL, heard_fn, &heard);
	hotplug_event_subscribe(NULL, heard_fn, &last);
	push("a", 1);
	heard_wait(&last, HOTPLUG_EVENT_GONE, 0);
	assert_int_equal(heard_total(&heard), 0);
}

static void
bring_another(const struct hotplug_event *event, void *arg)
{
	(void)event;
	if (atomic_fetch_add(&n_calls, 1) == 0)
		hotplug_event_subscribe(NULL, heard_fn, arg);
}

static void
test_events_subscribe_from_inside_is_legal(void **state)
{
	(void)state;
	atomic_store(&n_calls, 0);
	hotplug_event_subscribe(NULL, bring_another, &heard);
	push("a", 1);
	push("a", 2);
	assert_true(WAIT_FOR(atomic_load(&n_calls) == 2));
	heard_wait(&heard, HOTPLUG_EVENT_GONE, 0);
	assert_int_equal(heard.event[heard.n - 1].sign_ns, 2);
}

/* A subscriber that stays until it is let go. */
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static _Atomic int n_inside, n_after;

static void
stay(const struct hotplug_event *event, void *arg)
{
	(void)event;
	(void)arg;
	atomic_fetch_add(&n_inside, 1);
	pthread_mutex_lock(&gate);
	pthread_mutex_unlock(&gate);
	atomic_fetch_add(&n_after, 1);
}

static void *
unsubscribe_thread(void *done)
{
	hotplug_event_unsubscribe(own_id);
	atomic_store((_Atomic bool *)done, true);
	return NULL;
}

static void
test_events_unsubscribe_waits_for_the_one_that_runs(void **state)
{
	_Atomic bool is_done = false;
	pthread_t thread;

	(void)state;
	atomic_store(&n_inside, 0);
	atomic_store(&n_after, 0);
	pthread_mutex_lock(&gate);
	own_id = hotplug_event_subscribe(NULL, stay, NULL);
	push("a", 1);
	push("a", 2);
	assert_true(WAIT_FOR(atomic_load(&n_inside) == 1));
	pthread_create(&thread, NULL, unsubscribe_thread, &is_done);
	test_sleep_ms(200);     /* it has asked by then, under valgrind, too */
	assert_false(atomic_load(&is_done));
	pthread_mutex_unlock(&gate);
	pthread_join(thread, NULL);
	assert_int_equal(atomic_load(&n_after), 1);
	test_sleep_ms(20);
	assert_int_equal(atomic_load(&n_inside), 1);    /* the second never came */
}

static void
test_events_overflow_is_counted_and_told_as_rescan(void **state)
{
	struct hotplug_stats stats = { .size = sizeof(stats) };
	unsigned int i;
	int id;

	(void)state;
	atomic_store(&n_inside, 0);
	pthread_mutex_lock(&gate);
	id = hotplug_event_subscribe(NULL, stay, NULL);
	push("first", 0);
	assert_true(WAIT_FOR(atomic_load(&n_inside) == 1));
	for (i = 0; i < 1024 + 30; i++)         /* the queue holds 1,024 */
		push("a", i);
	assert_int_equal(hotplug_stats_get(&stats), 0);
	assert_int_equal(stats.events_lost, 30);
	pthread_mutex_unlock(&gate);
	assert_true(WAIT_FOR(hotplug_stats_get(&stats) == 0 && stats.events == 1 + 1024 + 1));
	hotplug_event_unsubscribe(id);
	assert_int_equal(stats.events_lost, 30);
	assert_int_equal(fake_log_count("NOTICE: rescan"), 1);
}

static void
test_events_rescan_reaches_only_those_who_hear_all(void **state)
{
	struct hotplug_event rescan = { .size = sizeof(rescan), .type = HOTPLUG_EVENT_RESCAN };
	struct heard all;

	(void)state;
	heard_init(&all);
	hotplug_event_subscribe("a", heard_fn, &heard);
	hotplug_event_subscribe(NULL, heard_fn, &all);
	events_push(&rescan);
	heard_wait(&all, HOTPLUG_EVENT_RESCAN, 0);
	assert_int_equal(heard_total(&heard), 0);
}

static _Atomic int answers[2];

static void
try_to_stop(const struct hotplug_event *event, void *arg)
{
	(void)event;
	(void)arg;
	atomic_store(&answers[0], hotplug_enable(NULL));
	atomic_store(&answers[1], hotplug_disable());
	atomic_fetch_add(&n_calls, 1);
}

static void
test_events_enable_and_disable_from_inside_are_refused(void **state)
{
	(void)state;
	atomic_store(&n_calls, 0);
	hotplug_event_subscribe(NULL, try_to_stop, NULL);
	push("a", 1);
	assert_true(WAIT_FOR(atomic_load(&n_calls) == 1));
	assert_int_equal(atomic_load(&answers[0]), -EDEADLK);
	assert_int_equal(atomic_load(&answers[1]), -EDEADLK);
}

static void
test_events_subscribe_refuses_nonsense(void **state)
{
	char name[HOTPLUG_NAME_LEN + 1];

	(void)state;
	memset(name, 'x', sizeof(name));
	name[HOTPLUG_NAME_LEN] = '\0';
	assert_int_equal(hotplug_event_subscribe(NULL, NULL, NULL), -EINVAL);
	assert_int_equal(hotplug_event_subscribe(name, heard_fn, &heard), -EINVAL);
	assert_int_equal(hotplug_event_unsubscribe(0), -ENOENT);
	assert_int_equal(hotplug_event_unsubscribe(-5), -ENOENT);
	assert_int_equal(hotplug_event_unsubscribe(123456), -ENOENT);
}

static void
test_events_disable_drops_what_is_in_flight(void **state)
{
	unsigned int i;

	(void)state;
	assert_int_equal(hotplug_enable(NULL), 0);
	heard_init(&heard);
	atomic_store(&n_inside, 0);
	pthread_mutex_lock(&gate);
	hotplug_event_subscribe(NULL, stay, NULL);
	for (i = 0; i < 500; i++)
		push("a", i);
	assert_true(WAIT_FOR(atomic_load(&n_inside) == 1));
	pthread_mutex_unlock(&gate);
	assert_int_equal(hotplug_disable(), 0);
	i = atomic_load(&n_inside);
	assert_int_equal(hotplug_enable(NULL), 0);
	hotplug_event_subscribe(NULL, heard_fn, &heard);
	push("b", 1);
	heard_wait(&heard, HOTPLUG_EVENT_GONE, 0);
	assert_string_equal(heard.event[0].device, "b");        /* nothing old */
	assert_int_equal(heard.event[0].sequence, 1);
	assert_int_equal(atomic_load(&n_inside), i);            /* nor old subscribers */
	assert_int_equal(hotplug_disable(), 0);
}

static void
test_events_need_the_library_enabled(void **state)
{
	(void)state;
	assert_int_equal(hotplug_event_subscribe(NULL, heard_fn, &heard), -EPERM);
	assert_int_equal(hotplug_event_unsubscribe(1), -ENOENT);
}


int
main(void)
{
	const struct CMUnitTest tests[] = {
		ENABLED(test_events_come_in_order_with_growing_numbers),
		ENABLED(test_events_of_one_device_reach_its_subscriber_only),
		ENABLED(test_events_reach_the_log_too),
		ENABLED(test_events_unsubscribe_from_inside_does_not_wait_for_itself),
		ENABLED(test_events_a_dropped_subscriber_misses_the_event_that_dropped_it),
		ENABLED(test_events_subscribe_from_inside_is_legal),
		ENABLED(test_events_unsubscribe_waits_for_the_one_that_runs),
		ENABLED(test_events_overflow_is_counted_and_told_as_rescan),
		ENABLED(test_events_rescan_reaches_only_those_who_hear_all),
		ENABLED(test_events_enable_and_disable_from_inside_are_refused),
		ENABLED(test_events_subscribe_refuses_nonsense),
		cmocka_unit_test(test_events_disable_drops_what_is_in_flight),
		cmocka_unit_test(test_events_need_the_library_enabled),
	};

	return cmocka_run_group_tests_name("events", tests, NULL, NULL);
}
