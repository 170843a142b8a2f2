/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_EAL_STOCK_BUS_H
#define HOTPLUG_EAL_STOCK_BUS_H

#include <stdbool.h>

struct rte_bus;
struct rte_device;
struct rte_devargs;

/* stock_bus.c, bus_2211.c, bus_2607.c: a stock bus's ops, as this DPDK has them; what EAL
 * does with them in its own process.  0 or > 0 as the bus says, -errno. */
bool bus_is_virtual(const struct rte_bus *bus);
int bus_scan(struct rte_bus *bus);
int bus_plug(struct rte_bus *bus, struct rte_device *dev);      /* > 0: no driver */
int bus_unplug(struct rte_bus *bus, struct rte_device *dev);    /* 0: dev is freed */
/* The first that fits (match: 0), probed or not; NULL. */
struct rte_device *bus_find_device(struct rte_bus *bus,
				   int (*match)(const struct rte_device *dev, const void *data),
				   const void *data);

/* Does its unplug take a device's devargs away?  Up to 26.03. */
bool bus_drops_devargs(void);
/* These, of EAL's list, are the device's from now on. */
void bus_give_devargs(struct rte_device *dev, struct rte_devargs *devargs);
/* While EAL starts: call this once when it has probed the last bus, "vdev". */
void bus_after_first_probe(void (*then)(void));

#endif /* HOTPLUG_EAL_STOCK_BUS_H */
