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
#include <sys/wait.h>
#include <unistd.h>

#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_flow.h>
#include <rte_lcore.h>
#include <rte_log.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>

#include <ethdev_driver.h>
#include <hotplug.h>

#include "core/device.h"
#include "mock_port.h"
#include "port/calls.h"
#include "port/inside.h"
#include "port/found.h"
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

static _Atomic bool is_read;

static void
read_closed(struct test_pmd *pmd)
{
	struct rte_ether_addr mac, macs[N_MACS];
	char text[RTE_ETHER_ADDR_FMT_SIZE];

	if (rte_eth_devices[pmd->port].data->mac_addrs != NULL)
		return;
	rte_ether_format_addr(text, sizeof(text), NULL);        /* as telemetry does */
	is_read = rte_eth_macaddr_get(pmd->port, &mac) == 0 && mac.addr_bytes[0] == 2 &&
		rte_eth_macaddrs_get(pmd->port, macs, N_MACS) == N_MACS &&
		rte_is_same_ether_addr(&macs[1], &second_mac) && text[0] != '\0';
}

/* From the middle of its close on ethdev followed NULL, until the close returned. */
static void
test_reader_beside_a_close_that_takes_the_addresses_away(void **state)
{
	struct test_pmd *pmd = plug_with_macs("0000:20:00.0");

	(void)state;
	is_read = false;
	test_pmd_takes_macs = true;
	test_pmd_is_closed = read_closed;
	lose_for_good(pmd);
	test_pmd_is_closed = NULL;
	test_pmd_takes_macs = false;
	assert_true(is_read);
	check_macs(pmd->port);
	remove_port(pmd->port);
}

static const struct rte_ether_addr *read_before;
static char text_of_mac[RTE_ETHER_ADDR_FMT_SIZE];

static void scribble_on_the_heap(void);

static void
keep_pointer(struct test_pmd *pmd)
{
	read_before = rte_eth_devices[pmd->port].data->mac_addrs;
}

static void
read_given_back(struct test_pmd *pmd)
{
	(void)pmd;
	scribble_on_the_heap();
	rte_ether_format_addr(text_of_mac, sizeof(text_of_mac), read_before);
}

/* Telemetry's /ethdev/info had loaded the pointer, and was preempted: it made text of what was
 * somebody else's by then. */
static void
test_reader_that_comes_when_the_addresses_are_given_back(void **state)
{
	struct test_pmd *pmd;
	char text[RTE_ETHER_ADDR_FMT_SIZE];
	struct rte_ether_addr mac;

	(void)state;
	test_pmd_max_macs = 8;
	pmd = plug("0000:2e:00.0");
	start_port(pmd->port);
	assert_int_equal(rte_eth_macaddr_get(pmd->port, &mac), 0);
	rte_ether_format_addr(text, sizeof(text), &mac);
	test_pmd_takes_macs = true;
	test_pmd_in_close = keep_pointer;
	test_pmd_is_closed = read_given_back;
	lose_for_good(pmd);
	test_pmd_in_close = test_pmd_is_closed = NULL;
	test_pmd_takes_macs = false;
	assert_non_null(read_before);
	assert_string_equal(text_of_mac, text);
	remove_port(pmd->port);
}

static void
stop_queues(struct test_pmd *pmd)
{
	rte_eth_devices[pmd->port].data->rx_queue_state[0] = RTE_ETH_QUEUE_STATE_STOPPED;
}

static int
queue_state(uint16_t port)
{
	struct rte_eth_rxq_info info;
	struct rte_eth_txq_info unknown;

	assert_int_equal(rte_eth_tx_queue_info_get(port, 0, &unknown), -ENOTSUP);
	assert_int_equal(rte_eth_rx_queue_info_get(port, 0, &info), 0);
	return info.queue_state;
}

/* Its driver's stop says stopped, and its lack of an op was an answer: testpmd, which asks at
 * `start`, left a port that was away out of its forwarding, for good. */
static void
test_queues_of_a_port_that_is_away_are_as_they_were(void **state)
{
	struct rte_mempool *pool = rte_pktmbuf_pool_create("asked", 63, 0, 0,
							   RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	struct test_pmd *pmd = plug("0000:1f:00.0");
	const struct rte_eth_conf conf = { 0 };
	uint16_t port = pmd->port;

	(void)state;
	assert_int_equal(rte_eth_dev_configure(port, 1, 1, &conf), 0);
	assert_int_equal(rte_eth_rx_queue_setup(port, 0, 64, 0, NULL, pool), 0);
	assert_int_equal(rte_eth_tx_queue_setup(port, 0, 64, 0, NULL), 0);
	assert_int_equal(rte_eth_dev_start(port), 0);
	rte_eth_devices[port].data->rx_queue_state[0] = RTE_ETH_QUEUE_STATE_STARTED;
	assert_int_equal(queue_state(port), RTE_ETH_QUEUE_STATE_STARTED);
	test_pmd_in_stop = stop_queues;
	lose_for_good(pmd);
	test_pmd_in_stop = NULL;
	assert_int_equal(queue_state(port), RTE_ETH_QUEUE_STATE_STARTED);
	assert_int_equal(rte_eth_dev_stop(port), 0);
	assert_int_equal(queue_state(port), RTE_ETH_QUEUE_STATE_STOPPED);
	remove_port(port);
	rte_mempool_free(pool);
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

static _Atomic unsigned int n_asked, n_in_driver;

static void
count_in_driver(struct test_pmd *pmd)
{
	(void)pmd;
	n_in_driver++;
}

static void *
ask_two(void *arg)
{
	uint16_t port = *(uint16_t *)arg;
	struct rte_eth_dev_info info;
	struct rte_eth_stats stats;

	n_asked += rte_eth_stats_get(port, &stats) == -ENODEV;
	(void)!rte_eth_dev_info_get(port, &info);        /* by whose name? */
	return NULL;
}

/* As a telemetry client does. */
static void
ask_beside(struct test_pmd *pmd)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, ask_two, &pmd->port) == 0)
		pthread_join(thread, NULL);
}

/* A driver is not called before it is configured, which vmxnet3's stats_get does not bear;
 * its bus may not have said yet which one it is.  No port is found there until it has. */
static void
test_driver_that_has_just_been_probed_is_not_asked(void **state)
{
	struct test_pmd *pmd = plug("0000:2b:00.0");
	uint16_t port = pmd->port;

	(void)state;
	start_port(port);
	n_success = 0;
	lose_for_good(pmd);
	test_pmd_in_finish = ask_beside;
	test_pmd_in_stats = count_in_driver;
	come_back(pmd);
	assert_true(WAIT_FOR(n_success == 1));
	test_pmd_in_finish = NULL;
	test_pmd_in_stats = NULL;
	assert_int_equal(n_asked, 1);
	assert_int_equal(n_in_driver, 0);
	remove_port(port);
}

/* --- any call, at any moment ---------------------------------------------------------- */

static void
test_table_of_a_dead_port_has_every_op(void **state)
{
	void *op[sizeof(dead_ops) / sizeof(void *)];
	unsigned int i;

	(void)state;
	memcpy(op, &dead_ops, sizeof(op));
	for (i = 0; i < N_ELEMENTS(op); i++)
		assert_non_null(op[i]);
}

/* But for those that are given a queue, and are waited for as bursts are. */
static void
test_every_op_of_a_living_port_is_counted(void **state)
{
	const void *op[sizeof(struct eth_dev_ops) / sizeof(void *)];
	struct eth_dev_ops ops, none = { .dev_start = NULL };
	unsigned int i;

	(void)state;
	memset(&ops, 0x5a, sizeof(ops));
	inside_wrap(&ops);
	ops.tx_done_cleanup = NULL;
	ops.get_monitor_addr = NULL;
	memcpy(op, &ops, sizeof(op));
	for (i = 0; i < N_ELEMENTS(op); i++)
		assert_int_not_equal((uintptr_t)op[i], 0x5a5a5a5a5a5a5a5a);
	inside_wrap(&none);             /* what it has not, it has not */
	memcpy(op, &none, sizeof(op));
	for (i = 0; i < N_ELEMENTS(op); i++)
		assert_null(op[i]);
}

/* Of whatever functions this DPDK's fast path has: 23.11 and 24.03 brought new ones. */
static void
test_fast_path_of_a_dead_port_has_nothing_of_its_driver(void **state)
{
	const uintptr_t none = 0x5a5a5a5a5a5a5a5a;
	struct test_pmd *pmd = plug("0000:27:00.0");
	struct rte_eth_fp_ops *fp = &rte_eth_fp_ops[pmd->port];
	const size_t n_reserved = (sizeof(fp->reserved1) + sizeof(fp->reserved2)) / sizeof(none);
	uintptr_t word[sizeof(*fp) / sizeof(uintptr_t)];
	unsigned int i, n = 0;

	(void)state;
	memset(fp, 0x5a, sizeof(*fp));
	lose_for_good(pmd);
	memcpy(word, fp, sizeof(*fp));
	for (i = 0; i < N_ELEMENTS(word); i++)
		n += word[i] == none;
	assert_int_equal(n, n_reserved);
	remove_port(pmd->port);
}

static void
test_answers_of_a_dead_port(void **state)
{
	struct test_pmd *pmd = plug("0000:25:00.0");
	struct rte_mempool *pool = rte_pktmbuf_pool_create("answers", 255, 0, 0, 2048, 0);
	const struct rte_eth_conf conf = { 0 };
	struct rte_eth_rxq_info queue;
	uint16_t port = pmd->port;
	int n, n_alive;

	(void)state;
	assert_int_equal(rte_eth_dev_configure(port, 1, 0, &conf), 0);
	assert_int_equal(rte_eth_rx_queue_setup(port, 0, 64, 0, NULL, pool), 0);
	assert_int_equal(rte_eth_dev_start(port), 0);
	n_alive = rte_eth_xstats_get(port, NULL, 0);
	lose(pmd);
	assert_true(WAIT_FOR(mock_find(pmd->name) == NULL));
	assert_int_equal(rte_eth_rx_queue_info_get(port, 0, &queue), 0);
	assert_ptr_equal(queue.mp, pool);
	assert_int_equal(queue.nb_desc, 64);
	n = rte_eth_xstats_get(port, NULL, 0);
	assert_true(n > 0);             /* ethdev's own: the last good ones */
	assert_int_equal(n, n_alive - 1);
	assert_int_equal(rte_eth_xstats_get_names(port, NULL, 0), n);
	assert_int_equal(rte_eth_dev_rx_intr_enable(port, 0), -EIO);
	assert_int_equal(rte_eth_dev_rx_intr_disable(port, 0), -EIO);
	assert_int_equal(rte_flow_flush(port, NULL), -EIO);
	remove_port(port);
	rte_mempool_free(pool);
}

/* Telemetry's /ethdev/rx_queue (DPDK 24.11) reads the pool's name, whatever it is told, and frees
 * its answer twice when the burst mode is refused. */
static void
test_queue_of_a_dead_port_can_be_shown(void **state)
{
	struct rte_mempool *pools[2];
	const struct rte_eth_rxconf several = { .rx_mempools = pools, .rx_nmempool = 2 };
	const struct rte_eth_conf conf = { 0 };
	struct test_pmd *pmd = plug("0000:2e:00.0");
	struct rte_eth_burst_mode mode;
	struct rte_eth_rxq_info queue;
	uint16_t port = pmd->port;

	(void)state;
	pools[0] = rte_pktmbuf_pool_create("few", 63, 0, 0, 2048, 0);
	pools[1] = rte_pktmbuf_pool_create("many", 255, 0, 0, 2048, 0);
	assert_int_equal(rte_eth_dev_configure(port, 1, 0, &conf), 0);
	assert_int_equal(rte_eth_rx_queue_setup(port, 0, 64, 0, &several, NULL), 0);
	assert_int_equal(rte_eth_dev_start(port), 0);
	lose(pmd);
	assert_true(WAIT_FOR(mock_find(pmd->name) == NULL));
	assert_int_equal(rte_eth_rx_queue_info_get(port, 0, &queue), 0);
	assert_ptr_equal(queue.mp, pools[0]);
	assert_int_equal(rte_eth_rx_burst_mode_get(port, 0, &mode), 0);
	assert_string_equal(mode.info, "device lost");
	assert_null(queue.conf.rx_mempools);    /* ours, and freed when the queue is set up anew */
	remove_port(port);
	rte_mempool_free(pools[0]);
	rte_mempool_free(pools[1]);
}

/* What a monitoring thread asks for. */
static void
ask_all(uint16_t port)
{
	struct rte_eth_xstat_name names[64];
	struct rte_eth_rxq_info queue;
	struct rte_eth_dev_info info;
	struct rte_eth_xstat values[64];
	struct rte_ether_addr macs[N_MACS];
	struct rte_eth_stats stats;
	struct rte_eth_link link;
	struct timespec time;
	char text[RTE_ETH_NAME_MAX_LEN];
	uint32_t ptypes[4];

	(void)rte_eth_stats_get(port, &stats);
	(void)!rte_eth_link_get_nowait(port, &link);
	if (rte_eth_dev_info_get(port, &info) == 0)
		assert_int_equal(strncmp(info.driver_name, "net_hotplug_test", 16), 0);
	if (rte_eth_macaddr_get(port, macs) == 0)
		assert_int_equal(macs[0].addr_bytes[0], 2);
	(void)rte_eth_macaddrs_get(port, macs, N_MACS);
	(void)rte_eth_xstats_get(port, values, N_ELEMENTS(values));
	(void)rte_eth_xstats_get_names(port, names, N_ELEMENTS(names));
	(void)rte_eth_rx_queue_info_get(port, 0, &queue);
	(void)rte_eth_timesync_read_time(port, &time);
	(void)rte_eth_dev_rx_intr_enable(port, 0);
	(void)rte_eth_dev_rx_intr_ctl_q(port, 0, 0, 0, NULL);
	(void)!rte_eth_dev_get_supported_ptypes(port, RTE_PTYPE_ALL_MASK, ptypes, 4);
	(void)rte_eth_dev_get_name_by_port(port, text);
	(void)!rte_eth_dev_fw_version_get(port, text, sizeof(text));
	(void)rte_flow_flush(port, NULL);
	(void)rte_eth_dev_mac_addr_remove(port, macs + 1);
	(void)rte_eth_dev_is_removed(port);
	(void)rte_eth_dev_socket_id(port);
	assert_int_equal(hotplug_port_list("0000:7f:00.0", NULL, 0), -ENODEV);
	assert_false(found_has("0000:7f:00.0"));
	assert_int_equal(hotplug_device_detach("0000:7f:00.0", HOTPLUG_PRIVATE, NULL), -ENODEV);
}

static void *
ask(void *arg)
{
	uint16_t port = *(uint16_t *)arg;
	struct rte_mbuf *pkts[4];

	assert_int_equal(rte_thread_register(), 0);
	while (!atomic_load(&is_over)) {
		ask_all(port);
		atomic_fetch_add(&n_reads, 1);
		(void)rte_eth_rx_burst(port, 0, pkts, N_ELEMENTS(pkts));
	}
	rte_thread_unregister();
	return NULL;
}

static void
test_any_call_beside_losses_and_heals(void **state)
{
	struct test_pmd *pmd = plug("0000:26:00.0");
	uint16_t port = pmd->port;
	pthread_t thread[2];
	unsigned int i, reads;

	(void)state;
	start_port(port);
	(void)rte_log_set_level_pattern("lib.hotplug", RTE_LOG_EMERG);
	atomic_store(&is_over, false);
	for (i = 0; i < N_ELEMENTS(thread); i++)
		assert_int_equal(pthread_create(&thread[i], NULL, ask, &port), 0);
	for (i = 0; i < 50; i++) {
		reads = n_reads;
		assert_true(WAIT_FOR(n_reads > reads));
		n_success = 0;
		lose_for_good(pmd);
		come_back(pmd);
		assert_true(WAIT_FOR(n_success == 1));
	}
	atomic_store(&is_over, true);
	for (i = 0; i < N_ELEMENTS(thread); i++)
		pthread_join(thread[i], NULL);
	(void)rte_log_set_level_pattern("lib.hotplug", RTE_LOG_NOTICE);
	remove_port(port);
}

/* --- in a child --------------------------------------------------------------------------- */

static void *
ask_for_address(void *arg)
{
	uint16_t port = *(uint16_t *)arg;
	struct rte_ether_addr mac;

	while (!atomic_load(&is_over))
		assert_int_equal(rte_eth_macaddr_get(port, &mac), 0);
	return NULL;
}

static int
ask_address(uint16_t port)
{
	struct rte_ether_addr mac;

	return rte_eth_macaddr_get(port, &mac) == 0 && mac.addr_bytes[0] == 2 ? 0 : 1;
}

/* What it answers; -1: it hung. */
static int
call_in_child(int (*fn)(uint16_t port), uint16_t port)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		alarm(10);
		_exit(fn(port) == 0 ? 0 : 1);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* So many children, one after the other, of a process in which two threads do this. */
static void
check_children(uint16_t port, int (*fn)(uint16_t port), unsigned int n, void *(*beside)(void *arg))
{
	pthread_t thread[2];
	unsigned int i;

	atomic_store(&is_over, false);
	for (i = 0; i < N_ELEMENTS(thread); i++)
		assert_int_equal(pthread_create(&thread[i], NULL, beside, &port), 0);
	for (i = 0; i < n; i++)
		assert_int_equal(call_in_child(fn, port), 0);
	atomic_store(&is_over, true);
	for (i = 0; i < N_ELEMENTS(thread); i++)
		pthread_join(thread[i], NULL);
}

/* It has none of the threads that asked when it was forked, and waited for them. */
static void
test_child_asks_as_its_parent(void **state)
{
	uint16_t port = plug("0000:2c:00.0")->port;

	(void)state;
	check_children(port, ask_address, 20, ask_for_address);
	remove_port(port);
}

static void *
ask_whose(void *arg)
{
	uint16_t ports[4];

	while (!atomic_load(&is_over)) {
		(void)hotplug_port_list("0000:2d:00.0", ports, N_ELEMENTS(ports));
		(void)calls_guard();
	}
	return arg;
}

/* Ethdev tells of it, and we note whose it was. */
static void
test_child_closes_as_its_parent(void **state)
{
	uint16_t port = plug("0000:2d:00.0")->port;

	(void)state;
	check_children(port, rte_eth_dev_close, 40, ask_whose);
	remove_port(port);
}

static pthread_mutex_t step = PTHREAD_MUTEX_INITIALIZER;
static pthread_t publisher;
static _Atomic unsigned int n_taken, n_stuck;
static atomic_bool has_lock;

static void *
take_port_lock(void *arg)
{
	port_lock();
	port_unlock();
	atomic_store(&has_lock, true);
	return arg;
}

/* The library's, and EAL's: a heap that grows calls the application back, which may call ethdev
 * from any thread, and wait for it. */
void *
rte_zmalloc(const char *type, size_t size, unsigned int align)
{
	pthread_t thread;

	if (pthread_equal(pthread_self(), publisher) && pthread_mutex_trylock(&step) == 0) {
		atomic_store(&has_lock, false);
		if (pthread_create(&thread, NULL, take_port_lock, NULL) == 0) {
			n_taken++;
			if (!WAIT_FOR(atomic_load(&has_lock)))
				n_stuck++;
			pthread_detach(thread);
		}
		pthread_mutex_unlock(&step);
	}
	return rte_zmalloc_socket(type, size, align, SOCKET_ID_ANY);
}

static void
test_no_heap_is_asked_under_the_lock_of_ports(void **state)
{
	struct test_pmd *pmd;

	(void)state;
	test_pmd_max_macs = 2 * N_MACS; /* more than any port that had its id */
	publisher = pthread_self();
	pmd = plug("0000:29:00.0");
	publisher = 0;
	test_pmd_max_macs = N_MACS;
	assert_true(n_taken != 0);
	assert_int_equal(n_stuck, 0);
	remove_port(pmd->port);
}

static int
start(void **state)
{
	if (mock_port_start(state, "flaps=0") != 0)
		return -1;
	(void)rte_log_set_level_pattern("lib.ethdev", RTE_LOG_CRIT);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reader_beside_a_close_that_takes_the_addresses_away),
		cmocka_unit_test(test_reader_that_comes_when_the_addresses_are_given_back),
		cmocka_unit_test(test_queues_of_a_port_that_is_away_are_as_they_were),
		cmocka_unit_test(test_driver_that_takes_its_addresses_away),
		cmocka_unit_test(test_addresses_after_a_heal_that_failed),
		cmocka_unit_test(test_names_outlive_driver_and_device),
		cmocka_unit_test(test_slow_reader_is_not_led_astray),
		cmocka_unit_test(test_driver_that_has_just_been_probed_is_not_asked),
		cmocka_unit_test(test_table_of_a_dead_port_has_every_op),
		cmocka_unit_test(test_every_op_of_a_living_port_is_counted),
		cmocka_unit_test(test_fast_path_of_a_dead_port_has_nothing_of_its_driver),
		cmocka_unit_test(test_answers_of_a_dead_port),
		cmocka_unit_test(test_queue_of_a_dead_port_can_be_shown),
		cmocka_unit_test(test_any_call_beside_losses_and_heals),
		cmocka_unit_test(test_child_asks_as_its_parent),
		cmocka_unit_test(test_child_closes_as_its_parent),
		cmocka_unit_test(test_no_heap_is_asked_under_the_lock_of_ports),
	};

	return cmocka_run_group_tests_name("readers", tests, start, mock_port_stop);
}
