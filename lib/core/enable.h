/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_CORE_ENABLE_H
#define HOTPLUG_CORE_ENABLE_H

#include <stdbool.h>

#include "hotplug.h"

/* Between a successful hotplug_enable() and hotplug_disable(); any context. */
bool enable_is_on(void);

/* Was this process forked while it was on?  Then it is off here for good: its threads are
 * the parent's, and so is what its descriptors lead to. */
bool enable_is_child(void);

/* The configuration in force; where nobody keeps it from changing, device_lock() does. */
const struct hotplug_config *enable_config(void);

/* main/rooms.c's own. */
void enable_configure(const struct hotplug_config *wanted);
void enable_set(bool on);
void enable_begin_child(void);

#endif /* HOTPLUG_CORE_ENABLE_H */
