/* SPDX-License-Identifier: BSD-3-Clause */

/* dead: the ops of a port whose device is lost.
 * In:  ethdev's control calls (app, any thread).  Out: link down, the last good
 *      statistics, removed; -EIO for what would need a device.  The PMD is never
 *      touched here: only stop and close still reach it, once, where nobody else
 *      tears it down (close.c).
 * The table has every op that this DPDK knows: ethdev looks whether there is one, and then
 * reads the table again to call it, and the port may have died in between.
 * Context: app. */

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "change.h"
#include "kept.h"
#include "port_ops.h"   /* made from this DPDK's header (list-ops) */
#include "settings.h"
#include "shared.h"
#include "stats.h"

/* Of a port that heals its data says what its driver said last, and a driver that never looks
 * at its link again (af_packet) would not say it once more. */
static int
link_update(struct rte_eth_dev *eth, int wait)
{
	struct rte_eth_link down = { .link_status = RTE_ETH_LINK_DOWN };

	(void)wait;
	return LOAD(eth->dev_ops) == &dead_ops ? rte_eth_linkstatus_set(eth, &down) : 0;
}

static int
is_removed(struct rte_eth_dev *eth)
{
	(void)eth;
	return 1;
}

/* ethdev takes the name of the device's driver next: its bus gives it one when the probe
 * has returned, a moment after the port is valid. */
static int
infos_get(struct rte_eth_dev *eth, struct rte_eth_dev_info *info)
{
	struct rte_device *device = info->device;

	if (device == NULL || device->driver == NULL)
		return -EIO;
	port_lock();
	*info = port_of(eth)->info;
	port_unlock();
	info->device = device;
	return 0;
}

/* What the driver counts beside the statistics goes with it. */
static int
xstats_get(struct rte_eth_dev *eth, struct rte_eth_xstat *values, unsigned int n)
{
	(void)eth;
	(void)values;
	(void)n;
	return 0;
}

static int
xstats_get_names(struct rte_eth_dev *eth, struct rte_eth_xstat_name *names, unsigned int n)
{
	(void)eth;
	(void)names;
	(void)n;
	return 0;
}

/* ethdev wants a positive number here, and makes rte_errno of it. */
static int
flow_ops_get(struct rte_eth_dev *eth, const struct rte_flow_ops **ops)
{
	(void)eth;
	(void)ops;
	return EIO;
}

static int
pool_ops_supported(struct rte_eth_dev *eth, const char *pool)
{
	(void)eth;
	(void)pool;
	return -ENOTSUP;
}

static int
configure(struct rte_eth_dev *eth)
{
	return change_keep_refusal(eth, -EIO);
}

#define MODE(op) \
	static int \
	op(struct rte_eth_dev *eth) \
	{ \
		return change_keep_refusal(eth, -EIO); \
	}

MODE(promiscuous_enable)
MODE(promiscuous_disable)
MODE(allmulticast_enable)
MODE(allmulticast_disable)

/* It is not set again when the port heals. */
static void
mac_addr_remove(struct rte_eth_dev *eth, uint32_t index)
{
	settings_forget_mac(port_of(eth), &eth->data->mac_addrs[index]);
}

/* Of several, the first. */
static struct rte_mempool *
pool_of(const struct port_rxq *rxq)
{
	if (rxq->pool != NULL)
		return rxq->pool;
	if (rxq->conf.rx_mempools != NULL && rxq->conf.rx_nmempool > 0)
		return rxq->conf.rx_mempools[0];
	return rxq->conf.rx_seg != NULL && rxq->conf.rx_nseg > 0 ?
		rxq->conf.rx_seg[0].split.mp : NULL;
}

/* Who asks follows `mp`, unasked: telemetry's /ethdev/rx_queue reads its name (DPDK 24.11,
 * 26.07).  A queue may have none on record: there was no memory.  The arrays that a record names
 * are freed when it changes. */
static void
rxq_info_get(struct rte_eth_dev *eth, uint16_t queue, struct rte_eth_rxq_info *info)
{
	static struct rte_mempool unknown;
	struct port *port = port_of(eth);

	port_lock();
	if (queue < port->n_rxq) {
		info->mp = pool_of(&port->rxq[queue]);
		info->conf = port->rxq[queue].conf;
		info->nb_desc = port->rxq[queue].n_desc;
	}
	port_unlock();
	info->conf.rx_seg = NULL;
	info->conf.rx_nseg = 0;
	info->conf.rx_mempools = NULL;
	info->conf.rx_nmempool = 0;
	if (info->mp == NULL)
		info->mp = &unknown;
}

static void
txq_info_get(struct rte_eth_dev *eth, uint16_t queue, struct rte_eth_txq_info *info)
{
	struct port *port = port_of(eth);

	port_lock();
	if (queue < port->n_txq) {
		info->conf = port->txq[queue].conf;
		info->nb_desc = port->txq[queue].n_desc;
	}
	port_unlock();
}

/* Telemetry's /ethdev/rx_queue and tx_queue ask for it in the end, and free what they have filled
 * twice where the answer is an error (DPDK 24.11). */
static int
burst_mode_get(struct rte_eth_dev *eth, uint16_t queue, struct rte_eth_burst_mode *mode)
{
	(void)eth;
	(void)queue;
	snprintf(mode->info, sizeof(mode->info), "None");
	return 0;
}

/* All others. */
#define REFUSE(type, op, parameters, arguments) \
	static type \
	refuse_##op parameters \
	{ \
		return -EIO; \
	}
#define REFUSE_OTHER(type, op, parameters, arguments) \
	static type \
	refuse_##op parameters \
	{ \
		return 0; \
	}
#define REFUSE_VOID(type, op, parameters, arguments) \
	static void \
	refuse_##op parameters \
	{ \
	}
#define TABLE(type, op, parameters, arguments) .op = refuse_##op,

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Woverride-init"

PORT_OPS(REFUSE)
QUEUE_OPS(REFUSE)
PORT_OPS_OTHER(REFUSE_OTHER)
PORT_OPS_VOID(REFUSE_VOID)

const struct eth_dev_ops dead_ops = {
	PORT_OPS(TABLE)
	QUEUE_OPS(TABLE)
	PORT_OPS_OTHER(TABLE)
	PORT_OPS_VOID(TABLE)
	.dev_configure = configure,
	.promiscuous_enable = promiscuous_enable,
	.promiscuous_disable = promiscuous_disable,
	.allmulticast_enable = allmulticast_enable,
	.allmulticast_disable = allmulticast_disable,
	.dev_stop = stop_port,
	.dev_close = close_port,
	.link_update = link_update,
	.is_removed = is_removed,
	.rx_burst_mode_get = burst_mode_get,
	.tx_burst_mode_get = burst_mode_get,
	.stats_get = stats_dead_get,
	.stats_reset = stats_dead_reset,
	.xstats_get = xstats_get,
	.xstats_get_names = xstats_get_names,
	.xstats_reset = stats_dead_reset,
	.dev_infos_get = infos_get,
	.flow_ops_get = flow_ops_get,
	.pool_ops_supported = pool_ops_supported,
	.mac_addr_remove = mac_addr_remove,
	.rxq_info_get = rxq_info_get,
	.txq_info_get = txq_info_get,
};

#pragma GCC diagnostic pop

void
dead_hold(struct rte_eth_dev *eth)
{
	struct port *port = port_of(eth);

	kept_hold_tx(eth);
	port_lock();
	eth->data->mac_addrs = port->addrs;
	memcpy(eth->data->name, port->name, sizeof(eth->data->name));
	eth->data->mtu = port->config.mtu;
	eth->data->dev_flags = RTE_ETH_DEV_INTR_RMV;
	STORE(eth->device, &port->shadow);
	STORE(eth->dev_ops, &dead_ops);
	atomic_thread_fence(memory_order_release);
	STORE(eth->state, RTE_ETH_DEV_ATTACHED);      /* from here on it is read */
	port_unlock();
}
