/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_WATCH_DRILL_H
#define HOTPLUG_WATCH_DRILL_H

/* The drill that the configuration asks for, on the work thread in its time. */
void drill_plan(void);

#endif /* HOTPLUG_WATCH_DRILL_H */
