/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_PORT_DIE_H
#define HOTPLUG_PORT_DIE_H

#include "port.h"

/* A duty (core/duty.h): its ports die. */
void port_lost(struct hotplug_bus *bus, const void *key);
/* The same, of a device that was lost before its ports were known. */
void lost_unseen(struct hotplug_bus *bus, const void *key, const char *device);
/* What has been owed to ports since before the library was disabled. */
void lost_go_on(void);
/* One of them.  Its owner may be closing or detaching it at this very moment: then it is no
 * loss. */
void die_of_loss(struct rte_eth_dev *eth, struct port *port);
/* Before its driver is closed, with nobody in a call that sets it up. */
void die_with_what_was_set(struct rte_eth_dev *eth);

#endif /* HOTPLUG_PORT_DIE_H */
