/* SPDX-License-Identifier: BSD-3-Clause */

/* spare: a device was reset, and answers: is it lost for that?
 * In:  what a look has found (judge).  Out: lost; or present as before, since its application
 *      sees to it (duty.c): RESTORED then says why.
 * Lock: device_lock() is held by the caller, and released while others are asked: meanwhile its
 *      life may end, and another begin.  What was found is not of that one.
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
	return is;
}

/* From now on it is this one. */
static void
take_reset(struct hotplug_device *dev, enum hotplug_look found)
{
	if (found == HOTPLUG_LOOK_RESET && dev->look.result.id.resets != 0)
		dev->id.resets = dev->look.result.id.resets;
	dev->was_reset = true;
}

bool
spare(struct hotplug_device *dev, enum hotplug_look found, enum state_input *input)
{
	unsigned int life = dev->life;
	bool is = found != HOTPLUG_LOOK_MUTED && is_spared(dev);

	if (dev->key == NULL || dev->life != life)
		return false;
	*input = is ? STATE_IN_PRESENT : STATE_IN_RESET;
	if (is)
		take_reset(dev, found);
	return true;
}
