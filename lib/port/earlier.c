/* SPDX-License-Identifier: BSD-3-Clause */

/* earlier: queues that were set up while their port was not ours: before the library was enabled,
 * or while it was disabled.
 * In:  calls of the application's, which come to us all the same once they are guarded (change.c);
 *      a port that becomes ours.
 * Out: they are on record as all others (queues.c): as the call said, or as the driver says.  Where
 *      neither has been, nobody knows, and the port is not healed: its driver would be started
 *      without a queue.
 * Lock: port_lock() around the record, never around the PMD.
 * Context: app; queues_ask(): whoever publishes. */

#include <stdio.h>
#include <string.h>

#include "inside.h"
#include "queues.h"
#include "shared.h"

/* With the lock held: what is on record is of this device from now on. */
static void
begin_notes(struct port *port, const char *device)
{
	if (port->state != PORT_NONE)
		return;
	if (strcmp(port->device, device) != 0 && strcmp(port->noted, device) != 0)
		queues_forget(port);
	snprintf(port->noted, sizeof(port->noted), "%s", device);
}

/* Ours stand in front of the driver's op, and see to it, of one that is ours; it may have become
 * that in the middle of the call. */
static bool
is_to_note(const struct rte_eth_dev *eth, bool is_on_record)
{
	enum port_state state = port_of(eth)->state;

	return LOAD(eth->device) != NULL &&
		(state == PORT_NONE || (state == PORT_LIVE && !is_on_record));
}

static bool
is_rxq_to_note(const struct rte_eth_dev *eth, uint16_t queue)
{
	const struct port *port = port_of(eth);

	return is_to_note(eth, queue < port->n_rxq && port->rxq[queue].is_set_up);
}

static bool
is_txq_to_note(const struct rte_eth_dev *eth, uint16_t queue)
{
	const struct port *port = port_of(eth);

	return is_to_note(eth, queue < port->n_txq && port->txq[queue].is_set_up);
}

/* Without the lock: of one that is on record its driver is not asked. */
static bool
ask_defaults(const struct rte_eth_dev *eth, uint16_t queue, struct rte_eth_dev_info *info,
	     bool (*is_wanted)(const struct rte_eth_dev *eth, uint16_t queue))
{
	bool is;

	port_lock();
	is = is_wanted(eth, queue);
	port_unlock();
	return is && rte_eth_dev_info_get(eth - rte_eth_devices, info) == 0;
}

/* As ethdev takes it. */
static uint16_t
n_desc_of(uint16_t asked, uint16_t drivers, uint16_t fallback)
{
	if (asked != 0)
		return asked;
	return drivers != 0 ? drivers : fallback;
}

void
queues_note_rx(uint16_t id, uint16_t queue, uint16_t n_desc, unsigned int socket,
	       const struct rte_eth_rxconf *conf, struct rte_mempool *pool)
{
	struct rte_eth_dev *eth = &rte_eth_devices[id];
	struct port *port = port_of(eth);
	struct rte_eth_dev_info info;

	if (ask_defaults(eth, queue, &info, is_rxq_to_note)) {
		port_lock();
		begin_notes(port, port_device_name(eth));
		if (is_rxq_to_note(eth, queue))
			queues_record_rx(port, queue, &(struct port_rxq){
				.n_desc = n_desc_of(n_desc, info.default_rxportconf.ring_size,
						    RTE_ETH_DEV_FALLBACK_RX_RINGSIZE),
				.conf = conf != NULL ? *conf : info.default_rxconf,
				.socket = socket, .pool = pool });
		port_unlock();
	}
}

void
queues_note_tx(uint16_t id, uint16_t queue, uint16_t n_desc, unsigned int socket,
	       const struct rte_eth_txconf *conf)
{
	struct rte_eth_dev *eth = &rte_eth_devices[id];
	struct port *port = port_of(eth);
	struct rte_eth_dev_info info;

	if (ask_defaults(eth, queue, &info, is_txq_to_note)) {
		port_lock();
		begin_notes(port, port_device_name(eth));
		if (is_txq_to_note(eth, queue))
			queues_record_tx(port, queue, &(struct port_txq){
				.n_desc = n_desc_of(n_desc, info.default_txportconf.ring_size,
						    RTE_ETH_DEV_FALLBACK_TX_RINGSIZE),
				.conf = conf != NULL ? *conf : info.default_txconf,
				.socket = socket });
		port_unlock();
	}
}

void
queues_adopt(const struct rte_eth_dev *eth, struct port *port)
{
	const struct rte_eth_dev_data *data = eth->data;
	unsigned int i;

	if (!data->dev_configured)
		return;
	for (i = 0; i < port->n_rxq; i++)
		port->rxq[i].is_set_up = port->rxq[i].is_set_up && i < data->nb_rx_queues &&
			data->rx_queues[i] != NULL;
	for (i = 0; i < port->n_txq; i++)
		port->txq[i].is_set_up = port->txq[i].is_set_up && i < data->nb_tx_queues &&
			data->tx_queues[i] != NULL;
	port->noted[0] = '\0';
}

bool
queues_are_noted(const struct rte_eth_dev *eth, const struct port *port)
{
	return eth->data->dev_configured && strcmp(port->noted, port_device_name(eth)) == 0;
}

static bool
lacks_rxq(const struct rte_eth_dev *eth, const struct port *port, unsigned int i)
{
	return eth->data->rx_queues[i] != NULL && (i >= port->n_rxq || !port->rxq[i].is_set_up);
}

static bool
lacks_txq(const struct rte_eth_dev *eth, const struct port *port, unsigned int i)
{
	return eth->data->tx_queues[i] != NULL && (i >= port->n_txq || !port->txq[i].is_set_up);
}

static void
ask_rxq(struct rte_eth_dev *eth, struct port *port, uint16_t queue)
{
	struct rte_eth_rxq_info info = { .mp = NULL };

	if (port->pmd_ops->rxq_info_get != NULL)
		port->pmd_ops->rxq_info_get(eth, queue, &info);
	port_lock();
	queues_record_rx(port, queue, &(struct port_rxq){
		.n_desc = info.nb_desc, .conf = info.conf, .socket = eth->data->numa_node,
		.pool = info.mp, .is_unknown = info.mp == NULL });
	port_unlock();
}

static void
ask_txq(struct rte_eth_dev *eth, struct port *port, uint16_t queue)
{
	struct rte_eth_txq_info info = { .nb_desc = 0 };

	if (port->pmd_ops->txq_info_get != NULL)
		port->pmd_ops->txq_info_get(eth, queue, &info);
	port_lock();
	queues_record_tx(port, queue, &(struct port_txq){
		.n_desc = info.nb_desc, .conf = info.conf, .socket = eth->data->numa_node,
		.is_unknown = info.nb_desc == 0 });
	port_unlock();
}

/* In its driver, as a control call of the application's. */
void
queues_ask(struct rte_eth_dev *eth)
{
	struct port *port = port_of(eth);
	unsigned int i;

	if (!eth->data->dev_configured || !inside_enter(eth))
		return;
	for (i = 0; i < eth->data->nb_rx_queues; i++)
		if (lacks_rxq(eth, port, i))
			ask_rxq(eth, port, i);
	for (i = 0; i < eth->data->nb_tx_queues; i++)
		if (lacks_txq(eth, port, i))
			ask_txq(eth, port, i);
	inside_leave(eth);
}

bool
queues_are_known(const struct port *port)
{
	bool are_known = true;
	unsigned int i;

	port_lock();
	for (i = 0; i < port->n_rxq && i < port->config.n_rxq; i++)
		are_known = are_known && !port->rxq[i].is_unknown;
	for (i = 0; i < port->n_txq && i < port->config.n_txq; i++)
		are_known = are_known && !port->txq[i].is_unknown;
	port_unlock();
	return are_known;
}
