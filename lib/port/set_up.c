/* SPDX-License-Identifier: BSD-3-Clause */

/* set_up: give a port that was probed anew the configuration that it had.
 * In:  the record of its former life (heal).  Out: configured, queues set up, started
 *      if it was, modes and settings as before, started or not; or an error, to be torn down
 *      by heal.
 * Order: the new queues are in the fast path before the start, which then exchanges
 *      only the burst functions.
 * Context: work. */

#include <errno.h>

#include "../eal/host.h"
#include "change.h"
#include "interrupts.h"
#include "settings.h"
#include "steps.h"

/* Does the card have what was configured?  -ERANGE: it never will. */
static int
check_size(uint16_t id, const struct port *port)
{
	struct rte_eth_dev_info info;
	int ret = rte_eth_dev_info_get(id, &info);

	if (ret != 0)
		return ret;
	if (port->config.n_rxq <= info.max_rx_queues && port->config.n_txq <= info.max_tx_queues)
		return 0;
	host_log(HOST_ERR, "%s: the card that came has %u rx and %u tx queues, "
		 "port %u had %u and %u", port->device, info.max_rx_queues,
		 info.max_tx_queues, id, port->config.n_rxq, port->config.n_txq);
	return -ERANGE;
}

static int
set_up_queues(uint16_t id, const struct port *port)
{
	unsigned int i;
	int ret;

	for (i = 0; i < port->config.n_rxq && i < port->n_rxq; i++) {
		if (!port->rxq[i].is_set_up)
			continue;
		ret = rte_eth_rx_queue_setup(id, i, port->rxq[i].n_desc, port->rxq[i].socket,
					     &port->rxq[i].conf, port->rxq[i].pool);
		if (ret != 0)
			return ret;
	}
	for (i = 0; i < port->config.n_txq && i < port->n_txq; i++) {
		if (!port->txq[i].is_set_up)
			continue;
		ret = rte_eth_tx_queue_setup(id, i, port->txq[i].n_desc, port->txq[i].socket,
					     &port->txq[i].conf);
		if (ret != 0)
			return ret;
	}
	return 0;
}

/* What configure and start do not bring back by themselves.  A PMD that lacks one
 * of these lacked it before. */
static void
restore_modes(uint16_t id, const struct port_config *config)
{
	unsigned int vlan;

	if (config->is_promiscuous)
		(void)rte_eth_promiscuous_enable(id);
	if (config->is_allmulti)
		(void)rte_eth_allmulticast_enable(id);
	for (vlan = 0; vlan < 4096; vlan++)
		if (config->vlan.ids[vlan / 64] >> (vlan % 64) & 1)
			(void)rte_eth_dev_vlan_filter(id, vlan, 1);
}

/* Before each step: somebody waits to close it. */
static int
next_step(enum step step, uint16_t id, const struct port *port)
{
	step_before(step, port->device);
	return close_is_asked(id) ? -ECANCELED : 0;
}

static bool
is_to_start(const struct port *port)
{
	bool is;

	port_lock();
	is = port->config.is_started;
	port_unlock();
	return is;
}

static int
configure(uint16_t id, struct port *port)
{
	struct port_config *config = &port->config;
	int ret = check_size(id, port);

	if (ret != 0)
		return ret;
	if (port->settings.rss_key_len != 0) {
		config->conf.rx_adv_conf.rss_conf.rss_key = port->settings.rss_key;
		config->conf.rx_adv_conf.rss_conf.rss_key_len = port->settings.rss_key_len;
	}
	ret = change_configure(id, config->n_rxq, config->n_txq, &config->conf);
	if (ret == 0 && config->mtu != rte_eth_devices[id].data->mtu)
		ret = rte_eth_dev_set_mtu(id, config->mtu);
	return ret;
}

static int
start(uint16_t id, const struct port *port)
{
	int ret;

	if (!is_to_start(port))
		return 0;
	quiet_wait();           /* for whoever has read that it has no queues: */
	ret = next_step(STEP_HEAL_START, id, port);
	return ret != 0 ? ret : change_start(id);       /* he must not meet the PMD with that */
}

static void
restore_address(uint16_t id, const struct port_config *config)
{
	const struct rte_ether_addr *now = rte_eth_devices[id].data->mac_addrs;
	struct rte_ether_addr then = config->mac;

	if (now != NULL && !rte_is_same_ether_addr(now, &then))
		(void)rte_eth_dev_default_mac_addr_set(id, &then);
}

static int
set_up_as_configured(uint16_t id, struct port *port)
{
	int ret = configure(id, port);

	if (ret == 0)
		ret = next_step(STEP_HEAL_QUEUES, id, port);
	if (ret == 0)
		ret = set_up_queues(id, port);
	if (ret != 0)
		return ret;
	restore_address(id, &port->config);
	quiet_attach_queues(id);
	return start(id, port);
}

/* What is set of a port is as before also where it is not started, or not even configured: its
 * application has set it, and sets it no more before its next start. */
int
set_up_port(uint16_t id, struct port *port)
{
	int ret = next_step(STEP_HEAL_CONFIGURE, id, port);

	if (ret == 0 && port->config.is_configured)
		ret = set_up_as_configured(id, port);
	else if (ret == 0)
		restore_address(id, &port->config);
	if (ret == 0)
		ret = next_step(STEP_HEAL_RESTORE, id, port);
	if (ret != 0)
		return ret;
	restore_modes(id, &port->config);
	settings_restore(id, port);
	interrupts_restore(id, port);
	return 0;
}
