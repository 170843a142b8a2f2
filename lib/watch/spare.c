/* SPDX-License-Identifier: BSD-3-Clause */

/* spare: a device was reset, and answers: is it lost for that?
 * In:  what a look has found (judge).  Out: lost; or present as before, since its application
 *      sees to it (duty.c): RESTORED then says why.
 * Lock: device_lock() is held by the caller, and released while others are asked.
 * Context: watch. */

#include "../core/duty.h"
#include "spare.h"

static bool
is_spared(struct hotplug_device *dev)
{
	struct hotplug_bus *bus = dev->bus;
	const void *key = dev->key;
	bool is;

	device_unlock();
	is = duty_spares(bus, key);
	device_lock();
	return is && dev->key == key;
}

/* From now on it is this one. */
enum state_input
spare(struct hotplug_device *dev, enum hotplug_look found)
{
	if (found == HOTPLUG_LOOK_MUTED || !is_spared(dev))
		return STATE_IN_RESET;
	if (found == HOTPLUG_LOOK_RESET && dev->look.result.id.resets != 0)
		dev->id.resets = dev->look.result.id.resets;
	dev->was_reset = true;
	return STATE_IN_PRESENT;
}
