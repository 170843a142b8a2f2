/* SPDX-License-Identifier: BSD-3-Clause */

/* leave: a secondary's ports go with a device that all processes let go of, and come
 * again.
 * In:  a device that this process is about to remove, or to probe (the hand); another
 *      process has asked for it, so threads here may be polling.
 * Out: they are out of the PMD, and find quiet functions until it is back, and the primary
 *      has started it (lead.c).  Control calls are out of it, too, and are answered as by a dead
 *      port (inside.c).
 * ethdev's release would clear the fast path under their feet, so it is ours (release.c).
 * A primary's ports are stopped before they go, which is its application's own doing, or
 * torn down (teardown.c).
 * Lock: port_lock() around the states; port_probe_lock() is held by the caller.
 * Context: work (the hand), app. */

#include <stdio.h>
#include <string.h>

#include <time.h>

#include <rte_eal.h>

#include "../core/device.h"
#include "../core/enable.h"
#include "../eal/clock.h"
#include "leave.h"
#include "calls.h"
#include "lead.h"
#include "shared.h"
#include "turn.h"

/* Without queues there is nothing to poll. */
static bool
has_queues(const uint16_t *ids, unsigned int n)
{
	const struct rte_eth_dev_data *data;
	unsigned int i;

	for (i = 0; i < n; i++) {
		data = rte_eth_devices[ids[i]].data;
		if (data->nb_rx_queues != 0 || data->nb_tx_queues != 0)
			return true;
	}
	return false;
}

/* The primary has not started any of them: nobody is in there, and nobody is to be waited for
 * (lead.c). */
static bool
are_out(const uint16_t *ids, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n && lead_is_out(ids[i]); i++)
		;
	return n > 0 && i == n;
}

static void
begin(struct rte_eth_dev *eth, struct port *port, struct leaving *old)
{
	old->fast_path = rte_eth_fp_ops[eth - rte_eth_devices];
	old->rx_pkt_burst = eth->rx_pkt_burst;
	old->tx_pkt_burst = eth->tx_pkt_burst;
	port_lock();
	old->state = port->state;
	port->state = PORT_LEAVING;
	snprintf(port->device, sizeof(port->device), "%s", port_device_name(eth));
	memcpy(port->name, eth->data->name, sizeof(port->name));
	port_unlock();
	quiet_begin(eth - rte_eth_devices);
}

/* Who asks its driver just now is out of it, or late, or the caller; who comes later is answered as
 * by a dead port (inside.c). */
static void
wait_for_calls(const struct port *port)
{
	uint64_t until = device_now_ns() + enable_config()->stuck_ms * MS;
	const struct timespec pause = { .tv_nsec = MS };

	atomic_thread_fence(memory_order_seq_cst);
	while (!turn_is_alone(port) && device_now_ns() < until)
		nanosleep(&pause, NULL);
}

void
leave_begin(const uint16_t *ids, unsigned int n, struct leaving *old)
{
	bool is_out = are_out(ids, n) || !has_queues(ids, n);
	unsigned int i;

	if (rte_eal_process_type() != RTE_PROC_SECONDARY || calls_guard() != 0)
		return;
	for (i = 0; i < n; i++)
		begin(&rte_eth_devices[ids[i]], port_of(&rte_eth_devices[ids[i]]), &old[i]);
	for (i = 0; i < n; i++)
		wait_for_calls(port_of(&rte_eth_devices[ids[i]]));
	if (!is_out)
		quiet_wait();
	for (i = 0; i < n; i++)
		quiet_detach_queues(ids[i]);
}

static bool
is_leaving(uint16_t id)
{
	return port_of(&rte_eth_devices[id])->state == PORT_LEAVING;
}

/* Queues first: its functions never meet others'. */
static void
undo(struct rte_eth_dev *eth, const struct leaving *old)
{
	struct rte_eth_fp_ops *fp = &rte_eth_fp_ops[eth - rte_eth_devices];

	fp->rxq = old->fast_path.rxq;
	fp->txq = old->fast_path.txq;
	atomic_thread_fence(memory_order_seq_cst);
	*fp = old->fast_path;
	eth->rx_pkt_burst = old->rx_pkt_burst;
	eth->tx_pkt_burst = old->tx_pkt_burst;
	port_lock();
	port_of(eth)->state = old->state;
	port_unlock();
}

void
leave_undo(const uint16_t *ids, unsigned int n, const struct leaving *old)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (is_leaving(ids[i])) {
			undo(&rte_eth_devices[ids[i]], &old[i]);
			lead_resume(ids[i]);
		}
}

void
leave_release(struct rte_eth_dev *eth)
{
	if (LOAD(eth->state) != RTE_ETH_DEV_UNUSED)
		rte_eth_dev_callback_process(eth, RTE_ETH_EVENT_DESTROY, NULL);
	port_lock();
	port_of(eth)->state = PORT_NONE;
	STORE(eth->state, RTE_ETH_DEV_UNUSED);
	STORE(eth->device, NULL);
	eth->process_private = NULL;
	eth->intr_handle = NULL;
	STORE(eth->dev_ops, NULL);
	port_unlock();
	lead_forget(eth - rte_eth_devices);
}
