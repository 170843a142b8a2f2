/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_CORE_ENABLE_H
#define HOTPLUG_CORE_ENABLE_H

#include <stdbool.h>

#include "hotplug.h"

/* Between a successful hotplug_enable() and hotplug_disable(); any context. */
bool enable_is_on(void);

/* The configuration in force; where nobody keeps it from changing, device_lock() does. */
const struct hotplug_config *enable_config(void);

#endif /* HOTPLUG_CORE_ENABLE_H */
