/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_SURVIVE_PUBLISH_H
#define HOTPLUG_SURVIVE_PUBLISH_H

#include "../core/device.h"

/* Its driver is at work in a call that unmaps nothing.  Any thread; NULL is fine. */
void device_enter(struct hotplug_device *dev);
void device_leave(struct hotplug_device *dev);
/* Set by enable, read at publish: which fill does this driver's device get? */
void device_set_fills(enum hotplug_fill fill, const struct hotplug_driver_fill *list);
/* Its driver has left its BARs mapped: unmap them; the device itself stays published. */
void device_unmap(struct hotplug_bus *bus, const void *key);
void device_withdraw_all(const struct hotplug_bus *bus); /* NULL: all buses */

#endif /* HOTPLUG_SURVIVE_PUBLISH_H */
