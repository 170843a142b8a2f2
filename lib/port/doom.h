/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_PORT_DOOM_H
#define HOTPLUG_PORT_DOOM_H

#include <stdbool.h>

#include "port.h"

/* Ethdev's owner (fail-safe's, bonding's): that one tears it down. */
bool doom_has_owner(const struct rte_eth_dev *eth);
enum hotplug_policy doom_policy_of(const struct rte_eth_dev *eth);

/* Those of a device that are dead and ours are DOOMED from here on, and told to the caller; where
 * it is only asked for, they die first. */
void doom_take(const char *device, bool is_asked_for, struct ports *taken);

#endif /* HOTPLUG_PORT_DOOM_H */
