/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_PORT_OTHERS_H
#define HOTPLUG_PORT_OTHERS_H

/* Before a probe: 0; -EBUSY (said, with who it is) when a process that has nothing to
 * do with this one has the device.  Reads /proc. */
int others_check(const char *bus, const char *device);

#endif /* HOTPLUG_PORT_OTHERS_H */
