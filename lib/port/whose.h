/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_PORT_WHOSE_H
#define HOTPLUG_PORT_WHOSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Which device a port is on, and was on when it was closed: from notes of ours.  Nobody
 * follows rte_eth_devices[].device for that, or EAL's lists: the bus may be freeing it. */
/* Notes are written from now on. */
int whose_begin(void);
/* Of an open port, while the library is not enabled. */
void whose_note(uint16_t port_id);
/* By who holds port_probe_lock(). */
int whose_start(void);
void whose_stop(void);
/* Are they all there, from the one to the other?  Else who asks walks EAL's own lists. */
bool whose_are_kept(void);
/* The notes', for a fork. */
void whose_lock(void);
void whose_unlock(void);

/* Its name, open or closed; HOTPLUG_NAME_LEN.  -ENODEV: nobody's. */
int whose_device(uint16_t port_id, char *device);
/* Is it open?  Then its device and that one's bus, HOTPLUG_NAME_LEN bytes each. */
bool whose_open(uint16_t port_id, char *device, char *bus);
/* The open ports of a device, ascending: the first n_max; how many it has. */
unsigned int whose_ports(const char *device, uint16_t *ports, unsigned int n_max);
/* A closed port whose lost device has been detached for it, by us. */
bool whose_is_detached(uint16_t port_id);
/* The device has been detached: its closed ports are nobody's. */
void whose_forget(const char *device);

#endif /* HOTPLUG_PORT_WHOSE_H */
