/* SPDX-License-Identifier: BSD-3-Clause */

/* poison: memory that the kernel finds broken is not a device that is lost.
 * In:  pages that the kernel poisons for us (MADV_HWPOISON: root, and a kernel that
 *      one may break: run in a guest by scenarios/foreign.py).
 * Out: TAP: the SIGBUS (BUS_MCEERR_AR at an access, _AO beforehand) reaches the
 *      handler that was there before, or ends the process, as without us; also where
 *      the page is a guarded device's.
 * Context: app, signal; each case in a child. */

#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "child.h"
#include "fault.h"
#include "test.h"
#include "toy_bus.h"

#define LEN (256 * 1024ul)

static struct toy toy;
static volatile int n_calls, code;
static volatile uintptr_t addr, lsb;

static void
old_handler(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)context;
	n_calls++;
	code = info->si_code;
	addr = (uintptr_t)info->si_addr;
	lsb = (uintptr_t)info->si_addr_lsb;
	fault_mend(info->si_addr);
}

static void
begin(bool has_old)
{
	struct sigaction action = { .sa_sigaction = old_handler, .sa_flags = SA_SIGINFO };
	struct hotplug_config config;

	if (has_old)
		CHILD_CHECK(sigaction(SIGBUS, &action, NULL) == 0);
	hotplug_config_init(&config);
	toy_make(&toy, "toy0", 1, LEN);
	CHILD_CHECK(toy_enable(&config) == 0);
	CHILD_CHECK(toy_publish(&toy) == 0);
}

static uint8_t *
make_page(void)
{
	uint8_t *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHILD_CHECK(p != MAP_FAILED);
	memset(p, 0x42, 4096);
	return p;
}

static void
check_old_saw(int wanted, const uint8_t *page)
{
	CHILD_CHECK(n_calls == 1);
	CHILD_CHECK(code == wanted);
	CHILD_CHECK((addr & ~4095ul) == (uintptr_t)page);
	CHILD_CHECK(lsb == 12);
	CHILD_CHECK(hotplug_device_state("toy0") == HOTPLUG_STATE_ATTACHED);
	CHILD_CHECK(toy_read(&toy.bar[0][LEN - 1]) == 0x5a);
}

static void
touch_broken_page(void *arg)
{
	uint8_t *page;

	(void)arg;
	begin(true);
	page = make_page();
	CHILD_CHECK(madvise(page, 4096, MADV_HWPOISON) == 0);
	CHILD_CHECK(n_calls == 0);
	CHILD_CHECK(fault_touch(page + 5) == 0);
	check_old_saw(BUS_MCEERR_AR, page);
}

static void
touch_broken_bar(void *arg)
{
	(void)arg;
	begin(true);
	CHILD_CHECK(toy_read(toy.bar[0]) == 0x5a);
	CHILD_CHECK(madvise(toy.bar[0], 4096, MADV_HWPOISON) == 0);
	CHILD_CHECK(fault_touch(toy.bar[0]) == 0);
	check_old_saw(BUS_MCEERR_AR, toy.bar[0]);
}

static void
break_page_early(void *arg)
{
	uint8_t *page;

	(void)arg;
	CHILD_CHECK(prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0, 0) == 0);
	begin(true);
	page = make_page();
	CHILD_CHECK(madvise(page, 4096, MADV_HWPOISON) == 0);
	CHILD_CHECK(WAIT_FOR(n_calls == 1));
	check_old_saw(BUS_MCEERR_AO, page);
}

static void
touch_broken_page_unhandled(void *arg)
{
	uint8_t *page;

	(void)arg;
	begin(false);
	page = make_page();
	CHILD_CHECK(madvise(page, 4096, MADV_HWPOISON) == 0);
	(void)fault_touch(page);
	CHILD_CHECK(!"it lives");
}

static void
test_poison_at_an_access_reaches_the_old_handler(void **state)
{
	(void)state;
	child_passes(touch_broken_page, NULL);
}

static void
test_poison_in_a_guarded_region_reaches_the_old_handler(void **state)
{
	(void)state;
	child_passes(touch_broken_bar, NULL);
}

static void
test_poison_found_beforehand_reaches_the_old_handler(void **state)
{
	(void)state;
	child_passes(break_page_early, NULL);
}

static void
test_poison_without_a_handler_ends_the_process(void **state)
{
	struct child_death death;

	(void)state;
	child_trace(touch_broken_page_unhandled, NULL, &death);
	assert_true(WIFSIGNALED(death.status));
	assert_int_equal(WTERMSIG(death.status), SIGBUS);
	assert_int_equal(death.info.si_code, BUS_MCEERR_AR);
	assert_int_equal(death.pc, (uintptr_t)fault_pc);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_poison_at_an_access_reaches_the_old_handler),
		cmocka_unit_test(test_poison_in_a_guarded_region_reaches_the_old_handler),
		cmocka_unit_test(test_poison_found_beforehand_reaches_the_old_handler),
		cmocka_unit_test(test_poison_without_a_handler_ends_the_process),
	};

	return cmocka_run_group_tests_name("poison", tests, NULL, NULL);
}
