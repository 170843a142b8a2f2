/* SPDX-License-Identifier: BSD-3-Clause */

/* test_sigbus_death: who would have died without us dies with us, of the same
 * signal, at the same instruction, with the same siginfo (a core dump shows it).
 * In:  children under ptrace.  Not under ThreadSanitizer, which delivers signals
 *      from a place of its own.
 * Context: app, signal. */

#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "fault.h"
#include "test.h"
#include "toy_bus.h"

static struct toy toy;
static uint8_t *shared_foreign; /* mapped before fork: the same in the child */

static void
begin(void)
{
	toy_make(&toy, "toy0", 1, 256 * 1024);
	CHILD_CHECK(toy_enable(NULL) == 0);
	CHILD_CHECK(toy_publish(&toy) == 0);
}

static void
assert_died_of_sigbus(const struct child_death *death)
{
	assert_true(WIFSIGNALED(death->status));
	assert_int_equal(WTERMSIG(death->status), SIGBUS);
}

static void
assert_died_at_the_load(const struct child_death *death)
{
	assert_died_of_sigbus(death);
	assert_int_equal(death->pc, (uintptr_t)fault_pc);
	assert_int_equal(death->info.si_code, BUS_ADRERR);
	assert_ptr_equal(death->info.si_addr, shared_foreign + 321);
}

static void
default_case(void *arg)
{
	(void)arg;
	begin();
	(void)fault_touch(shared_foreign + 321);
}

static void
test_sigbus_default_dies_at_the_true_pc(void **state)
{
	struct child_death death;

	(void)state;
	child_trace(default_case, NULL, &death);
	assert_died_at_the_load(&death);
}

static void
ignored_case(void *arg)
{
	signal(SIGBUS, SIG_IGN);
	default_case(arg);
}

/* The kernel kills for a fault that is ignored; so do we. */
static void
test_sigbus_ignored_fault_dies_at_the_true_pc(void **state)
{
	struct child_death death;

	(void)state;
	child_trace(ignored_case, NULL, &death);
	assert_died_at_the_load(&death);
}

static void
give_up(int signo)
{
	signal(signo, SIG_DFL);
}

static void
giving_up_case(void *arg)
{
	signal(SIGBUS, give_up);
	default_case(arg);
}

/* Many a crash handler: note something, restore the default, fault again. */
static void
test_sigbus_handler_that_restores_the_default_dies_at_the_true_pc(void **state)
{
	struct child_death death;

	(void)state;
	child_trace(giving_up_case, NULL, &death);
	assert_died_at_the_load(&death);
}

static void *
touch_thread(void *arg)
{
	(void)arg;
	(void)fault_touch(shared_foreign + 321);
	return NULL;
}

static void
thread_case(void *arg)
{
	pthread_t thread;

	(void)arg;
	begin();
	pthread_create(&thread, NULL, touch_thread, NULL);
	pthread_join(thread, NULL);
}

static void
test_sigbus_default_in_a_thread_kills_the_process(void **state)
{
	(void)state;
	child_dies(thread_case, NULL, SIGBUS);
}

static void
kill_case(void *arg)
{
	(void)arg;
	begin();
	kill(getpid(), SIGBUS);
	test_sleep_ms(5000);
}

static void
test_sigbus_default_kill_dies_with_its_sender_named(void **state)
{
	struct child_death death;

	(void)state;
	child_trace(kill_case, NULL, &death);
	assert_died_of_sigbus(&death);
	assert_int_equal(death.info.si_code, SI_USER);
	assert_int_equal(death.info.si_uid, getuid());
	assert_true(death.info.si_pid > 0);
}

/* Its own fault, answered, is no death. */
static void
own_case(void *arg)
{
	(void)arg;
	begin();
	toy_pull(&toy);
	CHILD_CHECK(fault_touch(toy.bar[0]) == 0xff);
}

static void
test_sigbus_own_fault_is_no_death(void **state)
{
	struct child_death death;

	(void)state;
	child_trace(own_case, NULL, &death);
	assert_int_equal(death.status, 0);
	assert_int_equal(death.pc, (uintptr_t)fault_pc);        /* it did fault there */
}

static void
disabled_case(void *arg)
{
	(void)arg;
	begin();
	toy_disable();
	toy_pull(&toy);
	(void)fault_touch(toy.bar[0]);
}

static void
test_sigbus_after_disable_nothing_is_answered(void **state)
{
	(void)state;
	child_dies(disabled_case, NULL, SIGBUS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sigbus_default_dies_at_the_true_pc),
		cmocka_unit_test(test_sigbus_ignored_fault_dies_at_the_true_pc),
		cmocka_unit_test(
			test_sigbus_handler_that_restores_the_default_dies_at_the_true_pc),
		cmocka_unit_test(test_sigbus_default_in_a_thread_kills_the_process),
		cmocka_unit_test(test_sigbus_default_kill_dies_with_its_sender_named),
		cmocka_unit_test(test_sigbus_own_fault_is_no_death),
		cmocka_unit_test(test_sigbus_after_disable_nothing_is_answered),
	};

	shared_foreign = fault_make();
	return cmocka_run_group_tests_name("sigbus_death", tests, NULL, NULL);
}
