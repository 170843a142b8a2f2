/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_PORT_PROBE_H
#define HOTPLUG_PORT_PROBE_H

#include <stdbool.h>

/* EAL's probe and remove are not thread-safe: ours are one at a time.  EAL's
 * lists, and what rte_eth_devices[].device leads to, are for its holder alone. */
void port_probe_lock(void);
bool port_probe_trylock(void);
/* Not for a driver that does not come back. */
bool port_probe_lock_for(unsigned int ms);
void port_probe_unlock(void);
/* The caller is in a callback of a probe or a remove of ours, on this thread, and would wait for
 * himself; also while it is lent. */
bool port_probe_is_mine(void);
/* Who has it for this device does not come back from the driver. */
void port_probe_own(const char *device);
void port_probe_abandon(const char *device);
/* Around a driver's own probe: after a second others may go on, if may_be_taken(dev), which
 * is called with a lock held.  Returns with the lock, if the caller had it. */
void port_probe_lend(const void *dev, bool (*may_be_taken)(const void *dev));
void port_probe_return(void);
/* Since the caller has taken it, did no driver probe beside? */
bool port_probe_was_alone(void);

#endif /* HOTPLUG_PORT_PROBE_H */
