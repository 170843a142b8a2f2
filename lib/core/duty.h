/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_CORE_DUTY_H
#define HOTPLUG_CORE_DUTY_H

#include "hotplug.h"

/* Have fn told of every event, on the thread that finds it out: it marks what is to be done
 * (work.h), and neither blocks nor calls back.  0 or -ENOSPC. */
int duty_take(hotplug_event_fn fn);
void duty_leave(hotplug_event_fn fn);

/* Before the event is queued for subscribers; without a lock. */
void duty_tell(const struct hotplug_event *event);

#endif /* HOTPLUG_CORE_DUTY_H */
