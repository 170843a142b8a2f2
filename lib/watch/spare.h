/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_WATCH_SPARE_H
#define HOTPLUG_WATCH_SPARE_H

#include "../core/device.h"
#include "state.h"

/* With device_lock() held, which is released meanwhile. */
enum state_input spare(struct hotplug_device *dev, enum hotplug_look found);

#endif /* HOTPLUG_WATCH_SPARE_H */
