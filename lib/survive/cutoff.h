/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_SURVIVE_CUTOFF_H
#define HOTPLUG_SURVIVE_CUTOFF_H

#include <stdbool.h>

#include "../core/device.h"

/* With device_lock() held; idempotent. */
int cutoff_device(struct hotplug_device *dev);
int cutoff_restore(struct hotplug_device *dev);
void cutoff_fill_device(struct hotplug_device *dev);    /* all of it, for good */
void cutoff_drop_unmapped(struct hotplug_device *dev);  /* regions that are no more */

/* Unmap what is left of its regions, whether cut off or not; they are guarded no more. */
void cutoff_unmap(struct hotplug_device *dev);

/* Each second, without the lock: BARs that could not be mapped over when their device
 * was lost still lead to the bus. */
void cutoff_retry(void);

/* A driver has come to work on it, or has left: its registers flip, or do no more. */
void cutoff_check_flip(struct hotplug_device *dev);

/* Signal-safe, for a device that is being probed and not guarded yet: is a BAR
 * mapped at addr?  Then make the chunk there readable: 0; 1: it is no BAR. */
int cutoff_lay_unguarded(uintptr_t addr);

#endif /* HOTPLUG_SURVIVE_CUTOFF_H */
