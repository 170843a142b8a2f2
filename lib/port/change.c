/* SPDX-License-Identifier: BSD-3-Clause */

/* change: the application sets a port up, whatever is being done to it.
 * In:  its calls that change ethdev's data of a port beside its driver's op: configure, a
 *      queue's set-up, start, reset, a MAC address (calls.c).
 * Out: ethdev's own, while no teardown and no heal is at the port; -EBUSY: it is STUCK.
 * Ethdev frees and makes the arrays of queues before and after it asks the driver, and start
 * lays the fast path when the driver has returned: a driver's close, and a heal, read all that.
 * A start that fails stops the port inside ethdev: that stop waits for nobody (stop.c).
 * Order: with the lock held a call finds that nobody is at the port, or waits for that, and
 * counts itself; a teardown, which is DYING by then, waits for those that are counted
 * (inside.c), a heal does not begin beside one (ports.c).
 * Lock: port_lock(): never in a driver.
 * Context: app; heal's own thread, which goes through. */

#include <errno.h>

#include "calls.h"
#include "change.h"
#include "inside.h"
#include "kept.h"
#include "lead.h"
#include "queues.h"
#include "shared.h"
#include "turn.h"

static _Thread_local uint16_t changing = RTE_MAX_ETHPORTS;      /* the innermost */

bool
change_is_mine(uint16_t id)
{
	return changing == id;
}

static bool
is_ours(uint16_t id)
{
	return id >= RTE_MAX_ETHPORTS || port_own(&rte_eth_devices[id]) != PORT_OWN_NOTHING;
}

uint16_t
change_enter(uint16_t id)
{
	struct port *port = port_of(&rte_eth_devices[id]);
	uint16_t outer = changing;

	turn_enter(port);
	atomic_fetch_add(&port->n_inside, 1);
	changing = id;
	return outer;
}

/* Ethdev has no queues for a port whose configure was refused (kept.c). */
void
change_leave(uint16_t id, uint16_t outer)
{
	struct rte_eth_dev *eth = &rte_eth_devices[id];

	changing = outer;
	port_stand_again(eth);
	if (LOAD(eth->dev_ops) == &dead_ops)
		kept_hold_tx(eth);
	atomic_fetch_sub(&port_of(eth)->n_inside, 1);
	turn_leave(port_of(eth));
}

static int
begin(uint16_t id)
{
	struct port *port = port_of(&rte_eth_devices[id]);
	int ret = 0;

	port_lock();
	turn_wait(port);
	if (turn_is_refused(port))
		ret = -EBUSY;
	else
		(void)change_enter(id);
	port_unlock();
	return ret;
}

/* Whose a port is may be another thing behind the call: it may have been closed in there. */
#define CHANGE(function, name, parameters, arguments) \
	function parameters \
	{ \
		uint16_t outer = changing; \
		bool is_counted = !is_ours(id); \
		int ret = is_counted ? begin(id) : 0; \
\
		if (ret != 0) \
			return ret; \
		changing = id; \
		ret = WAY_ON(name) arguments; \
		changing = outer; \
		if (is_counted) \
			change_leave(id, outer); \
		return ret; \
	}

CHANGE(static int start, rte_eth_dev_start, (uint16_t id), (id))
CHANGE(int __wrap_rte_eth_dev_reset, rte_eth_dev_reset, (uint16_t id), (id))
CHANGE(int __wrap_rte_eth_dev_configure, rte_eth_dev_configure,
       (uint16_t id, uint16_t n_rxq, uint16_t n_txq, const struct rte_eth_conf *conf),
       (id, n_rxq, n_txq, conf))
CHANGE(static int set_up_rxq, rte_eth_rx_queue_setup,
       (uint16_t id, uint16_t queue, uint16_t n_desc, unsigned int socket,
	const struct rte_eth_rxconf *conf, struct rte_mempool *pool),
       (id, queue, n_desc, socket, conf, pool))
CHANGE(int __wrap_rte_eth_dev_default_mac_addr_set, rte_eth_dev_default_mac_addr_set,
       (uint16_t id, struct rte_ether_addr *addr), (id, addr))
CHANGE(int __wrap_rte_eth_dev_mac_addr_add, rte_eth_dev_mac_addr_add,
       (uint16_t id, struct rte_ether_addr *addr, uint32_t pool),
       (id, addr, pool))
CHANGE(int __wrap_rte_eth_dev_mac_addr_remove, rte_eth_dev_mac_addr_remove,
       (uint16_t id, struct rte_ether_addr *addr), (id, addr))
CHANGE(static int set_up_txq, rte_eth_tx_queue_setup,
       (uint16_t id, uint16_t queue, uint16_t n_desc, unsigned int socket,
	const struct rte_eth_txconf *conf),
       (id, queue, n_desc, socket, conf))

int
__wrap_rte_eth_rx_queue_setup(uint16_t id, uint16_t queue, uint16_t n_desc, unsigned int socket,
			      const struct rte_eth_rxconf *conf, struct rte_mempool *pool)
{
	int ret = set_up_rxq(id, queue, n_desc, socket, conf, pool);

	if (ret == 0)
		queues_note_rx(id, queue, n_desc, socket, conf, pool);
	return ret;
}

int
__wrap_rte_eth_tx_queue_setup(uint16_t id, uint16_t queue, uint16_t n_desc, unsigned int socket,
			      const struct rte_eth_txconf *conf)
{
	int ret = set_up_txq(id, queue, n_desc, socket, conf);

	if (ret == 0)
		queues_note_tx(id, queue, n_desc, socket, conf);
	return ret;
}

/* In a callback of heal's own configure or start of that port: it will run when it lives. */
static bool
is_started_by_heal(uint16_t id)
{
	struct port *port;

	if (!change_is_mine(id) || port_own(&rte_eth_devices[id]) != PORT_OWN_SET_UP)
		return false;
	port = port_of(&rte_eth_devices[id]);
	port_lock();
	port->config.is_started = true;
	port_unlock();
	return true;
}

/* When it returns the secondaries poll it; one that fails has stopped it. */
int
__wrap_rte_eth_dev_start(uint16_t id)
{
	int ret;

	if (is_started_by_heal(id))
		return 0;
	lead_begin(id);
	ret = start(id);
	lead_note(id, ret == 0, true);
	lead_end(id);
	return ret;
}

/* --- a configure and a start of heal's ---------------------------------------------------- */

/* Threads may be polling and asking meanwhile.  Ethdev frees the queues of a port whose
 * configure is refused, and stops one whose modes are refused behind its driver's start: that
 * writes the fast path, zeros first, under who polls it.  So ethdev hears of no refusal in
 * there; heal does when it returns, and tears the port down as one that is polled. */
static _Thread_local const struct port *set_up; /* no other, of which a callback sets something */

int
change_keep_refusal(struct rte_eth_dev *eth, int ret)
{
	struct port *port = port_of(eth);

	if (port != set_up)
		return ret;
	if (port->refusal_of_set_up == 0)
		port->refusal_of_set_up = ret;
	return 0;
}

static int
end_set_up(struct port *port, int ret)
{
	set_up = NULL;
	return ret != 0 ? ret : port->refusal_of_set_up;
}

static void
begin_set_up(struct port *port)
{
	port->refusal_of_set_up = 0;
	set_up = port;
}

int
change_configure(uint16_t id, uint16_t n_rxq, uint16_t n_txq, const struct rte_eth_conf *conf)
{
	struct port *port = port_of(&rte_eth_devices[id]);

	begin_set_up(port);
	return end_set_up(port, rte_eth_dev_configure(id, n_rxq, n_txq, conf));
}

int
change_start(uint16_t id)
{
	struct port *port = port_of(&rte_eth_devices[id]);

	begin_set_up(port);
	return end_set_up(port, rte_eth_dev_start(id));
}
