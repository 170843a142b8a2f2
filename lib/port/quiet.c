/* SPDX-License-Identifier: BSD-3-Clause */

/* quiet: get every polling thread out of a dead port's PMD.
 * In:  a port whose device is lost (teardown).  Out: its burst functions are dummies;
 *      when quiet_wait() returns, no polling thread is inside the PMD any more.
 * The dummies mark their lcore: a thread that has entered one has left the PMD, of
 * whatever port, since it is one thread.  So the wait is exact for lcores that poll;
 * an lcore that runs and never polls again costs the whole wait, once.
 * Order: function pointers first, one store each; queue data only after the wait, so
 * that a PMD never meets a queue that is not its own.  ethdev's own reset of the fast
 * path assigns the whole struct under the pollers' feet: it is not used here.
 * Context: teardown, work; the dummies: any thread that polls. */

#include <errno.h>
#include <stdatomic.h>
#include <time.h>

#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_version.h>

#include "../core/device.h"
#include "../report/trace.h"
#include "port.h"

#define MS 1000000ull
#define LEAST_NS (10 * MS)      /* for threads that are no lcores */
#define LONGEST_NS (1000 * MS)  /* for lcores that never poll again */

static _Atomic unsigned int marks[RTE_MAX_LCORE];
static void *no_queues[RTE_MAX_QUEUES_PER_PORT];

/* One writer each: the lcore itself. */
static void
mark(void)
{
	unsigned int lcore = rte_lcore_id();

	if (lcore < RTE_MAX_LCORE)
		atomic_store_explicit(&marks[lcore],
			atomic_load_explicit(&marks[lcore], memory_order_relaxed) + 1,
			memory_order_release);
}

static uint16_t
quiet_rx(void *queue, struct rte_mbuf **pkts, uint16_t n)
{
	(void)queue;
	(void)pkts;
	(void)n;
	mark();
	return 0;
}

/* Taken and dropped, as by a cable that leads nowhere. */
static uint16_t
quiet_tx(void *queue, struct rte_mbuf **pkts, uint16_t n)
{
	(void)queue;
	mark();
	rte_pktmbuf_free_bulk(pkts, n);
	return n;
}

static uint16_t
quiet_prepare(void *queue, struct rte_mbuf **pkts, uint16_t n)
{
	(void)queue;
	(void)pkts;
	mark();
	return n;
}

#if RTE_VERSION >= RTE_VERSION_NUM(25, 7, 0, 0)
static int
#else
static uint32_t
#endif
quiet_count(void *queue)
{
	(void)queue;
	mark();
	return 0;
}

static int
quiet_status(void *queue, uint16_t offset)
{
	(void)queue;
	(void)offset;
	mark();
	return -EIO;
}

void
quiet_begin(uint16_t port)
{
	struct rte_eth_fp_ops *fp = &rte_eth_fp_ops[port];
	struct rte_eth_dev *eth = &rte_eth_devices[port];

	trace(TRACE_QUIESCE, eth->data->name, port);
	/* fail-safe calls these, without fp_ops */
	eth->rx_pkt_burst = quiet_rx;
	eth->tx_pkt_burst = quiet_tx;
	eth->tx_pkt_prepare = quiet_prepare;
	eth->rx_queue_count = quiet_count;
	eth->rx_descriptor_status = quiet_status;
	eth->tx_descriptor_status = quiet_status;
	fp->rx_pkt_burst = quiet_rx;
	fp->tx_pkt_burst = quiet_tx;
	fp->tx_pkt_prepare = quiet_prepare;
	fp->rx_queue_count = quiet_count;
	fp->rx_descriptor_status = quiet_status;
	fp->tx_descriptor_status = quiet_status;
	atomic_thread_fence(memory_order_seq_cst);
}

/* A worker that runs, and has not been seen since. */
static bool
is_pending(unsigned int lcore, const unsigned int *seen)
{
	return lcore != rte_get_main_lcore() && rte_eal_get_lcore_state(lcore) == RUNNING &&
		atomic_load(&marks[lcore]) == seen[lcore];
}

void
quiet_wait(uint16_t port)
{
	const struct timespec pause = { .tv_nsec = MS };
	uint64_t start = device_now_ns(), waited;
	unsigned int seen[RTE_MAX_LCORE], lcore;
	bool is_one_pending;

	(void)port;
	RTE_LCORE_FOREACH(lcore)
		seen[lcore] = atomic_load(&marks[lcore]);
	do {
		nanosleep(&pause, NULL);
		is_one_pending = false;
		RTE_LCORE_FOREACH(lcore)
			is_one_pending = is_one_pending || is_pending(lcore, seen);
		waited = device_now_ns() - start;
	} while (waited < LEAST_NS || (is_one_pending && waited < LONGEST_NS));
}

void
quiet_detach_queues(uint16_t port)
{
	struct rte_eth_fp_ops *fp = &rte_eth_fp_ops[port];

	fp->rxq.data = no_queues;
	fp->rxq.clbk = no_queues;
	fp->txq.data = no_queues;
	fp->txq.clbk = no_queues;
	atomic_thread_fence(memory_order_seq_cst);
}

void
quiet_attach_queues(uint16_t port)
{
	struct rte_eth_fp_ops *fp = &rte_eth_fp_ops[port];
	struct rte_eth_dev *eth = &rte_eth_devices[port];

	fp->rxq.data = eth->data->rx_queues;
	fp->rxq.clbk = (void **)(uintptr_t)eth->post_rx_burst_cbs;
	fp->txq.data = eth->data->tx_queues;
	fp->txq.clbk = (void **)(uintptr_t)eth->pre_tx_burst_cbs;
	atomic_thread_fence(memory_order_seq_cst);
}
