/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_PORT_OTHERS_H
#define HOTPLUG_PORT_OTHERS_H

#include <stddef.h>

/* Before a probe: 0; -EBUSY when a process that has nothing to do with this one has the
 * device, and who that is.  Reads /proc. */
int others_check(const char *bus, const char *device, char *who, size_t len);

#endif /* HOTPLUG_PORT_OTHERS_H */
