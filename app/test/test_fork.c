/* SPDX-License-Identifier: BSD-3-Clause */

/* test_fork: a child that was forked while the library is on has none of its threads; it
 * waits for none, and takes nothing from its parent.
 * In:  a toy device; children that do what an exit handler does.
 * Context: app. */

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/work.h"
#include "enabled.h"
#include "survive/guard.h"
#include "survive/unmap.h"
#include "toy_bus.h"

static struct toy toy;
static struct heard heard;

static int
start(void **state)
{
	struct hotplug_config config;

	(void)state;
	hotplug_config_init(&config);
	config.liveness_ms = 0;
	heard_init(&heard);
	if (toy_enable(&config) != 0 || hotplug_event_subscribe(NULL, heard_fn, &heard) < 0)
		return -1;
	toy_make(&toy, "toy0", 1, 256 * 1024);
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

/* What it answers; -1: it hung. */
static int
in_child(int (*fn)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		alarm(10);
		_exit(fn());
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int
end(void)
{
	struct hotplug_stats stats = { .size = sizeof(stats) };

	if (hotplug_disable() != -EALREADY || hotplug_enable(NULL) != -ENOTSUP)
		return 1;
	if (hotplug_scan() != -EPERM || hotplug_stats_get(&stats) != -EPERM)
		return 2;
	return toy_publish(&toy) == -EPERM ? 0 : 3;
}

/* As a driver's remove in rte_eal_cleanup(). */
static int
withdraw(void)
{
	return toy_withdraw(&toy) == 0 ? 0 : 1;
}

static int
touch(void)
{
	toy_pull(&toy);
	return toy_read(toy.bar[0]) == 0xff ? 0 : 1;
}

static void
hears_of_loss(void)
{
	toy_hang_up(&toy);
	atomic_store(&toy.look, HOTPLUG_LOOK_ABSENT);
	heard_wait(&heard, HOTPLUG_EVENT_GONE, 0);
	assert_int_equal(heard_count(&heard, HOTPLUG_EVENT_GONE), 1);
}

static void
test_fork_child_that_ends_waits_for_nobody(void **state)
{
	(void)state;
	assert_int_equal(in_child(end), 0);
	hears_of_loss();
	assert_int_equal(hotplug_disable(), 0);
	assert_int_equal(hotplug_enable(NULL), 0);
}

static void
test_fork_child_takes_nothing_from_its_parent(void **state)
{
	(void)state;
	assert_int_equal(in_child(withdraw), 0);
	hears_of_loss();
}

/* The handler is the child's, too. */
static void
test_fork_child_survives_a_fault(void **state)
{
	(void)state;
	assert_int_equal(in_child(touch), 0);
}

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static _Atomic bool is_inside;
static int sleeper;

static void
sleep_inside(const struct hotplug_event *event, void *arg)
{
	(void)event;
	(void)arg;
	atomic_store(&is_inside, true);
	pthread_mutex_lock(&gate);
	pthread_mutex_unlock(&gate);
}

static int
unsubscribe(void)
{
	if (hotplug_event_unsubscribe(sleeper) != -ENOENT)
		return 1;
	return hotplug_event_subscribe(NULL, heard_fn, &heard) == -EPERM ? 0 : 2;
}

/* As a destructor at its exit: its parent's subscriber ran at the fork, and the child waited
 * for it. */
static void
test_fork_child_waits_for_no_subscriber(void **state)
{
	(void)state;
	atomic_store(&is_inside, false);
	pthread_mutex_lock(&gate);
	sleeper = hotplug_event_subscribe(NULL, sleep_inside, NULL);
	assert_true(sleeper > 0);
	toy_hang_up(&toy);
	atomic_store(&toy.look, HOTPLUG_LOOK_ABSENT);
	assert_true(WAIT_FOR(atomic_load(&is_inside)));
	assert_int_equal(in_child(unsubscribe), 0);
	pthread_mutex_unlock(&gate);
	assert_int_equal(hotplug_event_unsubscribe(sleeper), 0);
}

#define N_CHILDREN 20

static _Atomic bool is_enough;

/* Again and again it looks whether what it unmaps is a BAR, as for any free() of something large;
 * and takes its time. */
static void *
look_into_guard(void *arg)
{
	while (!atomic_load(&is_enough)) {
		guard_enter();
		test_sleep_ms(1);
		guard_leave();
	}
	return arg;
}

static int
unmap_bar(void)
{
	return unmap_guarded(toy.bar[0], toy.len, munmap) == 0 ? 0 : 1;
}

/* One of its parent's threads was in the guard at the fork: the child that unmapped a BAR waited for
 * it for ever. */
static void
test_fork_child_unmaps_a_bar_and_waits_for_nobody(void **state)
{
	unsigned int i, n_hung = 0;
	pthread_t thread;

	(void)state;
	atomic_store(&is_enough, false);
	assert_int_equal(pthread_create(&thread, NULL, look_into_guard, NULL), 0);
	for (i = 0; i < N_CHILDREN && n_hung == 0; i++)
		n_hung += in_child(unmap_bar) != 0;
	atomic_store(&is_enough, true);
	pthread_join(thread, NULL);
	assert_int_equal(n_hung, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ENABLED(test_fork_child_that_ends_waits_for_nobody),
		ENABLED(test_fork_child_takes_nothing_from_its_parent),
		ENABLED(test_fork_child_survives_a_fault),
		ENABLED(test_fork_child_waits_for_no_subscriber),
		ENABLED(test_fork_child_unmaps_a_bar_and_waits_for_nobody),
	};

	return cmocka_run_group_tests_name("fork", tests, NULL, NULL);
}
