/* SPDX-License-Identifier: BSD-3-Clause */

/* gates: which ports may be polled in secondaries.
 * In:  the primary starts a port, or is about to stop it (any of its threads).  Out: each
 *      secondary that lives has followed, or is late, and named.
 * Lock: `lock` guards own, and the memory against a stop; not held while one waits.
 * Context: app, work; the sync thread. */

#include <pthread.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include "../core/device.h"
#include "../eal/clock.h"
#include "../eal/host.h"
#include "gates.h"
#include "share.h"
#include "sync.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* all below */
static const struct share *share;       /* NULL: off */
static struct gates own;                /* the primary's; of a secondary: what it has followed */

void
gates_lock(void)
{
	pthread_mutex_lock(&lock);
}

void
gates_unlock(void)
{
	pthread_mutex_unlock(&lock);
}

void
gates_start(const struct share *with)
{
	pthread_mutex_lock(&lock);
	share = with->gates != NULL ? with : NULL;
	if (share != NULL && !share->is_primary)
		atomic_store(&own.turn, 0);
	pthread_mutex_unlock(&lock);
}

/* With the lock held: those that are there. */
static void
wake_members(void)
{
	uint32_t i;

	sync_table_look(share->table);
	for (i = 1; i < share->table->n_used; i++)
		if (atomic_load(&sync_slot(share->table, i)->is_member) != 0)
			share_wake_slot(share, i);
}

/* Nobody leads the others any more. */
void
gates_stop(void)
{
	pthread_mutex_lock(&lock);
	if (share != NULL && share->is_primary) {
		atomic_store(&own.magic, 0);
		atomic_store(&share->gates->magic, 0);
		atomic_store(&share->gates->turn, atomic_fetch_add(&own.turn, 1) + 1);
		wake_members();
	}
	share = NULL;
	pthread_mutex_unlock(&lock);
}

/* Again is fine: a turn that was followed in a former life is none of this one. */
void
gates_publish(void)
{
	unsigned int i;

	pthread_mutex_lock(&lock);
	for (i = 0; i < GATES_N_PORTS && share != NULL; i++)
		atomic_store(&own.gate[i], GATE_SHUT);
	atomic_fetch_add(&own.turn, 1);
	atomic_store(&own.magic, GATES_MAGIC);
	pthread_mutex_unlock(&lock);
	(void)gates_mend();
}

bool
gates_mend(void)
{
	bool is_mended = false;
	unsigned int i;

	pthread_mutex_lock(&lock);
	if (share != NULL && share->is_primary && atomic_load(&own.magic) == GATES_MAGIC) {
		is_mended = memcmp(share->gates, &own, offsetof(struct gates, followed)) != 0;
		for (i = 0; i < GATES_N_PORTS && is_mended; i++)
			atomic_store(&share->gates->gate[i], atomic_load(&own.gate[i]));
		if (is_mended) {
			atomic_store(&share->gates->turn, atomic_load(&own.turn));
			atomic_store(&share->gates->magic, GATES_MAGIC);
		}
	}
	pthread_mutex_unlock(&lock);
	return is_mended;
}

static enum gate
read_gate(uint16_t port)
{
	uint32_t gate;

	if (share == NULL || port >= GATES_N_PORTS ||
	    atomic_load(&share->gates->magic) != GATES_MAGIC)
		return GATE_UNKNOWN;
	gate = atomic_load(&share->gates->gate[port]);
	return gate == GATE_OPEN || gate == GATE_SHUT ? (enum gate)gate : GATE_UNKNOWN;
}

enum gate
sync_gate(uint16_t port)
{
	enum gate gate;

	pthread_mutex_lock(&lock);
	gate = read_gate(port);
	pthread_mutex_unlock(&lock);
	return gate;
}

bool
gates_are_new(uint32_t *turn)
{
	bool are_new = false;

	pthread_mutex_lock(&lock);
	if (share != NULL) {
		*turn = atomic_load(&share->gates->turn);
		are_new = *turn != atomic_load(&own.turn) ||
			*turn != atomic_load(&share->gates->followed[share->slot]);
	}
	pthread_mutex_unlock(&lock);
	return are_new;
}

void
gates_follow(uint32_t turn)
{
	pthread_mutex_lock(&lock);
	if (share != NULL) {
		atomic_store(&own.turn, turn);
		atomic_store(&share->gates->followed[share->slot], turn);
	}
	pthread_mutex_unlock(&lock);
}

bool
sync_gate_set(uint16_t port, bool is_open, uint32_t *turn)
{
	uint32_t gate = is_open ? GATE_OPEN : GATE_SHUT;
	bool is_new;

	pthread_mutex_lock(&lock);
	is_new = share != NULL && share->is_primary && port < GATES_N_PORTS &&
		atomic_load(&own.magic) == GATES_MAGIC && atomic_load(&own.gate[port]) != gate;
	if (is_new) {
		*turn = atomic_fetch_add(&own.turn, 1) + 1;
		atomic_store(&own.gate[port], gate);
		atomic_store(&share->gates->gate[port], gate);
		atomic_store(&share->gates->turn, *turn);
		wake_members();
	}
	pthread_mutex_unlock(&lock);
	return is_new;
}

/* With the lock held: a process that has not followed yet; SYNC_NOBODY: none. */
static uint32_t
find_late(uint32_t turn)
{
	uint32_t i;

	sync_table_look(share->table);
	for (i = 1; i < share->table->n_used && i < SYNC_N_SLOTS; i++)
		if (atomic_load(&sync_slot(share->table, i)->is_member) != 0 &&
		    (int32_t)(atomic_load(&share->gates->followed[i]) - turn) < 0 &&
		    share_is_alive(share, i))
			return i;
	return SYNC_NOBODY;
}

static void
say_late(uint32_t slot, uint16_t port, bool is_open)
{
	host_log(HOST_WARN, "port %u is %s; process %d has not followed, and polls %s", port,
		 is_open ? "started" : "stopped", sync_slot(share->table, slot)->pid,
		 is_open ? "functions that do nothing" : "it still");
}

void
sync_gate_wait(uint16_t port, bool is_open, uint32_t turn, unsigned int deadline_ms)
{
	const struct timespec pause = { .tv_nsec = MS / 10 };
	uint64_t start = device_now_ns();
	bool is_over = false, is_late;
	uint32_t late;

	while (!is_over) {
		is_late = device_now_ns() - start > deadline_ms * MS;
		pthread_mutex_lock(&lock);
		late = share != NULL ? find_late(turn) : SYNC_NOBODY;
		is_over = late == SYNC_NOBODY || is_late;
		if (late != SYNC_NOBODY && is_late)
			say_late(late, port, is_open);
		else if (late != SYNC_NOBODY && device_now_ns() - start > 5 * MS)
			share_wake_slot(share, late);   /* it may have been written over */
		pthread_mutex_unlock(&lock);
		if (!is_over)
			nanosleep(&pause, NULL);
	}
}
