/* SPDX-License-Identifier: BSD-3-Clause */

/* bad_bursts: the fast path of the driver with a bad character.
 * In:  bursts, counts.  Out: each follows its queue and what that has on the heap, without a
 *      look, as drivers do.
 * ThreadSanitizer does not see the grace that keeps bursts and closes apart (processor time,
 * membarrier): these are not instrumented for it.  AddressSanitizer sees them.
 * Context: any thread that polls. */

#include <errno.h>
#include <time.h>

#include <rte_mbuf.h>
#include <rte_version.h>

#include "bad_pmd.h"
#include "burst_code.h"

#define UNSEEN_BY_TSAN __attribute__((no_sanitize("thread")))

UNSEEN_BY_TSAN static void
use(struct bad_queue *q)
{
	++*(volatile unsigned int *)q->ring;
}

UNSEEN_BY_TSAN static void
poll_queue(struct bad_queue *q)
{
	struct timespec a_while = { .tv_nsec = q->card->is->burst_us * 1000l };
	volatile const uint8_t *bar = q->card->bar;

	if (bar != NULL)
		(void)*bar;
	use(q);
	if (a_while.tv_nsec > 0)
		nanosleep(&a_while, NULL);
	use(q);
}

/* No driver looks whether it has a queue. */
UNSEEN_BY_TSAN static void
receive(void *queue)
{
	struct bad_queue *q = queue;

	poll_queue(q);
	q->card->n_rx++;
}

UNSEEN_BY_TSAN static uint16_t
transmit(void *queue, struct rte_mbuf **pkts, uint16_t n)
{
	struct bad_queue *q = queue;

	poll_queue(q);
	q->card->n_tx += n;
	rte_pktmbuf_free_bulk(pkts, n);
	return n;
}

UNSEEN_BY_TSAN static uint16_t
prepare(void *queue, struct rte_mbuf **pkts, uint16_t n)
{
	struct bad_queue *q = queue;

	(void)pkts;
	use(q);
	return n;
}

#if RTE_VERSION >= RTE_VERSION_NUM(25, 7, 0, 0)
UNSEEN_BY_TSAN static int
#else
UNSEEN_BY_TSAN static uint32_t
#endif
count(void *queue)
{
	struct bad_queue *q = queue;

	use(q);
	return 0;
}

UNSEEN_BY_TSAN static int
status(void *queue, uint16_t offset)
{
	struct bad_queue *q = queue;

	use(q);
	return offset > 0 ? -EINVAL : 0;
}

#if RTE_VERSION >= RTE_VERSION_NUM(23, 11, 0, 0)
UNSEEN_BY_TSAN static uint16_t
reuse(void *queue, struct rte_eth_recycle_rxq_info *info)
{
	(void)info;
	return count(queue);
}

UNSEEN_BY_TSAN static void
refill(void *queue, uint16_t n)
{
	(void)n;
	(void)count(queue);
}
#endif

#if RTE_VERSION >= RTE_VERSION_NUM(24, 3, 0, 0)
UNSEEN_BY_TSAN static int
count_tx(void *queue)
{
	return (int)count(queue);
}
#endif

void
bad_set_bursts(struct rte_eth_dev *eth, const struct character *is)
{
	burst_code_fn = receive;
	burst_code_send_fn = transmit;
	eth->rx_pkt_burst = burst_code_receive;
	eth->tx_pkt_burst = burst_code_send;
	eth->tx_pkt_prepare = prepare;
	eth->rx_queue_count = count;
	eth->rx_descriptor_status = status;
	eth->tx_descriptor_status = status;
	(void)is;
#if RTE_VERSION >= RTE_VERSION_NUM(23, 11, 0, 0)
	if (is->ways & BAD_RECYCLES) {
		eth->recycle_tx_mbufs_reuse = reuse;
		eth->recycle_rx_descriptors_refill = refill;
	}
#endif
#if RTE_VERSION >= RTE_VERSION_NUM(24, 3, 0, 0)
	eth->tx_queue_count = count_tx;
#endif
}
