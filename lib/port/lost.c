/* SPDX-License-Identifier: BSD-3-Clause */

/* lost: what becomes of a port when its device goes.
 * In:  events about it (a duty); its ports are dead by then (die.c).
 * Out: one owner takes it from there: us (policy survive or
 *      heal: teardown), or the application (tell, an ethdev owner, EAL's own event
 *      monitor): INTR_RMV.
 * What is owed to a device's ports stands in the device until it is done, also while the
 * library is disabled.
 * Lock: port_lock() around the table, never around a callback.
 * Context: watch (port_on_event: it only marks), work (all else). */

#include <stdio.h>
#include <string.h>

#include <rte_eal.h>

#include "../core/device.h"
#include "../core/enable.h"
#include "../core/work.h"
#include "../eal/host.h"
#include "../eal/monitor.h"
#include "../sync/sync.h"
#include "die.h"
#include "doom.h"
#include "calls.h"
#include "raise.h"
#include "shared.h"

/* What is owed to the ports of a device. */
enum {
	LOST = 1,               /* it is gone */
	ASKED_FOR = 2,          /* the kernel asks for it */
	UNTOLD = 4,             /* its application does not know that yet */
	BACK = 8,               /* it is there again */
	WAS_RESET = 16,         /* it was reset, and is not lost for that */
};

/* It was reset, and answers: whose ports its application would close itself, it resets itself.
 * What is ours to heal is lost, and so is what fail-safe has, which knows of no resets. */
bool
port_spares(struct hotplug_bus *bus, const void *key)
{
	const struct rte_eth_dev *eth;
	bool is_lost = false;
	unsigned int i;

	for (i = 0; i < RTE_MAX_ETHPORTS && !is_lost; i++) {
		eth = &rte_eth_devices[i];
		if (LOAD(eth->device) == key && port_of(eth)->bus == bus &&
		    port_of(eth)->state != PORT_NONE)
			is_lost = doom_has_owner(eth) ||
				(doom_policy_of(eth) != HOTPLUG_POLICY_TELL && !eal_has_monitor());
	}
	return !is_lost;
}

static void
call_back(struct rte_eth_dev *eth, enum rte_eth_event_type type)
{
	uint64_t life;

	port_lock();
	life = port_of(eth)->life;
	port_unlock();
	raise_event(eth - rte_eth_devices, life, type);
}

/* In a secondary: the primary sees to it for all, and takes the device from us. */
static bool
is_primarys(const struct rte_eth_dev *eth)
{
	return doom_policy_of(eth) != HOTPLUG_POLICY_TELL && !doom_has_owner(eth) &&
		rte_eal_process_type() == RTE_PROC_SECONDARY && sync_is_on();
}

/* Of this life, already; from here on it is. */
static bool
is_told(struct port *port)
{
	bool is;

	port_lock();
	is = port->is_told;
	port->is_told = true;
	port_unlock();
	return is;
}

/* Its owner tears it down: on living registers when it was asked for, else on dead
 * ones.  INTR_RMV comes once; where EAL's monitor runs, that tells by itself.  fail-safe
 * has turned to its backup in there, and hears of the link after that: its own stays up. */
static void
tell_application(struct rte_eth_dev *eth, unsigned int owed)
{
	enum port_state state = port_of(eth)->state;
	bool is_owned = doom_has_owner(eth);

	if (state == PORT_DEAD && !is_owned)
		call_back(eth, RTE_ETH_EVENT_INTR_LSC);
	if ((state == PORT_DEAD || (state == PORT_LIVE && (owed & ASKED_FOR))) &&
	    (owed & UNTOLD) && !eal_has_monitor() && !is_primarys(eth) && !is_told(port_of(eth)))
		call_back(eth, RTE_ETH_EVENT_INTR_RMV);
	if (state == PORT_DEAD && is_owned)
		call_back(eth, RTE_ETH_EVENT_INTR_LSC);
	if (is_owned) {
		quiet_follow_fail_safe();
		(void)calls_guard();  /* fail-safe will release it twice */
	}
}

static bool
is_among(const struct ports *ports, uint16_t id)
{
	unsigned int i;

	for (i = 0; i < ports->n && ports->id[i] != id; i++)
		;
	return i < ports->n;
}

/* All ports that are the device's, whatever has become of them since. */
static void
on_loss(const char *device, unsigned int owed)
{
	struct rte_eth_dev *eth;
	struct ports taken;
	unsigned int i;

	doom_take(device, owed & ASKED_FOR, &taken);
	for (i = 0; i < RTE_MAX_ETHPORTS; i++) {
		eth = &rte_eth_devices[i];
		if (port_of(eth)->state == PORT_NONE || strcmp(port_of(eth)->device, device) != 0)
			continue;
		if (is_among(&taken, i)) {
			call_back(eth, RTE_ETH_EVENT_INTR_LSC);
			if (doom_policy_of(eth) == HOTPLUG_POLICY_HEAL)
				call_back(eth, RTE_ETH_EVENT_ERR_RECOVERING);
		} else {
			tell_application(eth, owed);
		}
	}
	if (taken.n > 0 && !work_is_left())     /* else resume.c sees to it when we are enabled */
		teardown_start(device);
}

static void
on_reset(const char *device)
{
	struct rte_eth_dev *eth;
	unsigned int i;

	for (i = 0; i < RTE_MAX_ETHPORTS; i++) {
		eth = &rte_eth_devices[i];
		if (port_of(eth)->state == PORT_LIVE && strcmp(port_of(eth)->device, device) == 0)
			call_back(eth, RTE_ETH_EVENT_INTR_RESET);
	}
}

/* The request may be an old one, and the device another by now. */
static bool
is_asked_for(const struct hotplug_device *dev)
{
	bool is;

	device_lock();
	is = dev->is_requested;
	device_unlock();
	return is;
}

/* Job: what is owed to the ports of a device.  A loss concerns those that are dead: a port
 * that lives has another life by now. */
static void
see_to(const char *device)
{
	struct hotplug_device *dev = device_find(NULL, device);
	unsigned int owed = dev != NULL ? atomic_exchange(&dev->port_owes, 0) : 0;

	if ((owed & ASKED_FOR) && !is_asked_for(dev))
		owed &= ~ASKED_FOR;
	if (owed & (LOST | ASKED_FOR))
		on_loss(device, owed);
	if (owed & WAS_RESET)
		on_reset(device);
	if (owed & BACK)
		heal_returned(device);
}

static void
owe(const char *device, unsigned int what)
{
	struct hotplug_device *dev = device_find(NULL, device);

	if (dev == NULL)
		return;
	atomic_fetch_or(&dev->port_owes, what);
	work_push(see_to, device, 0);
}

/* What has been owed since before the library was disabled. */
void
lost_go_on(void)
{
	struct hotplug_device *dev;

	for (dev = device_first(); dev != NULL; dev = dev->next)
		if (atomic_load(&dev->port_owes) != 0)
			work_push(see_to, dev->name, 0);
}

void
port_asked_for(const char *device)
{
	on_loss(device, ASKED_FOR);
}

void
port_returned(const char *device)
{
	owe(device, BACK);
}

void
lost_unseen(struct hotplug_bus *bus, const void *key, const char *device)
{
	port_lost(bus, key);
	owe(device, LOST | UNTOLD);
}

void
port_on_event(const struct hotplug_event *event)
{
	switch (event->type) {
	case HOTPLUG_EVENT_GONE:        /* INTR_RMV came with the request, if there was one */
		owe(event->device, event->was_requested ? LOST : LOST | UNTOLD);
		break;
	case HOTPLUG_EVENT_REQUESTED:
		owe(event->device, ASKED_FOR | UNTOLD);
		break;
	case HOTPLUG_EVENT_RESTORED:
		if (event->cause == HOTPLUG_CAUSE_RESET)
			owe(event->device, WAS_RESET);
		break;
	case HOTPLUG_EVENT_READY:
		owe(event->device, BACK);
		break;
	default:
		break;
	}
}
