/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_WATCH_WATCH_H
#define HOTPLUG_WATCH_WATCH_H

#include "../core/device.h"

/* Start and stop the thread.  on_tick runs on it once a second, without locks. */
int watch_start(void (*on_tick)(void));
void watch_stop(void);
void watch_close(void);                 /* after the last withdrawal */

/* Is the uevent monitor at work? */
bool watch_has_monitor(void);

#endif /* HOTPLUG_WATCH_WATCH_H */
