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
/* Those of a device (one at least) that live still, all at once.  An owner may be closing or
 * detaching one at this very moment: then that is no loss. */
void die_of_loss(const struct ports *ports, const char *device);
/* Before its driver is closed, with nobody in a call that sets it up. */
void die_with_what_was_set(struct rte_eth_dev *eth);

#endif /* HOTPLUG_PORT_DIE_H */
