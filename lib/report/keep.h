/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_REPORT_KEEP_H
#define HOTPLUG_REPORT_KEEP_H

#include "hotplug.h"

/* The configuration's file, if it names one: can it be written? */
void keep_begin(void);
/* One line of JSON; where that cannot be, the log says so once. */
void keep_event(const struct hotplug_event *event);

#endif /* HOTPLUG_REPORT_KEEP_H */
