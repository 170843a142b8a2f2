/* SPDX-License-Identifier: BSD-3-Clause */

/* quiet: get every polling thread out of a dead port's PMD.
 * In:  a port whose device is lost (teardown).  Out: its burst functions are dummies;
 *      when quiet_wait() returns, no polling thread is inside the PMD any more.
 * The dummies mark their lcore: a thread that has entered one has left the PMD, of
 * whatever port, since it is one thread.  So the wait is exact for lcores that poll,
 * workers and registered threads; one that never polls again costs the whole wait.
 * The main lcore does not say whether it runs anything: it is waited for while the
 * kernel has it running, or in a page fault: no PMD's burst function sleeps otherwise.
 * Order: function pointers first, one store each; queue data only after the wait, so
 * that a PMD never meets a queue that is not its own.  On the way back the queue data
 * first, then the wait, then the functions: rte_eth_rx_burst() reads the queue, then the
 * function, and may be preempted between the two.  ethdev's own reset of the fast
 * path assigns the whole struct under the pollers' feet: it is not used here.
 * Context: teardown, work; the dummies: any thread that polls. */

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_version.h>

#include "../core/device.h"
#include "../report/trace.h"
#include "port.h"
#include "port_ops.h"   /* made from this DPDK's headers (list-ops) */
#include "whose.h"

struct rte_eth_recycle_rxq_info;

#define MS 1000000ull
#define LEAST_NS (10 * MS)      /* for threads that are no lcores */

uint64_t quiet_longest_ns = 1000 * MS;

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

static __rte_unused int
quiet_tx_count(void *queue)
{
	(void)queue;
	mark();
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

static __rte_unused uint16_t
quiet_reuse(void *queue, struct rte_eth_recycle_rxq_info *info)
{
	(void)queue;
	(void)info;
	mark();
	return 0;
}

static __rte_unused void
quiet_refill(void *queue, uint16_t n)
{
	(void)queue;
	(void)n;
	mark();
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
	FAST_PATH(LAY_QUIET)
	atomic_thread_fence(memory_order_seq_cst);
}

static pid_t main_tid;

void
quiet_start(void)
{
	main_tid = rte_lcore_id() == rte_get_main_lcore() ? gettid() : getpid();
}

/* On a processor (R), waiting for one (R), or for memory (D): a cut-off holds the lock
 * that a page fault of its registers needs. */
static bool
is_main_running(void)
{
	char path[64], text[512], *state;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)main_tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	state = strrchr(text, ')');     /* "tid (name) S ..." */
	return state != NULL && state[1] == ' ' && (state[2] == 'R' || state[2] == 'D');
}

/* May it be polling? */
static bool
is_at_work(unsigned int lcore)
{
	switch (rte_eal_lcore_role(lcore)) {
	case ROLE_RTE:
	case ROLE_SERVICE:
		return lcore == rte_get_main_lcore() ? is_main_running() :
			rte_eal_get_lcore_state(lcore) == RUNNING;
	case ROLE_NON_EAL:
		return true;    /* registered, and tells no more */
	default:
		return false;
	}
}

static void
wait_for_pollers(uint64_t least_ns)
{
	const struct timespec pause = { .tv_nsec = MS };
	uint64_t start = device_now_ns(), waited;
	unsigned int seen[RTE_MAX_LCORE], lcore;
	bool is_out[RTE_MAX_LCORE], is_one_inside = false;

	for (lcore = 0; lcore < RTE_MAX_LCORE; lcore++) {
		seen[lcore] = atomic_load(&marks[lcore]);
		is_out[lcore] = !is_at_work(lcore);     /* who comes later finds the dummies */
		is_one_inside = is_one_inside || !is_out[lcore];
	}
	for (waited = 0; waited < least_ns || (is_one_inside && waited < quiet_longest_ns);
	     waited = device_now_ns() - start) {
		nanosleep(&pause, NULL);
		is_one_inside = false;
		for (lcore = 0; lcore < RTE_MAX_LCORE; lcore++) {
			is_out[lcore] = is_out[lcore] || !is_at_work(lcore) ||
				atomic_load(&marks[lcore]) != seen[lcore];
			is_one_inside = is_one_inside || !is_out[lcore];
		}
	}
}

void
quiet_wait(void)
{
	wait_for_pollers(LEAST_NS);
}

void
quiet_wait_lcores(void)
{
	wait_for_pollers(0);
}

bool
quiet_is(uint16_t port)
{
	return rte_eth_fp_ops[port].rx_pkt_burst == quiet_rx;
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
		if (eth->state != RTE_ETH_DEV_ATTACHED || !eth->data->dev_started ||
		    !whose_driver_is(i, "net_failsafe"))
			continue;
		rte_eth_fp_ops[i].rx_pkt_burst = eth->rx_pkt_burst;
		rte_eth_fp_ops[i].tx_pkt_burst = eth->tx_pkt_burst;
	}
	atomic_thread_fence(memory_order_seq_cst);
}
