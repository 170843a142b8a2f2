/* SPDX-License-Identifier: BSD-3-Clause */

/* test_race: a device is torn down while others are at its port: nobody is in the
 * driver any more when that frees its queues.
 * In:  mock functions and a PMD that has its queues and counters on the heap; a real
 *      worker lcore polls, a registered thread, the main lcore; another thread reads
 *      statistics and the link.  Under AddressSanitizer too (race-asan).
 * Context: app; the library's own threads do the work. */

#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_log.h>
#include <rte_mbuf.h>

#include <ethdev_driver.h>
#include <hotplug.h>

#include "mock_eal.h"
#include "port/grace.h"
#include "test.h"

#define HOLD_MS 500
#define LONGEST_NS 60000000000ull /* no close because the library was tired of waiting */
#define BOUND_MS 700    /* for 10 ms of grace; a second before that was mended */
#define N_CYCLES (IS_SANITIZED ? 2u : 4u) /* more within a minute would be flapping */

static struct rte_mempool *pool;
static atomic_bool is_over;
static _Atomic unsigned int n_polls, n_reads, n_healed;

static uint64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ull + ts.tv_nsec / 1000000;
}

/* As one that the kernel does not let run: a parent in vfork() waits. */
static void
stand_still_ms(unsigned int ms)
{
	pid_t pid = vfork();

	if (pid == 0) {
		usleep(ms * 1000);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static int
on_healed(uint16_t port, enum rte_eth_event_type type, void *arg, void *result)
{
	(void)port;
	(void)type;
	(void)arg;
	(void)result;
	n_healed++;
	return 0;
}

static struct test_pmd *
plug(const char *name)
{
	const struct rte_eth_conf conf = { 0 };
	struct test_pmd *pmd = mock_plug(name);

	assert_int_equal(rte_eth_dev_configure(pmd->port, 1, 0, &conf), 0);
	assert_int_equal(rte_eth_rx_queue_setup(pmd->port, 0, 64, 0, NULL, pool), 0);
	assert_int_equal(rte_eth_dev_start(pmd->port), 0);
	pmd->n_closes = pmd->n_starts = 0;
	atomic_store(&is_over, false);
	atomic_store(&n_polls, 0);
	atomic_store(&n_reads, 0);
	return pmd;
}

static void
lose(struct test_pmd *pmd)
{
	mock_sysfs_remove(pmd->name);
	close(pmd->sign[1]);
}

static void
remove_port(uint16_t port)
{
	char name[HOTPLUG_NAME_LEN];

	assert_int_equal(hotplug_port_remove(port, name, sizeof(name)), 0);
}

static int
poll_port(void *arg)
{
	uint16_t port = *(uint16_t *)arg;
	struct rte_mbuf *pkts[4];

	while (!atomic_load(&is_over)) {
		(void)rte_eth_rx_burst(port, 0, pkts, N_ELEMENTS(pkts));
		atomic_fetch_add(&n_polls, 1);
	}
	return 0;
}

/* --- one that is held in the driver ------------------------------------------------ */

static atomic_bool is_to_hold, is_held;
static _Atomic unsigned int n_closes_at_leaving;

/* Once: no close may come before we leave. */
static void
hold(struct test_pmd *pmd)
{
	if (!atomic_exchange(&is_to_hold, false))
		return;
	atomic_store(&is_held, true);
	test_sleep_ms(HOLD_MS);
	atomic_store(&n_closes_at_leaving, pmd->n_closes);
	atomic_store(&is_held, false);
}

static void
begin_to_hold(void)
{
	atomic_store(&n_closes_at_leaving, 77);
	atomic_store(&is_to_hold, true);
	assert_true(WAIT_FOR(atomic_load(&is_held)));
}

/* The close came after the holder left, and because it left. */
static void
check_close(struct test_pmd *pmd)
{
	assert_true(WAIT_FOR(!atomic_load(&is_held)));
	assert_true(WAIT_FOR(pmd->n_closes == 1));
	assert_int_equal(n_closes_at_leaving, 0);
	assert_true(WAIT_FOR(mock_find(pmd->name) == NULL));
}

static void
test_worker_in_a_burst_is_waited_for(void **state)
{
	struct test_pmd *pmd = plug("0000:31:00.0");
	uint16_t port = pmd->port;

	(void)state;
	test_pmd_in_receive = hold;
	assert_int_equal(rte_eal_remote_launch(poll_port, &port, 1), 0);
	begin_to_hold();
	lose(pmd);
	check_close(pmd);
	test_pmd_in_receive = NULL;
	atomic_store(&is_over, true);
	assert_int_equal(rte_eal_wait_lcore(1), 0);
	remove_port(port);
}

static void *
poll_plainly(void *arg)
{
	poll_port(arg);
	return NULL;
}

static void *
poll_registered(void *arg)
{
	assert_int_equal(rte_thread_register(), 0);
	poll_port(arg);
	rte_thread_unregister();
	return NULL;
}

static void
check_thread_in_burst(const char *name, void *(*poll)(void *port))
{
	struct test_pmd *pmd = plug(name);
	uint16_t port = pmd->port;
	pthread_t thread;

	test_pmd_in_receive = hold;
	assert_int_equal(pthread_create(&thread, NULL, poll, &port), 0);
	begin_to_hold();
	lose(pmd);
	check_close(pmd);
	test_pmd_in_receive = NULL;
	atomic_store(&is_over, true);
	pthread_join(thread, NULL);
	remove_port(port);
}

static void
test_registered_thread_in_a_burst_is_waited_for(void **state)
{
	(void)state;
	check_thread_in_burst("0000:32:00.0", poll_registered);
}

static void
test_plain_thread_in_a_burst_is_waited_for(void **state)
{
	(void)state;
	check_thread_in_burst("0000:37:00.0", poll_plainly);
}

/* The main lcore is in a burst in which its device goes: nobody closes it meanwhile. */
static void
check_main_in_burst(const char *name, void (*in_receive)(struct test_pmd *pmd))
{
	struct test_pmd *pmd = plug(name);
	uint16_t port = pmd->port;
	struct rte_mbuf *pkts[4];

	atomic_store(&n_closes_at_leaving, 77);
	test_pmd_in_receive = in_receive;
	atomic_store(&is_to_hold, true);
	(void)rte_eth_rx_burst(port, 0, pkts, N_ELEMENTS(pkts));
	test_pmd_in_receive = NULL;
	(void)rte_eth_rx_burst(port, 0, pkts, N_ELEMENTS(pkts));
	check_close(pmd);
	remove_port(port);
}

/* It loses its own device in the middle of a burst. */
static void
lose_and_hold(struct test_pmd *pmd)
{
	if (!atomic_exchange(&is_to_hold, false))
		return;
	lose(pmd);
	test_sleep_ms(HOLD_MS);
	atomic_store(&n_closes_at_leaving, pmd->n_closes);
}

static void
test_main_lcore_in_a_burst_is_waited_for(void **state)
{
	(void)state;
	check_main_in_burst("0000:33:00.0", lose_and_hold);
}

/* The same, but the kernel has it wait, as in a page fault. */
static void
lose_and_wait(struct test_pmd *pmd)
{
	if (!atomic_exchange(&is_to_hold, false))
		return;
	lose(pmd);
	stand_still_ms(HOLD_MS);
	atomic_store(&n_closes_at_leaving, pmd->n_closes);
}

static void
test_main_lcore_that_waits_in_a_burst_is_waited_for(void **state)
{
	(void)state;
	check_main_in_burst("0000:36:00.0", lose_and_wait);
}

/* L26: who polls another port enters no dummy of this one's: a worker, a registered
 * thread, a plain one. */
static void
test_pollers_of_another_port_do_not_hold_it_up(void **state)
{
	struct test_pmd *other = plug("0000:38:00.0"), *pmd = plug("0000:39:00.0");
	uint16_t port = pmd->port, other_port = other->port;
	pthread_t thread[2];
	uint64_t start;

	(void)state;
	assert_int_equal(rte_eal_remote_launch(poll_port, &other_port, 1), 0);
	assert_int_equal(pthread_create(&thread[0], NULL, poll_registered, &other_port), 0);
	assert_int_equal(pthread_create(&thread[1], NULL, poll_plainly, &other_port), 0);
	assert_true(WAIT_FOR(n_polls > 1000));
	start = now_ms();
	lose(pmd);
	assert_true(WAIT_FOR(mock_find(pmd->name) == NULL));
	assert_true(now_ms() - start < BOUND_MS);
	atomic_store(&is_over, true);
	assert_int_equal(rte_eal_wait_lcore(1), 0);
	pthread_join(thread[0], NULL);
	pthread_join(thread[1], NULL);
	remove_port(port);
	assert_int_equal(rte_eth_dev_stop(other_port), 0);
	remove_port(other_port);
}

static void
hold_in_stats(struct test_pmd *pmd)
{
	hold(pmd);
}

static void *
read_port(void *arg)
{
	uint16_t port = *(uint16_t *)arg;
	struct rte_eth_stats stats;
	struct rte_eth_link link;

	while (!atomic_load(&is_over)) {        /* -ENODEV in the middle of a heal */
		if (rte_eth_stats_get(port, &stats) == 0 &&
		    rte_eth_link_get_nowait(port, &link) == 0)
			atomic_fetch_add(&n_reads, 1);
	}
	return NULL;
}

static void
test_reader_of_statistics_is_waited_for(void **state)
{
	struct test_pmd *pmd = plug("0000:34:00.0");
	uint16_t port = pmd->port;
	pthread_t thread;

	(void)state;
	test_pmd_in_stats = hold_in_stats;
	assert_int_equal(pthread_create(&thread, NULL, read_port, &port), 0);
	begin_to_hold();
	lose(pmd);
	check_close(pmd);
	test_pmd_in_stats = NULL;
	atomic_store(&is_over, true);
	pthread_join(thread, NULL);
	remove_port(port);
}

/* --- one that is held in the middle of rte_eth_rx_burst() --------------------------- */

static _Atomic uint16_t half_port;
static _Atomic(void *) called_without_queue;

/* ethdev's inline code, held for HOLD_MS between its two loads: the queue was read when
 * the port had none, the function is read when it may have another life. */
static int
poll_half_way(void *arg)
{
	volatile struct rte_eth_fp_ops *fp = &rte_eth_fp_ops[half_port];
	struct rte_mbuf *pkts[4];
	eth_rx_burst_t burst;
	void *queue;

	do {
		(void)rte_eth_rx_burst(half_port, 0, pkts, N_ELEMENTS(pkts));
		queue = *fp->rxq.data;
	} while (queue != NULL);
	atomic_store(&is_held, true);
	stand_still_ms(HOLD_MS);
	burst = fp->rx_pkt_burst;
	atomic_store(&called_without_queue, (void *)(uintptr_t)burst);
	(void)burst(queue, pkts, N_ELEMENTS(pkts));
	return poll_port(arg);
}

static void
test_poller_with_no_queue_does_not_meet_the_new_driver(void **state)
{
	struct test_pmd *pmd = plug("0000:35:00.0");
	uint16_t port = half_port = pmd->port;
	void *receive = (void *)(uintptr_t)rte_eth_fp_ops[port].rx_pkt_burst;
	unsigned int healed = n_healed;

	(void)state;
	assert_int_equal(rte_eal_remote_launch(poll_half_way, &port, 1), 0);
	lose(pmd);
	assert_true(WAIT_FOR(atomic_load(&is_held) && mock_find(pmd->name) == NULL));
	mock_sysfs_add(pmd->name, "hotplug_mock");
	hotplug_scan();
	assert_true(WAIT_FOR(n_healed == healed + 1));
	assert_true(WAIT_FOR(atomic_load(&called_without_queue) != NULL));
	atomic_store(&is_over, true);
	assert_int_equal(rte_eal_wait_lcore(1), 0);
	atomic_store(&is_held, false);
	assert_ptr_not_equal(atomic_load(&called_without_queue), receive);
	assert_ptr_equal(rte_eth_fp_ops[port].rx_pkt_burst, receive);
	remove_port(port);
}

/* --- all of them, at full speed ------------------------------------------------------ */

static void
lose_and_heal(struct test_pmd *pmd, uint16_t port)
{
	unsigned int polls = n_polls, reads = n_reads;
	unsigned int closes = pmd->n_closes, healed = n_healed;

	assert_true(WAIT_FOR(n_polls - polls > 1000 && n_reads - reads > 100));
	lose(pmd);
	assert_true(WAIT_FOR(pmd->n_closes == closes + 1 && mock_find(pmd->name) == NULL));
	mock_sysfs_add(pmd->name, "hotplug_mock");
	hotplug_scan();
	assert_true(WAIT_FOR(n_healed == healed + 1));
	assert_int_equal(rte_eth_dev_is_removed(port), 0);
	assert_int_equal(pmd->port, port);
}

/* Lost and healed again and again, and nobody is told to look away. */
static void
test_port_is_polled_and_read_at_full_speed(void **state)
{
	char name[] = "0000:40:00.0";
	struct test_pmd *pmd;
	unsigned int i;
	pthread_t thread;
	uint16_t port;

	(void)state;
	for (; name[6] < '5'; name[6]++) {
		pmd = plug(name);
		port = pmd->port;
		assert_int_equal(rte_eal_remote_launch(poll_port, &port, 1), 0);
		assert_int_equal(pthread_create(&thread, NULL, read_port, &port), 0);
		for (i = 0; i < N_CYCLES; i++)
			lose_and_heal(pmd, port);
		atomic_store(&is_over, true);
		assert_int_equal(rte_eal_wait_lcore(1), 0);
		pthread_join(thread, NULL);
		remove_port(port);
	}
}

static int
start(void **state)
{
	struct hotplug_config config;

	hotplug_config_init(&config);
	config.policy = HOTPLUG_POLICY_HEAL;
	config.liveness_ms = 50;
	mock_eal_lcores = "0,1";
	grace_sleep_ns = LONGEST_NS;
	if (mock_eal_start(state) != 0)
		return -1;
	/* the reader's calls between two lives */
	(void)rte_log_set_level_pattern("lib.ethdev", RTE_LOG_CRIT);
	pool = rte_pktmbuf_pool_create("race", 255, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	rte_eth_dev_callback_register(RTE_ETH_ALL, RTE_ETH_EVENT_RECOVERY_SUCCESS, on_healed, NULL);
	return pool == NULL || hotplug_enable(&config) != 0;
}

static int
stop(void **state)
{
	int ret;

	(void)state;
	ret = hotplug_disable() != 0 || rte_eal_cleanup() != 0;
	mock_eal_remove_files();
	return ret;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_worker_in_a_burst_is_waited_for),
		cmocka_unit_test(test_registered_thread_in_a_burst_is_waited_for),
		cmocka_unit_test(test_plain_thread_in_a_burst_is_waited_for),
		cmocka_unit_test(test_pollers_of_another_port_do_not_hold_it_up),
		cmocka_unit_test(test_main_lcore_in_a_burst_is_waited_for),
		cmocka_unit_test(test_main_lcore_that_waits_in_a_burst_is_waited_for),
		cmocka_unit_test(test_reader_of_statistics_is_waited_for),
		cmocka_unit_test(test_poller_with_no_queue_does_not_meet_the_new_driver),
		cmocka_unit_test(test_port_is_polled_and_read_at_full_speed),
	};

	return cmocka_run_group_tests_name("race", tests, start, stop);
}
