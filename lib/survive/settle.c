/* SPDX-License-Identifier: BSD-3-Clause */

/* settle: a driver is at work on a device, and may be unmapping it.
 * In:  backends (unsettle, settle), the ports' control calls (enter, leave).
 * Out: the registers of a device that is cut off flip meanwhile; while it is unsettled, a
 *      fault is answered only where the mapping is the recorded one.
 * Lock: device_lock(), for each call as a whole; enter and leave only where there is
 *      something to begin or to end.
 * Context: any thread. */

#include <errno.h>

#include "cutoff.h"
#include "publish.h"

int
hotplug_device_unsettle(struct hotplug_bus *bus, const void *key)
{
	struct hotplug_device *dev;

	device_lock();
	dev = device_find_key(bus, key);
	if (dev != NULL) {
		atomic_fetch_add(&dev->n_unsettled, 1);
		atomic_fetch_add(&dev->n_at_work, 1);
		cutoff_check_flip(dev);
	}
	device_unlock();
	return dev != NULL ? 0 : -ENOENT;
}

int
hotplug_device_settle(struct hotplug_bus *bus, const void *key)
{
	struct hotplug_device *dev;

	device_lock();
	dev = device_find_key(bus, key);
	if (dev != NULL && atomic_load(&dev->n_unsettled) > 0) {
		if (atomic_fetch_sub(&dev->n_unsettled, 1) == 1)
			cutoff_drop_unmapped(dev);
		atomic_fetch_sub(&dev->n_at_work, 1);
		cutoff_check_flip(dev);
	}
	device_unlock();
	return dev != NULL ? 0 : -ENOENT;
}

/* With the lock only where there is something to begin or to end. */
void
device_enter(struct hotplug_device *dev)
{
	if (dev == NULL)
		return;
	atomic_fetch_add(&dev->n_at_work, 1);
	if (!atomic_load(&dev->is_cut) || atomic_load(&dev->flip) != NULL)
		return;
	device_lock();
	cutoff_check_flip(dev);
	device_unlock();
}

void
device_leave(struct hotplug_device *dev)
{
	if (dev == NULL || atomic_fetch_sub(&dev->n_at_work, 1) != 1 ||
	    atomic_load(&dev->flip) == NULL)
		return;
	device_lock();
	cutoff_check_flip(dev);
	device_unlock();
}
