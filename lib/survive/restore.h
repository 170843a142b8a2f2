/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_SURVIVE_RESTORE_H
#define HOTPLUG_SURVIVE_RESTORE_H

#include "../core/device.h"

/* -ESTALE: another file has its name now; -errno: it cannot be mapped. */
int restore_region(const struct region *region);

#endif /* HOTPLUG_SURVIVE_RESTORE_H */
