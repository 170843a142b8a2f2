/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_SURVIVE_REGIONS_H
#define HOTPLUG_SURVIVE_REGIONS_H

#include "../core/device.h"

/* What a lost device of this driver reads as. */
enum hotplug_fill regions_fill_of(const char *driver);
/* The regions of `info` are the device's: 0; -EINVAL, -ENOMEM, -ESTALE (hotplug_bus.h): none is. */
int regions_take(struct hotplug_device *dev, const struct hotplug_device_info *info);

#endif /* HOTPLUG_SURVIVE_REGIONS_H */
