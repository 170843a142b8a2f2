/* SPDX-License-Identifier: BSD-3-Clause */

/* detach: devices go on request.
 * In:  hotplug_port_detach/remove (app, events).  Out: EAL's remove, or an error that
 *      says who has the port, with everything as it was.
 * A closed port has no device any more in ethdev; whose it was is noted (whose.c).
 * Lock: port_probe_lock(), not held around a subscriber.
 * Context: app, events; blocks as long as the driver does. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_dev.h>

#include "../eal/devargs.h"
#include "../eal/host.h"
#include "../sync/sync.h"
#include "here.h"
#include "shared.h"
#include "stuck.h"
#include "whose.h"
#include "why.h"

#ifndef RTE_ETH_DEV_BONDING_MEMBER      /* up to 23.07 */
#define RTE_ETH_DEV_BONDING_MEMBER RTE_ETH_DEV_BONDED_SLAVE
#endif

/* Whose port it is, or was until it was closed.  While the library is not enabled the notes are
 * not all there: then the probe lock is held. */
static int
device_of(uint16_t port_id, char *name)
{
	const struct rte_eth_dev *eth = &rte_eth_devices[port_id];

	if (whose_are_kept() || LOAD(eth->state) == RTE_ETH_DEV_UNUSED)
		return whose_device(port_id, name);
	snprintf(name, HOTPLUG_NAME_LEN, "%s", port_device_name(eth));
	return 0;
}

static int
detach_device(const char *name)
{
	struct rte_devargs devargs;
	struct rte_device *dev;
	uint16_t ids[RTE_MAX_ETHPORTS];
	int ret;

	ret = devargs_parse(&devargs, name);
	if (ret < 0)    /* -ENODEV may be what its caller wants */
		return ret == -ENOMEM ? ret : -ENODEV;
	dev = attach_find(&devargs);
	if (dev == NULL || !rte_dev_is_probed(dev))
		ret = -ENODEV;
	else if (port_list(dev, ids) > 0)
		ret = -EBUSY;   /* another of its ports is in use */
	else
		ret = rte_dev_remove(dev);
	rte_devargs_reset(&devargs);
	return ret;
}

static int
detach(uint16_t port_id, char *name, size_t size)
{
	char device[HOTPLUG_NAME_LEN];
	int ret = device_of(port_id, device);

	if (ret == 0 && strlen(device) >= size)
		return -ENAMETOOLONG;
	if (ret == 0 && !whose_is_detached(port_id))
		ret = detach_device(device);
	if (ret != 0)
		return ret;
	whose_forget(device);
	strcpy(name, device);
	return 0;
}

static int
detach_alone(uint16_t port_id, char *name, size_t size)
{
	int ret;

	port_probe_lock();
	ret = detach(port_id, name, size);
	port_probe_unlock();
	return ret;
}

/* In all processes.  is_closed: it must be, in this one. */
static int
detach_together(uint16_t port_id, bool is_closed, char *name, size_t size)
{
	struct hotplug_outcome outcome = { .size = sizeof(outcome) };
	char device[HOTPLUG_NAME_LEN];
	int ret = device_of(port_id, device);

	if (whose_is_detached(port_id))
		return detach_alone(port_id, name, size);
	if (ret == 0 && strlen(device) >= size)
		return -ENAMETOOLONG;
	if (ret == 0 && is_closed && whose_ports(device, NULL, 0) > 0)
		return -EBUSY;
	if (ret != 0)
		return ret;
	ret = sync_detach(device, &outcome);
	if (ret != 0) {
		api_log("detach", device, &outcome);
		return ret;
	}
	whose_forget(device);
	strcpy(name, device);
	return 0;
}

/* Who else has an open port, in words; NULL: nobody. */
static const char *
owner_of(uint16_t port_id)
{
	const struct rte_eth_dev *eth = &rte_eth_devices[port_id];

	if (LOAD(eth->state) == RTE_ETH_DEV_UNUSED)
		return NULL;
	if (eth->data->owner.id != RTE_ETH_DEV_NO_OWNER)
		return eth->data->owner.name;
	if (eth->data->dev_flags & RTE_ETH_DEV_BONDING_MEMBER)
		return "a bonding port (as its member)";
	return NULL;
}

static void
log_refusal(uint16_t port_id, int ret)
{
	const char *owner = owner_of(port_id);

	if (ret != -EBUSY)
		host_log(HOST_ERR, "detach port %u: %s", port_id, strerror(-ret));
	else if (owner != NULL)
		host_log(HOST_ERR, "detach port %u: it belongs to %s", port_id, owner);
	else
		host_log(HOST_ERR, "detach port %u: it, or another port of its device, is %s",
			 port_id, stuck_is(port_of(&rte_eth_devices[port_id])) ?
			 "stuck in its driver" : "not closed");
}

int
hotplug_port_detach(uint16_t port_id, char *name, size_t size)
{
	int ret;

	if (name == NULL || size == 0)
		return -EINVAL;
	if (port_id >= RTE_MAX_ETHPORTS)
		return -ENODEV;
	if (port_probe_is_mine())
		ret = -EDEADLK;
	else if (stuck_is(port_of(&rte_eth_devices[port_id])))
		ret = -EBUSY;
	else if (sync_is_on())
		ret = detach_together(port_id, true, name, size);
	else
		ret = detach_alone(port_id, name, size);
	if (ret != 0)
		log_refusal(port_id, ret);
	return ret;
}

static int
stop(uint16_t port_id)
{
	if (owner_of(port_id) != NULL) {
		log_refusal(port_id, -EBUSY);
		return -EBUSY;
	}
	return rte_eth_devices[port_id].data->dev_started ? rte_eth_dev_stop(port_id) : 0;
}

/* By the device: the port's id may be another's since it was closed.  One that was lost has been
 * detached already. */
static int
detach_closed(uint16_t port_id, const char *device)
{
	struct hotplug_outcome outcome = { .size = sizeof(outcome) };
	char now[HOTPLUG_NAME_LEN];
	int ret;

	if (whose_is_detached(port_id) && whose_device(port_id, now) == 0 &&
	    strcmp(now, device) == 0)
		return 0;
	if (!sync_is_on()) {
		port_probe_lock();
		ret = detach_device(device);
		port_probe_unlock();
	} else if (whose_ports(device, NULL, 0) > 0) {
		ret = -EBUSY;
	} else {
		ret = sync_detach(device, &outcome);
		if (ret != 0 && ret != -ENODEV)
			api_log("detach", device, &outcome);
	}
	return ret != -ENODEV ? ret : 0;
}

static int
close_and_detach(uint16_t port_id, const char *device)
{
	int ret = rte_eth_dev_close(port_id);

	if (ret == 0)
		ret = detach_closed(port_id, device);
	if (ret != 0)
		log_refusal(port_id, ret);
	else
		whose_forget(device);
	return ret;
}

int
hotplug_port_remove(uint16_t port_id, char *name, size_t size)
{
	char device[HOTPLUG_NAME_LEN];
	int ret;

	if (name == NULL || size == 0)
		return -EINVAL;
	if (port_id >= RTE_MAX_ETHPORTS)
		return -ENODEV;
	if (port_probe_is_mine())       /* before anything is closed */
		return -EDEADLK;
	whose_note(port_id);
	if (LOAD(rte_eth_devices[port_id].state) == RTE_ETH_DEV_UNUSED ||
	    whose_device(port_id, device) != 0)
		return hotplug_port_detach(port_id, name, size);
	if (strlen(device) >= size)
		return -ENAMETOOLONG;
	ret = stop(port_id);
	/* the primary closes it, last; what is lost is closed here */
	if (ret == 0 && sync_is_on() && port_of(&rte_eth_devices[port_id])->state <= PORT_LIVE)
		return detach_together(port_id, false, name, size);
	if (ret == 0)
		ret = close_and_detach(port_id, device);
	if (ret == 0)
		strcpy(name, device);
	return ret;
}
