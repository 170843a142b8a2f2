/* SPDX-License-Identifier: BSD-3-Clause */

/* quiet: get every polling thread out of a dead port's PMD.
 * In:  a port whose device is lost (teardown).  Out: its burst functions are dummies;
 *      when quiet_wait() returns, no thread is inside the PMD any more (grace.c).
 * Order: function pointers first, one store each; queue data only after the wait, so
 * that a PMD never meets a queue that is not its own.  On the way back the queue data
 * first, then the wait, then the functions: rte_eth_rx_burst() reads the queue, then the
 * function, and may be preempted between the two.  ethdev's own reset of the fast
 * path assigns the whole struct under the pollers' feet: it is not used here.
 * Context: teardown, work; the dummies: any thread that polls. */

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include <rte_mbuf.h>
#include <rte_version.h>

#include "../report/trace.h"
#include "code.h"
#include "grace.h"
#include "port.h"
#include "port_ops.h"   /* made from this DPDK's headers (list-ops) */
#include "shared.h"

struct rte_eth_recycle_rxq_info;

static void *no_queues[RTE_MAX_QUEUES_PER_PORT];

/* The driver that threads may be in still: two of its functions; until its queues are out
 * of the fast path.  Several teardowns read them. */
static _Atomic(const void *) old_rx[RTE_MAX_ETHPORTS], old_tx[RTE_MAX_ETHPORTS];

static uint16_t
quiet_rx(void *queue, struct rte_mbuf **pkts, uint16_t n)
{
	(void)queue;
	(void)pkts;
	(void)n;
	return 0;
}

/* Taken and dropped, as by a cable that leads nowhere. */
static uint16_t
quiet_tx(void *queue, struct rte_mbuf **pkts, uint16_t n)
{
	(void)queue;
	rte_pktmbuf_free_bulk(pkts, n);
	return n;
}

static uint16_t
quiet_prepare(void *queue, struct rte_mbuf **pkts, uint16_t n)
{
	(void)queue;
	(void)pkts;
	return n;
}

static __rte_unused int
quiet_tx_count(void *queue)
{
	(void)queue;
	return 0;
}

#if RTE_VERSION >= RTE_VERSION_NUM(25, 7, 0, 0)
static int
#else
static uint32_t
#endif
quiet_rx_count(void *queue)
{
	(void)queue;
	return 0;
}

static int
quiet_status(void *queue, uint16_t offset)
{
	(void)queue;
	(void)offset;
	return -EIO;
}

static __rte_unused uint16_t
quiet_reuse(void *queue, struct rte_eth_recycle_rxq_info *info)
{
	(void)queue;
	(void)info;
	return 0;
}

static __rte_unused void
quiet_refill(void *queue, uint16_t n)
{
	(void)queue;
	(void)n;
}

/* A function for each member of struct rte_eth_fp_ops, of any DPDK: which of them this one
 * has says its header (list-ops), and one without a function here does not build. */
#define quiet_of_rx_pkt_burst quiet_rx
#define quiet_of_tx_pkt_burst quiet_tx
#define quiet_of_tx_pkt_prepare quiet_prepare
#define quiet_of_rx_queue_count quiet_rx_count
#define quiet_of_tx_queue_count quiet_tx_count                  /* 24.03 */
#define quiet_of_rx_descriptor_status quiet_status
#define quiet_of_tx_descriptor_status quiet_status
#define quiet_of_recycle_tx_mbufs_reuse quiet_reuse             /* 23.11 */
#define quiet_of_recycle_rx_descriptors_refill quiet_refill     /* 23.11 */

/* fail-safe calls those of `eth`, without fp_ops. */
#define LAY_QUIET(member) \
	do { \
		eth->member = quiet_of_##member; \
		fp->member = quiet_of_##member; \
	} while (0);

void
quiet_begin(uint16_t port)
{
	struct rte_eth_fp_ops *fp = &rte_eth_fp_ops[port];
	struct rte_eth_dev *eth = &rte_eth_devices[port];

	trace(TRACE_QUIESCE, eth->data->name, port);
	if (!quiet_is(port)) {
		atomic_store(&old_rx[port], (const void *)(uintptr_t)fp->rx_pkt_burst);
		atomic_store(&old_tx[port], (const void *)(uintptr_t)fp->tx_pkt_burst);
	}
	FAST_PATH(LAY_QUIET)
	atomic_thread_fence(memory_order_seq_cst);
}

/* Of a port that was never started, in no driver. */
static bool
is_ethdevs(const void *function)
{
	uintptr_t start = code_at((const void *)(uintptr_t)rte_eth_dev_is_valid_port).start;

	return start != 0 && code_at(function).start == start;
}

void
quiet_wait(void)
{
	const void *old[2 * RTE_MAX_ETHPORTS], *function;
	unsigned int i, n = 0;

	for (i = 0; i < 2 * RTE_MAX_ETHPORTS; i++) {
		function = atomic_load(i % 2 == 0 ? &old_rx[i / 2] : &old_tx[i / 2]);
		if (function != NULL && !is_ethdevs(function))
			old[n++] = function;
	}
	grace_wait(old, n);
}

#define IS_QUIET(member) \
	is = is && fp->member == quiet_of_##member;

bool
quiet_is(uint16_t port)
{
	const struct rte_eth_fp_ops *fp = &rte_eth_fp_ops[port];
	bool is = true;

	FAST_PATH(IS_QUIET)
	return is;
}

void
quiet_detach_queues(uint16_t port)
{
	struct rte_eth_fp_ops *fp = &rte_eth_fp_ops[port];

	atomic_store(&old_rx[port], NULL);
	atomic_store(&old_tx[port], NULL);
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

/* By the name that vdev finds its driver by: the device itself may be going. */
static bool
is_fail_safe(const struct rte_eth_dev *eth)
{
	static const char name[] = "net_failsafe", alias[] = "eth_failsafe";

	return strncmp(eth->data->name, name, sizeof(name) - 1) == 0 ||
		strncmp(eth->data->name, alias, sizeof(alias) - 1) == 0;
}

/* fail-safe takes its fast bursts away when a sub-device is lost, from rte_eth_dev: the
 * application's are in rte_eth_fp_ops since 21.11, and go on over what is freed (up to
 * 26.07; SIGSEGV under the first poll after the removal). */
void
quiet_follow_fail_safe(void)
{
	struct rte_eth_dev *eth;
	unsigned int i;

	for (i = 0; i < RTE_MAX_ETHPORTS; i++) {
		eth = &rte_eth_devices[i];
		if (LOAD(eth->state) != RTE_ETH_DEV_ATTACHED || !eth->data->dev_started ||
		    !is_fail_safe(eth))
			continue;
		rte_eth_fp_ops[i].rx_pkt_burst = eth->rx_pkt_burst;
		rte_eth_fp_ops[i].tx_pkt_burst = eth->tx_pkt_burst;
	}
	atomic_thread_fence(memory_order_seq_cst);
}
