/* SPDX-License-Identifier: BSD-3-Clause */

/* dead: the ops of a port whose device is lost.
 * In:  ethdev's control calls (app, any thread).  Out: link down, the last good
 *      statistics, removed; -EIO for what would need a device.  The PMD is never
 *      touched here: only stop and close still reach it, once, where nobody else
 *      tears it down.
 * What is not in the table ethdev answers itself (-ENOTSUP).
 * Context: app. */

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "kept.h"
#include "stats.h"
#include "stuck.h"

static int
link_update(struct rte_eth_dev *eth, int wait)
{
	struct rte_eth_link down = { .link_status = RTE_ETH_LINK_DOWN };

	(void)wait;
	return rte_eth_linkstatus_set(eth, &down);
}

static int
is_removed(struct rte_eth_dev *eth)
{
	(void)eth;
	return 1;
}

static int
infos_get(struct rte_eth_dev *eth, struct rte_eth_dev_info *info)
{
	struct rte_device *device = info->device;

	port_lock();
	*info = port_of(eth)->info;
	port_unlock();
	info->device = device;
	return 0;
}

static int
refuse(struct rte_eth_dev *eth)
{
	(void)eth;
	return -EIO;
}

static int
refuse_mtu(struct rte_eth_dev *eth, uint16_t mtu)
{
	(void)eth;
	(void)mtu;
	return -EIO;
}

static int
refuse_mac(struct rte_eth_dev *eth, struct rte_ether_addr *mac)
{
	(void)eth;
	(void)mac;
	return -EIO;
}

/* The application stops or closes the dead port itself.  Whoever tears it down,
 * it is done once. */
static int
stop_port(struct rte_eth_dev *eth)
{
	struct port *port = port_of(eth);

	if (port->state == PORT_DEAD)
		return live_stop(eth);
	teardown_wait(port->device);
	port_lock();
	port->config.is_started = false;        /* so that a later life is not started */
	port_unlock();
	return 0;
}

static int
close_port(struct rte_eth_dev *eth)
{
	struct port *port = port_of(eth);
	bool is_ours;

	teardown_wait(port->device);
	if (stuck_is(port) && stuck_refuse(port) != 0)
		return -EBUSY;
	port_lock();
	is_ours = port->state == PORT_DEAD;
	port->state = PORT_NONE;
	kept_give(eth, port);
	port_unlock();
	return is_ours ? live_close(eth) : 0;
}

const struct eth_dev_ops dead_ops = {
	.dev_configure = refuse,
	.dev_start = refuse,
	.dev_stop = stop_port,
	.dev_set_link_up = refuse,
	.dev_set_link_down = refuse,
	.dev_close = close_port,
	.dev_reset = refuse,
	.link_update = link_update,
	.is_removed = is_removed,
	.promiscuous_enable = refuse,
	.promiscuous_disable = refuse,
	.allmulticast_enable = refuse,
	.allmulticast_disable = refuse,
	.mac_addr_set = refuse_mac,
	.mtu_set = refuse_mtu,
	.stats_get = stats_dead_get,
	.stats_reset = stats_dead_reset,
	.dev_infos_get = infos_get,
};

void
dead_hold(struct rte_eth_dev *eth)
{
	struct port *port = port_of(eth);

	port_lock();
	eth->data->mac_addrs = port->addrs;
	memcpy(eth->data->name, port->name, sizeof(eth->data->name));
	eth->data->mtu = port->config.mtu;
	eth->data->dev_flags = RTE_ETH_DEV_INTR_RMV;
	eth->device = &port->shadow;
	eth->dev_ops = &dead_ops;
	atomic_thread_fence(memory_order_release);
	eth->state = RTE_ETH_DEV_ATTACHED;      /* from here on it is read */
	port_unlock();
}
