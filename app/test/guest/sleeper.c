/* SPDX-License-Identifier: BSD-3-Clause */

/* sleeper: an application in rx-interrupt mode, as DPDK's l3fwd-power is one.
 * Each port has an lcore of its own, which sends back what comes and sleeps in
 * rte_epoll_wait() when nothing does: it arms the queue once, at its start, knows nothing
 * of hot-plug, and has no time-out.  The main thread reads statistics all the time.
 * In:  `quit`, or an empty line on stdin.  Out: for that one a line: for each port what
 *      was sent back and how often its lcore slept. */

#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rte_common.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_interrupts.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>

#define N_IDLE 50               /* polls for nothing, then it sleeps */
#define N_DESC 256

static volatile int is_over;
static struct { volatile uint64_t n_echoed, n_slept, n_refused; } seen[RTE_MAX_ETHPORTS];

static uint16_t
send_back(uint16_t port)
{
	struct rte_mbuf *bufs[32];
	uint16_t n = rte_eth_rx_burst(port, 0, bufs, RTE_DIM(bufs));
	uint16_t sent = rte_eth_tx_burst(port, 0, bufs, n);

	rte_pktmbuf_free_bulk(&bufs[sent], n - sent);
	seen[port].n_echoed += sent;
	return n;
}

static int
forward(void *arg)
{
	struct rte_epoll_event event;
	uint16_t port = (uintptr_t)arg;
	unsigned int n_idle = 0;

	if (rte_eth_dev_rx_intr_ctl_q(port, 0, RTE_EPOLL_PER_THREAD, RTE_INTR_EVENT_ADD, NULL) < 0)
		rte_panic("port %u has no rx interrupt\n", port);
	while (!is_over) {
		n_idle = send_back(port) > 0 ? 0 : n_idle + 1;
		if (n_idle < N_IDLE)
			continue;
		rte_eth_dev_rx_intr_enable(port, 0);
		if (send_back(port) == 0) {     /* none came before that was on */
			seen[port].n_slept++;
			rte_epoll_wait(RTE_EPOLL_PER_THREAD, &event, 1, -1);
		}
		rte_eth_dev_rx_intr_disable(port, 0);
		n_idle = 0;
	}
	return 0;
}

static int
set_up(uint16_t port, struct rte_mempool *pool)
{
	struct rte_eth_conf conf = { .intr_conf.rxq = 1 };
	int ret = rte_eth_dev_configure(port, 1, 1, &conf);

	if (ret == 0)
		ret = rte_eth_rx_queue_setup(port, 0, N_DESC, SOCKET_ID_ANY, NULL, pool);
	if (ret == 0)
		ret = rte_eth_tx_queue_setup(port, 0, N_DESC, SOCKET_ID_ANY, NULL);
	if (ret == 0)
		ret = rte_eth_dev_start(port);
	if (ret == 0)
		rte_eth_promiscuous_enable(port);
	return ret;
}

static void
look(uint16_t port)
{
	struct rte_eth_dev_info info;
	struct rte_eth_stats stats;
	struct rte_eth_link link;

	seen[port].n_refused += rte_eth_stats_get(port, &stats) != 0;
	seen[port].n_refused += rte_eth_link_get_nowait(port, &link) != 0;
	seen[port].n_refused += rte_eth_dev_info_get(port, &info) != 0;
}

static void
answer(void)
{
	uint16_t port;

	RTE_ETH_FOREACH_DEV(port)
		printf("port=%u echoed=%lu slept=%lu refused=%lu ", port,
		       (unsigned long)seen[port].n_echoed, (unsigned long)seen[port].n_slept,
		       (unsigned long)seen[port].n_refused);
	printf("\n");
}

/* Until it is told to quit. */
static void
control(void)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	char line[16];
	uint16_t port;
	ssize_t n;

	for (;;) {
		RTE_ETH_FOREACH_DEV(port)
			look(port);
		if (poll(&in, 1, 20) == 0)
			continue;
		n = read(STDIN_FILENO, line, sizeof(line));
		if (n <= 0 || memchr(line, 'q', n) != NULL)
			return;
		answer();
	}
}

int
main(int argc, char **argv)
{
	struct rte_mempool *pool;
	unsigned int lcore;
	uint16_t port;

	setbuf(stdout, NULL);
	if (rte_eal_init(argc, argv) < 0)
		return 1;
	pool = rte_pktmbuf_pool_create("sleeper", 8191, 128, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
				       SOCKET_ID_ANY);
	lcore = rte_get_next_lcore(-1, 1, 0);
	RTE_ETH_FOREACH_DEV(port) {
		if (pool == NULL || set_up(port, pool) != 0)
			return 1;
		rte_eal_remote_launch(forward, (void *)(uintptr_t)port, lcore);
		lcore = rte_get_next_lcore(lcore, 1, 0);
	}
	printf("forwards packets on each\n");
	control();
	is_over = 1;                    /* with the next packet of each */
	rte_eal_mp_wait_lcore();
	RTE_ETH_FOREACH_DEV(port) {
		rte_eth_dev_stop(port);
		rte_eth_dev_close(port);
	}
	return rte_eal_cleanup();
}
