/* SPDX-License-Identifier: BSD-3-Clause */

/* turn: a port is in one hand at a time (port.h): who else wants it waits for its turn.
 * In:  who takes a port (teardown, heal, close); calls of the application's that need it.
 * Out: nobody is at it; or he is late, or waits for the caller himself.
 * Drivers call back in their starts, stops and closes, in the thread that has the port, or in one
 * that its teardown waits for, and the application does there what it likes: with that port, or
 * with one whose own thread is in such a callback, and waits for ours.  So who is about to wait
 * looks whom he would wait for: whose hand it is, who is inside it, the ports that these wait
 * for, and so on.  Where that is himself, he does not.  One that waits already need not look
 * again: who closes a ring is the last one to come, and has not slept.
 * Lock: port_lock(), given up while one waits; hands and waiters under it.
 * Context: app; work, teardown. */

#include <time.h>

#include "../core/device.h"
#include "../core/enable.h"
#include "../eal/clock.h"
#include "turn.h"

struct waiter {
	struct waiter *next;
	const unsigned int *who;
	const struct port *port;
};

/* How often this thread is inside each port; its address is the thread.  Others read it while
 * the thread is a waiter. */
static _Thread_local unsigned int me[RTE_MAX_ETHPORTS];
static struct waiter *waiters;

static uint16_t
id_of(const struct port *port)
{
	return port - port_of(&rte_eth_devices[0]);
}

void
turn_enter(const struct port *port)
{
	me[id_of(port)]++;
}

void
turn_leave(const struct port *port)
{
	me[id_of(port)]--;
}

void
turn_take(struct port *port, enum port_state state)
{
	port->state = state;
	port->hand = me;
}

/* Somebody has it in his hand, and comes to an end; in a forked child nobody has. */
static bool
is_busy(enum port_state state)
{
	if (enable_is_child())
		return false;
	return state == PORT_DYING || state == PORT_HEALING || state == PORT_CLOSING;
}

/* Or asks its driver, for a moment, to publish it (published.c). */
static bool
is_taken(const struct port *port)
{
	return is_busy(port->state) || (port->n_asked > 0 && !enable_is_child());
}

bool
turn_is_alone(const struct port *port)
{
	return atomic_load(&port->n_inside) <= (int)me[id_of(port)];
}

bool
turn_is_refused(const struct port *port)
{
	return is_taken(port) || port->state == PORT_STUCK;
}

/* Is it that thread that the port's next step is of, or waits for? */
static bool
is_up_to(const unsigned int *who, const struct port *port)
{
	return port->hand == who || (port->state == PORT_DYING && who[id_of(port)] > 0);
}

/* Each port is looked at once. */
static bool
waits_for_me(const struct port *port)
{
	const struct port *found[RTE_MAX_ETHPORTS] = { port };
	const struct waiter *waiter;
	unsigned int i, j, n = 1;

	for (i = 0; i < n; i++) {
		if (!is_busy(found[i]->state))
			continue;
		if (is_up_to(me, found[i]))
			return true;
		for (waiter = waiters; waiter != NULL; waiter = waiter->next) {
			for (j = 0; j < n && found[j] != waiter->port; j++)
				;
			if (j == n && is_up_to(waiter->who, found[i]))
				found[n++] = waiter->port;
		}
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
	bool was_given_up = false;
	struct waiter here = { waiters, me, port };

	if (!is_taken(port) || waits_for_me(port))
		return;
	waiters = &here;
	while (is_taken(port) && device_now_ns() < until) {
		if (port->is_given_up && !was_given_up)         /* no further step: once more */
			until = device_now_ns() + enable_config()->stuck_ms * MS;
		was_given_up = port->is_given_up;
		port_unlock();
		nanosleep(&pause, NULL);
		port_lock();
	}
	leave(&here);
}
