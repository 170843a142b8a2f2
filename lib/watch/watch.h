/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_WATCH_WATCH_H
#define HOTPLUG_WATCH_WATCH_H

/* Start and stop the thread.  on_tick runs on it once a second, without locks. */
int watch_start(void (*on_tick)(void));
void watch_stop(void);
void watch_close(void);                 /* after the last withdrawal */

#endif /* HOTPLUG_WATCH_WATCH_H */
