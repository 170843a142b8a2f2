/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_SURVIVE_GUARD_H
#define HOTPLUG_SURVIVE_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#include "../core/device.h"

/* Readers, in any context: enter, find, use what was found, leave. */
void guard_enter(void);
struct region *guard_find(uintptr_t addr);      /* NULL: nobody's */
void guard_leave(void);

/* Who asks whether anything of that is guarded, in any context but signal: begin, ask, end.  Nobody
 * waits for them, however long they have no processor: the tables are kept for them. */
void guard_look_begin(void);
bool guard_has(uintptr_t start, uintptr_t end);
void guard_look_end(void);

/* Until those that were in there have left. */
void guard_wait(void);

/* Writers, with device_lock() held.  When they return, no reader holds what
 * was withdrawn. */
int guard_publish(struct hotplug_device *dev);  /* all its regions */
void guard_withdraw(const struct hotplug_device *dev);
/* To where its record is from now on, or NULL: withdrawn. */
void guard_move(const struct region *from, struct region *to);
void guard_withdraw_range(uintptr_t start, uintptr_t end);      /* each region in it */
void guard_bring_back(struct region *region);   /* one of those */

#endif /* HOTPLUG_SURVIVE_GUARD_H */
