/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_PORT_IDS_H
#define HOTPLUG_PORT_IDS_H

#include <stdint.h>

/* With port_probe_lock() held: probe with exactly these ids free (ascending, their ports
 * HEALING); where it fails they are held by placeholders.  -ENOSYS: this program cannot do it under
 * pollers (release.c).  -EADDRINUSE: it has other ports than these.  Or what EAL's
 * probe says. */
int ids_probe(const char *device, const char *devargs, const uint16_t *ids, unsigned int n);

/* Who has it is given no id, and nobody else is; again on the same thread is fine. */
void ids_lock(void);
void ids_unlock(void);

#endif /* HOTPLUG_PORT_IDS_H */
