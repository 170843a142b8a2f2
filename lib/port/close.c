/* SPDX-License-Identifier: BSD-3-Clause */

/* close: the application closes a port, whatever is being done to it.
 * In:  ethdev's close, of a living port or of a dead one.
 * Out: its driver's own, where that has not been closed; nothing where it has.
 *      A close that has returned 0 is the end of that port: no later step of a
 *      heal finds it (its life is another), and none is at it.
 * Ethdev's own close says -ENODEV while a port is probed, and the port would live after its
 * application was rid of it: so it comes here first (calls.c).
 * A port that a teardown or a heal is at is waited for, since ethdev frees, after the
 * close, what the driver uses in there.  A heal takes no further step with it meanwhile:
 * the wait is for the one that it is in, a probe as a rule.  Who is not out after
 * stuck_ms, or is STUCK by then, is not waited for any longer: the close is -EBUSY,
 * ethdev frees nothing (release.c), and the port is the application's still.
 * Lock: port_lock(): never in a driver.
 * Context: app; a callback of ours; a driver's probe or remove, on our own threads. */

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include <rte_eal.h>

#include "../core/device.h"
#include "../core/enable.h"
#include "../eal/clock.h"
#include "../eal/host.h"
#include "calls.h"
#include "kept.h"
#include "shared.h"
#include "steps.h"
#include "stuck.h"
#include "turn.h"

bool
close_has_driver(const struct rte_eth_dev *eth, enum port_state state)
{
	return state == PORT_LIVE || state == PORT_DEAD || state == PORT_DOOMED ||
		(LOAD(eth->dev_ops) != &dead_ops && LOAD(eth->state) != RTE_ETH_DEV_UNUSED &&
		 (state == PORT_NONE || state == PORT_LEAVING));
}

/* A heal has started it meanwhile: as the application would have, which had not to. */
static void
stop_first(struct rte_eth_dev *eth)
{
	struct port_own_now before;

	if (eth->data->dev_started == 0 || rte_eal_process_type() != RTE_PROC_PRIMARY)
		return;
	before = port_own_begin(PORT_OWN_SET_UP, port_of(eth)->dev);
	(void)rte_eth_dev_stop(eth - rte_eth_devices);
	port_own_end(before);
}

/* With the lock held, which is given up for a while: nobody is at it, nor in the driver of a lost
 * device since before it died; false: one of those is late. */
static bool
wait_for_others(const struct port *port)
{
	uint64_t until = device_now_ns() + enable_config()->stuck_ms * MS;
	const struct timespec pause = { .tv_nsec = MS };

	turn_wait(port);
	while ((port->state == PORT_DEAD || port->state == PORT_DOOMED) && !turn_is_alone(port)) {
		if (device_now_ns() >= until)
			return false;
		port_unlock();
		nanosleep(&pause, NULL);
		port_lock();
		turn_wait(port);
	}
	return !turn_is_refused(port);
}

/* It is ours from here on; what it was, or STUCK: somebody is at it.  What is on record of it stays
 * until another port has the id (table.c): its dead ops answer from it, or have just now. */
static enum port_state
take(struct rte_eth_dev *eth)
{
	struct port *port = port_of(eth);
	enum port_state state;

	port_lock();
	port->n_unwanted++;
	state = wait_for_others(port) ? port->state : PORT_STUCK;
	port->n_unwanted--;
	if (state != PORT_STUCK && state != PORT_LEAVING) {
		turn_take(port, PORT_CLOSING);
		port->life++;
		kept_give(eth, port);   /* ethdev's release frees them */
	}
	port_unlock();
	return state;
}

/* A static program without --wrap: ethdev would free what the driver is at. */
static enum port_state
take_at_last(struct rte_eth_dev *eth)
{
	const struct timespec pause = { .tv_nsec = MS };
	enum port_state was;

	host_log(HOST_WARN, "%s: closing its port waits for its driver", port_of(eth)->device);
	while ((was = take(eth)) == PORT_STUCK)
		nanosleep(&pause, NULL);
	return was;
}

int
close_port(struct rte_eth_dev *eth)
{
	bool is_guarded = calls_guard() == 0;
	enum port_state was;
	int ret;

	if (port_own(eth) == PORT_OWN_SET_UP)
		return -EBUSY;
	if (port_own(eth) == PORT_OWN_DRIVER)
		return LOAD(eth->dev_ops) != &dead_ops ? live_close(eth) : 0;
	was = take(eth);
	if (was == PORT_STUCK && is_guarded)
		return -EBUSY;
	if (was == PORT_STUCK)
		was = take_at_last(eth);
	if (was == PORT_LIVE)
		stop_first(eth);
	ret = close_has_driver(eth, was) ? live_close(eth) : 0;
	if (!is_guarded)
		close_end(eth);
	return ret;
}

void
close_end(struct rte_eth_dev *eth)
{
	port_lock();
	if (port_of(eth)->state == PORT_CLOSING)
		port_of(eth)->state = PORT_NONE;
	port_unlock();
}

bool
close_is_asked(uint16_t id)
{
	struct port *port = port_of(&rte_eth_devices[id]);
	bool is_asked;

	port_lock();
	is_asked = port->n_unwanted > 0;
	port->is_given_up = port->is_given_up || is_asked;
	port_unlock();
	return is_asked;
}

/* --- ethdev's own calls -------------------------------------------------------------- */

/* Who is at the port has left it, and no heal begins meanwhile.  -EBUSY: he does not leave, or
 * is the caller. */
static int
begin_close(uint16_t id)
{
	struct rte_eth_dev *eth = &rte_eth_devices[id];
	struct port *port = port_of(eth);
	bool was_healing, is_free;

	if (port_own(eth) == PORT_OWN_SET_UP && port->state == PORT_HEALING)
		return -EBUSY;
	port_lock();
	port->n_unwanted++;
	port->closing = LOAD(eth->device);
	was_healing = port->state == PORT_HEALING;
	turn_wait(port);
	is_free = !turn_is_refused(port);       /* STUCK in a probe ethdev says -ENODEV */
	if (!is_free)
		port->n_unwanted--;
	was_healing = was_healing && port->state == PORT_LIVE;
	port_unlock();
	if (was_healing)
		stop_first(eth);
	return is_free ? 0 : -EBUSY;
}

static void
finish_close(uint16_t id)
{
	struct port *port = port_of(&rte_eth_devices[id]);
	char device[HOTPLUG_NAME_LEN] = "";

	port_lock();
	port->n_unwanted--;
	if (port->state == PORT_HELD)   /* not closed after all */
		snprintf(device, sizeof(device), "%s", port->device);
	port_unlock();
	if (device[0] != '\0')
		heal_soon(device);
}

int
__wrap_rte_eth_dev_close(uint16_t id)
{
	int ret;

	if (id >= RTE_MAX_ETHPORTS || port_own(&rte_eth_devices[id]) == PORT_OWN_DRIVER)
		return WAY_ON(rte_eth_dev_close)(id);
	ret = begin_close(id);
	if (ret != 0)
		return ret;
	step_before(STEP_CLOSE, port_of(&rte_eth_devices[id])->device);
	ret = WAY_ON(rte_eth_dev_close)(id);
	finish_close(id);
	return ret;
}
