/* SPDX-License-Identifier: BSD-3-Clause */

/* test_ops: what a bus brings of its own (hot-unplug and fault handlers) is used;
 * each sign takes its way from the device to the subscriber.
 * In:  toy devices, a bus with handlers.  Out: calls, events with their times.
 * Context: app, watch, signal; what may die does so in a child. */

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "child.h"
#include "enabled.h"
#include "fake_host.h"
#include "fault.h"
#include "toy_bus.h"

#define LEN (256 * 1024ul)

static struct toy toy;
static struct heard heard;

static int
start(void **state)
{
	struct hotplug_config config;

	(void)state;
	heard_init(&heard);
	fake_log_clear();
	toy_make(&toy, "toy0", 2, LEN);
	hotplug_config_init(&config);
	config.liveness_ms = 10;
	return toy_enable(&config) != 0 || hotplug_event_subscribe(NULL, heard_fn, &heard) < 0;
}

static int
stop(void **state)
{
	(void)state;
	toy_destroy(&toy);
	toy_disable();
	return 0;
}

static void
assert_times_in_order(const struct hotplug_event *event)
{
	assert_true(event->sign_ns != 0);
	assert_true(event->sign_ns <= event->cut_ns);
	assert_true(event->cut_ns <= event->event_ns);
}

static void
test_sign_hang_up_cuts_off_and_tells(void **state)
{
	struct hotplug_event event;

	(void)state;
	assert_int_equal(toy_publish(&toy), 0);
	atomic_store(&toy.look, HOTPLUG_LOOK_ABSENT);
	toy_hang_up(&toy);
	event = heard_wait(&heard, HOTPLUG_EVENT_GONE, 0);
	assert_int_equal(event.cause, HOTPLUG_CAUSE_REMOVED);
	assert_true(event.sign == HOTPLUG_SIGN_UIO || event.sign == HOTPLUG_SIGN_LIVENESS);
	assert_string_equal(event.device, "toy0");
	assert_string_equal(event.bus, "toy");
	assert_string_equal(event.kernel_driver, "toy-driver");
	assert_times_in_order(&event);
	assert_true(toy_reads_all(toy.bar[0], LEN, 0xff));
}

#if !defined(__SANITIZE_THREAD__)       /* which must see the real epoll_wait() */
static struct toy *_Atomic given_up;    /* when its end has been heard, and before it is told */
static _Atomic bool is_anew;

/* In place of libc's: between the kernel's answer and what watch makes of it the device is
 * withdrawn, and published anew with another descriptor. */
int
epoll_wait(int fd, struct epoll_event *events, int max, int timeout)
{
	int n = syscall(SYS_epoll_pwait, fd, events, max, timeout, NULL, 0), i;
	struct toy *anew = NULL;

	for (i = 0; i < n && anew == NULL; i++)
		if ((uintptr_t)events[i].data.ptr > 4096)       /* no token: a device */
			anew = atomic_exchange(&given_up, NULL);
	if (anew != NULL) {
		assert_int_equal(toy_withdraw(anew), 0);
		close(anew->sign[0]);
		assert_int_equal(pipe(anew->sign), 0);
		assert_int_equal(toy_publish(anew), 0);
		atomic_store(&is_anew, true);
	}
	return n;
}

static void
test_sign_hang_up_of_a_former_life_is_not_this_ones(void **state)
{
	struct hotplug_config config;
	struct hotplug_event event;

	(void)state;
	heard_init(&heard);
	toy_make(&toy, "toy0", 2, LEN);
	hotplug_config_init(&config);
	config.liveness_ms = 0;         /* its descriptor is all that tells */
	assert_int_equal(toy_enable(&config), 0);
	assert_true(hotplug_event_subscribe(NULL, heard_fn, &heard) >= 0);
	assert_int_equal(toy_publish(&toy), 0);
	atomic_store(&is_anew, false);
	atomic_store(&given_up, &toy);
	toy_hang_up(&toy);
	assert_true(WAIT_FOR(atomic_load(&is_anew)));
	assert_int_equal(hotplug_scan(), 0);    /* watch has been round once more */
	assert_int_equal(hotplug_device_state("toy0"), HOTPLUG_STATE_ATTACHED);
	atomic_store(&toy.look, HOTPLUG_LOOK_ABSENT);
	toy_hang_up(&toy);
	event = heard_wait(&heard, HOTPLUG_EVENT_GONE, 0);
	assert_int_equal(event.sign, HOTPLUG_SIGN_UIO);
	assert_int_equal(event.cause, HOTPLUG_CAUSE_REMOVED);
	toy_destroy(&toy);
	toy_disable();
}
#endif

static void
test_sign_of_the_backend_cuts_off_and_tells(void **state)
{
	struct hotplug_event event;

	(void)state;
	assert_int_equal(toy_publish(&toy), 0);
	pthread_mutex_lock(&toy.gate);
	toy_report(&toy);
	atomic_store(&toy.look, HOTPLUG_LOOK_ABSENT);
	pthread_mutex_unlock(&toy.gate);
	event = heard_wait(&heard, HOTPLUG_EVENT_GONE, 0);
	assert_int_equal(event.cause, HOTPLUG_CAUSE_REMOVED);
	assert_times_in_order(&event);
}

static void
test_sign_is_not_needed_where_liveness_looks(void **state)
{
	struct hotplug_event event;

	(void)state;
	assert_int_equal(toy_publish(&toy), 0);
	assert_true(WAIT_FOR(atomic_load(&toy.n_looks) > 2));
	atomic_store(&toy.look, HOTPLUG_LOOK_DARK);
	event = heard_wait(&heard, HOTPLUG_EVENT_GONE, 0);
	assert_int_equal(event.sign, HOTPLUG_SIGN_LIVENESS);
	assert_int_equal(event.cause, HOTPLUG_CAUSE_SILENT);
	assert_times_in_order(&event);
	assert_true(toy_reads_all(toy.bar[1], LEN, 0xff));
}

static void
test_request_is_told_and_cuts_nothing_off(void **state)
{
	struct hotplug_event event;

	(void)state;
	toy.works_on_request = true;
	assert_int_equal(toy_publish(&toy), 0);
	assert_int_equal(hotplug_bus_report(&toy_bus, &toy, HOTPLUG_SIGN_VFIO), 0);
	event = heard_wait(&heard, HOTPLUG_EVENT_REQUESTED, 0);
	assert_int_equal(event.cause, HOTPLUG_CAUSE_REQUESTED);
	assert_int_equal(event.cut_ns, 0);
	assert_true(toy_reads_all(toy.bar[0], LEN, 0x5a));
	assert_int_equal(hotplug_device_state("toy0"), HOTPLUG_STATE_ATTACHED);
	atomic_store(&toy.look, HOTPLUG_LOOK_ABSENT);
	event = heard_wait(&heard, HOTPLUG_EVENT_GONE, 0);
	assert_int_equal(event.was_requested, 1);
	assert_true(toy_reads_all(toy.bar[0], LEN, 0xff));
}

/* A bus with handlers of its own. */
static _Atomic unsigned int n_unplugs, n_faults;
static const void *_Atomic seen_key;
static uint8_t *window;         /* reached by the bus alone: not published */

static int
own_unplug(struct hotplug_device *dev)
{
	atomic_fetch_add(&n_unplugs, 1);
	atomic_store(&seen_key, hotplug_device_key(dev));
	if (strcmp(hotplug_device_name(dev), "own0") != 0)
		return -EINVAL;
	return hotplug_device_cut_off(dev);
}

static int
own_fault(const void *addr)
{
	atomic_fetch_add(&n_faults, 1);
	if (window == NULL || addr != window)
		return 1;
	fault_mend(window);
	return 0;
}

static enum hotplug_look
own_look(const char *name, const char *kernel_driver, const struct hotplug_identity *id)
{
	(void)name;
	(void)kernel_driver;
	(void)id;
	return HOTPLUG_LOOK_ABSENT;
}

static const struct hotplug_bus_ops own_ops = {
	.handle_hot_unplug = own_unplug, .sigbus_handler = own_fault, .look = own_look,
};
static struct hotplug_bus own_bus = { .name = "own", .ops = &own_ops };

static void
test_bus_its_own_unplug_handler_is_called(void **state)
{
	struct hotplug_device_info info;

	(void)state;
	assert_int_equal(hotplug_bus_register(&own_bus), 0);
	toy_info(&toy, &info);
	info.name = "own0";
	info.sign_fd = -1;
	assert_int_equal(hotplug_device_publish(&own_bus, &info), 0);
	(void)hotplug_bus_report(&own_bus, &toy, HOTPLUG_SIGN_CALLER);
	assert_true(atomic_load(&n_unplugs) > 0);
	assert_ptr_equal(atomic_load(&seen_key), &toy);
	assert_true(toy_reads_all(toy.bar[0], LEN, 0xff));
	assert_string_equal(heard_wait(&heard, HOTPLUG_EVENT_GONE, 0).bus, "own");
	assert_int_equal(hotplug_bus_unregister(&own_bus), 0);
}

static void
own_fault_case(void *arg)
{
	(void)arg;
	CHILD_CHECK(hotplug_bus_register(&own_bus) == 0 && toy_enable(NULL) == 0);
	window = fault_make();
	CHILD_CHECK(fault_touch(window) == 0);
	CHILD_CHECK(atomic_load(&n_faults) == 1);
}

static void
foreign_fault_case(void *arg)
{
	(void)arg;
	CHILD_CHECK(hotplug_bus_register(&own_bus) == 0 && toy_enable(NULL) == 0);
	(void)fault_touch(fault_make());        /* its handler says: not mine */
}

static void
test_bus_its_own_fault_handler_is_asked(void **state)
{
	(void)state;
	child_passes(own_fault_case, NULL);
	child_dies(foreign_fault_case, NULL, SIGBUS);
}

static _Atomic bool is_over;

#if !defined(__SANITIZE_THREAD__)
static void *
deaf_thread(void *arg)
{
	sigset_t all;

	(void)arg;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	prctl(PR_SET_NAME, "deaf-worker");
	while (!atomic_load(&is_over))
		test_sleep_ms(1);
	return NULL;
}

static void
test_enable_names_threads_that_block_sigbus(void **state)
{
	pthread_t thread;

	(void)state;
	atomic_store(&is_over, false);
	pthread_create(&thread, NULL, deaf_thread, NULL);
	/* at enable, or with the next tick */
	if (!WAIT_FOR(fake_log_has("(deaf-worker) blocks SIGBUS")))
		fail_msg("not named in:\n%s", fake_log());
	atomic_store(&is_over, true);
	pthread_join(thread, NULL);
}
#endif

static void *
busy_thread(void *arg)
{
	struct hotplug_stats stats = { .size = sizeof(stats) };
	struct toy *mine = arg;
	int id;

	while (!atomic_load(&is_over)) {
		id = hotplug_event_subscribe(NULL, heard_fn, &heard);
		(void)hotplug_stats_get(&stats);
		if (toy_publish(mine) == 0)
			(void)toy_report(mine);
		(void)hotplug_device_state(mine->name);
		(void)toy_withdraw(mine);
		if (id > 0)
			(void)hotplug_event_unsubscribe(id);
	}
	return NULL;
}

/* Others go on calling while the library comes and goes. */
static void
test_enable_and_disable_under_callers(void **state)
{
	struct toy mine[2];
	pthread_t thread[2];
	unsigned int i;

	(void)state;
	heard_init(&heard);
	atomic_store(&is_over, false);
	hotplug_bus_register(&toy_bus);
	for (i = 0; i < 2; i++) {
		toy_make(&mine[i], i == 0 ? "busy0" : "busy1", 1, 8192);
		pthread_create(&thread[i], NULL, busy_thread, &mine[i]);
	}
	for (i = 0; i < 50; i++) {
		assert_int_equal(hotplug_enable(NULL), 0);
		test_sleep_ms(2);
		assert_int_equal(hotplug_disable(), 0);
	}
	atomic_store(&is_over, true);
	for (i = 0; i < 2; i++) {
		pthread_join(thread[i], NULL);
		toy_destroy(&mine[i]);
	}
	hotplug_bus_unregister(&toy_bus);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bus_its_own_fault_handler_is_asked),
		ENABLED(test_bus_its_own_unplug_handler_is_called),
		ENABLED(test_sign_hang_up_cuts_off_and_tells),
#if !defined(__SANITIZE_THREAD__)
		cmocka_unit_test(test_sign_hang_up_of_a_former_life_is_not_this_ones),
#endif
		ENABLED(test_sign_of_the_backend_cuts_off_and_tells),
		ENABLED(test_sign_is_not_needed_where_liveness_looks),
		ENABLED(test_request_is_told_and_cuts_nothing_off),
#if !defined(__SANITIZE_THREAD__)       /* which has such a thread of its own */
		ENABLED(test_enable_names_threads_that_block_sigbus),
#endif
		cmocka_unit_test(test_enable_and_disable_under_callers),
	};

	return cmocka_run_group_tests_name("ops", tests, NULL, NULL);
}
