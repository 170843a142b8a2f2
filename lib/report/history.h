/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_REPORT_HISTORY_H
#define HOTPLUG_REPORT_HISTORY_H

#include "hotplug.h"

/* How many events are remembered. */
#define HISTORY_KEPT 256

/* Numbers begin anew; what was is forgotten. */
void history_begin(void);
/* It gets its number and its time. */
void history_note(struct hotplug_event *event);

/* The newest first, of those before that sequence number (0: of all); how many. */
unsigned int history_read(uint64_t before, struct hotplug_event *out, unsigned int n_max);

#endif /* HOTPLUG_REPORT_HISTORY_H */
