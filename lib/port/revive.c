/* SPDX-License-Identifier: BSD-3-Clause */

/* revive: give the ports of a card that is back a new life, under the same ids.
 * In:  a device that is there and bound, its ports HELD (heal.c): those that still are.
 * Out: probed (ids.c), configured and started as before (set_up.c), in the other
 *      processes too (together.c): LIVE.  Or HELD further, where the probe fails; or
 *      DYING, where the device is lost again meanwhile, does not take the
 *      configuration, or fails elsewhere: torn down like any other.
 * NEW and DESTROY are not delivered for a port that only pauses (release.c); its callbacks
 * stay where they are, so that they can be taken away meanwhile.
 * A port that is HEALING belongs to this thread: who finds it lost only lays its dead
 * ops over it (lost.c), and we see them in the end; who closes it waits (close.c), and
 * we take no further step with it.  Another card's probe is waited for before they are
 * HEALING: so nobody who closes one waits for that.
 * Context: work. */

#include <errno.h>
#include <string.h>

#include "../core/device.h"
#include "../core/work.h"
#include "ids.h"
#include "interrupts.h"
#include "port.h"
#include "queues.h"
#include "shared.h"
#include "steps.h"
#include "together.h"

#define CHANGED_MS 10           /* until the application has set up what it was at */

/* With the lock held. */
static bool
is_any_dead(const struct ports *ports)
{
	unsigned int i;

	for (i = 0; i < ports->n; i++)
		if (LOAD(rte_eth_devices[ports->id[i]].dev_ops) == &dead_ops)
			return true;
	return false;
}

/* With the lock held: they are nobody's now, and whoever waits to close one does.  Those
 * that the library has let go of (disabled: we are left behind) have been nobody's since. */
static void
let_go(const struct ports *ports, enum port_state state)
{
	const struct rte_eth_link down = { .link_status = RTE_ETH_LINK_DOWN };
	struct rte_eth_dev *eth;
	struct port *port;
	unsigned int i;

	for (i = 0; i < ports->n; i++) {
		eth = &rte_eth_devices[ports->id[i]];
		port = port_of(eth);
		port->is_given_up = false;
		if (port->state != PORT_HEALING || port->life != ports->life[i])
			continue;
		port->is_told = false;
		if (state == PORT_LIVE)
			port_wrap_healed(eth);
		if (state == PORT_DOOMED) {
			STORE(eth->dev_ops, &dead_ops);
			rte_eth_linkstatus_set(eth, &down);
		}
		port->state = state;
	}
}

/* With the lock held: the first that runs, and has been stopped in a callback of its start, or by
 * one whom heal would have waited for. */
static int
find_unwanted(const struct ports *ports)
{
	const struct rte_eth_dev *eth;
	unsigned int i;

	for (i = 0; i < ports->n; i++) {
		eth = &rte_eth_devices[ports->id[i]];
		if (port_of(eth)->state == PORT_HEALING && port_of(eth)->life == ports->life[i] &&
		    !port_of(eth)->config.is_started && eth->data->dev_started != 0)
			return ports->id[i];
	}
	return -ENOENT;
}

/* The device is probed: its ports live, or go the way of all that are lost.  When they live they
 * are started or stopped as their application has it. */
static int
settle(const char *device, const struct ports *ports, int ret)
{
	int id;

	port_lock();
	while (ret == 0 && !is_any_dead(ports) && (id = find_unwanted(ports)) >= 0) {
		port_unlock();
		ret = stop_unwanted(id);
		port_lock();
	}
	if (is_any_dead(ports))
		ret = -EIO;     /* whatever a dead card seemed to lack */
	let_go(ports, ret == 0 ? PORT_LIVE : PORT_DOOMED);
	port_unlock();
	if (ret != 0)
		teardown_start(device);
	return ret;
}

/* No probe: they are kept as before. */
static void
hold(const struct ports *ports)
{
	port_lock();
	let_go(ports, PORT_HELD);
	port_unlock();
}

/* One that is being closed is left as the probe made it; the others go on. */
static int
set_up(const struct ports *ports)
{
	struct port_own_now before;
	unsigned int i;
	int ret = 0;

	before = port_own_begin(PORT_OWN_SET_UP, port_of(&rte_eth_devices[ports->id[0]])->dev);
	for (i = 0; i < ports->n && ret == 0; i++) {
		ret = set_up_port(ports->id[i], port_of(&rte_eth_devices[ports->id[i]]));
		if (ret == -ECANCELED)
			ret = 0;
	}
	port_own_end(before);
	return ret;
}

static int
set_up_together(const char *device, const char *devargs, const struct ports *ports,
		uint64_t start_ns)
{
	int ret = set_up(ports);

	step_before(STEP_HEAL_SHARE, device);
	return ret == 0 ? together_share(device, devargs, device_now_ns() - start_ns) : ret;
}

/* With all of them HEALING, and port_probe_lock(), which is given back. */
static int
live_again(const char *device, const char *devargs, const struct ports *ports)
{
	uint64_t start = device_now_ns();
	bool is_probed;
	unsigned int i;
	int ret;

	step_before(STEP_HEAL_RELEASE, device);
	ret = ids_probe(device, devargs, ports->id, ports->n);
	port_probe_unlock();
	is_probed = ret == 0;
	step_before(STEP_HEAL_PROBED, device);
	for (i = 0; i < ports->n && !is_probed; i++)
		dead_hold(&rte_eth_devices[ports->id[i]]);
	if (is_probed)
		ret = set_up_together(device, devargs, ports, start);
	for (i = 0; i < ports->n && ret == 0; i++)
		interrupts_wake(port_of(&rte_eth_devices[ports->id[i]]));
	step_before(STEP_HEAL_SETTLE, device);
	if (is_probed)
		return settle(device, ports, ret);
	hold(ports);
	return ret;
}

static bool
take_devargs(uint16_t id, char *devargs, size_t size)
{
	port_lock();
	memcpy(devargs, port_of(&rte_eth_devices[id])->devargs, size);
	port_unlock();
	return devargs[0] != '\0';
}

int
revive(const char *device, struct ports *ports)
{
	char devargs[sizeof(((struct port *)0)->devargs)];
	struct port *port;
	unsigned int i;
	int ret;

	if (!take_devargs(ports->id[0], devargs, sizeof(devargs)))
		return -E2BIG;
	for (i = 0; i < ports->n; i++)
		if (!queues_are_known(port_of(&rte_eth_devices[ports->id[i]])))
			return -ENODATA;
	step_before(STEP_HEAL_CLAIM, device);
	port_probe_lock();
	ret = work_is_left() ? -ECANCELED : ports_claim(ports, device);
	if (ret != 0)
		port_probe_unlock();
	if (ret == -EBUSY)              /* later: no event tells */
		work_push(heal_run, device, CHANGED_MS);
	if (ret != 0)
		return -ECANCELED;
	for (i = 0; i < ports->n; i++) {
		port = port_of(&rte_eth_devices[ports->id[i]]);
		port->base = port->last;
	}
	return live_again(device, devargs, ports);
}
