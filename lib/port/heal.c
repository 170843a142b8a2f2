/* SPDX-License-Identifier: BSD-3-Clause */

/* heal: a card is back; give its ports a new life under the same ids.
 * In:  a device whose ports are HELD (work; pushed by events and teardown).
 * Out: kernel driver bound, probed, configured as before, started as before; or the
 *      ids are held further, and it is tried again.
 * ethdev gives the lowest free id: placeholders (allocated, never announced) hold
 * the others meanwhile.  NEW and DESTROY are not delivered for a port that only
 * pauses: its callbacks are out of the list from release to start.
 * Context: work. */

#include <errno.h>
#include <string.h>

#include <rte_dev.h>

#include "../core/device.h"
#include "../core/enable.h"
#include "../core/host.h"
#include "../core/work.h"
#include "port.h"

#define N_TRIES 6
#define FIRST_PAUSE_MS 250

/* ethdev's release resets the fast path of the port that data->port_id names: let
 * that be one that nobody polls. */
static void
release(struct rte_eth_dev *eth)
{
	eth->state = RTE_ETH_DEV_UNUSED;        /* no DESTROY */
	eth->data->port_id = RTE_MAX_ETHPORTS - 1;
	rte_eth_dev_release_port(eth);
}

static bool
is_one_of(uint16_t id, const uint16_t *ids, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (ids[i] == id)
			return true;
	return false;
}

/* Hold every free id up to the last of ours; how many. */
static unsigned int
hold_free_ids(uint16_t last, uint16_t *held)
{
	char name[RTE_ETH_NAME_MAX_LEN];
	struct rte_eth_dev *eth;
	unsigned int n = 0;

	do {
		snprintf(name, sizeof(name), "hotplug-hold-%u", n);
		eth = rte_eth_dev_allocate(name);
		if (eth == NULL)
			break;
		held[n++] = eth->data->port_id;
	} while (held[n - 1] < last);
	return n;
}

/* NEW and DESTROY are for the application; a pause is neither.  The entries stay
 * where they are: only the head, which they point back to, is emptied for a while. */
static void
hide_callbacks(struct rte_eth_dev *eth, struct rte_eth_dev_cb_list *hidden)
{
	*hidden = eth->link_intr_cbs;
	TAILQ_INIT(&eth->link_intr_cbs);
}

/* ethdev keeps struct rte_eth_dev_callback to itself; its links come first in it. */
struct callback_links {
	struct rte_eth_dev_callback *next;
	struct rte_eth_dev_callback **prev;
};

/* In front of those that were registered meanwhile. */
static void
show_callbacks(struct rte_eth_dev *eth, const struct rte_eth_dev_cb_list *hidden)
{
	struct rte_eth_dev_cb_list newer = eth->link_intr_cbs;

	if (hidden->tqh_first == NULL)
		return;
	eth->link_intr_cbs = *hidden;
	if (newer.tqh_first == NULL)
		return;
	*hidden->tqh_last = newer.tqh_first;
	((struct callback_links *)newer.tqh_first)->prev = hidden->tqh_last;
	eth->link_intr_cbs.tqh_last = newer.tqh_last;
}

/* Every free id up to the last of ours is held; let ours go, or all the others. */
static void
release_some(const uint16_t *held, unsigned int n_held, const uint16_t *ids, unsigned int n,
	     bool ours)
{
	unsigned int i;

	for (i = 0; i < n_held; i++)
		if (is_one_of(held[i], ids, n) == ours)
			release(&rte_eth_devices[held[i]]);
}

/* Probe with exactly our ids free; where it fails they are held by placeholders. */
static int
probe(const char *devargs, const uint16_t *ids, unsigned int n)
{
	uint16_t held[RTE_MAX_ETHPORTS];
	unsigned int i, n_held;
	int ret;

	for (i = 0; i < n; i++)
		release(&rte_eth_devices[ids[i]]);
	n_held = hold_free_ids(ids[n - 1], held);
	release_some(held, n_held, ids, n, true);
	ret = rte_dev_probe(devargs);
	release_some(held, n_held, ids, n, false);
	if (ret == 0)
		return 0;
	n_held = hold_free_ids(ids[n - 1], held);
	release_some(held, n_held, ids, n, false);
	return ret;
}

static int
set_up_queues(uint16_t id, const struct port *port)
{
	unsigned int i;
	int ret;

	for (i = 0; i < port->config.n_rxq && i < port->n_rxq; i++) {
		if (port->rxq[i].pool == NULL)
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
restore_settings(uint16_t id, const struct port_config *config)
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

static int
configure(uint16_t id, struct port *port)
{
	struct port_config *config = &port->config;
	struct rte_ether_addr mac;
	int ret;

	if (!config->is_configured)
		return 0;
	ret = rte_eth_dev_configure(id, config->n_rxq, config->n_txq, &config->conf);
	if (ret == 0 && config->mtu != rte_eth_devices[id].data->mtu)
		ret = rte_eth_dev_set_mtu(id, config->mtu);
	if (ret == 0)
		ret = set_up_queues(id, port);
	if (ret != 0)
		return ret;
	if (rte_eth_macaddr_get(id, &mac) == 0 && !rte_is_same_ether_addr(&mac, &config->mac))
		(void)rte_eth_dev_default_mac_addr_set(id, &config->mac);
	quiet_attach_queues(id);
	if (!config->is_started)
		return 0;
	ret = rte_eth_dev_start(id);
	if (ret == 0)
		restore_settings(id, config);
	return ret;
}

static void
raise_all(const uint16_t *ids, unsigned int n, enum rte_eth_event_type type)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		rte_eth_dev_callback_process(&rte_eth_devices[ids[i]], type, NULL);
}

/* Probed under our ids? */
static bool
has_ids(const char *device, const uint16_t *ids, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (rte_eth_devices[ids[i]].state != RTE_ETH_DEV_ATTACHED ||
		    strcmp(rte_eth_devices[ids[i]].device->name, device) != 0)
			return false;
	return true;
}

static int
revive(const char *device, const uint16_t *ids, unsigned int n)
{
	struct rte_eth_dev_cb_list hidden[HOTPLUG_MAX_PORTS];
	char devargs[sizeof(((struct port *)0)->devargs)];
	struct port *port = port_of(&rte_eth_devices[ids[0]]);
	unsigned int i;
	int ret;

	memcpy(devargs, port->devargs, sizeof(devargs));
	for (i = 0; i < n; i++) {
		hide_callbacks(&rte_eth_devices[ids[i]], &hidden[i]);
		port_of(&rte_eth_devices[ids[i]])->base = port_of(&rte_eth_devices[ids[i]])->last;
	}
	ret = probe(devargs, ids, n);
	if (ret == 0 && !has_ids(device, ids, n))
		ret = -EADDRINUSE;
	for (i = 0; i < n && ret == 0; i++)
		ret = configure(ids[i], port_of(&rte_eth_devices[ids[i]]));
	for (i = 0; i < n; i++)
		show_callbacks(&rte_eth_devices[ids[i]], &hidden[i]);
	return ret;
}

/* Bound to the driver that it had? */
static int
bind_driver(const struct port *port)
{
	const struct hotplug_bus_ops *ops = port->bus->ops;
	struct hotplug_glance now;

	memset(&now, 0, sizeof(now));
	if (ops->glance == NULL || ops->glance(port->device, &now) != 0)
		return -ENODEV;
	if (strcmp(now.kernel_driver, port->kernel_driver) == 0)
		return 0;
	if (ops->bind == NULL)
		return -ENOTSUP;
	return ops->bind(port->device, port->kernel_driver);
}

/* A card that we do not know is not silently taken for the one that was lost. */
static bool
is_acceptable(const struct port *port)
{
	struct hotplug_identity now;

	if (enable_config()->heal_other || port->bus->ops->identify == NULL ||
	    port->bus->ops->identify(port->device, &now) != 0 ||
	    device_compare_cards(&port->id, &now) != HOTPLUG_CARD_OTHER)
		return true;
	host_log(HOST_WARN, "%s: another card came (%04x:%04x); its port is not healed "
		 "(heal_other=on would)", port->device, now.vendor, now.device);
	return false;
}

static void
give_up(const char *device, const uint16_t *ids, unsigned int n, int ret)
{
	host_log(HOST_ERR, "%s is back, but port %u cannot be healed: %s", device, ids[0],
		 strerror(-ret));
	raise_all(ids, n, RTE_ETH_EVENT_RECOVERY_FAILED);
	raise_all(ids, n, RTE_ETH_EVENT_INTR_RMV);
}

/* Not yet: again later, each time twice as late, then not any more. */
static void
try_again(const char *device, const uint16_t *ids, unsigned int n, int ret)
{
	struct port *port = port_of(&rte_eth_devices[ids[0]]);
	unsigned int pause_ms = FIRST_PAUSE_MS << port->n_tries;

	if (++port->n_tries < N_TRIES && work_push(heal_run, device, pause_ms) == 0)
		return;
	port->n_tries = 0;
	give_up(device, ids, n, ret);
}

void
heal_run(const char *device)
{
	uint16_t ids[HOTPLUG_MAX_PORTS];
	unsigned int n = port_list_held(device, ids);
	uint64_t start = device_now_ns();
	int ret;

	if (n == 0 || enable_config()->policy != HOTPLUG_POLICY_HEAL)
		return;
	if (!is_acceptable(port_of(&rte_eth_devices[ids[0]])))
		return;
	ret = bind_driver(port_of(&rte_eth_devices[ids[0]]));
	if (ret == -ENODEV)
		return;         /* not there yet: an event tells */
	if (ret == 0)
		ret = revive(device, ids, n);
	if (ret != 0) {
		try_again(device, ids, n, ret);
		return;
	}
	port_of(&rte_eth_devices[ids[0]])->n_tries = 0;
	host_log(HOST_NOTICE, "%s healed: port %u works again after %u ms", device, ids[0],
		 (unsigned int)((device_now_ns() - start) / 1000000));
	raise_all(ids, n, RTE_ETH_EVENT_RECOVERY_SUCCESS);
	raise_all(ids, n, RTE_ETH_EVENT_INTR_LSC);
}
