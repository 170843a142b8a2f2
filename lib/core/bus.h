/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_CORE_BUS_H
#define HOTPLUG_CORE_BUS_H

#include "hotplug_bus.h"

#define BUS_MAX 8

/* Into the list (-ENOSPC), and out of it. */
int bus_insert(struct hotplug_bus *bus);
void bus_take_out(struct hotplug_bus *bus);

bool bus_is_registered(const struct hotplug_bus *bus);

/* Its own, where it has one. */
int bus_enable(const struct hotplug_bus *bus);
void bus_disable(const struct hotplug_bus *bus);
/* Run every bus's enable(); on failure those that ran are disabled again. */
int bus_enable_all(void);
void bus_disable_all(void);

/* Stands for a bus that was unregistered: nothing is there, and nothing is done. */
struct hotplug_bus *bus_none(void);

/* The next bus after `bus` (NULL: the first), or NULL. */
struct hotplug_bus *bus_next(const struct hotplug_bus *bus);

#endif /* HOTPLUG_CORE_BUS_H */
