/* SPDX-License-Identifier: BSD-3-Clause */

/* test_readers: what ethdev's callers follow of a port is there while its id is kept,
 * whatever its driver and the bus take away, and also between their check and their use.
 * In:  mock functions and a PMD for them; threads that do what ethdev's own telemetry and
 *      getters do.  Under AddressSanitizer too (readers-asan).
 * Context: app; the library's own threads do the work. */

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_log.h>
#include <rte_malloc.h>

#include <ethdev_driver.h>
#include <hotplug.h>

#include "core/device.h"
#include "mock_port.h"
#include "port/port.h"
#include "test.h"

#define N_MACS 128

static const struct rte_ether_addr second_mac = { { 2, 0, 0, 0, 0, 9 } };

/* The port's addresses are those that start_with_macs() has left there. */
static void
check_macs(uint16_t port)
{
	struct rte_ether_addr mac, macs[N_MACS];
	struct rte_eth_dev_info info;
	unsigned int i;

	assert_int_equal(rte_eth_dev_info_get(port, &info), 0);
	assert_int_equal(info.max_mac_addrs, N_MACS);
	assert_int_equal(rte_eth_macaddr_get(port, &mac), 0);
	assert_int_equal(mac.addr_bytes[0], 2);
	assert_int_equal(rte_eth_macaddrs_get(port, macs, N_MACS), N_MACS);
	assert_memory_equal(&macs[0], &mac, sizeof(mac));
	assert_memory_equal(&macs[1], &second_mac, sizeof(second_mac));
	for (i = 2; i < N_MACS; i++)
		assert_true(rte_is_zero_ether_addr(&macs[i]));
}

static struct test_pmd *
plug_with_macs(const char *name)
{
	struct rte_ether_addr mac = second_mac;
	struct test_pmd *pmd;

	test_pmd_max_macs = N_MACS;
	pmd = plug(name);
	start_port(pmd->port);
	assert_int_equal(rte_eth_dev_mac_addr_add(pmd->port, &mac, 0), 0);
	check_macs(pmd->port);
	return pmd;
}

static void
test_driver_that_takes_its_addresses_away(void **state)
{
	struct test_pmd *pmd = plug_with_macs("0000:21:00.0");
	uint16_t port = pmd->port;

	(void)state;
	test_pmd_takes_macs = true;
	lose_for_good(pmd);
	assert_true(rte_eth_dev_is_valid_port(port));
	check_macs(port);
	come_back(pmd);
	assert_true(WAIT_FOR(n_success == 1));
	check_macs(port);
	lose_for_good(pmd);             /* the second time as the first */
	check_macs(port);
	test_pmd_takes_macs = false;
	remove_port(port);
}

/* What comes next on EAL's heap is somebody else's. */
static void
scribble_on_the_heap(void)
{
	unsigned int i;
	char *p;

	for (i = 0; i < 64; i++) {
		p = rte_malloc(NULL, 64, 0);
		assert_non_null(p);
		memset(p, 'S', 64);
	}
}

static void
test_addresses_after_a_heal_that_failed(void **state)
{
	struct test_pmd *pmd = plug_with_macs("0000:22:00.0");
	uint16_t port = pmd->port;

	(void)state;
	test_pmd_takes_macs = false;
	lose_for_good(pmd);
	check_macs(port);
	pmd->n_probes = 0;
	test_pmd_bad_inits = 1000;
	come_back(pmd);
	assert_true(WAIT_FOR(pmd->n_probes >= 2 && rte_eth_dev_is_valid_port(port)));
	test_pmd_probe_answer = -EIO;   /* from now on before it has a port */
	assert_true(WAIT_FOR(rte_eth_dev_is_valid_port(port)));
	scribble_on_the_heap();
	check_macs(port);
	test_pmd_bad_inits = 0;
	test_pmd_probe_answer = 0;
	remove_port(port);
}

static void
test_names_outlive_driver_and_device(void **state)
{
	struct test_pmd *pmd = plug("0000:23:00.0");
	struct rte_eth_dev_info before, after;
	uint16_t port = pmd->port;
	char name[HOTPLUG_NAME_LEN];

	(void)state;
	start_port(port);
	assert_int_equal(rte_eth_dev_info_get(port, &before), 0);
	assert_string_equal(before.switch_info.name, pmd->name);
	snprintf(name, sizeof(name), "%s (removed)", before.driver_name);
	lose_for_good(pmd);
	assert_int_equal(rte_eth_dev_info_get(port, &after), 0);
	assert_string_equal(after.switch_info.name, pmd->name);
	/* no rte_pmd_*() takes it for its own */
	assert_string_equal(after.driver_name, name);
	
	assert_int_equal(rte_eth_dev_rx_intr_ctl(port, 0, 0, NULL), -ENOTSUP);
	remove_port(port);
}

/* --- between check and use ----------------------------------------------------------- */

static atomic_bool is_over;
static _Atomic unsigned int n_reads, n_astray;

static void
spin_ms(unsigned int ms)
{
	uint64_t end = device_now_ns() + ms * 1000000ull;

	while (device_now_ns() < end)
		;
}

/* Valid, and then followed some time later, without a sleep in between. */
static void
read_slowly(uint16_t port)
{
	const struct rte_eth_dev *eth = &rte_eth_devices[port];
	const struct rte_ether_addr *macs;
	const struct rte_device *device;
	const struct rte_driver *driver;

	if (!rte_eth_dev_is_valid_port(port))
		return;
	macs = eth->data->mac_addrs;
	device = eth->device;
	spin_ms(2);
	driver = device->driver;
	if (macs == NULL || macs->addr_bytes[0] != 2 || driver == NULL ||
	    strncmp(driver->name, "net_hotplug_test", 16) != 0)
		n_astray++;
	n_reads++;
}

/* It polls too: so it is known when it is outside. */
static void *
read_port(void *arg)
{
	uint16_t port = *(uint16_t *)arg;
	struct rte_mbuf *pkts[4];

	assert_int_equal(rte_thread_register(), 0);
	while (!atomic_load(&is_over)) {
		read_slowly(port);
		(void)rte_eth_rx_burst(port, 0, pkts, N_ELEMENTS(pkts));
	}
	rte_thread_unregister();
	return NULL;
}

static void
test_slow_reader_is_not_led_astray(void **state)
{
	struct test_pmd *pmd = plug("0000:24:00.0");
	uint16_t port = pmd->port;
	unsigned int i, reads;
	pthread_t thread;

	(void)state;
	start_port(port);
	assert_int_equal(pthread_create(&thread, NULL, read_port, &port), 0);
	for (i = 0; i < 20; i++) {
		n_success = 0;
		lose_for_good(pmd);
		reads = n_reads;
		assert_true(WAIT_FOR(n_reads > reads));
		come_back(pmd);
		assert_true(WAIT_FOR(n_success == 1));
	}
	atomic_store(&is_over, true);
	pthread_join(thread, NULL);
	assert_int_equal(n_astray, 0);
	assert_true(n_reads > 20);
	remove_port(port);
}

static int
start(void **state)
{
	quiet_longest_ns = 60000000000ull;
	if (mock_port_start(state, "flaps=0") != 0)
		return -1;
	(void)rte_log_set_level_pattern("lib.ethdev", RTE_LOG_CRIT);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_driver_that_takes_its_addresses_away),
		cmocka_unit_test(test_addresses_after_a_heal_that_failed),
		cmocka_unit_test(test_names_outlive_driver_and_device),
		cmocka_unit_test(test_slow_reader_is_not_led_astray),
	};

	return cmocka_run_group_tests_name("readers", tests, start, mock_port_stop);
}
