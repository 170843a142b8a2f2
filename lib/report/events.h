/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_REPORT_EVENTS_H
#define HOTPLUG_REPORT_EVENTS_H

#include <stdbool.h>

#include "hotplug.h"

/* Each event goes to the subscribers, then to `last` (the log, which takes time). */
int events_start(hotplug_event_fn last);
/* Drops what is queued; a subscriber is waited for so long, and left behind then. */
void events_stop(unsigned int patience_ms);

/* Queue an event; never blocks.  Full: counted, and RESCAN follows. */
void events_push(const struct hotplug_event *event);

/* The subscribers have returned from all that was pushed; `last` may be at work on it. */
bool events_are_told(void);

/* Is the caller the events thread? */
bool events_is_self(void);

#endif /* HOTPLUG_REPORT_EVENTS_H */
