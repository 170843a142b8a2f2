/* SPDX-License-Identifier: BSD-3-Clause */

/* test_sigbus: what is not ours reaches the handler that was there before, as if
 * we were not; what is ours does not.
 * In:  a table of previous handlers and of signals.  Every case runs in a child
 *      of its own, with a guarded device beside.
 * Context: app, signal. */

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "child.h"
#include "fault.h"
#include "test.h"
#include "toy_bus.h"

#define LEN (256 * 1024ul)

static struct toy toy;

/* What the previous handler saw. */
static volatile int n_calls;
static int seen_signo, seen_errno;
static siginfo_t seen_info;
static uintptr_t seen_pc;

static void
old_siginfo(int signo, siginfo_t *info, void *context)
{
	seen_errno = errno;
	n_calls++;
	seen_signo = signo;
	seen_info = *info;
	seen_pc = fault_context_pc(context);
	if (info->si_code == BUS_ADRERR)
		fault_mend(info->si_addr);
	errno = 99;
}

static uint8_t *foreign;

static void
old_plain(int signo)
{
	n_calls++;
	seen_signo = signo;
	fault_mend(foreign);
}

static void
set_old(void (*plain)(int), void (*siginfo)(int, siginfo_t *, void *), int flags)
{
	struct sigaction action = { .sa_flags = flags };

	if (siginfo != NULL) {
		action.sa_sigaction = siginfo;
		action.sa_flags |= SA_SIGINFO;
	} else {
		action.sa_handler = plain;
	}
	CHILD_CHECK(sigaction(SIGBUS, &action, NULL) == 0);
}

/* Enabled, with a device that works. */
static void
begin(enum hotplug_sigbus mode)
{
	struct hotplug_config config;

	hotplug_config_init(&config);
	config.sigbus = mode;
	toy_make(&toy, "toy0", 1, LEN);
	CHILD_CHECK(toy_enable(&config) == 0);
	CHILD_CHECK(toy_publish(&toy) == 0);
	foreign = fault_make();
}

static struct hotplug_stats
stats_now(void)
{
	struct hotplug_stats stats = { .size = sizeof(stats) };

	CHILD_CHECK(hotplug_stats_get(&stats) == 0);
	return stats;
}

static void
siginfo_case(void *arg)
{
	(void)arg;
	set_old(NULL, old_siginfo, 0);
	begin(HOTPLUG_SIGBUS_OWN);
	CHILD_CHECK(fault_touch(foreign + 123) == 0);
	CHILD_CHECK(n_calls == 1 && seen_signo == SIGBUS);
	CHILD_CHECK(seen_info.si_signo == SIGBUS && seen_info.si_code == BUS_ADRERR);
	CHILD_CHECK(seen_info.si_addr == foreign + 123);
	CHILD_CHECK(seen_pc == (uintptr_t)fault_pc);
	CHILD_CHECK(stats_now().faults_foreign == 1 && stats_now().faults == 0);
}

static void
plain_case(void *arg)
{
	(void)arg;
	set_old(old_plain, NULL, 0);
	begin(HOTPLUG_SIGBUS_OWN);
	CHILD_CHECK(fault_touch(foreign) == 0);
	CHILD_CHECK(n_calls == 1 && seen_signo == SIGBUS);
}

/* An address of ours does not make a signal ours that is no access error. */
static void
injected_case(void *arg)
{
	int code = *(const int *)arg;

	set_old(NULL, old_siginfo, 0);
	begin(HOTPLUG_SIGBUS_OWN);
	fault_inject(code, toy.bar[0] + 5);
	CHILD_CHECK(n_calls == 1);
	CHILD_CHECK(seen_info.si_code == code && seen_info.si_addr == toy.bar[0] + 5);
	CHILD_CHECK(toy_read(&toy.bar[0][5]) == 0x5a);
}

static void
kill_case(void *arg)
{
	(void)arg;
	set_old(NULL, old_siginfo, 0);
	begin(HOTPLUG_SIGBUS_OWN);
	kill(getpid(), SIGBUS);
	CHILD_CHECK(WAIT_FOR(n_calls == 1));
	CHILD_CHECK(seen_info.si_code == SI_USER);
	CHILD_CHECK(seen_info.si_pid == getpid() && seen_info.si_uid == getuid());
}

static void
sigqueue_case(void *arg)
{
	(void)arg;
	set_old(NULL, old_siginfo, 0);
	begin(HOTPLUG_SIGBUS_OWN);
	sigqueue(getpid(), SIGBUS, (union sigval){ .sival_ptr = toy.bar[0] });
	CHILD_CHECK(WAIT_FOR(n_calls == 1));
	CHILD_CHECK(seen_info.si_code == SI_QUEUE);
	CHILD_CHECK(seen_info.si_value.sival_ptr == toy.bar[0]);
	CHILD_CHECK(toy_read(toy.bar[0]) == 0x5a);
}

static void
ignored_kill_case(void *arg)
{
	(void)arg;
	signal(SIGBUS, SIG_IGN);
	begin(HOTPLUG_SIGBUS_OWN);
	kill(getpid(), SIGBUS);
	test_sleep_ms(10);
	CHILD_CHECK(stats_now().faults_foreign == 1);
}

static void
own_fault_case(void *arg)
{
	(void)arg;
	set_old(NULL, old_siginfo, 0);
	begin(HOTPLUG_SIGBUS_OWN);
	toy_pull(&toy);
	CHILD_CHECK(toy_read(&toy.bar[0][LEN - 1]) == 0xff);
	CHILD_CHECK(n_calls == 0 && stats_now().faults >= 1);
}

__attribute__((unused))
static void
errno_case(void *arg)
{
	(void)arg;
	set_old(NULL, old_siginfo, 0);
	begin(HOTPLUG_SIGBUS_OWN);
	errno = 4711;
	(void)fault_touch(foreign);
	CHILD_CHECK(errno == 4711);             /* the old handler spoils it: we mend it */
	CHILD_CHECK(seen_errno == 4711);        /* and it saw the application's */
	toy_pull(&toy);
	errno = 4712;
	(void)fault_touch(toy.bar[0]);
	CHILD_CHECK(errno == 4712);
}

static void
mask_case(void *arg)
{
	sigset_t now;

	(void)arg;
	set_old(NULL, old_siginfo, 0);
	begin(HOTPLUG_SIGBUS_OWN);
	(void)fault_touch(foreign);
	sigprocmask(SIG_SETMASK, NULL, &now);
	CHILD_CHECK(!sigismember(&now, SIGBUS));
	fault_inject(BUS_ADRALN, NULL);
	CHILD_CHECK(n_calls == 2);
}

static sigset_t seen_mask;

static void
old_masked(int signo)
{
	(void)signo;
	sigprocmask(SIG_SETMASK, NULL, &seen_mask);
	n_calls++;
	fault_mend(foreign);
}

__attribute__((unused))
static void
sa_mask_case(void *arg)
{
	struct sigaction action = { .sa_handler = old_masked };

	(void)arg;
	sigaddset(&action.sa_mask, SIGUSR2);
	sigaction(SIGBUS, &action, NULL);
	begin(HOTPLUG_SIGBUS_OWN);
	(void)fault_touch(foreign);
	CHILD_CHECK(n_calls == 1);
	CHILD_CHECK(sigismember(&seen_mask, SIGUSR2) && sigismember(&seen_mask, SIGBUS));
	CHILD_CHECK(!sigismember(&seen_mask, SIGUSR1));
}

/* SA_NODEFER: SIGBUS stays open in the old handler, which meets our device. */
static void
old_nested(int signo)
{
	(void)signo;
	n_calls++;
	if (fault_touch(toy.bar[0]) == 0xff)
		n_calls += 10;
	fault_mend(foreign);
}

static void
nodefer_case(void *arg)
{
	(void)arg;
	set_old(old_nested, NULL, SA_NODEFER);
	begin(HOTPLUG_SIGBUS_OWN);
	toy_pull(&toy);
	(void)fault_touch(foreign);
	CHILD_CHECK(n_calls == 11);
}

static void
other_signal(int signo)
{
	(void)signo;
	if (fault_touch(toy.bar[0] + LEN / 2) == 0xff)
		n_calls++;
}

__attribute__((unused))
static void
in_other_handler_case(void *arg)
{
	(void)arg;
	signal(SIGUSR1, other_signal);
	begin(HOTPLUG_SIGBUS_OWN);
	toy_pull(&toy);
	raise(SIGUSR1);
	CHILD_CHECK(n_calls == 1);
}

static void
resethand_case(void *arg)
{
	(void)arg;
	set_old(NULL, old_siginfo, (int)SA_RESETHAND);
	begin(HOTPLUG_SIGBUS_OWN);
	(void)fault_touch(foreign);
	CHILD_CHECK(n_calls == 1);
	toy_pull(&toy);                         /* ours go on being ours */
	CHILD_CHECK(fault_touch(toy.bar[0]) == 0xff);
	(void)fault_touch(fault_make());        /* the second foreign one kills */
	CHILD_CHECK(!"called again");
}

static sigjmp_buf jump;

static void
old_jump(int signo)
{
	(void)signo;
	siglongjmp(jump, 1);
}

static void
longjmp_case(void *arg)
{
	(void)arg;
	set_old(old_jump, NULL, 0);
	begin(HOTPLUG_SIGBUS_OWN);
	if (sigsetjmp(jump, 1) == 0)
		(void)fault_touch(foreign);
	n_calls++;
	if (n_calls == 1 && sigsetjmp(jump, 1) == 0)
		(void)fault_touch(foreign);
	toy_pull(&toy);
	CHILD_CHECK(fault_touch(toy.bar[0]) == 0xff);
}

/* The main program's stack is a small alternate one: no room is wasted. */
static void
altstack_case(void *arg)
{
	stack_t stack = { .ss_sp = malloc(64 * 1024), .ss_size = 64 * 1024 };
	uintptr_t low = (uintptr_t)stack.ss_sp;

	(void)arg;
	CHILD_CHECK(sigaltstack(&stack, NULL) == 0);
	set_old(NULL, old_siginfo, SA_ONSTACK);
	begin(HOTPLUG_SIGBUS_OWN);
	toy_pull(&toy);
	memset(stack.ss_sp, 0, stack.ss_size);
	CHILD_CHECK(fault_touch(toy.bar[0] + 70000) == 0xff);
	while (low < (uintptr_t)stack.ss_sp + stack.ss_size && *(uint8_t *)low == 0)
		low++;
	CHILD_CHECK(low < (uintptr_t)stack.ss_sp + stack.ss_size);      /* it was used */
	(void)fault_touch(foreign);
	CHILD_CHECK(n_calls == 1);
}

static void
fork_case(void *arg)
{
	int status;
	pid_t pid;

	(void)arg;
	begin(HOTPLUG_SIGBUS_OWN);
	pid = fork();
	if (pid == 0) {
		toy_pull(&toy);
		_exit(fault_touch(toy.bar[0]) == 0xff ? 0 : 1);
	}
	CHILD_CHECK(waitpid(pid, &status, 0) == pid);
	CHILD_CHECK(status == 0);
	CHILD_CHECK(fault_touch(toy.bar[0]) == 0xff);   /* and so does its parent */
}

/* The host owns SIGBUS and asks us. */
static void
host_handler(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)context;
	if (hotplug_sigbus_dispatch(info) == 1) {
		n_calls++;
		return;
	}
	n_calls += 100;
	fault_mend(foreign);
}

static void
dispatch_case(void *arg)
{
	struct sigaction now;

	(void)arg;
	set_old(NULL, host_handler, 0);
	begin(HOTPLUG_SIGBUS_DISPATCH);
	CHILD_CHECK(sigaction(SIGBUS, NULL, &now) == 0 && now.sa_sigaction == host_handler);
	toy_pull(&toy);
	CHILD_CHECK(fault_touch(toy.bar[0] + 5) == 0xff);
	CHILD_CHECK(n_calls >= 1 && n_calls < 100);     /* again when watch cuts it off */
	(void)fault_touch(foreign);
	CHILD_CHECK(n_calls > 100);
	CHILD_CHECK(WAIT_FOR(hotplug_device_state("toy0") == HOTPLUG_STATE_GONE));
	CHILD_CHECK(toy_reads_all(toy.bar[0], LEN, 0xff));
}

static void
back_case(void *arg)
{
	struct sigaction now;

	(void)arg;
	set_old(NULL, old_siginfo, SA_RESTART);
	begin(HOTPLUG_SIGBUS_OWN);
	CHILD_CHECK(stats_now().has_handler == 1);
	toy_disable();
	CHILD_CHECK(sigaction(SIGBUS, NULL, &now) == 0);
	CHILD_CHECK(now.sa_sigaction == old_siginfo && (now.sa_flags & SA_RESTART));
}

/* A handler that came over ours stays when we go. */
static void
over_case(void *arg)
{
	struct sigaction now;

	(void)arg;
	begin(HOTPLUG_SIGBUS_OWN);
	set_old(NULL, old_siginfo, 0);
	CHILD_CHECK(stats_now().has_handler == 0);
	toy_disable();
	CHILD_CHECK(sigaction(SIGBUS, NULL, &now) == 0 && now.sa_sigaction == old_siginfo);
}

/* It has met the cut-off, and comes to the handler when the library is disabled: the instruction
 * is to try again, once. */
static void
late_case(void *arg)
{
	siginfo_t late = { .si_signo = SIGBUS, .si_code = BUS_ADRERR };
	ucontext_t context = { .uc_flags = 0 };
	struct sigaction ours, now;

	(void)arg;
	set_old(NULL, old_siginfo, 0);
	begin(HOTPLUG_SIGBUS_OWN);
	toy_pull(&toy);
	CHILD_CHECK(toy_report(&toy) == 0);
	CHILD_CHECK(WAIT_FOR(hotplug_device_state("toy0") == HOTPLUG_STATE_GONE));
	CHILD_CHECK(sigaction(SIGBUS, NULL, &ours) == 0 && ours.sa_sigaction != old_siginfo);
	toy_disable();
	CHILD_CHECK(sigaction(SIGBUS, NULL, &now) == 0 && now.sa_sigaction == ours.sa_sigaction);
	CHILD_CHECK(toy_reads_all(toy.bar[0], LEN, 0xff));
	late.si_addr = toy.bar[0] + 5;
	ours.sa_sigaction(SIGBUS, &late, &context);
	CHILD_CHECK(n_calls == 0);
	ours.sa_sigaction(SIGBUS, &late, &context);
	CHILD_CHECK(n_calls == 1);
	CHILD_CHECK(fault_touch(foreign) == 0 && n_calls == 2);
	CHILD_CHECK(toy_enable(NULL) == 0 && stats_now().has_handler == 1);
	toy_disable();
}

#define CASE(name, fn) \
	static void name(void **state) { (void)state; child_passes(fn, NULL); }

CASE(test_sigbus_foreign_fault_reaches_old_handler, siginfo_case)
CASE(test_sigbus_foreign_fault_reaches_old_plain_handler, plain_case)
CASE(test_sigbus_kill_reaches_old_handler_with_its_sender, kill_case)
CASE(test_sigbus_sigqueue_reaches_old_handler_with_its_value, sigqueue_case)
CASE(test_sigbus_kill_is_ignored_where_it_was, ignored_kill_case)
CASE(test_sigbus_own_fault_does_not_reach_old_handler, own_fault_case)
#if !defined(__SANITIZE_THREAD__)
CASE(test_sigbus_keeps_errno, errno_case)
CASE(test_sigbus_old_handler_runs_under_its_own_mask, sa_mask_case)
CASE(test_sigbus_in_another_signals_handler, in_other_handler_case)
#endif
CASE(test_sigbus_leaves_the_mask_as_it_was, mask_case)
CASE(test_sigbus_old_handler_with_nodefer_may_meet_our_device, nodefer_case)
CASE(test_sigbus_old_handler_may_longjmp, longjmp_case)
CASE(test_sigbus_runs_on_the_alternate_stack, altstack_case)
CASE(test_sigbus_forked_child_survives_its_own_fault, fork_case)
CASE(test_sigbus_dispatched_by_the_host, dispatch_case)
CASE(test_sigbus_disable_puts_the_old_action_back, back_case)
CASE(test_sigbus_disable_leaves_a_newer_handler_alone, over_case)
CASE(test_sigbus_fault_that_disable_overtakes, late_case)

static void
test_sigbus_other_codes_at_our_address_are_not_ours(void **state)
{
	int codes[] = { BUS_ADRALN, BUS_MCEERR_AR, BUS_MCEERR_AO, SI_KERNEL, SI_TKILL, 0 };
	unsigned int i;

	(void)state;
	for (i = 0; i < N_ELEMENTS(codes); i++)
		child_passes(injected_case, &codes[i]);
}

static void
test_sigbus_resethand_handler_is_called_once(void **state)
{
	(void)state;
	child_dies(resethand_case, NULL, SIGBUS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sigbus_foreign_fault_reaches_old_handler),
		cmocka_unit_test(test_sigbus_foreign_fault_reaches_old_plain_handler),
		cmocka_unit_test(test_sigbus_other_codes_at_our_address_are_not_ours),
		cmocka_unit_test(test_sigbus_kill_reaches_old_handler_with_its_sender),
		cmocka_unit_test(test_sigbus_sigqueue_reaches_old_handler_with_its_value),
		cmocka_unit_test(test_sigbus_kill_is_ignored_where_it_was),
		cmocka_unit_test(test_sigbus_own_fault_does_not_reach_old_handler),
#if !defined(__SANITIZE_THREAD__)       /* which has an errno and a mask of its own there */
		cmocka_unit_test(test_sigbus_keeps_errno),
		cmocka_unit_test(test_sigbus_old_handler_runs_under_its_own_mask),
		cmocka_unit_test(test_sigbus_in_another_signals_handler),
#endif
		cmocka_unit_test(test_sigbus_leaves_the_mask_as_it_was),
		cmocka_unit_test(test_sigbus_old_handler_with_nodefer_may_meet_our_device),
		cmocka_unit_test(test_sigbus_resethand_handler_is_called_once),
		cmocka_unit_test(test_sigbus_old_handler_may_longjmp),
		cmocka_unit_test(test_sigbus_runs_on_the_alternate_stack),
		cmocka_unit_test(test_sigbus_forked_child_survives_its_own_fault),
		cmocka_unit_test(test_sigbus_dispatched_by_the_host),
		cmocka_unit_test(test_sigbus_disable_puts_the_old_action_back),
		cmocka_unit_test(test_sigbus_disable_leaves_a_newer_handler_alone),
		cmocka_unit_test(test_sigbus_fault_that_disable_overtakes),
	};

	return cmocka_run_group_tests_name("sigbus", tests, NULL, NULL);
}
