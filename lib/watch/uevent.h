/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_WATCH_UEVENT_H
#define HOTPLUG_WATCH_UEVENT_H

#include <stdbool.h>

#include "hotplug_bus.h"

/* Open the kernel's uevents; a descriptor to poll, or -errno. */
int uevent_open(unsigned int buffer_kb);
void uevent_close(void);

/* Receive one: 1 with it in *uevent (valid until the next call), 0 none is
 * waiting, -ENOBUFS some were lost, another -errno.  is_synthetic: somebody
 * wrote to a uevent file. */
int uevent_next(struct hotplug_uevent *uevent, bool *is_synthetic);

/* Why uevents cannot reach this process, or NULL. */
const char *uevent_obstacle(void);

#endif /* HOTPLUG_WATCH_UEVENT_H */
