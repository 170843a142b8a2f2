/* SPDX-License-Identifier: BSD-3-Clause */

/* stock_bus: what we ask of any stock bus that every DPDK has alike; the rest is in
 * bus_2211.c and bus_2607.c.
 * Context: app, events. */

#include <errno.h>
#include <string.h>

#include <bus_driver.h>
#include <dev_driver.h>

#include "stock_bus.h"

bool
bus_is_virtual(const struct rte_bus *bus)
{
	return strcmp(bus->name, "vdev") == 0;
}

int
bus_scan(struct rte_bus *bus)
{
	return bus->scan() < 0 ? -EIO : 0;
}

void
bus_give_devargs(struct rte_device *dev, struct rte_devargs *devargs)
{
	dev->devargs = devargs;
}
