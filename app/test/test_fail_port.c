/* SPDX-License-Identifier: BSD-3-Clause */

/* test_fail_port: what test_fail does for devices, for a port: enabled, attached,
 * started, lost, healed, removed, disabled, with a call refused at every step.
 * In:  one mock function and a PMD for it on the real pci bus and ethdev; the library
 *      built with nth.h.
 * Context: app; failures strike in whichever thread comes to the nth call. */

#include <dirent.h>
#include <string.h>
#include <unistd.h>

#include <rte_dev.h>
#include <rte_devargs.h>
#include <rte_eal.h>
#include <rte_ethdev.h>

#include <hotplug.h>

#include "core/host.h"
#include "mock_port.h"
#include "nth.h"
#include "test.h"
#include "test_pmd.h"

#define CARD "0000:41:00.0"
#define MOST 2000u

static _Atomic unsigned int n_healed, n_given_up;

/* What the library asks of DPDK. */
int __real_rte_devargs_parse(struct rte_devargs *da, const char *text);
int __wrap_rte_devargs_parse(struct rte_devargs *da, const char *text);
int __real_rte_devargs_insert(struct rte_devargs **da);
int __wrap_rte_devargs_insert(struct rte_devargs **da);

int
__wrap_rte_devargs_parse(struct rte_devargs *da, const char *text)
{
	return nth_fails(ENOMEM, __func__) ? -ENOMEM : __real_rte_devargs_parse(da, text);
}

int
__wrap_rte_devargs_insert(struct rte_devargs **da)
{
	return nth_fails(ENOMEM, __func__) ? -ENOMEM : __real_rte_devargs_insert(da);
}

int __real_host_thread_start(struct host_thread *thread, const char *name,
			     void (*run)(void *arg), void *arg);
int __wrap_host_thread_start(struct host_thread *thread, const char *name,
			     void (*run)(void *arg), void *arg);

int
__wrap_host_thread_start(struct host_thread *thread, const char *name,
			 void (*run)(void *arg), void *arg)
{
	return nth_fails(EAGAIN, name) ? -EAGAIN :
		__real_host_thread_start(thread, name, run, arg);
}

/* But for sockets: the mock PMD makes some in each probe, for good. */
static unsigned int
n_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	unsigned int n = 0;
	char target[64];

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		memset(target, 0, sizeof(target));
		if (readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1) > 0)
			n += strncmp(target, "socket:", 7) != 0;
	}
	closedir(dir);
	return n;
}

static int
on_end(uint16_t port, enum rte_eth_event_type type, void *arg, void *result)
{
	(void)port;
	(void)arg;
	(void)result;
	n_healed += type == RTE_ETH_EVENT_RECOVERY_SUCCESS;
	n_given_up += type == RTE_ETH_EVENT_RECOVERY_FAILED;
	return 0;
}

/* Lost, dark, and back under its id, or given up and told so. */
static void
lose_and_heal(struct test_pmd *pmd)
{
	uint16_t port = pmd->port;

	n_healed = n_given_up = 0;
	lose(pmd);
	assert_true(WAIT_FOR(mock_find(CARD) == NULL));
	assert_int_equal(rte_eth_dev_is_removed(port), 1);
	mock_sysfs_add(CARD, "hotplug_mock");
	assert_true(WAIT_FOR(hotplug_scan() >= 0));     /* a refused one is asked again */
	assert_true(WAIT_FOR(n_healed == 1 || n_given_up == 1));
	assert_true(rte_eth_dev_is_valid_port(port));
	assert_int_equal(pmd->port, port);
}

static int
one_port(void)
{
	char name[HOTPLUG_NAME_LEN];
	struct test_pmd *pmd;
	uint16_t port = 77, n_ports = rte_eth_dev_count_avail();
	int ret;

	mock_sysfs_add(CARD, "hotplug_mock");
	ret = hotplug_port_attach(CARD, &port);
	if (ret == 0) {
		pmd = test_pmd_of(CARD);
		rte_eth_dev_callback_register(port, RTE_ETH_EVENT_RECOVERY_SUCCESS, on_end, NULL);
		rte_eth_dev_callback_register(port, RTE_ETH_EVENT_RECOVERY_FAILED, on_end, NULL);
		start_port(port);
		lose_and_heal(pmd);
		ret = hotplug_port_remove(port, name, sizeof(name));
		if (ret != 0) {
			nth_disarm();
			assert_int_equal(hotplug_port_remove(port, name, sizeof(name)), 0);
		}
	} else {
		assert_int_equal(port, 77);
		assert_int_equal(rte_eth_dev_count_avail(), n_ports);
	}
	assert_null(mock_find(CARD));
	mock_sysfs_remove(CARD);
	return ret;
}

static int
whole_story(void)
{
	struct hotplug_config config;
	int ret;

	hotplug_config_init(&config);
	config.policy = HOTPLUG_POLICY_HEAL;
	config.liveness_ms = 20;
	config.sync = 0;
	ret = hotplug_enable(&config);
	if (ret == 0) {
		ret = one_port();
		assert_int_equal(hotplug_disable(), 0);
	} else {
		assert_int_equal(hotplug_disable(), -EALREADY);
	}
	return ret;
}

static void
test_each_call_fails_once(void **state)
{
	unsigned int n, n_refused = 0, n_unhealed = 0, files, pieces, first = 1;
	bool is_over = false;

	(void)state;
	if (getenv("NTH") != NULL)
		first = strtoul(getenv("NTH"), NULL, 10);
	assert_int_equal(whole_story(), 0);
	assert_int_equal(whole_story(), 0);
	files = n_files();
	pieces = nth_n_pieces();
	for (n = first; n < MOST && !is_over; n++) {
		nth_arm(n, 0);
		n_refused += whole_story() != 0;
		is_over = nth_disarm() == 0;
		n_unhealed += n_given_up;
		if (!WAIT_FOR(n_files() == files && nth_n_pieces() == pieces))
			fail_msg("call %u (%s): %u files, %u pieces more", n, nth_last(),
				 n_files() - files, nth_n_pieces() - pieces);
		assert_int_equal(whole_story(), 0);
		assert_int_equal(n_given_up, 0);
	}
	print_message("# %u calls failed, %u refused, %u not healed\n", n - 2, n_refused,
		      n_unhealed);
	assert_true(is_over);
	assert_true(n > 50);
}

static int
start(void **state)
{
	return mock_eal_start(state);
}

static int
stop(void **state)
{
	(void)state;
	print_message("# the last call that failed: %s\n", nth_last());
	nth_disarm();
	hotplug_disable();
	rte_eal_cleanup();
	mock_eal_remove_files();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_call_fails_once),
	};

	return cmocka_run_group_tests_name("fail_port", tests, start, stop);
}
