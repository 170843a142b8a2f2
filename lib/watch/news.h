/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_WATCH_NEWS_H
#define HOTPLUG_WATCH_NEWS_H

#include <stdbool.h>
#include <stddef.h>

#include "../core/device.h"

/* The monitor's in the poll set; a device's is the device. */
#define NEWS_TOKEN NULL

void news_open(void);
void news_close(void);
/* Take what is waiting, but not all of a burst. */
void news_read(void);
/* After a look: it has been announced, and is not there yet, so it is looked for again. */
void news_expect(struct hotplug_device *dev);
/* Is the uevent monitor at work?  Any thread. */
bool news_have_monitor(void);

#endif /* HOTPLUG_WATCH_NEWS_H */
