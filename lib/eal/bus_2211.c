/* SPDX-License-Identifier: BSD-3-Clause */

/* bus_2211: the ops of any stock bus that differ, as DPDK 22.11 to 26.03 have them.
 * Context: app, events; plug and unplug: whoever waits for drivers. */

#include <errno.h>

#include <bus_driver.h>
#include <dev_driver.h>

#include "stock_bus.h"

struct rte_device *
bus_find_device(struct rte_bus *bus, int (*match)(const struct rte_device *dev, const void *data),
		const void *data)
{
	return bus->find_device(NULL, match, data);
}

int
bus_plug(struct rte_bus *bus, struct rte_device *dev)
{
	return bus->plug != NULL ? bus->plug(dev) : -ENOTSUP;
}

int
bus_unplug(struct rte_bus *bus, struct rte_device *dev)
{
	return bus->unplug != NULL ? bus->unplug(dev) : -ENOTSUP;
}

static rte_bus_probe_t stock_vdev_probe;
static void (*after_first_probe)(void);

static int
vdev_probe(void)
{
	struct rte_bus *vdev = rte_bus_find_by_name("vdev");
	int ret;

	vdev->probe = stock_vdev_probe;
	ret = vdev->probe();
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
	return true;
}
