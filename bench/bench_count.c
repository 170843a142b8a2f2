/* SPDX-License-Identifier: BSD-3-Clause */

/* bench_count: bursts for callgrind to count, with the library enabled and not.
 * In:  net_null, net_ring, and a port of a mock function on the real pci bus, which the
 *      library guards and would heal.  Out: calls of counted(), three for each port, in
 *      turn; bench_count.py reads what callgrind says of them.
 * Context: app. */

#include <stdio.h>

#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_log.h>
#include <rte_mbuf.h>

#include <hotplug.h>

#include "mock_eal.h"
#include "test.h"

#define N_BURSTS 1000u          /* bench_count.py divides by it */
#define BURST 32u

static void
start_port(uint16_t port, struct rte_mempool *pool)
{
	const struct rte_eth_conf conf = { 0 };
	unsigned int n_tx = port == test_pmd_of(MOCK_FIRST)->port ? 0 : 1;

	assert_int_equal(rte_eth_dev_configure(port, 1, n_tx, &conf), 0);
	assert_int_equal(rte_eth_rx_queue_setup(port, 0, 512, 0, NULL, pool), 0);
	if (n_tx > 0)
		assert_int_equal(rte_eth_tx_queue_setup(port, 0, 512, 0, NULL), 0);
	assert_int_equal(rte_eth_dev_start(port), 0);
}

/* Bursts in and out again; the mock function receives nothing and never sends. */
static void
forward(uint16_t port, unsigned int n_bursts)
{
	struct rte_mbuf *pkts[BURST];
	uint16_t n, sent;

	for (; n_bursts > 0; n_bursts--) {
		n = rte_eth_rx_burst(port, 0, pkts, BURST);
		sent = n > 0 ? rte_eth_tx_burst(port, 0, pkts, n) : 0;
		rte_pktmbuf_free_bulk(pkts + sent, n - sent);
	}
}

/* Callgrind counts while this runs (--toggle-collect), and nothing else. */
static __rte_noinline void
counted(uint16_t port)
{
	forward(port, N_BURSTS);
}

static uint16_t
hook(uint16_t port, uint16_t queue, struct rte_mbuf **pkts, uint16_t n, uint16_t max, void *arg)
{
	(void)port;
	(void)queue;
	(void)pkts;
	(void)max;
	(void)arg;
	return n;
}

/* Not enabled; enabled; enabled and with something in the data path, which must show. */
static void
count(uint16_t port)
{
	struct hotplug_config config;
	const void *callback;

	hotplug_config_init(&config);
	config.policy = HOTPLUG_POLICY_HEAL;
	forward(port, N_BURSTS);        /* caches are filled, functions are bound */
	counted(port);
	assert_int_equal(hotplug_enable(&config), 0);
	assert_int_equal(hotplug_device_state(MOCK_FIRST), HOTPLUG_STATE_ATTACHED);
	counted(port);
	callback = rte_eth_add_rx_callback(port, 0, hook, NULL);
	assert_non_null(callback);
	counted(port);
	assert_int_equal(rte_eth_remove_rx_callback(port, 0, callback), 0);
	assert_int_equal(hotplug_disable(), 0);
}

/* So that a ring has a burst in it, which goes round. */
static void
fill(uint16_t port, struct rte_mempool *pool)
{
	struct rte_mbuf *pkts[BURST];

	assert_int_equal(rte_pktmbuf_alloc_bulk(pool, pkts, BURST), 0);
	assert_int_equal(rte_eth_tx_burst(port, 0, pkts, BURST), BURST);
}

static void
count_all(void **state)
{
	struct rte_mempool *pool = rte_pktmbuf_pool_create("bench", 1023, 256, 0,
							   RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	uint16_t null, ring;

	(void)state;
	assert_non_null(pool);
	assert_int_equal(rte_dev_probe("net_null0"), 0);
	assert_int_equal(rte_eth_dev_get_port_by_name("net_null0", &null), 0);
	assert_int_equal(rte_dev_probe("net_ring0"), 0);
	assert_int_equal(rte_eth_dev_get_port_by_name("net_ring0", &ring), 0);
	start_port(null, pool);
	start_port(ring, pool);
	fill(ring, pool);
	start_port(test_pmd_of(MOCK_FIRST)->port, pool);
	count(null);
	count(ring);
	count(test_pmd_of(MOCK_FIRST)->port);
	rte_eal_cleanup();
	mock_eal_remove_files();
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test_setup(count_all, mock_eal_start) };

	rte_log_set_global_level(RTE_LOG_ERR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
