/* SPDX-License-Identifier: BSD-3-Clause */

/* turn: a port is in one hand at a time (port.h): who else wants it waits for its turn.
 * In:  who takes a port (teardown, heal, close); calls of the application's that need it.
 * Out: nobody is at it; or he is late, or waits for the caller himself.
 * Drivers call back in their starts, stops and closes, in the thread that has the port, and the
 * application does there what it likes: with that port, or with one whose own thread is in
 * such a callback, and waits for ours.  So who is about to wait looks whom he would wait for:
 * whose hand it is, the port that this one waits for, and so on.  Where that is
 * himself, he does not.  One that waits already need not look again: who closes a ring is the
 * last one to come, and has not slept.
 * Lock: port_lock(), given up while one waits; hands and waiters under it.
 * Context: app; work, teardown. */

#include <time.h>

#include "../core/device.h"
#include "../core/enable.h"
#include "../eal/clock.h"
#include "turn.h"

struct waiter {
	struct waiter *next;
	const void *who;
	const struct port *port;
};

static _Thread_local char me;           /* its address is the thread */
static struct waiter *waiters;

void
turn_take(struct port *port, enum port_state state)
{
	port->state = state;
	port->hand = &me;
}

/* Somebody is at it, and comes to an end; in a forked child nobody is. */
static bool
is_busy(enum port_state state)
{
	if (enable_is_child())
		return false;
	return state == PORT_DYING || state == PORT_HEALING || state == PORT_CLOSING;
}

bool
turn_is_refused(enum port_state state)
{
	return is_busy(state) || state == PORT_STUCK;
}

/* NULL: it waits for none. */
static const struct port *
awaited_by(const void *who)
{
	const struct waiter *waiter;

	for (waiter = waiters; waiter != NULL && waiter->who != who; waiter = waiter->next)
		;
	return waiter != NULL ? waiter->port : NULL;
}

/* No ring without the caller: a way that is no longer than there are ports. */
static bool
waits_for_me(const struct port *port)
{
	unsigned int n;

	for (n = 0; n < RTE_MAX_ETHPORTS && port != NULL && is_busy(port->state); n++) {
		if (port->hand == &me)
			return true;
		port = awaited_by(port->hand);
	}
	return false;
}

static void
leave(const struct waiter *waiter)
{
	struct waiter **at;

	for (at = &waiters; *at != waiter; at = &(*at)->next)
		;
	*at = waiter->next;
}

void
turn_wait(const struct port *port)
{
	const struct timespec pause = { .tv_nsec = MS };
	uint64_t until = device_now_ns() + enable_config()->stuck_ms * MS;
	struct waiter here = { waiters, &me, port };

	if (!is_busy(port->state) || waits_for_me(port))
		return;
	waiters = &here;
	while (is_busy(port->state) && (port->is_given_up || device_now_ns() < until)) {
		port_unlock();
		nanosleep(&pause, NULL);
		port_lock();
	}
	leave(&here);
}
