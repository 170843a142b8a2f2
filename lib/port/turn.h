/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_PORT_TURN_H
#define HOTPLUG_PORT_TURN_H

#include "port.h"

/* The calling thread is in a call that a teardown of the port waits for (inside.c), and out of
 * it. */
void turn_enter(const struct port *port);
void turn_leave(const struct port *port);

/* Nobody but the calling thread is in such a call. */
bool turn_is_alone(const struct port *port);

/* What follows with port_lock(). */

/* The port is in the calling thread's hand from here on: DYING, HEALING or CLOSING. */
void turn_take(struct port *port, enum port_state state);
/* Until nobody is at it, or he is late; the lock is given up for a while.  At once where that
 * would be a wait for oneself. */
void turn_wait(const struct port *port);
/* Is somebody at it still?  Then a call that needs it for itself is -EBUSY. */
bool turn_is_refused(const struct port *port);

#endif /* HOTPLUG_PORT_TURN_H */
