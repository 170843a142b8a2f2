/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_SURVIVE_GUARD_H
#define HOTPLUG_SURVIVE_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#include "../core/device.h"

/* Readers, in any context: enter, find, use what was found, leave. */
void guard_enter(void);
struct region *guard_find(uintptr_t addr);      /* NULL: nobody's */
bool guard_has(uintptr_t start, uintptr_t end); /* anything of that */
void guard_leave(void);

/* Until those that were in there have left. */
void guard_wait(void);

/* Writers, with device_lock() held.  When they return, no reader holds what
 * was withdrawn. */
int guard_publish(struct hotplug_device *dev);  /* all its regions */
void guard_withdraw(const struct hotplug_device *dev);
/* To where its record is from now on, or NULL: withdrawn. */
void guard_move(const struct region *from, struct region *to);
void guard_withdraw_range(uintptr_t start, uintptr_t end);      /* each region in it */

#endif /* HOTPLUG_SURVIVE_GUARD_H */
