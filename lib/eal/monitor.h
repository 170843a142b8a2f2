/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_EAL_MONITOR_H
#define HOTPLUG_EAL_MONITOR_H

#include <stdbool.h>

/* Does EAL's own device event monitor run in this process?  Reads /proc. */
bool eal_has_monitor(void);

#endif /* HOTPLUG_EAL_MONITOR_H */
