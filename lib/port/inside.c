/* SPDX-License-Identifier: BSD-3-Clause */

/* inside: which of the application's control calls are in a PMD just now?
 * In:  ethdev's control calls (app, any thread).  Out: the PMD's own op, or what a
 *      dead port answers; inside_wait(), after which none is left in there.
 * Without it a thread that reads statistics or the link is in the PMD while teardown
 * frees what it reads.
 * Order: a call counts itself, then looks whether the port is dead; the port is dead
 * before inside_wait() looks at the count.  Whichever comes second sees the other.
 * Context: app; inside_wait(): teardown. */

#include <errno.h>
#include <stdatomic.h>
#include <time.h>

#include "inside.h"

#define MS 1000000

bool
inside_enter(struct rte_eth_dev *eth)
{
	struct port *port = port_of(eth);

	atomic_fetch_add(&port->n_inside, 1);
	atomic_thread_fence(memory_order_seq_cst);
	if (eth->dev_ops != &dead_ops)
		return true;
	inside_leave(eth);
	return false;
}

void
inside_leave(struct rte_eth_dev *eth)
{
	atomic_fetch_sub(&port_of(eth)->n_inside, 1);
}

void
inside_wait(struct rte_eth_dev *eth)
{
	const struct timespec pause = { .tv_nsec = MS };
	struct port *port = port_of(eth);

	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load(&port->n_inside) == 0)
		return;
	hotplug_device_unsettle(port->bus, port->key);  /* it may be polling registers */
	while (atomic_load(&port->n_inside) != 0)
		nanosleep(&pause, NULL);
	hotplug_device_settle(port->bus, port->key);
}

/* The PMD's own op, counted; its answer on a dead port, or -EIO. */
#define COUNTED(op, parameters, arguments) \
	static int \
	op parameters \
	{ \
		int ret; \
		if (!inside_enter(eth)) \
			return dead_ops.op != NULL ? dead_ops.op arguments : -EIO; \
		ret = port_of(eth)->pmd_ops->op arguments; \
		inside_leave(eth); \
		return ret; \
	}

#define ETH struct rte_eth_dev *eth

/* Before configure vmxnet3 has no place for these, and dies of them; testpmd's `port
 * attach` asks for one then.  ethdev remembers them, and asks again at start. */
#define MODE(op) \
	static int \
	op(struct rte_eth_dev *eth) \
	{ \
		int ret; \
\
		if (!inside_enter(eth)) \
			return dead_ops.op != NULL ? dead_ops.op(eth) : -EIO; \
		ret = eth->data->dev_configured ? port_of(eth)->pmd_ops->op(eth) : 0; \
		inside_leave(eth); \
		return ret; \
	}

COUNTED(dev_start, (ETH), (eth))
COUNTED(dev_reset, (ETH), (eth))
COUNTED(link_update, (ETH, int wait), (eth, wait))
MODE(promiscuous_enable)
MODE(promiscuous_disable)
MODE(allmulticast_enable)
MODE(allmulticast_disable)
COUNTED(mac_addr_add, (ETH, struct rte_ether_addr *mac, uint32_t i, uint32_t pool),
	(eth, mac, i, pool))
COUNTED(mac_addr_set, (ETH, struct rte_ether_addr *mac), (eth, mac))
COUNTED(set_mc_addr_list, (ETH, struct rte_ether_addr *list, uint32_t n), (eth, list, n))
COUNTED(mtu_set, (ETH, uint16_t mtu), (eth, mtu))
COUNTED(xstats_get, (ETH, struct rte_eth_xstat *values, unsigned int n), (eth, values, n))
COUNTED(xstats_reset, (ETH), (eth))
COUNTED(xstats_get_names, (ETH, struct rte_eth_xstat_name *names, unsigned int n),
	(eth, names, n))
COUNTED(xstats_get_by_id, (ETH, const uint64_t *ids, uint64_t *values, unsigned int n),
	(eth, ids, values, n))
COUNTED(dev_infos_get, (ETH, struct rte_eth_dev_info *info), (eth, info))
COUNTED(fw_version_get, (ETH, char *version, size_t size), (eth, version, size))
COUNTED(vlan_filter_set, (ETH, uint16_t vlan, int is_on), (eth, vlan, is_on))
COUNTED(vlan_offload_set, (ETH, int mask), (eth, mask))
COUNTED(rx_queue_start, (ETH, uint16_t queue), (eth, queue))
COUNTED(rx_queue_stop, (ETH, uint16_t queue), (eth, queue))
COUNTED(tx_queue_start, (ETH, uint16_t queue), (eth, queue))
COUNTED(tx_queue_stop, (ETH, uint16_t queue), (eth, queue))
COUNTED(rx_queue_intr_enable, (ETH, uint16_t queue), (eth, queue))
COUNTED(rx_queue_intr_disable, (ETH, uint16_t queue), (eth, queue))
COUNTED(reta_query, (ETH, struct rte_eth_rss_reta_entry64 *reta, uint16_t n), (eth, reta, n))
COUNTED(rss_hash_conf_get, (ETH, struct rte_eth_rss_conf *conf), (eth, conf))
COUNTED(flow_ctrl_get, (ETH, struct rte_eth_fc_conf *conf), (eth, conf))
COUNTED(get_reg, (ETH, struct rte_dev_reg_info *regs), (eth, regs))
COUNTED(get_eeprom_length, (ETH), (eth))
COUNTED(get_eeprom, (ETH, struct rte_dev_eeprom_info *info), (eth, info))
COUNTED(get_module_info, (ETH, struct rte_eth_dev_module_info *info), (eth, info))
COUNTED(get_module_eeprom, (ETH, struct rte_dev_eeprom_info *info), (eth, info))

#define WRAP(op) do { if (ops->op != NULL) ops->op = op; } while (0)

void
inside_wrap(struct eth_dev_ops *ops)
{
	WRAP(dev_start);
	WRAP(dev_reset);
	WRAP(link_update);
	WRAP(promiscuous_enable);
	WRAP(promiscuous_disable);
	WRAP(allmulticast_enable);
	WRAP(allmulticast_disable);
	WRAP(mac_addr_add);
	WRAP(mac_addr_set);
	WRAP(set_mc_addr_list);
	WRAP(mtu_set);
	WRAP(xstats_get);
	WRAP(xstats_reset);
	WRAP(xstats_get_names);
	WRAP(xstats_get_by_id);
	WRAP(dev_infos_get);
	WRAP(fw_version_get);
	WRAP(vlan_filter_set);
	WRAP(vlan_offload_set);
	WRAP(rx_queue_start);
	WRAP(rx_queue_stop);
	WRAP(tx_queue_start);
	WRAP(tx_queue_stop);
	WRAP(rx_queue_intr_enable);
	WRAP(rx_queue_intr_disable);
	WRAP(reta_query);
	WRAP(rss_hash_conf_get);
	WRAP(flow_ctrl_get);
	WRAP(get_reg);
	WRAP(get_eeprom_length);
	WRAP(get_eeprom);
	WRAP(get_module_info);
	WRAP(get_module_eeprom);
}
