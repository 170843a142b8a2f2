/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_EXAMPLE_EVENTS_H
#define HOTPLUG_EXAMPLE_EVENTS_H

/* From now on what happens is kept, the last of it.  0, or -errno. */
int events_keep(void);
/* Each, from the oldest on; say is called without a lock held. */
void events_say(void (*say)(const char *line, void *arg), void *arg);

#endif /* HOTPLUG_EXAMPLE_EVENTS_H */
