/* SPDX-License-Identifier: BSD-3-Clause */

/* test_grace: burst functions are exchanged, and what they use is taken away when the
 * grace is over: nobody is in them then, whoever it is and whatever he does.
 * In:  threads that poll, sleep, block, are preempted or stopped, in the old function or
 *      elsewhere; no EAL: a thread says nothing of itself.
 * Context: app. */

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "burst_code.h"
#include "core/device.h"
#include "fake_host.h"
#include "port/grace.h"
#include "port/thread.h"
#include "test.h"

#define HOLD_MS 300     /* far longer than a grace */
#define BOUND_MS 600    /* it was a second; a busy machine may take its time for 10 ms */

typedef uint16_t (*burst_fn)(void *queue, struct rte_mbuf **pkts, uint16_t n);

/* One port, as a poller reads it. */
static _Atomic(burst_fn) burst;
static atomic_bool is_over;
static _Atomic unsigned int n_polls, n_inside;
static void (*_Atomic in_burst)(void);  /* what the next burst does, once */
static atomic_bool is_held;

static void
run_burst(void *queue)
{
	void (*fn)(void);

	(void)queue;
	atomic_fetch_add(&n_inside, 1);
	fn = atomic_exchange(&in_burst, NULL);
	if (fn != NULL) {
		atomic_store(&is_held, true);
		fn();
	}
	atomic_fetch_sub(&n_inside, 1);
}

static uint16_t
dummy(void *queue, struct rte_mbuf **pkts, uint16_t n)
{
	(void)queue;
	(void)pkts;
	(void)n;
	return 0;
}

static void *
poll_port(void *arg)
{
	(void)arg;
	while (!atomic_load(&is_over)) {
		(void)atomic_load(&burst)(NULL, NULL, 0);
		atomic_fetch_add(&n_polls, 1);
	}
	return NULL;
}

static uint64_t
exchange(void)
{
	const void *old = (const void *)(uintptr_t)atomic_exchange(&burst, dummy);
	uint64_t start = device_now_ns();

	grace_wait(&old, 1);
	return (device_now_ns() - start) / 1000000;
}

static void
begin(void)
{
	burst_code_fn = run_burst;
	atomic_store(&burst, burst_code_receive);
	atomic_store(&is_over, false);
	atomic_store(&is_held, false);
	atomic_store(&n_polls, 0);
}

/* A poller is held in its burst: the grace ends after that, and because of that. */
static void
check_hold(void (*hold)(void))
{
	unsigned int n_left;
	pthread_t poller;

	begin();
	assert_int_equal(pthread_create(&poller, NULL, poll_port, NULL), 0);
	assert_true(WAIT_FOR(atomic_load(&n_polls) > 10));
	atomic_store(&in_burst, hold);
	assert_true(WAIT_FOR(atomic_load(&is_held)));
	(void)exchange();
	n_left = atomic_load(&n_inside);
	atomic_store(&is_over, true);
	pthread_join(poller, NULL);
	assert_int_equal(n_left, 0);
}

/* --- in the burst -------------------------------------------------------------------- */

static void
sleep_in_burst(void)
{
	test_sleep_ms(HOLD_MS);
}

static void
test_who_sleeps_in_the_burst_is_waited_for(void **state)
{
	(void)state;
	check_hold(sleep_in_burst);
}

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void
block_in_burst(void)
{
	pthread_mutex_lock(&gate);
	pthread_mutex_unlock(&gate);
}

static void *
close_gate(void *arg)
{
	pthread_mutex_lock(&gate);
	atomic_store((atomic_bool *)arg, true);
	test_sleep_ms(HOLD_MS);
	pthread_mutex_unlock(&gate);
	return NULL;
}

static void
test_who_blocks_in_the_burst_is_waited_for(void **state)
{
	atomic_bool is_closed = false;
	pthread_t owner;

	(void)state;
	assert_int_equal(pthread_create(&owner, NULL, close_gate, &is_closed), 0);
	assert_true(WAIT_FOR(atomic_load(&is_closed)));
	check_hold(block_in_burst);
	pthread_join(owner, NULL);
}

#ifndef __SANITIZE_THREAD__     /* it makes a fork() of vfork(), and refuses clone() */
/* As in a page fault: the parent in vfork() waits uninterruptibly. */
static void
fault_in_burst(void)
{
	pid_t pid = vfork();

	if (pid == 0) {
		usleep(HOLD_MS * 1000);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static void
test_who_waits_for_the_kernel_in_the_burst_is_waited_for(void **state)
{
	(void)state;
	check_hold(fault_in_burst);
}
#endif

static uint64_t
own_cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void
pin(int processor, int policy)
{
	const struct sched_param param = { 0 };
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(processor, &set);
	assert_int_equal(sched_setaffinity(0, sizeof(set), &set), 0);
	assert_int_equal(sched_setscheduler(0, policy, &param), 0);
}

static void *
be_busy(void *arg)
{
	(void)arg;
	pin(0, SCHED_OTHER);
	while (!atomic_load(&is_over))
		;
	return NULL;
}

/* A burst of 1 ms of its own time, which takes it far longer beside a busy thread. */
static void
spin_idly_in_burst(void)
{
	uint64_t end;

	pin(0, SCHED_IDLE);
	end = own_cpu_ns() + 1000000;
	while (own_cpu_ns() < end)
		;
	pin(0, SCHED_OTHER);    /* what comes after it is not the test */
}

static void
test_who_is_preempted_in_the_burst_is_waited_for(void **state)
{
	pthread_t busy;

	(void)state;
	atomic_store(&is_over, false);
	assert_int_equal(pthread_create(&busy, NULL, be_busy, NULL), 0);
	check_hold(spin_idly_in_burst);
	pthread_join(busy, NULL);
}

static _Atomic pid_t tid_in_burst;
static atomic_bool may_leave;
static int tracer_fd;

/* Its own time stands still while a tracer has stopped it; then it leaves at once. */
static void
be_stopped_in_burst(void)
{
	atomic_store(&tid_in_burst, gettid());
	while (!atomic_load(&may_leave))
		;
}

/* A debugger that stops one thread; it goes on when the debugger dies. */
static void
stop_thread(pid_t tid)
{
	int status;

	if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) != 0 ||
	    ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) != 0 ||
	    waitpid(tid, &status, __WALL) != tid ||
	    write(tracer_fd, &(uint64_t){ 1 }, 8) != 8)
		_exit(1);
	for (;;)
		pause();
}

static void *
exchange_in_thread(void *is_done)
{
	(void)exchange();
	assert_int_equal(atomic_load(&n_inside), 0);
	atomic_store((atomic_bool *)is_done, true);
	return NULL;
}

/* For as long as it takes; it is named, so that somebody can do something about it. */
static void
test_who_is_stopped_in_the_burst_is_waited_for_and_named(void **state)
{
	atomic_bool is_done = false;
	pthread_t poller, waiter;
	uint64_t count;
	pid_t tracer;

	(void)state;
	begin();
	tracer_fd = eventfd(0, EFD_CLOEXEC);
	atomic_store(&in_burst, be_stopped_in_burst);
	assert_int_equal(pthread_create(&poller, NULL, poll_port, NULL), 0);
	pthread_setname_np(poller, "the-poller");
	assert_true(WAIT_FOR(atomic_load(&tid_in_burst) != 0));
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
	tracer = fork();
	if (tracer == 0)
		stop_thread(atomic_load(&tid_in_burst));
	assert_int_equal(read(tracer_fd, &count, sizeof(count)), sizeof(count));
	atomic_store(&may_leave, true);
	assert_int_equal(pthread_create(&waiter, NULL, exchange_in_thread, &is_done), 0);
	assert_true(WAIT_FOR(fake_log_has("(the-poller) may be in a lost device's driver")));
	assert_false(atomic_load(&is_done));
	kill(tracer, SIGKILL);
	waitpid(tracer, NULL, 0);
	pthread_join(waiter, NULL);
	assert_true(atomic_load(&is_done));
	atomic_store(&is_over, true);
	pthread_join(poller, NULL);
	close(tracer_fd);
}

/* --- elsewhere ----------------------------------------------------------------------- */

static void *
poll_another_port(void *arg)
{
	(void)arg;
	while (!atomic_load(&is_over))
		atomic_fetch_add(&n_polls, 1);
	return NULL;
}

/* L26, M1: it never enters this port's dummy, and need not. */
static void
test_who_polls_another_port_costs_no_more_than_a_burst(void **state)
{
	pthread_t poller[2];
	unsigned int i;

	(void)state;
	begin();
	for (i = 0; i < N_ELEMENTS(poller); i++)
		assert_int_equal(pthread_create(&poller[i], NULL, poll_another_port, NULL), 0);
	assert_true(WAIT_FOR(atomic_load(&n_polls) > 1000));
	assert_true(exchange() < BOUND_MS);
	atomic_store(&is_over, true);
	for (i = 0; i < N_ELEMENTS(poller); i++)
		pthread_join(poller[i], NULL);
}

static int wake_fd;

static void *
sleep_elsewhere(void *arg)
{
	uint64_t count;

	(void)arg;
	atomic_fetch_add(&n_inside, 1);
	while (read(wake_fd, &count, sizeof(count)) != sizeof(count))
		;
	atomic_fetch_sub(&n_inside, 1);
	return NULL;
}

/* No thread of an application's costs anything while it sleeps. */
static void
test_who_sleeps_elsewhere_is_not_waited_for(void **state)
{
	pthread_t thread[100];
	unsigned int i;

	(void)state;
	begin();
	wake_fd = eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE);
	for (i = 0; i < N_ELEMENTS(thread); i++)
		assert_int_equal(pthread_create(&thread[i], NULL, sleep_elsewhere, NULL), 0);
	assert_true(WAIT_FOR(atomic_load(&n_inside) == N_ELEMENTS(thread)));
	assert_true(exchange() < BOUND_MS);
	assert_int_equal(atomic_load(&n_inside), N_ELEMENTS(thread));
	for (i = 0; i < N_ELEMENTS(thread); i++)
		assert_int_equal(write(wake_fd, &(uint64_t){ 1 }, 8), 8);
	for (i = 0; i < N_ELEMENTS(thread); i++)
		pthread_join(thread[i], NULL);
	close(wake_fd);
}

/* A driver's own control call sleeps, in a thread of ours: that of another device. */
static void *
sleep_as_ours(void *arg)
{
	(void)arg;
	pthread_setname_np(pthread_self(), "hotplug-end");
	(void)burst_code_receive(NULL, NULL, 0);
	return NULL;
}

static void
test_threads_of_ours_in_a_driver_are_not_waited_for(void **state)
{
	pthread_t ours;

	(void)state;
	begin();
	atomic_store(&in_burst, block_in_burst);
	pthread_mutex_lock(&gate);
	assert_int_equal(pthread_create(&ours, NULL, sleep_as_ours, NULL), 0);
	assert_true(WAIT_FOR(atomic_load(&is_held)));
	test_sleep_ms(20);      /* it is on its way to sleep */
	assert_true(exchange() < BOUND_MS);
	assert_int_equal(atomic_load(&n_inside), 1);
	pthread_mutex_unlock(&gate);
	pthread_join(ours, NULL);
}

/* --- under load ---------------------------------------------------------------------- */

static void *
end_at_once(void *arg)
{
	return arg;
}

static void *
begin_and_end_threads(void *arg)
{
	pthread_t thread;

	(void)arg;
	while (!atomic_load(&is_over)) {
		assert_int_equal(pthread_create(&thread, NULL, end_at_once, NULL), 0);
		pthread_join(thread, NULL);
	}
	return NULL;
}

static void
yield_in_burst(void)
{
	sched_yield();
}

/* What bursts use is freed after each grace, beside threads that come and go. */
static void
test_exchanged_again_and_again_nobody_is_ever_inside(void **state)
{
	pthread_t poller[3], maker;
	unsigned int i;

	(void)state;
	begin();
	for (i = 0; i < N_ELEMENTS(poller); i++)
		assert_int_equal(pthread_create(&poller[i], NULL, poll_port, NULL), 0);
	assert_int_equal(pthread_create(&maker, NULL, begin_and_end_threads, NULL), 0);
	for (i = 0; i < 30; i++) {
		atomic_store(&burst, burst_code_receive);
		atomic_store(&in_burst, i % 2 == 0 ? NULL : yield_in_burst);
		test_sleep_ms(1);
		(void)exchange();
		assert_int_equal(atomic_load(&n_inside), 0);
	}
	atomic_store(&is_over, true);
	for (i = 0; i < N_ELEMENTS(poller); i++)
		pthread_join(poller[i], NULL);
	pthread_join(maker, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_sleeps_in_the_burst_is_waited_for),
		cmocka_unit_test(test_who_blocks_in_the_burst_is_waited_for),
#ifndef __SANITIZE_THREAD__
		cmocka_unit_test(test_who_waits_for_the_kernel_in_the_burst_is_waited_for),
#endif
		cmocka_unit_test(test_who_is_preempted_in_the_burst_is_waited_for),
		cmocka_unit_test(test_who_is_stopped_in_the_burst_is_waited_for_and_named),
		cmocka_unit_test(test_who_polls_another_port_costs_no_more_than_a_burst),
		cmocka_unit_test(test_who_sleeps_elsewhere_is_not_waited_for),
		cmocka_unit_test(test_threads_of_ours_in_a_driver_are_not_waited_for),
		cmocka_unit_test(test_exchanged_again_and_again_nobody_is_ever_inside),
	};

	grace_start();
	grace_sleep_ns = 60000000000ull;        /* nobody is out because we are tired of waiting */
	return cmocka_run_group_tests_name("grace", tests, NULL, NULL);
}
