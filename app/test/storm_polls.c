/* SPDX-License-Identifier: BSD-3-Clause */

/* storm_polls: the calls of rte_ethdev.h that a polling thread makes; and all calls, by name.
 * In:  a port that the application has started, and whose pollers are counted.
 * Out: storm_calls[]: one for each call of this DPDK's header; what has no entry here, in
 *      storm_reads.c or in storm_sets.c does not link.
 * Context: any thread that polls. */

#include <rte_ethdev.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>

#include "storm.h"

#define BURST 4

ENTRY(rte_eth_rx_burst, CALL_POLLS)
{
	struct rte_mbuf *pkts[BURST];

	(void)rte_eth_rx_burst(port, queue, pkts, BURST);
}

static bool
fill(struct rte_mbuf **pkts)
{
	return rte_pktmbuf_alloc_bulk(storm_pool, pkts, BURST) == 0;
}

ENTRY(rte_eth_tx_burst, CALL_POLLS)
{
	struct rte_mbuf *pkts[BURST];
	uint16_t n;

	if (!fill(pkts))
		return;
	n = rte_eth_tx_burst(port, queue, pkts, BURST);
	rte_pktmbuf_free_bulk(pkts + n, BURST - n);
}

ENTRY(rte_eth_tx_prepare, CALL_POLLS)
{
	struct rte_mbuf *pkts[BURST];

	if (!fill(pkts))
		return;
	(void)rte_eth_tx_prepare(port, queue, pkts, BURST);
	rte_pktmbuf_free_bulk(pkts, BURST);
}

ENTRY(rte_eth_rx_queue_count, CALL_POLLS)
{
	(void)rte_eth_rx_queue_count(port, queue);
}

ENTRY(rte_eth_rx_descriptor_status, CALL_POLLS)
{
	(void)rte_eth_rx_descriptor_status(port, queue, 0);
}

ENTRY(rte_eth_tx_descriptor_status, CALL_POLLS)
{
	(void)rte_eth_tx_descriptor_status(port, queue, 0);
}

ENTRY(rte_eth_tx_done_cleanup, CALL_POLLS)
{
	(void)rte_eth_tx_done_cleanup(port, queue, 0);
}

/* A buffer of one packet: what is put in goes at once, or is flushed. */
static void
buffer(uint16_t port, uint16_t queue, buffer_tx_error_fn on_error)
{
	struct rte_eth_dev_tx_buffer *buffer = rte_zmalloc(NULL, RTE_ETH_TX_BUFFER_SIZE(2), 0);
	uint64_t n_lost = 0;
	struct rte_mbuf *pkt = rte_pktmbuf_alloc(storm_pool);

	if (buffer != NULL && pkt != NULL) {
		rte_eth_tx_buffer_init(buffer, 2);
		rte_eth_tx_buffer_set_err_callback(buffer, on_error, &n_lost);
		(void)rte_eth_tx_buffer(port, queue, buffer, pkt);
		pkt = NULL;
		(void)rte_eth_tx_buffer_flush(port, queue, buffer);
	}
	rte_pktmbuf_free(pkt);
	rte_free(buffer);
}

#define BUFFER(call, on_error) \
	ENTRY(call, CALL_POLLS) \
	{ \
		buffer(port, queue, on_error); \
	}

BUFFER(rte_eth_tx_buffer, rte_eth_tx_buffer_drop_callback)
BUFFER(rte_eth_tx_buffer_flush, rte_eth_tx_buffer_count_callback)
BUFFER(rte_eth_tx_buffer_init, rte_eth_tx_buffer_drop_callback)
BUFFER(rte_eth_tx_buffer_set_err_callback, rte_eth_tx_buffer_count_callback)
BUFFER(rte_eth_tx_buffer_drop_callback, rte_eth_tx_buffer_drop_callback)
BUFFER(rte_eth_tx_buffer_count_callback, rte_eth_tx_buffer_count_callback)

#ifdef HAS_rte_eth_recycle_mbufs                /* 23.11 */
ENTRY(rte_eth_recycle_mbufs, CALL_POLLS)
{
	struct rte_eth_recycle_rxq_info info;

	if (rte_eth_recycle_rx_queue_info_get(port, queue, &info) == 0)
		(void)rte_eth_recycle_mbufs(port, queue, port, queue, &info);
}
#endif

#ifdef HAS_rte_eth_tx_queue_count               /* 24.03 */
ENTRY(rte_eth_tx_queue_count, CALL_POLLS)
{
	(void)rte_eth_tx_queue_count(port, queue);
}
#endif

/* --- all of them ----------------------------------------------------------------------- */

#define DECLARE(name) \
	extern const enum call_kind kind_##name; \
	void call_##name(uint16_t port, uint16_t queue, struct dice *dice);
#define LIST(name) { #name, &kind_##name, call_##name, 0 },

ETH_CALLS(DECLARE)

struct call storm_calls[] = { ETH_CALLS(LIST) };
const unsigned int storm_n_kinds = RTE_DIM(storm_calls);

void
storm_call(struct call *call, uint16_t port, uint16_t queue, struct dice *dice)
{
	call->fn(port, queue, dice);
	atomic_fetch_add(&call->n, 1);
	atomic_fetch_add(&storm_n_calls, 1);
}
