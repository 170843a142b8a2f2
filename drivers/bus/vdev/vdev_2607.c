/* SPDX-License-Identifier: BSD-3-Clause */

/* vdev_2607: the stock "vdev" bus, as DPDK lays it out from 26.07 on.
 * In:  EAL calls our wrappers.  Out: the bus's own ops, and vdev.c around them.
 * Probes and removals are taken at the drivers (drivers.c); unplug is here for what is no
 * device of this bus, the stand-in of one that was lost.
 * Context: app, teardown. */

#include "vdev.h"

static struct rte_bus stock;    /* the ops as they were */

static int
match_same(const struct rte_device *dev, const void *data)
{
	return dev != data;
}

static int
stock_unplug(struct rte_device *dev, void *arg)
{
	(void)arg;
	return stock.unplug_device(dev);
}

static int
unplug(struct rte_device *dev)
{
	const struct rte_bus *bus = rte_bus_find_by_name("vdev");

	return stock.find_device(bus, NULL, match_same, dev) != NULL ? stock.unplug_device(dev) :
		hotplug_unplug(&vdev_bus, dev, stock_unplug, NULL);
}

static int
cleanup(struct rte_bus *bus)
{
	int ret;

	vdev_before_cleanup();
	ret = stock.cleanup(bus);
	vdev_after_cleanup();
	return ret;
}

void
vdev_epoch_wrap(struct rte_bus *bus)
{
	if (bus->unplug_device == unplug)
		return;
	stock = *bus;
	bus->unplug_device = unplug;
	bus->cleanup = cleanup;
}

static int
match_any(const struct rte_device *dev, const void *data)
{
	(void)dev;
	(void)data;
	return 0;
}

struct rte_device *
vdev_epoch_next(struct rte_bus *bus, const struct rte_device *after)
{
	return bus->find_device(bus, after, match_any, NULL);
}
