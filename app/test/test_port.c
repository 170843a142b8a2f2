/* SPDX-License-Identifier: BSD-3-Clause */

/* test_port: what becomes of a port whose device goes, through the real pci bus and
 * ethdev: dead, kept, let go; whose it is by policy.
 * In:  mock functions and a PMD for them (test_pmd.c).
 * Context: app; the library's own threads do the work. */

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <ethdev_driver.h>
#include <hotplug.h>

#include "core/device.h"
#include "mock_port.h"
#include "port/die.h"
#include "port/port.h"
#include "test.h"

static void
test_port_of_a_lost_device_is_dead_and_kept(void **state)
{
	struct test_pmd *pmd = plug("0000:21:00.0");
	uint16_t port = pmd->port;
	struct rte_eth_dev_info info;
	struct rte_eth_link link;

	(void)state;
	lose_for_good(pmd);
	assert_int_equal(pmd->n_closes, 1);
	assert_true(rte_eth_dev_is_valid_port(port));
	assert_int_equal(rte_eth_link_get_nowait(port, &link), 0);
	assert_int_equal(link.link_status, RTE_ETH_LINK_DOWN);
	assert_int_equal(rte_eth_dev_is_removed(port), 1);
	assert_true(rte_eth_dev_start(port) < 0);
	assert_true(rte_eth_promiscuous_enable(port) < 0);
	assert_int_equal(rte_eth_dev_info_get(port, &info), 0);
	assert_string_equal(rte_dev_name(info.device), "0000:21:00.0");
	assert_int_equal(n_recovering, 1);
	assert_int_equal(n_removed, 0);         /* one owner, and it is the library */
	assert_int_equal(rte_eth_dev_close(port), 0);
	assert_int_equal(pmd->n_closes, 1);     /* the PMD's close is not run again */
	assert_false(rte_eth_dev_is_valid_port(port));
}

static void
test_port_is_asked_for_modes_when_it_has_a_place_for_them(void **state)
{
	struct test_pmd *pmd = plug("0000:20:00.0");
	uint16_t port = pmd->port;

	(void)state;
	pmd->n_promiscuous = 0;
	assert_int_equal(rte_eth_promiscuous_enable(port), 0);
	assert_int_equal(pmd->n_promiscuous, 0);
	assert_int_equal(rte_eth_promiscuous_get(port), 1);
	start_port(port);
	assert_int_equal(pmd->n_promiscuous, 1);
	assert_int_equal(rte_eth_promiscuous_get(port), 1);
	assert_int_equal(rte_eth_dev_stop(port), 0);
	remove_port(port);
}

static _Atomic unsigned int n_others_removed;

static int
on_removed(uint16_t port, enum rte_eth_event_type type, void *arg, void *result)
{
	(void)port;
	(void)type;
	(void)arg;
	(void)result;
	n_others_removed++;
	return 0;
}

struct loss {
	struct hotplug_bus *bus;
	const struct rte_device *dev;
};

static void *
tell_loss(void *arg)
{
	struct loss *loss = arg;

	port_lost(loss->bus, loss->dev);
	return NULL;
}

/* Its driver lets go of the port just when the loss is told: there is nothing to lose. */
static void
test_port_that_is_released_meanwhile_is_not_lost(void **state)
{
	struct test_pmd *pmd = plug("0000:2d:00.0");
	struct rte_eth_dev *eth = &rte_eth_devices[pmd->port];
	struct loss loss = { port_of(eth)->bus, eth->device };
	pthread_t thread;

	(void)state;
	device_lock();          /* where the loss stands between its look and its deed */
	assert_int_equal(pthread_create(&thread, NULL, tell_loss, &loss), 0);
	test_sleep_ms(50);
	assert_int_equal(rte_eth_dev_release_port(eth), 0);
	device_unlock();
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(port_of(eth)->state, PORT_NONE);
	assert_int_equal(eth->state, RTE_ETH_DEV_UNUSED);
	assert_int_equal(n_recovering, 0);
	assert_int_equal(rte_dev_remove(mock_find(pmd->name)), 0);
}

/* The device was detached under who owns one of its two ports. */
static void
test_ports_beside_one_that_is_owned(void **state)
{
	struct rte_eth_dev_owner owner = { .name = "fail-safe" };
	struct test_pmd *pmd;
	uint16_t port, port2;

	(void)state;
	test_pmd_n_ports = 2;
	pmd = plug("0000:2e:00.0");
	test_pmd_n_ports = 1;
	port = pmd->port;
	port2 = pmd->port2;
	rte_eth_dev_callback_register(port2, RTE_ETH_EVENT_INTR_RMV, on_removed, NULL);
	n_others_removed = 0;
	assert_int_equal(rte_eth_dev_owner_new(&owner.id), 0);
	assert_int_equal(rte_eth_dev_owner_set(port2, &owner), 0);
	pmd->n_removes = 0;
	lose(pmd);
	assert_true(WAIT_FOR(n_removed == 1 && n_others_removed == 1));
	test_sleep_ms(50);
	assert_int_equal(pmd->n_removes, 0);
	assert_int_equal(n_recovering, 0);
	assert_int_equal(port_of(&rte_eth_devices[port])->state, PORT_DEAD);
	assert_int_equal(rte_eth_dev_is_removed(port), 1);
	assert_int_equal(rte_eth_dev_owner_unset(port2, owner.id), 0);
	assert_int_equal(rte_eth_dev_close(port), 0);
	assert_true(rte_eth_dev_is_valid_port(port2));
	remove_port(port2);
	assert_null(mock_find(pmd->name));
}

/* The application gave it up: nobody brings it back. */
static void
test_port_that_was_closed_is_not_healed(void **state)
{
	struct test_pmd *pmd = plug("0000:24:00.0");
	uint16_t port = pmd->port;

	(void)state;
	lose_for_good(pmd);
	assert_int_equal(rte_eth_dev_close(port), 0);
	mock_sysfs_add("0000:24:00.0", "hotplug_mock");
	hotplug_scan();
	test_sleep_ms(300);
	assert_null(mock_find("0000:24:00.0"));
	assert_int_equal(n_success, 0);
}

/* As testpmd's "port detach" does with a port that is not closed: drivers close it. */
static void
test_port_of_a_lost_device_is_detached_by_eal(void **state)
{
	struct test_pmd *pmd = plug("0000:31:00.0");
	struct rte_eth_dev_info info;
	uint16_t port = pmd->port;

	(void)state;
	start_port(port);
	lose_for_good(pmd);
	assert_int_equal(rte_eth_dev_stop(port), 0);
	assert_int_equal(rte_eth_dev_info_get(port, &info), 0);
	n_new = 0;
	assert_int_equal(rte_dev_remove((struct rte_device *)(uintptr_t)info.device), 0);
	assert_false(rte_eth_dev_is_valid_port(port));
	assert_int_equal(n_new, 1);
	assert_int_equal(pmd->n_closes, 1);
}

/* Its own policy is tell: nobody but the application closes it. */
static void
test_port_of_a_device_with_policy_tell(void **state)
{
	struct test_pmd *pmd = plug("0000:29:00.0");

	(void)state;
	start_port(pmd->port);
	pmd->n_closes = 0;
	lose(pmd);
	assert_true(WAIT_FOR(n_removed == 1));
	test_sleep_ms(100);
	assert_int_equal(pmd->n_closes, 0);
	assert_int_equal(n_recovering, 0);
	assert_non_null(mock_find("0000:29:00.0"));
	remove_port(pmd->port);
	assert_int_equal(pmd->n_closes, 1);
}

static void
test_port_of_a_device_with_policy_survive(void **state)
{
	struct test_pmd *pmd = plug("0000:2a:00.0");
	uint16_t port = pmd->port;

	(void)state;
	start_port(port);
	lose_for_good(pmd);
	pmd->n_probes = 0;
	come_back(pmd);
	test_sleep_ms(300);
	assert_int_equal(pmd->n_probes, 0);
	assert_int_equal(n_recovering + n_success + n_removed, 0);
	assert_int_equal(rte_eth_dev_is_removed(port), 1);
	remove_port(port);
}

static _Atomic unsigned int n_receives;

static void
count_receive(struct test_pmd *pmd)
{
	(void)pmd;
	n_receives++;
}

/* Is the card polled, through fail-safe?  Its backup has packets at any time. */
static bool
is_in_use(uint16_t port)
{
	unsigned int before = n_receives, i;
	struct rte_mbuf *pkts[4];
	uint16_t n, n_packets = 0;

	for (i = 0; i < 10; i++) {
		n = rte_eth_rx_burst(port, 0, pkts, N_ELEMENTS(pkts));
		rte_pktmbuf_free_bulk(pkts, n);
		n_packets += n;
	}
	assert_true(n_packets > 0);
	return n_receives > before;
}

/* fail-safe owns it, so it is told (with policy heal too), and sees to all of it.  It
 * gives the lost port back twice, whose number is zeroed by then: port 0 goes on. */
static void
test_port_of_fail_safe_is_fail_safes(void **state)
{
	const struct rte_eth_conf conf = { 0 };
	struct rte_mempool *pool = rte_pktmbuf_pool_create("port", 1023, 0, 0,
							   RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	struct test_pmd *pmd = test_pmd_of("0000:32:00.0");
	eth_rx_burst_t receive;
	struct rte_eth_link link;
	uint16_t port;

	(void)state;
	test_pmd_sets_link = false;
	port = plug("0000:33:00.0")->port;
	assert_int_equal(rte_eth_dev_set_link_up(port), -ENOTSUP);
	remove_port(port);
	mock_sysfs_add(pmd->name, "hotplug_mock");
	assert_int_equal(hotplug_port_attach("net_failsafe0,dev(0000:32:00.0),dev(net_null3)",
					     &port), 0);
	assert_int_equal(rte_eth_dev_configure(port, 1, 0, &conf), 0);
	assert_int_equal(rte_eth_rx_queue_setup(port, 0, 64, 0, NULL, pool), 0);
	assert_int_equal(rte_eth_dev_start(port), 0);
	test_pmd_in_receive = count_receive;
	assert_true(is_in_use(port));
	assert_int_equal(rte_eth_link_get_nowait(port, &link), 0);
	assert_int_equal(link.link_status, RTE_ETH_LINK_UP);
	start_port(0);          /* MOCK_FIRST's, nobody's sub-device */
	receive = rte_eth_fp_ops[0].rx_pkt_burst;
	pmd->n_starts = pmd->n_closes = 0;
	lose(pmd);
	assert_true(WAIT_FOR(mock_find(pmd->name) == NULL));
	assert_int_equal(pmd->n_closes, 1);
	assert_false(is_in_use(port));
	test_sleep_ms(50);
	assert_ptr_equal(rte_eth_fp_ops[0].rx_pkt_burst, receive);
	come_back(pmd);
	assert_true(WAIT_FOR(pmd->n_starts == 1));      /* fail-safe looks every 2 s */
	assert_true(WAIT_FOR(is_in_use(port)));
	test_pmd_in_receive = NULL;
	test_pmd_sets_link = true;
	remove_port(port);
	assert_int_equal(rte_eth_dev_stop(0), 0);
	rte_mempool_free(pool);
}

static int
start(void **state)
{
	return mock_port_start(state, "policy.0000:29:00.0=tell,policy.0000:2a:00.0=survive");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_port_of_a_lost_device_is_dead_and_kept),
		cmocka_unit_test(test_port_is_asked_for_modes_when_it_has_a_place_for_them),
		cmocka_unit_test(test_port_that_is_released_meanwhile_is_not_lost),
		cmocka_unit_test(test_ports_beside_one_that_is_owned),
		cmocka_unit_test(test_port_that_was_closed_is_not_healed),
		cmocka_unit_test(test_port_of_a_lost_device_is_detached_by_eal),
		cmocka_unit_test(test_port_of_a_device_with_policy_tell),
		cmocka_unit_test(test_port_of_a_device_with_policy_survive),
		cmocka_unit_test(test_port_of_fail_safe_is_fail_safes),
	};

	return cmocka_run_group_tests_name("port", tests, start, mock_port_stop);
}
