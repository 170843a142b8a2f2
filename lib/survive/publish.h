/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_SURVIVE_PUBLISH_H
#define HOTPLUG_SURVIVE_PUBLISH_H

#include "../core/device.h"

/* One publication of a device.  Its key is a pointer, which another device, or another life of
 * this one, may have as soon as what it points to is freed. */
struct publication {
	struct hotplug_device *dev;     /* NULL: there is none */
	unsigned int life;
};

struct publication device_publication(const struct hotplug_bus *bus, const void *key);
/* Withdraw that one, whoever has its key by now. */
void device_end(const struct publication *was);

/* Its driver is at work in a call that unmaps nothing.  Any thread; NULL is fine. */
void device_enter(struct hotplug_device *dev);
void device_leave(struct hotplug_device *dev);
/* Set by enable, read at publish: which fill does this driver's device get? */
void device_set_fills(enum hotplug_fill fill, const struct hotplug_driver_fill *list);
/* Its driver has left its BARs mapped: unmap them; the device itself stays published. */
void device_unmap(const struct publication *was);
/* Its ports have been dead since before the library was disabled: it is lost once more, for what
 * it was lost for then.  False: it is not published with that key. */
bool device_stays_lost(struct hotplug_device *dev, const void *key);
void device_withdraw_all(const struct hotplug_bus *bus); /* NULL: all buses */

#endif /* HOTPLUG_SURVIVE_PUBLISH_H */
