/* SPDX-License-Identifier: BSD-3-Clause */

/* kept: what ethdev's callers may follow of a port is there for as long as its id is kept.
 * In:  a port from its probe on (app, work); its loss (watch); its teardown (teardown).
 * Out: rte_eth_macaddr_get() and telemetry's /ethdev/info check that a port is valid, then
 *      follow data->mac_addrs and device->driver, with no lock that we could take.  So a
 *      pointer of a valid port is never NULL, and is exchanged before what it led to goes:
 *      - mac_addrs: the driver's own, or, where its close takes that away (ena, gve, mlx4,
 *        mlx5, txgbe and others do), `addrs`: as many as dev_info says, with what was in
 *        them at the loss;
 *      - rx_queues[i], tx_queues[i]: of a queue that was set up, never NULL, or ethdev says
 *        that it was not; the fast path has none meanwhile (quiet.c);
 *      - tx_queues: rte_eth_tx_done_cleanup() reads it without a look at the number of queues,
 *        so a valid port has the array also before it is configured; as large as ethdev's own,
 *        which takes this one for it;
 *      - device: the shadow, with a name for its driver that no rte_pmd_*() call takes for
 *        its own: those would follow dev_private;
 *      - intr_handle, security_ctx: none, once the device is removed, which frees them.
 *      Who has loaded one before the exchange is a thread that runs: quiet_wait().
 * The moment between a driver's own rte_free(), or `mac_addrs = NULL`, and the return of its
 * close is seen by nobody who comes to us first (addresses.c).
 * Lock: port_lock() guards addrs and n_addrs.
 * Context: see kept.h. */

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_malloc.h>

#include "kept.h"
#include "shared.h"

/* Of a queue that was set up; nobody follows it. */
static char stand_in[1];

/* Some drivers say 0, and have one. */
static unsigned int
n_wanted(const struct port *port)
{
	return RTE_MAX(port->info.max_mac_addrs, 1u);
}

static bool
has_room(const struct port *port, unsigned int n)
{
	bool has;

	port_lock();
	has = port->n_addrs >= n;
	port_unlock();
	return has;
}

/* Another thread may have made it meanwhile.  Returns what nobody is led to any more: the driver
 * has its own. */
static struct rte_ether_addr *
exchange(struct port *port, struct rte_ether_addr *addrs, unsigned int n)
{
	struct rte_ether_addr *surplus = addrs;

	port_lock();
	if (port->n_addrs < n) {
		surplus = port->addrs;
		if (port->n_addrs != 0)
			memcpy(addrs, surplus, port->n_addrs * sizeof(*addrs));
		port->addrs = addrs;
		port->n_addrs = n;
	}
	port_unlock();
	return surplus;
}

/* On EAL's heap: ethdev frees it with the port, secondaries read it.  Taken without the lock: a
 * heap that grows asks the secondaries, and calls the application back. */
int
kept_make(struct port *port)
{
	unsigned int n = n_wanted(port);
	struct rte_ether_addr *addrs;

	if (rte_eal_process_type() != RTE_PROC_PRIMARY || has_room(port, n))
		return 0;
	addrs = rte_zmalloc(NULL, n * sizeof(*addrs), 0);
	if (addrs == NULL)
		return -ENOMEM;
	rte_free(exchange(port, addrs, n));
	return 0;
}

void
kept_take(const struct rte_eth_dev *eth, struct port *port)
{
	unsigned int n = RTE_MIN(port->n_addrs, n_wanted(port));

	if (eth->data->mac_addrs == NULL || eth->data->mac_addrs == port->addrs || n == 0)
		return;
	memcpy(port->addrs, eth->data->mac_addrs, n * sizeof(*port->addrs));
	memset(port->addrs + n, 0, (port->n_addrs - n) * sizeof(*port->addrs));
}

void
kept_hold_addresses(struct rte_eth_dev *eth)
{
	if (eth->data->mac_addrs == NULL)
		eth->data->mac_addrs = port_of(eth)->addrs;
}

void
kept_hold(struct rte_eth_dev *eth)
{
	const struct rte_eth_dev_data *data = eth->data;
	const struct port *port = port_of(eth);
	unsigned int i;

	kept_hold_tx(eth);
	port_lock();
	kept_hold_addresses(eth);
	for (i = 0; data->rx_queues != NULL && i < data->nb_rx_queues && i < port->n_rxq; i++)
		data->rx_queues[i] = port->rxq[i].is_set_up ? stand_in : NULL;
	for (i = 0; data->tx_queues != NULL && i < data->nb_tx_queues && i < port->n_txq; i++)
		data->tx_queues[i] = port->txq[i].is_set_up ? stand_in : NULL;
	port_unlock();
}

void
kept_hold_tx(struct rte_eth_dev *eth)
{
	if (eth->data->tx_queues == NULL)
		eth->data->tx_queues = rte_zmalloc(NULL, sizeof(eth->data->tx_queues[0]) *
						   RTE_MAX_QUEUES_PER_PORT, RTE_CACHE_LINE_SIZE);
}

void
kept_let_go(const uint16_t *ids, unsigned int n)
{
	struct rte_eth_dev *eth;
	unsigned int i;

	for (i = 0; i < n; i++) {
		eth = &rte_eth_devices[ids[i]];
		STORE(eth->device, &port_of(eth)->shadow);
		eth->intr_handle = NULL;
		eth->security_ctx = NULL;
	}
	atomic_thread_fence(memory_order_seq_cst);
	quiet_wait();
	port_lock();
	for (i = 0; i < n; i++)
		port_of(&rte_eth_devices[ids[i]])->driver_addrs = NULL;
	port_unlock();
}

void
kept_give(const struct rte_eth_dev *eth, struct port *port)
{
	if (eth->data->mac_addrs != port->addrs)
		return;
	port->addrs = NULL;
	port->n_addrs = 0;
}
