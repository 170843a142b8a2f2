/* SPDX-License-Identifier: BSD-3-Clause */

/* die: a port becomes a dead one.
 * In:  its device is lost (a duty), or asked for and ours to give (lost.c).
 * Out: dead ops at once, link down; what a later life needs is kept.
 * Lock: port_lock() around the table, device_lock() for what the device was.
 * Context: watch, work. */

#include <stdio.h>
#include <string.h>

#include <rte_flow_driver.h>

#include "../core/device.h"
#include "die.h"
#include "kept.h"
#include "queues.h"
#include "rings.h"
#include "shared.h"

/* With the lock held: what a later life needs. */
static void
take_config(const struct rte_eth_dev *eth, struct port_config *config)
{
	const struct rte_eth_dev_data *data = eth->data;

	config->conf = data->dev_conf;
	config->conf.rx_adv_conf.rss_conf.rss_key = NULL;       /* the caller's, not ours */
	config->n_rxq = data->nb_rx_queues;
	config->n_txq = data->nb_tx_queues;
	config->mtu = data->mtu;
	config->vlan = data->vlan_filter_conf;
	config->is_configured = data->dev_configured;
	config->is_promiscuous = data->promiscuous;
	config->is_allmulti = data->all_multicast;
	if (data->mac_addrs != NULL)
		config->mac = data->mac_addrs[0];
}

/* Its driver has another name: who knows that one by its name calls it (rte_pmd_*), and
 * would meet what the driver has given back. */
static void
take_shadow(struct port *port, const struct rte_device *dev)
{
	snprintf(port->driver_name, sizeof(port->driver_name), "%s (removed)",
		 dev->driver != NULL ? dev->driver->name : "");
	port->shadow_driver = (struct rte_driver){ .name = port->driver_name };
	port->shadow = *dev;
	port->shadow.driver = &port->shadow_driver;
	port->shadow.name = port->device;
	port->shadow.devargs = NULL;
	memset(&port->shadow.next, 0, sizeof(port->shadow.next));
}

/* What its device was. */
struct former {
	bool is_known;
	struct hotplug_identity id;
	char kernel_driver[HOTPLUG_NAME_LEN];
};

static struct former
former_of(const struct hotplug_bus *bus, const char *device)
{
	struct former former = { .is_known = false };
	const struct hotplug_device *dev;

	device_lock();
	dev = device_find(bus, device);
	if (dev != NULL) {
		former.is_known = true;
		former.id = dev->id;
		memcpy(former.kernel_driver, dev->kernel_driver, sizeof(former.kernel_driver));
	}
	device_unlock();
	return former;
}

/* With the lock held, and the port LIVE: nobody releases it meanwhile. */
static void
die(struct rte_eth_dev *eth, struct port *port, const struct former *former)
{
	const struct rte_eth_link down = { .link_status = RTE_ETH_LINK_DOWN };

	if (former->is_known) {
		port->id = former->id;
		memcpy(port->kernel_driver, former->kernel_driver, sizeof(port->kernel_driver));
	}
	memcpy(port->name, eth->data->name, sizeof(port->name));
	take_config(eth, &port->config);
	queues_take(eth, port);
	kept_take(eth, port);
	take_shadow(port, LOAD(eth->device));
	port->has_lived = true;
	port->state = PORT_DEAD;
	STORE(eth->dev_ops, &dead_ops);
#ifdef HAS_FLOW_FP_OPS          /* 24.03 */
	eth->flow_fp_ops = &rte_flow_fp_default_ops;
#endif
	rte_eth_linkstatus_set(eth, &down);
}

/* Whoever was in a call that sets it up is out of it (change.c): what that call has said is
 * what counts, and it may have said so after the loss.  It has not been configured anew where
 * that was refused; and what a heal that failed has made of it is nothing that was set. */
void
die_with_what_was_set(struct rte_eth_dev *eth)
{
	const struct rte_eth_dev_data *data = eth->data;
	struct port *port = port_of(eth);
	struct port_config *config = &port->config;

	port_lock();
	if (port->has_lived && data->dev_configured) {
		config->conf = data->dev_conf;
		config->conf.rx_adv_conf.rss_conf.rss_key = NULL;       /* the caller's */
		config->n_rxq = data->nb_rx_queues;
		config->n_txq = data->nb_tx_queues;
		config->is_configured = true;
	}
	if (port->has_lived && data->mac_addrs != NULL) {
		config->mac = data->mac_addrs[0];
		kept_take(eth, port);
	}
	port->driver_addrs = data->mac_addrs;
	port->has_lived = false;
	port_unlock();
}

void
die_of_loss(const struct ports *ports, const char *device)
{
	const struct hotplug_bus *bus;
	struct former former;
	struct port *port;
	unsigned int i;

	port_lock();
	bus = port_of(&rte_eth_devices[ports->id[0]])->bus;
	port_unlock();
	former = former_of(bus, device);
	port_lock();
	for (i = 0; i < ports->n; i++) {
		port = port_of(&rte_eth_devices[ports->id[i]]);
		if (port->state == PORT_LIVE && port->life == ports->life[i])
			die(&rte_eth_devices[ports->id[i]], port, &former);
	}
	port_unlock();
}

/* With the lock held.  Lost again before it was whole: what is known of it stays, and heal sees to
 * it.  Not before its driver's own ops are on record: port_published() comes back to it. */
static void
lose_healing(struct rte_eth_dev *eth)
{
	const struct rte_eth_link down = { .link_status = RTE_ETH_LINK_DOWN };

	if (port_is_healing(port_of(eth)) && LOAD(eth->dev_ops) == port_of(eth)->ops) {
		STORE(eth->dev_ops, &dead_ops);
		rte_eth_linkstatus_set(eth, &down);
	}
}

static bool
is_of(const struct rte_eth_dev *eth, const struct hotplug_bus *bus, const void *key)
{
	return LOAD(eth->device) == key && port_of(eth)->bus == bus;
}

/* "": no port of it is known. */
static void
name_of(const struct hotplug_bus *bus, const void *key, char device[HOTPLUG_NAME_LEN])
{
	unsigned int i;

	device[0] = '\0';
	port_lock();
	for (i = 0; i < RTE_MAX_ETHPORTS && device[0] == '\0'; i++)
		if (is_of(&rte_eth_devices[i], bus, key))
			snprintf(device, HOTPLUG_NAME_LEN, "%s",
				 port_of(&rte_eth_devices[i])->device);
	port_unlock();
}

/* All at once: who dooms one of them, and tears the device down, finds no other that lives. */
void
port_lost(struct hotplug_bus *bus, const void *key)
{
	char device[HOTPLUG_NAME_LEN];
	struct former former;
	struct rte_eth_dev *eth;
	unsigned int i;

	name_of(bus, key, device);
	former = former_of(bus, device);
	port_lock();
	for (i = 0; i < RTE_MAX_ETHPORTS; i++) {
		eth = &rte_eth_devices[i];
		if (!is_of(eth, bus, key))
			continue;
		lose_healing(eth);
		if (port_of(eth)->state == PORT_LIVE)
			die(eth, port_of(eth), &former);
	}
	port_unlock();
	for (i = 0; i < RTE_MAX_ETHPORTS; i++)
		if (is_of(&rte_eth_devices[i], bus, key))
			(void)rings_begin(&rte_eth_devices[i]);
}
