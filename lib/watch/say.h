/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_WATCH_SAY_H
#define HOTPLUG_WATCH_SAY_H

#include "../core/device.h"
#include "state.h"

/* All with device_lock() held, which is released meanwhile. */
void say_event(struct hotplug_device *dev, enum hotplug_event_type type, enum hotplug_cause cause);
void say_gone(struct hotplug_device *dev, enum state_input input);
void say_restored(struct hotplug_device *dev);
void say_requested(struct hotplug_device *dev);
void say_held(struct hotplug_device *dev);
/* A card is there; withheld while the device is flapping. */
void say_ready(struct hotplug_device *dev, const struct hotplug_identity *id);

/* Has it neither gone nor come for a while? */
bool say_is_quiet(const struct hotplug_device *dev, uint64_t now);

#endif /* HOTPLUG_WATCH_SAY_H */
