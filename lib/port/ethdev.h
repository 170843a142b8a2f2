/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_PORT_ETHDEV_H
#define HOTPLUG_PORT_ETHDEV_H

#include "hotplug_bus.h"

struct rte_device;

/* Stand in front of dev_stop and dev_close of the ports on a guarded device; again is fine. */
void ethdev_wrap(struct hotplug_bus *bus, const struct rte_device *dev);
/* Put every port's own dev_ops back. */
void ethdev_unwrap_all(void);

/* The ports on a device, HOTPLUG_MAX_PORTS at most; how many. */
unsigned int ethdev_ports(const struct rte_device *dev, uint16_t *port);

#endif /* HOTPLUG_PORT_ETHDEV_H */
