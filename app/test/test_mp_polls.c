/* SPDX-License-Identifier: BSD-3-Clause */

/* test_mp_polls: a secondary polls a port from before it is attached until after it is
 * detached, while the primary configures, starts, stops and closes it.
 * In:  net_ring, whose bursts take the queue that they are given; a primary and a secondary; a
 *      hugetlbfs as the first argument, how many rounds as the second.
 * Out: TAP.  It lives, and what the primary sends from a start on arrives.
 * Context: app; the processes answer one byte of command by one struct. */

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <ethdev_driver.h>
#include <rte_mbuf.h>

#include <hotplug.h>

#include "mp_process.h"
#include "test.h"

#define DEVICE "net_ring0"
#define PORT 0
#define N_QUEUES 2

enum { ATTACH = 'a', DETACH = 'd', CONFIGURE = 'c', START = 'S', STOP = 's', SEND = 'x',
       ARRIVED = 'r', POLL = 'o', N_POLLS = 'n', UNSET = 'u', STOP_HELD = 'h', IS_IN = 'i',
       ATTACH_OTHER = 'z' };

static struct process primary, secondary, *const both[] = { &primary, &secondary };
static unsigned int n_rounds = 100;

static _Atomic unsigned int n_arrived, n_polls;

static void *
poll_on(void *arg)
{
	struct rte_mbuf *mbufs[8];
	uint16_t queue, n;

	for (queue = 0; arg == NULL; queue = (queue + 1) % N_QUEUES) {
		n = rte_eth_rx_burst(PORT, queue, mbufs, 8);
		rte_pktmbuf_free_bulk(mbufs, n);
		n_arrived += n;
		n_polls++;
		rte_eth_tx_burst(PORT, queue, mbufs, 0);
	}
	return NULL;
}

static int
poll_from_now(void)
{
	pthread_t thread;

	return -pthread_create(&thread, NULL, poll_on, NULL);
}

static int
configure(void)
{
	static struct rte_mempool *pool;
	struct rte_eth_conf conf;
	uint16_t queue;
	int ret;

	memset(&conf, 0, sizeof(conf));
	if (pool == NULL)
		pool = rte_pktmbuf_pool_create("pool", 1023, 32, 0, 256, SOCKET_ID_ANY);
	ret = pool == NULL ? -ENOMEM : rte_eth_dev_configure(PORT, N_QUEUES, N_QUEUES, &conf);
	for (queue = 0; queue < N_QUEUES && ret == 0; queue++) {
		ret = rte_eth_rx_queue_setup(PORT, queue, 64, SOCKET_ID_ANY, NULL, pool);
		if (ret == 0)
			ret = rte_eth_tx_queue_setup(PORT, queue, 64, SOCKET_ID_ANY, NULL);
	}
	return ret;
}

/* Frees its queues. */
static int
unset(void)
{
	struct rte_eth_conf conf;

	memset(&conf, 0, sizeof(conf));
	return rte_eth_dev_configure(PORT, 0, 0, &conf);
}

static int
send_one(void)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(rte_mempool_lookup("pool"));
	int n_sent;

	if (mbuf == NULL)
		return -ENOMEM;
	mbuf->data_len = mbuf->pkt_len = 60;
	n_sent = rte_eth_tx_burst(PORT, 1, &mbuf, 1);
	if (n_sent == 0)
		rte_pktmbuf_free(mbuf);
	return n_sent == 1 ? 0 : -EIO;
}

/* How many, with a second for those that are under way. */
static int
wait_for_one(void)
{
	const struct timespec pause = { .tv_nsec = 100000 };
	unsigned int i;

	for (i = 0; i < 10000 && n_arrived == 0; i++)
		nanosleep(&pause, NULL);
	return atomic_exchange(&n_arrived, 0);
}

/* All processes'; a driver's stop, held by the test. */
static struct {
	_Atomic bool is_in_stop, goes_on;
} *held;
static int (*ring_stop)(struct rte_eth_dev *eth);

static int
stop_held(struct rte_eth_dev *eth)
{
	const struct timespec pause = { .tv_nsec = 1000000 };

	for (held->is_in_stop = true; !held->goes_on;)
		nanosleep(&pause, NULL);
	return ring_stop(eth);
}

static int
stop_until_told(void)
{
	struct rte_eth_dev *eth = &rte_eth_devices[PORT];
	const struct eth_dev_ops *usual = eth->dev_ops;
	struct eth_dev_ops ops = *usual;
	int ret;

	ring_stop = usual->dev_stop;
	ops.dev_stop = stop_held;
	eth->dev_ops = &ops;
	ret = rte_eth_dev_stop(PORT);
	eth->dev_ops = usual;
	return ret;
}

/* Whatever polls the port is in the driver. */
static bool
is_in_driver(void)
{
	static eth_rx_burst_t driver;   /* what a start has brought */

	if (held->is_in_stop == 0)
		driver = rte_eth_fp_ops[PORT].rx_pkt_burst;
	return rte_eth_fp_ops[PORT].rx_pkt_burst == driver;
}

static int
change(bool attaches)
{
	struct hotplug_outcome outcome = { .size = sizeof(outcome) };
	int ret = attaches ? hotplug_device_attach(DEVICE, 0, &outcome) :
		hotplug_device_detach(DEVICE, 0, &outcome);

	if (ret != 0)
		printf("# %s: process %d: %s\n", attaches ? "attach" : "detach", outcome.pid,
		       outcome.reason);
	fflush(stdout);
	return ret;
}

static int
attach_and_detach_other(void)
{
	int ret = hotplug_device_attach("net_ring1", 0, NULL);

	return ret != 0 ? ret : hotplug_device_detach("net_ring1", 0, NULL);
}

static struct report
serve(unsigned char command)
{
	switch (command) {
	case ATTACH: return (struct report){ .state = change(true) };
	case DETACH: return (struct report){ .state = change(false) };
	case CONFIGURE: return (struct report){ .state = configure() };
	case UNSET: return (struct report){ .state = unset() };
	case START: return (struct report){ .state = rte_eth_dev_start(PORT) };
	case STOP: return (struct report){ .state = rte_eth_dev_stop(PORT) };
	case SEND: return (struct report){ .state = send_one() };
	case ARRIVED: return (struct report){ .state = wait_for_one() };
	case POLL: return (struct report){ .state = poll_from_now() };
	case STOP_HELD: return (struct report){ .state = stop_until_told() };
	case IS_IN: return (struct report){ .state = is_in_driver() };
	case ATTACH_OTHER: return (struct report){ .state = attach_and_detach_other() };
	case N_POLLS: return (struct report){ .state = atomic_load(&n_polls) };
	}
	return (struct report){ .state = -EINVAL };
}

static int
ask(const struct process *process, unsigned char command)
{
	return mp_ask(process, command).state;
}

/* From that start on, and not from a moment later: what is sent arrives. */
static void
start_and_stop(void)
{
	assert_int_equal(ask(&primary, START), 0);
	assert_int_equal(ask(&primary, SEND), 0);
	assert_int_equal(ask(&secondary, ARRIVED), 1);
	assert_int_equal(ask(&primary, STOP), 0);
}

static void
test_poller_lives_through_all_of_a_ports_life(void **state)
{
	struct timespec begin, end;
	unsigned int i;

	(void)state;
	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (i = 0; i < n_rounds; i++) {
		assert_int_equal(ask(both[i % 2], ATTACH), 0);
		if (i % 8 != 7) {
			assert_int_equal(ask(&primary, CONFIGURE), 0);
			start_and_stop();
		}
		if (i % 4 == 1)
			assert_int_equal(ask(&primary, UNSET), 0);
		if (i % 4 == 1)
			assert_int_equal(ask(&primary, CONFIGURE), 0);
		if (i % 4 != 3)
			start_and_stop();
		assert_int_equal(ask(both[i / 2 % 2], DETACH), 0);
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	assert_true(ask(&secondary, N_POLLS) > 0);
	print_message("# %u rounds, %.1f ms each\n", n_rounds,
		      ((end.tv_sec - begin.tv_sec) * 1e3 +
		       (end.tv_nsec - begin.tv_nsec) / 1e6) / n_rounds);
}

/* The primary looks after its ports whenever something is asked of it.  A port whose stop is in
 * its driver is still started by ethdev's word: nobody may be led back into it. */
static void
test_nobody_polls_a_port_that_is_being_stopped(void **state)
{
	unsigned char command = STOP_HELD;
	struct report report;
	unsigned int i;

	(void)state;
	assert_int_equal(ask(&primary, ATTACH), 0);
	assert_int_equal(ask(&primary, CONFIGURE), 0);
	assert_int_equal(ask(&primary, START), 0);
	assert_true(ask(&secondary, IS_IN));
	assert_int_equal(write(primary.to, &command, 1), 1);
	for (i = 0; i < 10000 && !held->is_in_stop; i++)
		usleep(1000);
	assert_true(held->is_in_stop);
	for (i = 0; i < 3; i++) {
		assert_int_equal(ask(&secondary, ATTACH_OTHER), 0);
		assert_false(ask(&secondary, IS_IN));
	}
	held->goes_on = true;
	assert_int_equal(read(primary.from, &report, sizeof(report)), sizeof(report));
	assert_int_equal(report.state, 0);
	assert_false(ask(&secondary, IS_IN));
	start_and_stop();
	assert_int_equal(ask(&primary, DETACH), 0);
}

/* One that joins when the port is there, started or not. */
static void
test_late_secondary_polls_at_once(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 6; i++) {
		assert_int_equal(ask(&primary, ATTACH), 0);
		assert_int_equal(ask(&primary, CONFIGURE), 0);
		if (i % 2 == 0)
			assert_int_equal(ask(&primary, START), 0);
		mp_kill(&secondary);
		mp_fork(&secondary, "secondary", "", serve);
		assert_int_equal(mp_ask(&secondary, MP_START).state, 0);
		assert_int_equal(ask(&secondary, POLL), 0);
		if (i % 2 != 0)
			assert_int_equal(ask(&primary, START), 0);
		assert_int_equal(ask(&primary, SEND), 0);
		assert_int_equal(ask(&secondary, ARRIVED), 1);
		assert_int_equal(ask(&primary, STOP), 0);
		start_and_stop();
		assert_int_equal(ask(&secondary, DETACH), 0);
	}
}

static int
set_up(void **state)
{
	(void)state;
	mp_fork(&primary, "primary", "", serve);
	mp_fork(&secondary, "secondary", "", serve);
	assert_int_equal(mp_ask(&primary, MP_START).state, 0);
	assert_int_equal(mp_ask(&secondary, MP_START).state, 0);
	assert_int_equal(ask(&secondary, POLL), 0);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	mp_kill(&secondary);
	mp_kill(&primary);
	mp_remove_files();
	return 0;
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_poller_lives_through_all_of_a_ports_life),
		cmocka_unit_test(test_nobody_polls_a_port_that_is_being_stopped),
		cmocka_unit_test(test_late_secondary_polls_at_once),
	};

	if (argc < 2)
		return 1;
	if (argc > 2)
		n_rounds = atoi(argv[2]);
	held = mmap(NULL, sizeof(*held), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (held == MAP_FAILED)
		return 1;
	mp_prepare(argv[1]);
	return cmocka_run_group_tests_name("mp_polls", tests, set_up, tear_down);
}
