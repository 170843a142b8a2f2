/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_REPORT_LOG_H
#define HOTPLUG_REPORT_LOG_H

#include "hotplug.h"

/* After the subscribers: one line an event, key=value, times in seconds. */
void log_event(const struct hotplug_event *event, void *arg);

#endif /* HOTPLUG_REPORT_LOG_H */
