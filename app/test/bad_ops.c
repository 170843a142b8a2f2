/* SPDX-License-Identifier: BSD-3-Clause */

/* bad_ops: every op that this DPDK knows, of the driver with a bad character.
 * In:  ethdev's control calls.  Out: each follows the port's private data and what it
 *      has on the heap; who comes when the driver has been closed dies of that, or a
 *      sanitizer says so.
 * Context: app; the library's threads. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_interrupts.h>
#include <rte_version.h>

#include "bad_pmd.h"
#include "port_ops.h"   /* made from this DPDK's header (lib/port/list-ops) */

static int
touch(const struct rte_eth_dev *eth)
{
	struct bad_life *life = bad_life_of(eth);
	struct timespec a_while = { .tv_nsec = life->card->is->call_us * 1000l };

	atomic_fetch_add(&life->n_calls, 1);
	if (a_while.tv_nsec > 0)
		nanosleep(&a_while, NULL);
	atomic_fetch_add(&life->n_calls, 1);
	return 0;
}

/* What has an answer says that it has none; all else is done. */
static int
answer_of(const struct rte_eth_dev *eth, const char *op)
{
	static const char *const asks[] = { "get", "query", "info", "read", "dump", "length", "ptypes" };
	unsigned int i;

	touch(eth);
	for (i = 0; i < RTE_DIM(asks); i++)
		if (strstr(op, asks[i]) != NULL)
			return -ENOTSUP;
	return 0;
}

#define ANSWER(type, op, parameters, arguments) \
	static type \
	any_##op parameters \
	{ \
		return answer_of(eth, #op); \
	}
#define ANSWER_QUEUE(type, op, parameters, arguments) \
	static type \
	any_##op parameters \
	{ \
		return -ENOTSUP; \
	}
#define ANSWER_OTHER(type, op, parameters, arguments) \
	static type \
	any_##op parameters \
	{ \
		touch(eth); \
		return 0; \
	}
#define ANSWER_VOID(type, op, parameters, arguments) \
	static void \
	any_##op parameters \
	{ \
		touch(eth); \
	}
#define TABLE(type, op, parameters, arguments) .op = any_##op,

/* --- queues ---------------------------------------------------------------------------- */

static struct bad_queue *
make_queue(const struct rte_eth_dev *eth)
{
	struct bad_queue *q = calloc(1, sizeof(*q));

	if (q == NULL)
		return NULL;
	q->card = bad_life_of(eth)->card;
	q->ring = calloc(1, sizeof(*q->ring));
	return q;
}

static void
free_queue(void **queue)
{
	struct bad_queue *q = *queue;

	*queue = NULL;
	if (q != NULL)
		free(q->ring);
	free(q);
}

static void
release_rxq(struct rte_eth_dev *eth, uint16_t queue)
{
	free_queue(&eth->data->rx_queues[queue]);
}

static void
release_txq(struct rte_eth_dev *eth, uint16_t queue)
{
	free_queue(&eth->data->tx_queues[queue]);
}

static int
set_up_rxq(struct rte_eth_dev *eth, uint16_t queue, uint16_t n_desc, unsigned int socket,
	   const struct rte_eth_rxconf *conf, struct rte_mempool *pool)
{
	struct bad_queue *q = make_queue(eth);

	(void)n_desc;
	(void)socket;
	if (q != NULL)
		q->pool = pool != NULL ? pool : conf->rx_mempools[0];
	free_queue(&eth->data->rx_queues[queue]);
	eth->data->rx_queues[queue] = q;
	return q == NULL ? -ENOMEM : 0;
}

static int
set_up_txq(struct rte_eth_dev *eth, uint16_t queue, uint16_t n_desc, unsigned int socket,
	   const struct rte_eth_txconf *conf)
{
	struct bad_queue *q = make_queue(eth);

	(void)n_desc;
	(void)socket;
	(void)conf;
	free_queue(&eth->data->tx_queues[queue]);
	eth->data->tx_queues[queue] = q;
	return q == NULL ? -ENOMEM : 0;
}

/* As all do: newer DPDKs' telemetry follows `mp`, unasked. */
static void
get_rxq_info(struct rte_eth_dev *eth, uint16_t queue, struct rte_eth_rxq_info *info)
{
	const struct bad_queue *q = eth->data->rx_queues[queue];

	touch(eth);
	info->mp = q->pool;
}

static int
get_burst_mode(struct rte_eth_dev *eth, uint16_t queue, struct rte_eth_burst_mode *mode)
{
	(void)queue;
	touch(eth);
	strcpy(mode->info, "Scalar");
	return 0;
}

void
bad_free_queues(struct rte_eth_dev *eth)
{
	unsigned int i;

	for (i = 0; eth->data->rx_queues != NULL && i < eth->data->nb_rx_queues; i++)
		free_queue(&eth->data->rx_queues[i]);
	for (i = 0; eth->data->tx_queues != NULL && i < eth->data->nb_tx_queues; i++)
		free_queue(&eth->data->tx_queues[i]);
}

/* ena frees at stop what its bursts use, and has it again at start. */
static void
change_rings(void **queues, unsigned int n, bool is_start)
{
	struct bad_queue *q;
	unsigned int i;

	for (i = 0; i < n; i++) {
		q = queues[i];
		if (q != NULL && q->ring != NULL && !is_start) {
			free(q->ring);
			q->ring = NULL;
		} else if (q != NULL && q->ring == NULL && is_start) {
			q->ring = calloc(1, sizeof(*q->ring));
		}
	}
}

/* --- control -------------------------------------------------------------------------- */

static int
configure(struct rte_eth_dev *eth)
{
	return touch(eth);
}

static bool
has_interrupts(const struct rte_eth_dev *eth)
{
	return (bad_life_of(eth)->card->is->ways & BAD_HAS_RX_INTR) &&
		eth->data->dev_conf.intr_conf.rxq != 0;
}

static int
begin_interrupts(struct rte_eth_dev *eth)
{
	unsigned int i;

	if (rte_intr_type_set(eth->intr_handle, RTE_INTR_HANDLE_VFIO_MSIX) != 0 ||
	    rte_intr_efd_enable(eth->intr_handle, eth->data->nb_rx_queues) != 0 ||
	    rte_intr_vec_list_alloc(eth->intr_handle, "bad", eth->data->nb_rx_queues) != 0)
		return -ENOMEM;
	for (i = 0; i < eth->data->nb_rx_queues; i++)
		rte_intr_vec_list_index_set(eth->intr_handle, i, RTE_INTR_VEC_RXTX_OFFSET + i);
	return 0;
}

static void
tell(struct rte_eth_dev *eth, enum bad_way when)
{
	if (bad_life_of(eth)->card->is->ways & when)
		rte_eth_dev_callback_process(eth, RTE_ETH_EVENT_INTR_LSC, NULL);
}

static int
start(struct rte_eth_dev *eth)
{
	struct bad_card *card = bad_life_of(eth)->card;

	touch(eth);
	bad_wait(card, card->is->start_us);
	if (card->is->ways & BAD_FREES_AT_STOP) {
		change_rings(eth->data->rx_queues, eth->data->nb_rx_queues, true);
		change_rings(eth->data->tx_queues, eth->data->nb_tx_queues, true);
	}
	tell(eth, BAD_TELLS_AT_START);
	return has_interrupts(eth) ? begin_interrupts(eth) : 0;
}

static int
stop(struct rte_eth_dev *eth)
{
	struct bad_card *card = bad_life_of(eth)->card;

	touch(eth);
	if (card->is->ways & BAD_TELLS_AT_STOP)
		eth->data->dev_started = 0;     /* bnxt does so itself */
	bad_wait(card, card->is->stop_us);
	if (has_interrupts(eth)) {
		rte_intr_efd_disable(eth->intr_handle);
		rte_intr_vec_list_free(eth->intr_handle);
	}
	if (card->is->ways & BAD_FREES_AT_STOP) {
		change_rings(eth->data->rx_queues, eth->data->nb_rx_queues, false);
		change_rings(eth->data->tx_queues, eth->data->nb_tx_queues, false);
	}
	tell(eth, BAD_TELLS_AT_STOP);
	return 0;
}

/* Those of VFs end in their init: new private data, and their own table of ops again. */
static int
reset(struct rte_eth_dev *eth)
{
	struct bad_private *private = eth->data->dev_private;
	struct bad_life *old = private->life, *life = calloc(1, sizeof(*life));

	touch(eth);
	if (life == NULL)
		return -ENOMEM;
	life->card = old->card;
	eth->dev_ops = bad_ops(old->card->is);
	bad_wait(old->card, old->card->is->close_us);
	private->life = life;
	free(old);
	bad_set_bursts(eth, life->card->is);
	return 0;
}

static int
get_info(struct rte_eth_dev *eth, struct rte_eth_dev_info *info)
{
	const struct character *is = bad_life_of(eth)->card->is;

	touch(eth);
	info->switch_info.name = eth->device->name;
	info->max_rx_queues = info->max_tx_queues = BAD_MAX_QUEUES;
	info->max_rx_pktlen = 9000;
	info->max_mtu = 8900;
	info->max_rx_mempools = is->n_pools;
	info->max_mac_addrs = BAD_MAX_MACS;
	info->hash_key_size = 40;
	info->reta_size = 128;
	info->flow_type_rss_offloads = RTE_ETH_RSS_IP;
	info->rx_desc_lim.nb_max = info->tx_desc_lim.nb_max = 1024;
	info->rx_desc_lim.nb_align = info->tx_desc_lim.nb_align = 1;
	return 0;
}

static int
update_link(struct rte_eth_dev *eth, int wait)
{
	const struct rte_eth_link link = {
		.link_status = eth->data->dev_started ? RTE_ETH_LINK_UP : RTE_ETH_LINK_DOWN,
	};

	(void)wait;
	touch(eth);
	return rte_eth_linkstatus_set(eth, &link);
}

#if RTE_VERSION >= RTE_VERSION_NUM(25, 11, 0, 0)
static int
get_stats(struct rte_eth_dev *eth, struct rte_eth_stats *stats,
	  __rte_unused struct eth_queue_stats *queues)
#else
static int
get_stats(struct rte_eth_dev *eth, struct rte_eth_stats *stats)
#endif
{
	touch(eth);
	stats->ipackets = 1;
	return 0;
}

static int
get_xstats(struct rte_eth_dev *eth, struct rte_eth_xstat *values, unsigned int n)
{
	touch(eth);
	if (n > 0)
		values[0] = (struct rte_eth_xstat){ .id = 0, .value = 1 };
	return 1;
}

static int
get_xstats_names(struct rte_eth_dev *eth, struct rte_eth_xstat_name *names, unsigned int n)
{
	touch(eth);
	if (n > 0)
		strcpy(names[0].name, "calls");
	return 1;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Woverride-init"

PORT_OPS(ANSWER)
QUEUE_OPS(ANSWER_QUEUE)
PORT_OPS_OTHER(ANSWER_OTHER)
PORT_OPS_VOID(ANSWER_VOID)

static const struct eth_dev_ops all_ops = {
	PORT_OPS(TABLE)
	QUEUE_OPS(TABLE)
	PORT_OPS_OTHER(TABLE)
	PORT_OPS_VOID(TABLE)
	.dev_configure = configure,
	.dev_start = start,
	.dev_stop = stop,
	.dev_close = bad_close,
	.dev_reset = reset,
	.dev_infos_get = get_info,
	.link_update = update_link,
	.stats_get = get_stats,
	.xstats_get = get_xstats,
	.xstats_get_names = get_xstats_names,
	.xstats_get_by_id = NULL,
	.xstats_get_names_by_id = NULL,
	.rxq_info_get = get_rxq_info,
	.rx_burst_mode_get = get_burst_mode,
	.tx_burst_mode_get = get_burst_mode,
	.rx_queue_setup = set_up_rxq,
	.rx_queue_release = release_rxq,
	.tx_queue_setup = set_up_txq,
	.tx_queue_release = release_txq,
};

#pragma GCC diagnostic pop

const struct eth_dev_ops *
bad_ops(const struct character *is)
{
	(void)is;
	return &all_ops;
}
