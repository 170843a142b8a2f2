/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_MAIN_ETHDEV_H
#define HOTPLUG_MAIN_ETHDEV_H

/* Attach and detach with the other processes, or not any more. */
void ethdev_share(void);
void ethdev_share_no_more(void);

#endif /* HOTPLUG_MAIN_ETHDEV_H */
