/* SPDX-License-Identifier: BSD-3-Clause */

/* test_pci_eal: beside EAL's own hot-plug machinery: its device callbacks are
 * called once each, its SIGBUS handler is neither over ours nor below it.
 * In:  one real EAL, mock functions, signals.
 * Context: app, signal; callbacks: work. */

#include <dirent.h>
#include <errno.h>
#include <linux/netlink.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_errno.h>

#include "eal/monitor.h"
#include "main/eal.h"
#include "mock_eal.h"
#include "test.h"

static _Atomic unsigned int n_removed, n_added;

static void
on_device(const char *name, enum rte_dev_event_type type, void *arg)
{
	(void)name;
	(void)arg;
	if (type == RTE_DEV_EVENT_REMOVE)
		n_removed++;
	else if (type == RTE_DEV_EVENT_ADD)
		n_added++;
}

static int
off(void **state)
{
	(void)state;
	(void)hotplug_disable();
	(void)rte_dev_event_callback_unregister(NULL, on_device, (void *)-1);
	(void)rte_dev_event_monitor_stop();
	(void)rte_dev_hotplug_handle_disable();
	signal(SIGBUS, SIG_DFL);
	return 0;
}

/* A plugged function, and EAL's callback for all. */
static struct test_pmd *
begin(const char *name)
{
	struct test_pmd *pmd = mock_plug(name);

	n_removed = n_added = 0;
	assert_int_equal(rte_dev_event_callback_register(NULL, on_device, NULL), 0);
	return pmd;
}

/* Gone, and every event of it delivered. */
static void
lose(struct test_pmd *pmd)
{
	struct hotplug_stats stats = { .size = sizeof(stats) };

	mock_sysfs_remove(pmd->name);
	close(pmd->sign[1]);
	assert_true(mock_comes_to(pmd->name, HOTPLUG_STATE_GONE));
	assert_true(WAIT_FOR(hotplug_stats_get(&stats) == 0 && stats.events > 0));
	test_sleep_ms(100);
	assert_int_equal(rte_dev_remove(mock_find(pmd->name)), 0);
}

static void
test_eal_callbacks_hear_of_a_removal_once(void **state)
{
	struct test_pmd *pmd = begin("0000:10:00.0");

	(void)state;
	lose(pmd);
	assert_int_equal(n_removed, 1);
	assert_int_equal(n_added, 0);
}

/* Its monitor will hear the kernel's "remove" and tell: we must not, too. */
static void
test_eal_callbacks_are_the_monitors_where_it_runs(void **state)
{
	struct test_pmd *pmd = begin("0000:11:00.0");

	(void)state;
	assert_int_equal(rte_dev_event_monitor_start(), 0);
	lose(pmd);
	assert_int_equal(n_removed, 0);
}

/* As SPDK opens one (lib/env_dpdk/pci_event.c); groups as EAL's monitor has them: all, or
 * in newer ones the kernel's. */
static int
open_foreign(unsigned int groups)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_groups = groups };
	int fd = socket(PF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
			NETLINK_KOBJECT_UEVENT);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&addr, sizeof(addr)), 0);
	return fd;
}

static unsigned int
n_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int n = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

static void
check_monitor_beside(unsigned int groups)
{
	unsigned int n = n_files();
	int fd;

	assert_false(eal_has_monitor());
	assert_int_equal(rte_dev_event_monitor_start(), 0);
	assert_true(eal_has_monitor());
	fd = open_foreign(groups);
	assert_true(eal_has_monitor());
	assert_int_equal(rte_dev_event_monitor_stop(), 0);
	assert_false(eal_has_monitor());
	assert_false(eal_has_monitor());
	assert_true(WAIT_FOR(n_files() == n + 1));      /* asking it has started nothing */
	assert_int_equal(rte_dev_event_monitor_start(), 0);
	assert_true(eal_has_monitor());
	close(fd);
	assert_true(eal_has_monitor());
	assert_int_equal(rte_dev_event_monitor_stop(), 0);      /* nor has it to be stopped twice */
	assert_false(eal_has_monitor());
	assert_true(WAIT_FOR(n_files() == n));  /* watch opens some for a moment */
}

static void
test_eal_monitor_is_known_beside_sockets_like_its_own(void **state)
{
	(void)state;
	check_monitor_beside(0xffffffff);
	check_monitor_beside(1);
}

static void
test_eal_callbacks_hear_of_a_removal_beside_a_foreign_socket(void **state)
{
	struct test_pmd *pmd = begin("0000:15:00.0");
	int fd = open_foreign(0xffffffff);

	(void)state;
	lose(pmd);
	assert_int_equal(n_removed, 1);
	close(fd);
}

/* vfio: the kernel says "remove" when everybody has let go, so who waits for that to let
 * go waits for ever (testpmd --hot-plug, a vfio card torn out). */
static void
test_eal_callbacks_hear_from_us_what_the_kernel_waits_for(void **state)
{
	struct test_pmd *pmd;

	(void)state;
	test_pmd_kdrv = RTE_PCI_KDRV_VFIO;
	pmd = begin("0000:14:00.0");
	test_pmd_kdrv = RTE_PCI_KDRV_UIO_GENERIC;
	assert_int_equal(rte_dev_event_monitor_start(), 0);
	lose(pmd);
	assert_int_equal(n_removed, 1);
}

/* An unbound driver: the monitor does not tell of that, so we do. */
static void
test_eal_callbacks_hear_of_an_unbound_driver_from_us(void **state)
{
	struct test_pmd *pmd = begin("0000:12:00.0");

	(void)state;
	assert_int_equal(rte_dev_event_monitor_start(), 0);
	mock_sysfs_bind(pmd->name, NULL);
	close(pmd->sign[1]);
	assert_true(mock_comes_to(pmd->name, HOTPLUG_STATE_GONE));
	assert_true(WAIT_FOR(n_removed == 1));
	test_sleep_ms(50);
	assert_int_equal(n_removed, 1);
	assert_int_equal(rte_dev_remove(mock_find(pmd->name)), 0);
}

static volatile int n_signals;
static siginfo_t seen;

static void
on_sigbus(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)context;
	seen = *info;
	n_signals++;
}

static void
own_sigbus(void)
{
	struct sigaction action = { .sa_flags = SA_SIGINFO };

	action.sa_sigaction = on_sigbus;
	assert_int_equal(sigaction(SIGBUS, &action, NULL), 0);
	n_signals = 0;
}

static void
assert_kill_reaches_the_application(void)
{
	struct hotplug_stats stats = { .size = sizeof(stats) };

	n_signals = 0;
	assert_int_equal(kill(getpid(), SIGBUS), 0);
	assert_true(WAIT_FOR(n_signals == 1));
	assert_int_equal(seen.si_code, SI_USER);
	assert_int_equal(seen.si_pid, getpid());
	assert_int_equal(hotplug_stats_get(&stats), 0);
	assert_true(stats.has_handler);
}

static void
test_eal_handler_enabled_before_us_is_not_in_between(void **state)
{
	(void)state;
	own_sigbus();
	assert_int_equal(rte_dev_hotplug_handle_enable(), 0);
	assert_int_equal(hotplug_enable(NULL), 0);
	assert_kill_reaches_the_application();
}

static void
test_eal_handler_enabled_after_us_is_not_on_top(void **state)
{
	(void)state;
	own_sigbus();
	assert_int_equal(hotplug_enable(NULL), 0);
	(void)rte_dev_hotplug_handle_enable();
	assert_kill_reaches_the_application();
}

static void
test_eal_handler_installed_over_us_is_moved_within_a_second(void **state)
{
	struct hotplug_stats stats = { .size = sizeof(stats) };

	(void)state;
	own_sigbus();
	assert_int_equal(hotplug_enable(NULL), 0);
	(void)rte_dev_hotplug_handle_disable();
	assert_int_equal(rte_dev_hotplug_handle_enable(), 0);
	assert_true(WAIT_FOR(hotplug_stats_get(&stats) == 0 && stats.has_handler));
	assert_kill_reaches_the_application();
}

static void
test_eal_handler_does_not_take_our_faults(void **state)
{
	struct test_pmd *pmd;

	(void)state;
	own_sigbus();
	assert_int_equal(rte_dev_hotplug_handle_enable(), 0);
	pmd = mock_plug("0000:13:00.0");
	assert_int_equal(truncate(mock_sysfs_path(pmd->name, "resource0"), 0), 0);
	assert_int_equal(mock_read(pmd->bar + 4096), 0xff);
	assert_int_equal(n_signals, 0);
	mock_sysfs_remove(pmd->name);
	assert_int_equal(mock_bus->hot_unplug_handler(mock_find(pmd->name)), 0);
	assert_int_equal(rte_dev_remove(mock_find(pmd->name)), 0);
}

static void
test_eal_disable_leaves_the_applications_handler(void **state)
{
	struct sigaction now;

	(void)state;
	own_sigbus();
	assert_int_equal(hotplug_enable(NULL), 0);
	assert_int_equal(hotplug_disable(), 0);
	assert_int_equal(sigaction(SIGBUS, NULL, &now), 0);
	assert_true(now.sa_sigaction == on_sigbus && (now.sa_flags & SA_SIGINFO));
	n_signals = 0;
	kill(getpid(), SIGBUS);
	assert_true(WAIT_FOR(n_signals == 1));
}

static void
test_eal_handler_found_is_left_behind(void **state)
{
	struct sigaction before, after;

	(void)state;
	own_sigbus();
	assert_int_equal(rte_dev_hotplug_handle_enable(), 0);
	assert_int_equal(sigaction(SIGBUS, NULL, &before), 0);
	assert_int_equal(hotplug_enable(NULL), 0);
	assert_int_equal(hotplug_disable(), 0);
	assert_int_equal(sigaction(SIGBUS, NULL, &after), 0);
	assert_ptr_equal(after.sa_sigaction, before.sa_sigaction);
}

/* A handler of somebody else's that came over ours is left alone, and said. */
static void
test_eal_check_leaves_a_foreign_handler_on_top(void **state)
{
	struct hotplug_stats stats = { .size = sizeof(stats) };
	struct sigaction now;

	(void)state;
	assert_int_equal(hotplug_enable(NULL), 0);
	own_sigbus();
	test_sleep_ms(1500);            /* a tick of the watch thread */
	assert_int_equal(sigaction(SIGBUS, NULL, &now), 0);
	assert_true(now.sa_sigaction == on_sigbus);
	assert_int_equal(hotplug_stats_get(&stats), 0);
	assert_false(stats.has_handler);
}

static int
end(void **state)
{
	(void)state;
	(void)rte_eal_cleanup();
	mock_eal_remove_files();
	return 0;
}

#define CLEAN(test) cmocka_unit_test_teardown(test, off)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CLEAN(test_eal_callbacks_hear_of_a_removal_once),
		CLEAN(test_eal_callbacks_are_the_monitors_where_it_runs),
		CLEAN(test_eal_monitor_is_known_beside_sockets_like_its_own),
		CLEAN(test_eal_callbacks_hear_of_a_removal_beside_a_foreign_socket),
		CLEAN(test_eal_callbacks_hear_from_us_what_the_kernel_waits_for),
		CLEAN(test_eal_callbacks_hear_of_an_unbound_driver_from_us),
		CLEAN(test_eal_handler_enabled_before_us_is_not_in_between),
		CLEAN(test_eal_handler_enabled_after_us_is_not_on_top),
		CLEAN(test_eal_handler_installed_over_us_is_moved_within_a_second),
		CLEAN(test_eal_handler_does_not_take_our_faults),
		CLEAN(test_eal_disable_leaves_the_applications_handler),
		CLEAN(test_eal_handler_found_is_left_behind),
		CLEAN(test_eal_check_leaves_a_foreign_handler_on_top),
	};

	return cmocka_run_group_tests_name("pci_eal", tests, mock_eal_start, end);
}
