/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_SURVIVE_INTACT_H
#define HOTPLUG_SURVIVE_INTACT_H

#include <stdbool.h>
#include <stdint.h>

#include "../core/device.h"
#include "../eal/maps.h"

/* Record what is mapped at the device's regions; -ESTALE: nothing, or too much. */
int intact_record(struct hotplug_device *dev);
void intact_find(const struct hotplug_device *dev, bool is_intact[HOTPLUG_MAX_REGIONS]);

/* Is the mapping at addr still the region's, or one of ours? */
bool intact_is_mapped(const struct region *region, uintptr_t addr);
/* Is anything of ours at the device's regions, of what has a file? */
bool intact_has_own(const struct hotplug_device *dev);
/* Is what was recorded of the region the device's, by the name of its file (struct
 * hotplug_region), or what we had laid there before we were disabled? */
bool intact_is_devices(const struct region *region, const char *file);
/* Was that laid when the library was disabled? */
bool intact_was_laid(const struct hotplug_device *dev, const struct vma *vma);
/* By its name: a BAR as EAL maps it? */
bool intact_is_bar(const struct vma *vma);

#endif /* HOTPLUG_SURVIVE_INTACT_H */
