/* SPDX-License-Identifier: BSD-3-Clause */

/* local: attach and detach in this process alone.
 * rte_dev_probe() and rte_dev_remove() tell the other processes themselves; what
 * they do in their own is not exported, so it is done here with the bus's own ops.
 * In:  a name and devargs (the hand, app for private devices).  Out: a device, or
 *      everything as it was.
 * A virtual device in a secondary is made with rte_vdev_init(): the bus's scan would
 * ask the primary by message, and wait five seconds for one that is stopped.
 * Lock: port_probe_lock() is held by the caller.
 * Context: the hand, app, work, teardown; blocks as long as the driver does. */

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_bus.h>
#include <rte_bus_vdev.h>
#include <rte_dev.h>
#include <rte_eal.h>

#include "../core/device.h"
#include "../eal/devargs.h"
#include "../eal/stock_bus.h"
#include "calls.h"
#include "found.h"
#include "leave.h"
#include "local.h"
#include "others.h"
#include "port.h"
#include "shared.h"

/* EAL owns what has been inserted; it may put it into what it has.  A secondary's list
 * of virtual devices comes from the primary without their devargs. */
static int
insert_devargs(struct rte_bus *bus, const char *name, const char *text)
{
	struct rte_devargs *devargs = calloc(1, sizeof(*devargs));
	struct rte_device *dev = found_on(bus, name);
	int ret;

	if (devargs == NULL)
		return -ENOMEM;
	ret = devargs_parse(devargs, text);
	if (ret == 0)
		ret = rte_devargs_insert(&devargs) != 0 ? -EINVAL : 0;
	if (ret != 0) {
		rte_devargs_reset(devargs);
		free(devargs);
	} else if (dev != NULL && bus_is_virtual(bus) && !rte_dev_is_probed(dev)) {
		bus_give_devargs(dev, devargs);
	}
	return ret;
}

static void
remove_devargs(const char *text)
{
	struct rte_devargs devargs;

	if (devargs_parse(&devargs, text) == 0)
		rte_devargs_remove(&devargs);
	rte_devargs_reset(&devargs);
}

/* A virtual device's driver is given all that is not its name: of layers
 * ("bus=vdev,name=net_null0/driver=net_null,size=100") it would take none. */
static const char *
plain(const struct rte_bus *bus, const char *name, const char *text, char *copy, size_t len)
{
	const char *args, *end;

	if (!bus_is_virtual(bus) || strncmp(text, "bus=", 4) != 0)
		return text;
	args = strstr(text, "/driver=");
	args = args != NULL ? args + strcspn(args, ",") : "";
	end = strstr(args, "/class=");
	snprintf(copy, len, "%s%.*s", name, end != NULL ? (int)(end - args) : (int)strlen(args),
		 args);
	return copy;
}

void
local_expect(const char *text)
{
	char name[HOTPLUG_NAME_LEN], copy[HOTPLUG_DEVARGS_LEN];
	struct rte_bus *bus = found_name(text, name) == 0 ? found_bus(name) : NULL;

	if (bus != NULL)
		(void)insert_devargs(bus, name, plain(bus, name, text, copy, sizeof(copy)));
}

/* As EAL does it in its own process. */
static int
probe(struct rte_bus *bus, const char *name, const char *text)
{
	struct rte_device *dev;
	int ret = insert_devargs(bus, name, text);

	if (ret != 0)
		return ret;
	ret = found_on(bus, name) != NULL && bus_is_virtual(bus) ? 0 : bus_scan(bus);
	dev = found_on(bus, name);
	if (ret == 0 && dev == NULL)
		ret = -ENODEV;
	if (ret != 0) {
		remove_devargs(text);
		return ret;
	}
	ret = bus_plug(bus, dev);
	return ret > 0 ? -ENOTSUP : ret;
}

static int
probe_vdev_in_secondary(struct rte_bus *bus, const char *name, const char *text)
{
	const char *args = strchr(text, ',');
	int ret = -EEXIST;

	if (found_on(bus, name) == NULL)
		ret = rte_vdev_init(name, args != NULL ? args + 1 : "");
	if (ret == -EEXIST)             /* EAL knows it, from its start */
		return probe(bus, name, text);
	return ret > 0 ? -ENOTSUP : ret;
}

/* 1, or -errno: also where the bus has said yes and there is no device. */
static int
probe_new(struct rte_bus *bus, const char *name, const char *text)
{
	char who[256];
	int ret;

	if (rte_eal_process_type() == RTE_PROC_SECONDARY) {
		ret = bus_is_virtual(bus) ? probe_vdev_in_secondary(bus, name, text) :
			probe(bus, name, text);
	} else {
		ret = others_check(rte_bus_name(bus), name, who, sizeof(who));
		if (ret == 0)
			ret = probe(bus, name, text);
	}
	if (ret != 0)
		return ret;
	return found_probed(name) != NULL ? 1 : -ENODEV;
}

/* Is it what another card, or a lost one, has left here?  This process may have slept
 * through all of that. */
static bool
is_stale(const char *name)
{
	struct hotplug_device *dev = device_find(NULL, name);
	struct hotplug_identity now;
	uint64_t generation;
	const void *key;

	if (dev == NULL)
		return false;
	device_lock();
	key = dev->key;
	generation = dev->id.generation;
	device_unlock();
	if (key == NULL || device_is_lost(dev->bus, key) || device_is_cut(dev->bus, key))
		return key != NULL;
	return dev->bus->ops->identify != NULL && dev->bus->ops->identify(name, &now) == 0 &&
		now.generation != generation;
}

/* A secondary's port outlives its driver's remove where the primary has closed it
 * first: the driver does not find it by its name any more.  The device is freed by
 * then; stand_in is what DESTROY callbacks see of it. */
static void
release_rest(const struct rte_device *dev, struct rte_device *stand_in, const uint16_t *ids,
	     unsigned int n)
{
	struct rte_eth_dev *eth;
	unsigned int i;

	for (i = 0; i < n; i++) {
		eth = &rte_eth_devices[ids[i]];
		if (LOAD(eth->state) == RTE_ETH_DEV_UNUSED || LOAD(eth->device) != dev)
			continue;
		STORE(eth->device, stand_in);
		rte_eth_dev_release_port(eth);
	}
}

static int
unplug(struct rte_bus *bus, struct rte_device *dev, const char *name)
{
	struct rte_device stand_in = *dev;
	struct leaving old[RTE_MAX_ETHPORTS];
	uint16_t ids[RTE_MAX_ETHPORTS];
	unsigned int n = port_list(dev, ids);
	int ret;

	leave_begin(ids, n, old);
	ret = bus_unplug(bus, dev);
	if (ret != 0) {
		leave_undo(ids, n, old);
		return ret > 0 ? -ENOENT : ret;
	}
	stand_in.name = name;
	stand_in.devargs = NULL;
	release_rest(dev, &stand_in, ids, n);
	return 1;
}

int
local_remove(const char *name)
{
	struct rte_bus *bus = found_owner(name);

	return bus != NULL ? unplug(bus, found_on(bus, name), name) : 0;
}

int
local_probe(const char *name, const char *text)
{
	struct rte_bus *bus = found_bus(name);
	char copy[HOTPLUG_DEVARGS_LEN];

	if (bus == NULL)        /* no driver here that knows such a name */
		return -ENOTSUP;
	text = plain(bus, name, text, copy, sizeof(copy));
	if (rte_eal_process_type() == RTE_PROC_SECONDARY && is_stale(name))
		(void)local_remove(name);
	(void)calls_guard();            /* the end of the probe comes to us (lead.c) */
	return found_probed(name) != NULL ? 0 : probe_new(bus, name, text);
}

/* EAL's own calls tell the other processes first, through the folder of their sockets.  Who
 * has given up root may not read it: then there is nobody whom we could tell. */
static bool
can_tell(void)
{
	DIR *folder = opendir(rte_eal_get_runtime_dir());

	if (folder == NULL)
		return false;
	closedir(folder);
	return true;
}

int
local_remove_told(struct rte_device *dev)
{
	char name[HOTPLUG_NAME_LEN];
	int ret;

	snprintf(name, sizeof(name), "%s", rte_dev_name(dev));
	if (rte_eal_process_type() != RTE_PROC_PRIMARY || can_tell())
		return rte_dev_remove(dev);
	ret = local_remove(name);
	return ret > 0 ? 0 : ret;
}

/* Other processes are told in 128 bytes: older EALs cut off what is longer, 26.07 refuses
 * to probe it here, too.  That a card was given more at the start must not keep it away. */
int
local_probe_told(const char *name, const char *text)
{
	bool is_primary = rte_eal_process_type() == RTE_PROC_PRIMARY;
	int ret = !is_primary || can_tell() ? rte_dev_probe(text) : -E2BIG;

	if (ret != -E2BIG || !is_primary)
		return ret;
	ret = local_probe(name, text);
	if (ret == 0)
		return -EEXIST;
	return ret > 0 ? 0 : ret;
}
