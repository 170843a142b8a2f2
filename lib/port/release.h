/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_PORT_RELEASE_H
#define HOTPLUG_PORT_RELEASE_H

#include <ethdev_driver.h>

/* Give the id free for a probe; whoever is at it meets a dead port.  Several are hidden
 * first, so that their readers are waited for once. */
void release_hide_all(const uint16_t *ids, unsigned int n);
void release_quietly(struct rte_eth_dev *eth);

/* Counts the ports that others have released: their ids are free since. */
unsigned long release_number(void);

#endif /* HOTPLUG_PORT_RELEASE_H */
