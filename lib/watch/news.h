/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_WATCH_NEWS_H
#define HOTPLUG_WATCH_NEWS_H

void news_start(void);
/* 1 taken, 0 none is waiting, -errno: one or more are lost. */
int news_take(void);
/* Some were: whatever happened shows in sysfs. */
void news_lost(void);

#endif /* HOTPLUG_WATCH_NEWS_H */
