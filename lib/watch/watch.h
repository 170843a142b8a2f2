/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_WATCH_WATCH_H
#define HOTPLUG_WATCH_WATCH_H

#include "../core/device.h"

/* Start and stop the thread.  on_tick runs on it once a second, without locks. */
int watch_start(void (*on_tick)(void));
void watch_stop(void);
void watch_close(void);                 /* after the last withdrawal */

/* Signal-safe: there are signs to take. */
void watch_wake(void);

/* Watch a dup of fd for hang-up; the dup, or -errno.  Any thread. */
int watch_add_fd(int fd, struct hotplug_device *dev);
void watch_forget_fd(int own_fd);       /* closes it */

/* Is the uevent monitor at work? */
bool watch_has_monitor(void);

#endif /* HOTPLUG_WATCH_WATCH_H */
