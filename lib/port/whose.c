/* SPDX-License-Identifier: BSD-3-Clause */

/* whose: which device is this port on?
 * In:  ethdev's NEW and DESTROY, and the ports that are there at enable.  Out: names.
 * A port's `device` is the bus's, and freed by whoever removes it, and EAL's lists have no
 * lock: they are for those who hold port_probe_lock(), which may be a driver's probe of
 * seconds.  All others ask here.  A port that heals has no NEW: its name is the same.
 * A closed port has no device any more in ethdev; the note stays, so that it can be
 * detached by its id.
 * Lock: `lock` guards the notes; never held around a call of anybody's.
 * Context: app, events; whoever probes and closes. */

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <rte_bus.h>
#include <rte_dev.h>

#include "port.h"
#include "shared.h"
#include "whose.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* notes */
static struct note {
	char device[HOTPLUG_NAME_LEN];          /* "": nobody's */
	char bus[HOTPLUG_NAME_LEN];             /* as EAL names it */
	bool is_open;
	bool is_detached;       /* closed, and by the library before, when its device was lost */
} notes[RTE_MAX_ETHPORTS];

static _Atomic bool are_kept;   /* the notes are those of now */

void
whose_lock(void)
{
	pthread_mutex_lock(&lock);
}

void
whose_unlock(void)
{
	pthread_mutex_unlock(&lock);
}

static void
write_note(uint16_t port, const struct rte_device *dev, bool is_open)
{
	const char *device = dev != NULL && dev->name != NULL ? dev->name : "";
	struct note *note = &notes[port];

	pthread_mutex_lock(&lock);
	snprintf(note->device, sizeof(note->device), "%s", device);
	if (is_open && dev != NULL && dev->bus != NULL)
		snprintf(note->bus, sizeof(note->bus), "%s", rte_bus_name(dev->bus));
	note->is_open = is_open;
	note->is_detached = !is_open && port_is_shadow(dev);
	pthread_mutex_unlock(&lock);
}

/* By whoever probes it. */
static int
on_new(uint16_t port, enum rte_eth_event_type type, void *arg, void *result)
{
	(void)type;
	(void)arg;
	(void)result;
	write_note(port, LOAD(rte_eth_devices[port].device), true);
	return 0;
}

static int
on_destroy(uint16_t port, enum rte_eth_event_type type, void *arg, void *result)
{
	(void)type;
	(void)arg;
	(void)result;
	write_note(port, LOAD(rte_eth_devices[port].device), false);
	port_released(&rte_eth_devices[port]);
	return 0;
}

static void
write_closed(uint16_t port)
{
	pthread_mutex_lock(&lock);
	notes[port].is_open = false;
	pthread_mutex_unlock(&lock);
}

static void
write_all(void)
{
	unsigned int i;

	for (i = 0; i < RTE_MAX_ETHPORTS; i++)
		if (LOAD(rte_eth_devices[i].state) != RTE_ETH_DEV_UNUSED)
			write_note(i, LOAD(rte_eth_devices[i].device), true);
		else
			write_closed(i);
}

/* For good, from the first time on: an id may go from one device to another while the library is
 * disabled, and a dead port be released, and nothing in ethdev says so later. */
int
whose_begin(void)
{
	int ret = rte_eth_dev_callback_register(RTE_ETH_ALL, RTE_ETH_EVENT_NEW, on_new, NULL);

	if (ret == 0)
		ret = rte_eth_dev_callback_register(RTE_ETH_ALL, RTE_ETH_EVENT_DESTROY, on_destroy,
						    NULL);
	return ret;
}

/* Before it is closed: it may have been there before whose_begin(). */
void
whose_note(uint16_t port_id)
{
	const struct rte_eth_dev *eth = &rte_eth_devices[port_id];

	if (!atomic_load(&are_kept) && LOAD(eth->state) != RTE_ETH_DEV_UNUSED)
		write_note(port_id, LOAD(eth->device), true);
}

int
whose_start(void)
{
	int ret = whose_begin();

	if (ret != 0)
		return ret;
	if (port_probe_is_mine())
		write_all();    /* else a driver of a former enable is stuck: no port of before it */
	atomic_store(&are_kept, true);
	return 0;
}

void
whose_stop(void)
{
	atomic_store(&are_kept, false);
}

bool
whose_are_kept(void)
{
	return atomic_load(&are_kept);
}

int
whose_device(uint16_t port_id, char *device)
{
	int ret;

	pthread_mutex_lock(&lock);
	ret = notes[port_id].device[0] != '\0' ? 0 : -ENODEV;
	if (ret == 0)
		snprintf(device, HOTPLUG_NAME_LEN, "%s", notes[port_id].device);
	pthread_mutex_unlock(&lock);
	return ret;
}

bool
whose_open(uint16_t port_id, char *device, char *bus)
{
	const struct note *note = &notes[port_id];
	bool is_open;

	pthread_mutex_lock(&lock);
	is_open = note->is_open;        /* also while it heals, and ethdev has no such port */
	if (is_open) {
		memcpy(device, note->device, sizeof(note->device));
		memcpy(bus, note->bus, sizeof(note->bus));
	}
	pthread_mutex_unlock(&lock);
	return is_open;
}

unsigned int
whose_ports(const char *device, uint16_t *ports, unsigned int n_max)
{
	unsigned int i, n = 0;

	pthread_mutex_lock(&lock);
	for (i = 0; i < RTE_MAX_ETHPORTS; i++) {
		if (!notes[i].is_open || LOAD(rte_eth_devices[i].state) == RTE_ETH_DEV_UNUSED ||
		    strcmp(notes[i].device, device) != 0)
			continue;
		if (n < n_max)
			ports[n] = i;
		n++;
	}
	pthread_mutex_unlock(&lock);
	return n;
}

bool
whose_is_detached(uint16_t port_id)
{
	bool is;

	pthread_mutex_lock(&lock);
	is = !notes[port_id].is_open && notes[port_id].is_detached;
	pthread_mutex_unlock(&lock);
	return is;
}

void
whose_forget(const char *device)
{
	unsigned int i;

	pthread_mutex_lock(&lock);
	for (i = 0; i < RTE_MAX_ETHPORTS; i++)
		if (!notes[i].is_open && strcmp(notes[i].device, device) == 0)
			notes[i].device[0] = '\0';
	pthread_mutex_unlock(&lock);
}
