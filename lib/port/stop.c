/* SPDX-License-Identifier: BSD-3-Clause */

/* stop: the application stops a port, whatever is being done to it.
 * In:  ethdev's stop, of a living port or of a dead one.
 * Out: its driver's own, where that has not been closed; no later life is started.
 * Ethdev's own stop says -ENODEV while a port is probed, and the port would be started
 * after all: so it comes here first (calls.c), and then as the driver's op.
 * Who is at the port is waited for as in a close.
 * Lock: port_lock(): never in a driver.
 * Context: app; a callback of ours; a driver's probe or remove, on our own threads. */

#include "calls.h"
#include "change.h"
#include "lead.h"
#include "shared.h"
#include "steps.h"
#include "stuck.h"
#include "turn.h"

/* By a teardown that waits, if for us: its driver has not been closed yet. */
static bool
is_dying(enum port_state state)
{
	return state == PORT_DYING || state == PORT_STUCK;
}

/* What our own thread is at it is no call of the application's. */
static int
stop_ourselves(struct rte_eth_dev *eth)
{
	return LOAD(eth->dev_ops) != &dead_ops ? live_stop(eth) : 0;
}

static void
want_started(struct port *port)
{
	port_lock();
	port->config.is_started = true;
	port_unlock();
}

int
stop_port(struct rte_eth_dev *eth)
{
	struct port *port = port_of(eth);
	bool is_drivers, is_waited_for;
	int ret;

	if (port_own(eth) != PORT_OWN_NOTHING)
		return stop_ourselves(eth);
	port_lock();
	port->config.is_started = false;        /* so that a later life is not started */
	is_waited_for = change_is_mine(eth - rte_eth_devices);
	if (!is_waited_for)
		turn_wait(port);
	is_drivers = (close_has_driver(eth, port->state) || (is_waited_for && is_dying(port->state))) &&
		port->pmd_ops->dev_stop != NULL;
	if (is_drivers) {       /* a teardown that comes now waits for us */
		turn_enter(port);
		atomic_fetch_add(&port->n_inside, 1);
	}
	port_unlock();
	if (!is_drivers)
		return 0;
	ret = live_stop(eth);   /* which says itself that its driver is at work */
	atomic_fetch_sub(&port->n_inside, 1);
	turn_leave(port);
	if (ret != 0)
		want_started(port);
	return ret;
}

/* True: it heals still: late, or in the hand of the caller, or of one who waits for him.  Then it
 * is not started, or stopped again before it lives (stop_unwanted()); ethdev would say -ENODEV,
 * or that it is stopped already. */
static bool
begin_stop(uint16_t id)
{
	struct port *port = port_of(&rte_eth_devices[id]);
	bool is_healing;

	if (id >= RTE_MAX_ETHPORTS || port_own(&rte_eth_devices[id]) == PORT_OWN_DRIVER)
		return false;
	port_lock();
	if (port->state != PORT_LIVE)   /* ethdev asks the driver, and that one is ours */
		port->config.is_started = false;
	if (port->state == PORT_HEALING)
		turn_wait(port);
	is_healing = stuck_is_probing(port) || port->state == PORT_HEALING;
	port_unlock();
	return is_healing;
}

/* A teardown that comes now waits until the call is back: ethdev finds the port started, and asks
 * our op.  One that came in between would have it say that it is stopped already, and the heal
 * behind it would start what the application has stopped. */
static bool
enter(uint16_t id, uint16_t *outer)
{
	struct port *port = port_of(&rte_eth_devices[id]);
	bool is_counted;

	if (id >= RTE_MAX_ETHPORTS || port_own(&rte_eth_devices[id]) != PORT_OWN_NOTHING)
		return false;
	port_lock();
	turn_wait(port);
	if (port->state != PORT_LIVE)
		port->config.is_started = false;
	is_counted = !turn_is_refused(port);
	if (is_counted)
		*outer = change_enter(id);
	port_unlock();
	return is_counted;
}

static int
ask_ethdev(uint16_t id)
{
	uint16_t outer = RTE_MAX_ETHPORTS;
	bool is_counted = enter(id, &outer);
	int ret;

	if (id < RTE_MAX_ETHPORTS)
		step_before(STEP_STOP, port_of(&rte_eth_devices[id])->device);
	ret = WAY_ON(rte_eth_dev_stop)(id);
	if (is_counted)
		change_leave(id, outer);
	return ret;
}

static int
stop_it(uint16_t id)
{
	int ret;

	lead_begin(id);
	lead_note(id, false, true);     /* when it returns no secondary polls it */
	ret = ask_ethdev(id);
	if (ret != 0 && rte_eth_dev_is_valid_port(id))
		lead_note(id, true, true);      /* it goes on */
	lead_end(id);
	return ret;
}

int
__wrap_rte_eth_dev_stop(uint16_t id)
{
	return begin_stop(id) ? 0 : stop_it(id);
}

int
stop_unwanted(uint16_t id)
{
	struct port_own_now before;
	int ret;

	before = port_own_begin(PORT_OWN_SET_UP, port_of(&rte_eth_devices[id])->dev);
	ret = stop_it(id);
	port_own_end(before);
	return ret;
}
