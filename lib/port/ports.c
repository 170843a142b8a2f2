/* SPDX-License-Identifier: BSD-3-Clause */

/* ports: those of one device, as a step of a teardown or a heal finds them.
 * In:  a device and a state; what an earlier step found.  Out: ids, each with the life that
 *      it had; into the next state go those that are still the same.
 * Lock: port_lock(), in here.
 * Context: app, events, work, teardown. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../report/events.h"
#include "port.h"
#include "raise.h"
#include "steps.h"
#include "turn.h"

#ifdef HOTPLUG_TEST
void (*_Atomic step_hook)(enum step step, const char *device);
#endif

static _Thread_local struct port_own_now own;

struct port_own_now
port_own_begin(enum port_own what, const struct hotplug_device *dev)
{
	struct port_own_now before = own;

	own = (struct port_own_now){ .what = what, .dev = dev };
	return before;
}

void
port_own_end(struct port_own_now before)
{
	own = before;
}

enum port_own
port_own(const struct rte_eth_dev *eth)
{
	const struct port *port = port_of(eth);

	return port->state == PORT_NONE || port->dev == own.dev ? own.what : PORT_OWN_NOTHING;
}

unsigned int
ports_find(struct ports *ports, const char *device, enum port_state state)
{
	const struct port *port;
	unsigned int i;

	ports->n = 0;
	port_lock();
	for (i = 0; i < RTE_MAX_ETHPORTS; i++) {
		port = port_of(&rte_eth_devices[i]);
		if (port->state == PORT_NONE || (state != PORT_NONE && port->state != state) ||
		    strcmp(port->device, device) != 0)
			continue;
		ports->id[ports->n] = i;
		ports->life[ports->n++] = port->life;
	}
	port_unlock();
	return ports->n;
}

static void
keep(struct ports *ports, unsigned int *n, unsigned int i)
{
	ports->id[*n] = ports->id[i];
	ports->life[(*n)++] = ports->life[i];
}

unsigned int
ports_move(struct ports *ports, enum port_state from, enum port_state to)
{
	unsigned int i, n = 0;
	struct port *port;

	port_lock();
	for (i = 0; i < ports->n; i++) {
		port = port_of(&rte_eth_devices[ports->id[i]]);
		if (port->state != from || port->life != ports->life[i])
			continue;
		turn_take(port, to);
		keep(ports, &n, i);
	}
	ports->n = n;
	port_unlock();
	return n;
}

/* With the lock held: its application sets one of a device's ports up, or closes one. */
static bool
is_applications(const char *device)
{
	const struct port *port;
	unsigned int i;

	for (i = 0; i < RTE_MAX_ETHPORTS; i++) {
		port = port_of(&rte_eth_devices[i]);
		if (strcmp(port->device, device) != 0)
			continue;
		if (port->state == PORT_CLOSING || (port->state == PORT_HELD &&
		    (atomic_load(&port->n_inside) != 0 || port->n_unwanted > 0)))
			return true;
	}
	return false;
}

/* All of them, or none: a driver that meets the name of one that is there still, in its probe of
 * the others, gives up, and drops by their names what it takes for its own. */
int
ports_claim(struct ports *ports, const char *device)
{
	unsigned int i, n = 0;
	struct port *port;
	bool is_busy;

	port_lock();
	is_busy = is_applications(device);
	for (i = 0; i < ports->n && !is_busy; i++) {
		port = port_of(&rte_eth_devices[ports->id[i]]);
		if (port->state != PORT_HELD || port->life != ports->life[i])
			continue;
		turn_take(port, PORT_HEALING);
		keep(ports, &n, i);
	}
	ports->n = n;
	port_unlock();
	if (is_busy)
		return -EBUSY;
	return n > 0 ? 0 : -ECANCELED;
}

unsigned int
ports_keep(struct ports *ports, enum port_state state)
{
	unsigned int i, n = 0;
	struct port *port;

	port_lock();
	for (i = 0; i < ports->n; i++) {
		port = port_of(&rte_eth_devices[ports->id[i]]);
		if (port->life == ports->life[i] && (state == PORT_NONE || port->state == state))
			keep(ports, &n, i);
	}
	ports->n = n;
	port_unlock();
	return n;
}

void
ports_raise(const struct ports *ports, enum rte_eth_event_type type)
{
	unsigned int i;

	for (i = 0; i < ports->n; i++)
		raise_event(ports->id[i], ports->life[i], type);
}

void
ports_tell(const struct ports *ports, enum hotplug_event_type type)
{
	struct hotplug_event event = {
		.size = sizeof(event), .type = type,
		.n_ports = RTE_MIN(ports->n, (unsigned int)HOTPLUG_MAX_PORTS),
	};
	const struct port *port = port_of(&rte_eth_devices[ports->id[0]]);

	memcpy(event.port, ports->id, event.n_ports * sizeof(*event.port));
	port_lock();
	event.id = port->id;
	memcpy(event.device, port->device, sizeof(event.device));
	snprintf(event.bus, sizeof(event.bus), "%s", port->bus->name);
	memcpy(event.kernel_driver, port->kernel_driver, sizeof(event.kernel_driver));
	port_unlock();
	events_push(&event);
}

bool
port_is_healing(const struct port *port)
{
	return port->state == PORT_HEALING || atomic_load(&port->probe_due_ns) != 0;
}

bool
ports_has(const char *device, enum port_state state)
{
	bool has = false;
	unsigned int i;

	port_lock();
	for (i = 0; i < RTE_MAX_ETHPORTS && !has; i++)
		has = port_of(&rte_eth_devices[i])->state == state &&
			strcmp(port_of(&rte_eth_devices[i])->device, device) == 0;
	port_unlock();
	return has;
}
