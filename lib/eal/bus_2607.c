/* SPDX-License-Identifier: BSD-3-Clause */

/* bus_2607: the ops of any stock bus that differ, as DPDK 26.07 and later have them.
 * Context: app, events; plug and unplug: whoever waits for drivers. */

#include <errno.h>

#include <rte_bus_vdev.h>

#include <bus_driver.h>
#include <dev_driver.h>

#include "stock_bus.h"

struct rte_device *
bus_find_device(struct rte_bus *bus, int (*match)(const struct rte_device *dev, const void *data),
		const void *data)
{
	return bus->find_device(bus, NULL, match, data);
}

/* Driver after driver that matches, until one takes it. */
int
bus_plug(struct rte_bus *bus, struct rte_device *dev)
{
	struct rte_driver *drv = NULL;
	int ret = 1;

	if (bus->probe_device == NULL)
		return -ENOTSUP;
	while (ret > 0 && (drv = rte_bus_find_driver(bus, drv, dev)) != NULL) {
		dev->driver = drv;
		ret = bus->probe_device(drv, dev);
		if (ret != 0)
			dev->driver = NULL;
	}
	return ret;
}

/* And out of the bus's list, as the buses did it themselves before.  EAL leaves a device
 * there without a driver, and its own detach in all processes is then undone by one
 * that has detached already: -ENODEV where -ENOENT is looked past. */
int
bus_unplug(struct rte_bus *bus, struct rte_device *dev)
{
	int ret;

	if (bus_is_virtual(bus))
		return rte_vdev_uninit(dev->name);      /* under that bus's own lock */
	if (bus->unplug_device == NULL || bus->free_device == NULL)
		return -ENOTSUP;
	ret = bus->unplug_device(dev);
	if (ret == 0) {
		rte_bus_remove_device(bus, dev);
		bus->free_device(dev);
	}
	return ret;
}

static rte_bus_probe_t stock_vdev_probe;
static void (*after_first_probe)(void);

static int
vdev_probe(struct rte_bus *vdev)
{
	int ret;

	vdev->probe = stock_vdev_probe;
	ret = vdev->probe(vdev);
	after_first_probe();
	return ret;
}

void
bus_after_first_probe(void (*then)(void))
{
	struct rte_bus *vdev = rte_bus_find_by_name("vdev");

	if (vdev == NULL) {
		then();
		return;
	}
	after_first_probe = then;
	stock_vdev_probe = vdev->probe;
	vdev->probe = vdev_probe;
}

bool
bus_drops_devargs(void)
{
	return false;
}
