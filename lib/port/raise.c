/* SPDX-License-Identifier: BSD-3-Clause */

/* raise: ethdev's callbacks of a port that its application may be closing.
 * In:  a port, in one of its lives, and an event (heal, losses); who gives a port back.
 * Out: its callbacks, unless it is given back.
 * ethdev reads a port's number in its data before each callback, with no lock that we could
 *      take.  Who gives it back clears that: a callback would be told of port 0 (22.11), or ethdev
 *      dies (24.11: the data is NULL).
 * Order: who raises counts itself, then looks whether the port is given back; who gives it back
 *      says so, then waits for the count (both sequentially consistent).
 * No callback is waited for that does it itself, nor any for long: it may wait for its caller.
 *      The number is written again then, until the id is used again; with ids_lock(), since it
 *      may be in use by then: that is its number, too.
 * In a forked child none of ours runs, whatever its parent's counts say.
 * Context: app, events, work, teardown. */

#include <stdatomic.h>
#include <time.h>

#include "../core/enable.h"
#include "ids.h"
#include "port.h"
#include "raise.h"
#include "shared.h"

#define WAIT_MS 100

struct raise {
	uint16_t id;
	const struct raise *outer;
};

static _Thread_local const struct raise *mine;  /* of this thread, the innermost */
static struct {
	_Atomic unsigned int n_raised, n_given_back;
	struct rte_eth_dev_data number;         /* and nothing else */
} ports[RTE_MAX_ETHPORTS];

static bool
is_still(uint16_t id, uint64_t life)
{
	const struct port *port = port_of(&rte_eth_devices[id]);
	bool is;

	port_lock();
	is = port->life == life && (port->state != PORT_NONE ||
				    LOAD(rte_eth_devices[id].state) != RTE_ETH_DEV_UNUSED);
	port_unlock();
	return is;
}

void
raise_event(uint16_t id, uint64_t life, enum rte_eth_event_type type)
{
	const struct raise here = { id, mine };

	atomic_fetch_add(&ports[id].n_raised, 1);
	if (atomic_load(&ports[id].n_given_back) == 0 && is_still(id, life)) {
		mine = &here;
		rte_eth_dev_callback_process(&rte_eth_devices[id], type, NULL);
		mine = here.outer;
	}
	atomic_fetch_sub(&ports[id].n_raised, 1);
}

static unsigned int
n_mine(uint16_t id)
{
	const struct raise *raise;
	unsigned int n = 0;

	for (raise = mine; raise != NULL; raise = raise->outer)
		n += raise->id == id;
	return n;
}

void
raise_hold(uint16_t id)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	unsigned int i, own = n_mine(id);

	atomic_fetch_add(&ports[id].n_given_back, 1);
	for (i = 0; i < WAIT_MS && !enable_is_child() && atomic_load(&ports[id].n_raised) > own; i++)
		nanosleep(&pause, NULL);
}

/* Newer DPDKs (24.11) have no data for one that is free. */
static void
leave_number(uint16_t id)
{
	struct rte_eth_dev *eth = &rte_eth_devices[id];

	ids_lock();
	if (eth->data == NULL) {
		ports[id].number.port_id = id;
		STORE(eth->data, &ports[id].number);
	} else {
		eth->data->port_id = id;
	}
	ids_unlock();
}

void
raise_let_go(uint16_t id)
{
	if (atomic_load(&ports[id].n_raised) > 0 && !enable_is_child())
		leave_number(id);
	atomic_fetch_sub(&ports[id].n_given_back, 1);
}
