/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_MAIN_ETHDEV_H
#define HOTPLUG_MAIN_ETHDEV_H

/* Before devices are published, and when those that are there have been.  0 or -errno. */
int ethdev_start(void);
void ethdev_go_on(void);
/* Before the buses let go of their devices, and after. */
void ethdev_stop(void);
void ethdev_let_go(void);

#endif /* HOTPLUG_MAIN_ETHDEV_H */
