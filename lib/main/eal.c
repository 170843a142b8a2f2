/* SPDX-License-Identifier: BSD-3-Clause */

/* eal: is this the DPDK that we were compiled for, and what do we owe its EAL?
 * In:  enable (app), events (a duty).
 * Out: yes or no; EAL's device event callbacks.
 * Context: app, watch (owe_event), work (the callbacks). */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_dev.h>
#include <rte_lcore.h>
#include <rte_version.h>

#include "../core/device.h"
#include "../core/work.h"
#include "../eal/host.h"
#include "../eal/monitor.h"
#include "eal.h"

/* "DPDK 22.11.11" -> 22, 11. */
static bool
is_compiled_for(const char *version)
{
	int year, month;

	return sscanf(version, "%*s %d.%d", &year, &month) == 2 &&
		year == RTE_VER_YEAR && month == RTE_VER_MONTH;
}

int
eal_check(void)
{
	if (!is_compiled_for(rte_version())) {
		host_log(HOST_ERR, "compiled for DPDK %d.%02d, but this is %s: not enabled (their "
			 "driver structures differ)", RTE_VER_YEAR, RTE_VER_MONTH, rte_version());
		return -ENOTSUP;
	}
	return rte_lcore_count() == 0 ? -EAGAIN : 0;
}

/* vfio: the kernel's removal waits until it is let go, and its uevent comes after. */
static bool
is_waited_for(const char *name)
{
	const struct hotplug_device *dev;
	bool is_waited;

	device_lock();
	dev = device_find(NULL, name);
	is_waited = dev != NULL && dev->works_on_request;
	device_unlock();
	return is_waited;
}

/* Does EAL tell of this by itself, when its monitor runs?  Of "add" and "remove" uevents
 * of the pci subsystem; of nothing else. */
static bool
is_known_to_eal(const struct hotplug_event *event)
{
	if (event->type == HOTPLUG_EVENT_GONE && is_waited_for(event->device))
		return false;
	/* a silent device is still listed: EAL tells when the kernel lets it go */
	if (event->type == HOTPLUG_EVENT_GONE && event->cause != HOTPLUG_CAUSE_REMOVED &&
	    event->cause != HOTPLUG_CAUSE_SILENT)
		return false;
	return event->type != HOTPLUG_EVENT_REQUESTED && strcmp(event->bus, "pci") == 0;
}

/* What is owed: 0, or one of these. */
enum { OWES = 1, IS_ADD = 2, IS_KNOWN = 4 };

/* With the lock held.  Of what goes and comes before anybody has been told, the last
 * counts: two words at most, and never the same twice. */
static void
note(struct hotplug_device *dev, uint8_t word)
{
	unsigned int last = dev->eal_owes[1] != 0 ? 1 : 0;

	if (dev->eal_owes[last] == 0)
		dev->eal_owes[0] = word;
	else if ((dev->eal_owes[last] & IS_ADD) == (word & IS_ADD))
		dev->eal_owes[last] &= word;
	else if (last == 0)
		dev->eal_owes[1] = word;
	else
		memcpy(dev->eal_owes, (uint8_t[2]){ word, 0 }, 2);
}

/* In that order; 0: nothing. */
static uint8_t
take(struct hotplug_device *dev)
{
	uint8_t word;

	device_lock();
	word = dev->eal_owes[0];
	dev->eal_owes[0] = dev->eal_owes[1];
	dev->eal_owes[1] = 0;
	device_unlock();
	return word;
}

static void
tell(const char *device)
{
	struct hotplug_device *dev = device_find(NULL, device);
	uint8_t word;

	while (dev != NULL && (word = take(dev)) != 0)
		if (!(word & IS_KNOWN) || !eal_has_monitor())
			rte_dev_event_callback_process(device, word & IS_ADD ?
				RTE_DEV_EVENT_ADD : RTE_DEV_EVENT_REMOVE);
}

/* A device goes once: a request is a removal for EAL's callbacks (as in stock). */
static void
owe_event(const struct hotplug_event *event)
{
	struct hotplug_device *dev = device_find(NULL, event->device);
	uint8_t word = OWES | (is_known_to_eal(event) ? IS_KNOWN : 0);

	if (dev == NULL || (event->type != HOTPLUG_EVENT_REQUESTED &&
			    event->type != HOTPLUG_EVENT_GONE &&
			    event->type != HOTPLUG_EVENT_READY) ||
	    (event->type == HOTPLUG_EVENT_GONE && event->was_requested))
		return;
	if (event->type == HOTPLUG_EVENT_READY)
		word |= IS_ADD;
	device_lock();
	note(dev, word);
	device_unlock();
	work_push(tell, event->device, 0);
}

const struct duty eal_duty = { .event = owe_event };
