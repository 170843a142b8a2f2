/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_SURVIVE_DESCRIPTORS_H
#define HOTPLUG_SURVIVE_DESCRIPTORS_H

#include "../core/device.h"

/* With device_lock() held. */
void descriptors_watch(struct hotplug_device *dev, const struct hotplug_device_info *info);
void descriptors_close(struct hotplug_device *dev);

#endif /* HOTPLUG_SURVIVE_DESCRIPTORS_H */
