/* SPDX-License-Identifier: BSD-3-Clause */

/* vdev_2211: the stock "vdev" bus, as DPDK 22.11 to 26.03 lay it out.
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
	return stock.unplug(dev);
}

static int
unplug(struct rte_device *dev)
{
	return stock.find_device(NULL, match_same, dev) != NULL ? stock.unplug(dev) :
		hotplug_unplug(&vdev_bus, dev, stock_unplug, NULL);
}

static int
cleanup(void)
{
	int ret;

	vdev_before_cleanup();
	ret = stock.cleanup();
	vdev_after_cleanup();
	return ret;
}

void
vdev_epoch_wrap(struct rte_bus *bus)
{
	if (bus->unplug == unplug)
		return;
	stock = *bus;
	bus->unplug = unplug;
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
	return bus->find_device(after, match_any, NULL);
}
