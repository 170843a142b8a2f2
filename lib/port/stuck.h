/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_PORT_STUCK_H
#define HOTPLUG_PORT_STUCK_H

#include "port.h"

/* A job: has this device's teardown or probe passed its deadline? */
void stuck_check(const char *device);
/* Is its driver in a teardown, late or not? */
bool stuck_is(const struct port *port);
/* Around the probe that heals these; and is its driver in there? */
void stuck_begin_probe(const char *device, const uint16_t *ids, unsigned int n);
void stuck_end_probe(const uint16_t *ids, unsigned int n);
bool stuck_is_probing(const struct port *port);
bool stuck_is_in_probe(const char *device);
/* Around a driver's stop, close and remove, by the teardown thread. */
void stuck_enter(void);
void stuck_leave(void);
/* The process ends: who is still in a driver does not come out any more. */
void stuck_park(void);

#endif /* HOTPLUG_PORT_STUCK_H */
