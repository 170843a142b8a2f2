/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_PORT_FOUND_H
#define HOTPLUG_PORT_FOUND_H

#include <stdbool.h>

struct rte_bus;
struct rte_device;

/* The device's name in devargs; name has HOTPLUG_NAME_LEN bytes.  -EINVAL: no bus
 * knows it; -ENAMETOOLONG. */
int found_name(const char *text, char *name);
/* Is it probed here? */
bool found_has(const char *name);

/* With port_probe_lock() held; NULL: none. */
struct rte_bus *found_bus(const char *name);            /* whose name that is */
struct rte_bus *found_owner(const char *name);          /* that has probed it */
struct rte_device *found_probed(const char *name);
struct rte_device *found_on(struct rte_bus *bus, const char *name);     /* probed or not */

#endif /* HOTPLUG_PORT_FOUND_H */
