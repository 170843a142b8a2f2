/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_WATCH_SPARE_H
#define HOTPLUG_WATCH_SPARE_H

#include "../core/device.h"
#include "state.h"

/* What that means for it; false: nothing, it is not the one any more that was looked at.
 * With device_lock() held, which is released meanwhile. */
bool spare(struct hotplug_device *dev, enum hotplug_look found, enum state_input *input);

#endif /* HOTPLUG_WATCH_SPARE_H */
