/* SPDX-License-Identifier: BSD-3-Clause */

/* survey: which ports there are, which of them are guarded, and why the others are not.
 * In:  the notes of port/whose.c, the table of ports, the devices.  Out: a port at a time, as
 *      it is at that moment.
 * EAL's own lists are not walked: a probe may hold them for seconds.
 * Lock: one after the other, each for the copy of a few words.
 * Context: any but signal (telemetry's own threads, watch). */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../core/bus.h"
#include "../core/device.h"
#include "../port/port.h"
#include "../port/whose.h"
#include "survey.h"

/* Drivers of virtual ports that always stand on a network interface. */
static const char *const on_interface[] = { "net_af_packet", "net_af_xdp", NULL };
/* And those that may. */
static const char *const perhaps_on_interface[] = { "net_pcap", "net_tap", NULL };

static const char *
state_word(enum port_state state)
{
	static const char *const words[] = {
		[PORT_NONE] = "unknown", [PORT_LIVE] = "live", [PORT_DEAD] = "dead",
		[PORT_DOOMED] = "doomed", [PORT_DYING] = "dying", [PORT_HELD] = "held",
		[PORT_HEALING] = "healing", [PORT_STUCK] = "stuck", [PORT_CLOSING] = "closing",
		[PORT_LEAVING] = "leaving",
	};

	return words[state];
}

static bool
is_one_of(const char *const *names, const char *device)
{
	for (; *names != NULL; names++)
		if (strncmp(*names, device, strlen(*names)) == 0)
			return true;
	return false;
}

static bool
has_backend(const char *bus)
{
	const struct hotplug_bus *known;

	for (known = bus_next(NULL); known != NULL; known = bus_next(known))
		if (strcmp(known->name, bus) == 0)
			return true;
	return false;
}

static void
explain_virtual(struct survey_port *port)
{
	const char *why = "virtual: it stands on nothing that can be taken away";

	port->needs_guard = is_one_of(on_interface, port->device);
	if (port->needs_guard)
		why = "its interface is in another network namespace, or not known";
	else if (is_one_of(perhaps_on_interface, port->device))
		why = "virtual: it names no network interface of this machine";
	snprintf(port->why, sizeof(port->why), "%s", why);
}

/* Nobody guards it: why not? */
static void
explain(struct survey_port *port, int error)
{
	if (strcmp(port->bus, "vdev") == 0) {
		explain_virtual(port);
		return;
	}
	port->needs_guard = true;
	if (error != 0)
		snprintf(port->why, sizeof(port->why), "its registers cannot be guarded: %s",
			 strerror(-error));
	else if (!has_backend(port->bus))
		snprintf(port->why, sizeof(port->why), "the library does not know the bus '%.40s'",
			 port->bus);
	else
		snprintf(port->why, sizeof(port->why), "the bus has not told of its probe");
}

static bool
is_device_guarded(const char *name, int *error)
{
	const struct hotplug_device *dev = device_find(NULL, name);
	bool is_guarded;

	*error = 0;
	if (dev == NULL)
		return false;
	device_lock();
	is_guarded = dev->key != NULL && dev->state != HOTPLUG_STATE_GONE;
	*error = dev->unguarded;
	device_unlock();
	return is_guarded;
}

/* What the table of ports has of it. */
static enum port_state
copy_port(struct survey_port *port)
{
	const struct port *own = port_of(&rte_eth_devices[port->id]);
	enum port_state state;

	port_lock();
	state = own->state;
	port->policy = own->policy;
	port->n_tries = state == PORT_HELD ? own->n_tries : 0;
	port->refusal = state == PORT_HELD ? own->refusal : 0;
	port_unlock();
	port->state = state_word(state);
	return state;
}

bool
survey_next(unsigned int from, struct survey_port *port)
{
	enum port_state state;
	int error;

	memset(port, 0, sizeof(*port));
	for (; from < RTE_MAX_ETHPORTS; from++)
		if (whose_open(from, port->device, port->bus))
			break;
	if (from >= RTE_MAX_ETHPORTS)
		return false;
	port->id = from;
	state = copy_port(port);
	port->is_guarded = is_device_guarded(port->device, &error);
	port->is_lost = state >= PORT_DEAD && state <= PORT_STUCK;
	port->needs_guard = port->is_guarded || port->is_lost;
	if (!port->needs_guard)
		explain(port, error);
	return true;
}
