/* SPDX-License-Identifier: BSD-3-Clause */

/* engine: the sync thread of this process.
 * In:  the table, and what others have written there; woken by its slot's futex.
 * Out: the machine's steps, a member's or the primary's, until there is nothing to do; what is
 *      found broken is mended.
 * It never waits for a driver: the hand does.
 * Context: the sync thread; start and stop: sync.c's, with its lock. */

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine.h"
#include "machine.h"
#include "sync.h"

static struct share *share;
static const struct sync_process *process;
static _Atomic bool is_stopping;
static struct sync_member member;
static struct sync_primary primary;
static void *extra;
static uint32_t *signs_seen;    /* by slot */
struct host_thread engine_thread;

void
engine_follow_gates(void)
{
	uint32_t turn;

	if (!gates_are_new(&turn))
		return;
	process->follow_gates();
	gates_follow(turn);
}

/* A call that did not come to us, and what another process has written. */
static void
look_after(void)
{
	bool is_mended = sync_primary_mend(&primary);

	if (process->note_ports() == 0)
		is_mended |= gates_mend();
	if (is_mended)
		say_mended();
}

/* Steps until there is nothing to do; how long to sleep then (0: until woken). */
static unsigned int
step_all(void)
{
	int ret = 0;

	sync_table_look(share->table);
	sync_signs_take(share->table, share->slot, signs_seen);
	if (!share->is_primary) {
		if (sync_member_mend(&member)) {
			say_mended();
			share_wake_slot(share, SYNC_PRIMARY);
		}
		while (sync_member_step(&member))
			;
		engine_follow_gates();
		say_if_left(share);
		return 1000;
	}
	do
		ret = sync_primary_step(&primary);
	while (ret == 1);
	if (ret == 0)
		look_after();
	if (ret == -EAGAIN)
		return 2;               /* that others die wakes nobody */
	return share_has_members(share) ? 1000 : 0;
}

static void
run(void *arg)
{
	struct sync_slot *slot = sync_slot(share->table, share->slot);
	unsigned int timeout_ms;
	uint32_t seen;

	(void)arg;
	while (!atomic_load(&is_stopping)) {
		seen = atomic_load(&slot->wake);
		timeout_ms = step_all();
		if (!atomic_load(&is_stopping))
			share_sleep(&slot->wake, seen, timeout_ms);
	}
}

static void
on_hand_done(void)
{
	share_wake_slot(share, share->slot);
}

/* --- start and stop */

int
engine_init(struct share *of, const struct sync_process *ours, const struct hotplug_config *config)
{
	share = of;
	process = ours;
	member = (struct sync_member){ .table = share->table, .slot = share->slot, .pid = getpid(),
					.ops = process->ops, .arg = share };
	primary = (struct sync_primary){
		.table = share->table, .ops = process->ops, .arg = share,
		.pid = getpid(), .deadline_ms = config->sync_deadline_ms,
		.probe_ms = config->sync_probe_ms, .accepts_late = config->sync_late != 0,
		.ignores_strangers = config->sync_ignore_strangers != 0 ||
			config->sync_tell_strangers != 0,
	};
	extra = calloc(1, share->is_primary ? sync_primary_extra(share->table) :
		       sync_member_extra(share->table));
	signs_seen = calloc(share->table->n_slots, sizeof(*signs_seen));
	if (extra == NULL || signs_seen == NULL)
		return -ENOMEM;
	sync_signs_begin(share->table, signs_seen);
	if (share->is_primary)
		sync_primary_init(&primary, extra);
	else
		sync_member_init(&member, extra);
	return 0;
}

int
engine_start(void)
{
	int ret = process->start_hand(on_hand_done);

	if (ret != 0)
		return ret;
	atomic_store(&is_stopping, false);
	ret = host_thread_start(&engine_thread, "hotplug-sync", run, NULL);
	if (ret != 0)
		process->stop_hand();
	return ret;
}

void
engine_end(void)
{
	atomic_store(&is_stopping, true);
	share_wake_slot(share, share->slot);
}

void
engine_join(void)
{
	host_thread_join(&engine_thread);
	process->stop_hand();
}

void
engine_free(void)
{
	free(extra);
	free(signs_seen);
	extra = NULL;
	signs_seen = NULL;
}
