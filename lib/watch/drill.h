/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_WATCH_DRILL_H
#define HOTPLUG_WATCH_DRILL_H

#include <stdint.h>

/* The drill that the configuration asks for, on the work thread in its time. */
void drill_plan(void);
/* Now, and back after so long (0: it stays away).  0, or hotplug_simulate_removal()'s. */
int drill_run(const char *device, uint32_t for_ms);

#endif /* HOTPLUG_WATCH_DRILL_H */
