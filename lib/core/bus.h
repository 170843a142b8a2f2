/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_CORE_BUS_H
#define HOTPLUG_CORE_BUS_H

#include "hotplug_bus.h"

#define BUS_MAX 8

/* Run every bus's enable(); on failure those that ran are disabled again. */
int bus_enable_all(void);
void bus_disable_all(void);

/* Signal-safe: 0 handled, < 0 failed, 1 nobody's. */
int bus_sigbus(const void *addr);

/* Stands for a bus that was unregistered: nothing is there, and nothing is done. */
struct hotplug_bus *bus_none(void);

/* The next bus after `bus` (NULL: the first), or NULL. */
struct hotplug_bus *bus_next(const struct hotplug_bus *bus);

#endif /* HOTPLUG_CORE_BUS_H */
