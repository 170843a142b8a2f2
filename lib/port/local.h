/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_PORT_LOCAL_H
#define HOTPLUG_PORT_LOCAL_H

struct rte_device;

/* A device in this process alone, without EAL's own message to the others.  1 done newly,
 * 0 it was so, -errno. */

/* With port_probe_lock() held.  Block as long as the driver does. */
int local_probe(const char *name, const char *text);
/* By EAL's own call, or -errno; what is too long for its message is probed here alone. */
int local_probe_told(const char *name, const char *text);
int local_remove(const char *name);
/* By EAL's own call, which tells other processes where it can; with the lock held. */
int local_remove_told(struct rte_device *dev);
/* While EAL starts: when it probes this device, then with these. */
void local_expect(const char *text);

#endif /* HOTPLUG_PORT_LOCAL_H */
