/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_REPORT_LOG_H
#define HOTPLUG_REPORT_LOG_H

#include "../core/device.h"
#include "../eal/host.h"

/* A line about a device, its name in front; not more than limit.h lets pass.  With or
 * without device_lock(). */
void log_device(struct hotplug_device *dev, enum host_level level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* After the subscribers: one line an event, key=value, times in seconds. */
void log_event(const struct hotplug_event *event, void *arg);

#endif /* HOTPLUG_REPORT_LOG_H */
