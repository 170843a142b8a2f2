/* SPDX-License-Identifier: BSD-3-Clause */

/* primary: carries out one request after the other, everywhere or nowhere.
 * In:  requests in the slots, acknowledgements, who is alive, the time.  Out:
 *      entries, the device here, an answer that names who failed and why.
 * Order: attach here first, then the others; detach the others first, then here (a
 *      secondary's port stands on what the primary has allocated).
 * What another process has written is checked before it is used.
 * Context: work (the sync thread of the primary); no lock; nothing of DPDK. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ballot.h"
#include "primary.h"

size_t
sync_primary_extra(const struct sync_table *table)
{
	return table->n_entries * sync_entry_len(table) + table->text_len +
		3 * table->n_slots * sizeof(bool);
}

void
sync_primary_point(struct sync_primary *p, void *extra)
{
	p->entries = extra;
	p->text = (char *)extra + p->table->n_entries * sync_entry_len(p->table);
	p->is_silent = (bool *)(p->text + p->table->text_len);
	p->was_member = p->is_silent + p->table->n_slots;
	p->is_left_out = p->was_member + p->table->n_slots;
}

struct sync_entry *
primary_entry(const struct sync_primary *p, uint32_t i)
{
	return (struct sync_entry *)(void *)((char *)p->entries + i * sync_entry_len(p->table));
}

/* What stands there from before a disable. */
void
sync_primary_init(struct sync_primary *p, void *extra)
{
	struct sync_entry *own;
	uint32_t i;

	memset(extra, 0, sync_primary_extra(p->table));
	sync_primary_point(p, extra);
	for (i = 0; i < p->table->n_entries; i++) {
		own = primary_entry(p, i);
		if (sync_entry_read(p->table, i, own) != 0)
			memset(own, 0, sync_entry_len(p->table));
		if (atomic_load(&own->generation) >= p->table->next_generation)
			p->table->next_generation = atomic_load(&own->generation) + 1;
	}
	p->phase = SYNC_PHASE_IDLE;
	p->is_in_progress = false;
}

void
primary_enter(struct sync_primary *p, enum sync_phase phase)
{
	p->phase = phase;
	p->since_ns = p->ops->now_ns(p->arg);
	p->is_in_progress = false;
	sync_table_step(p->table);
}

bool
primary_is_past(const struct sync_primary *p, uint64_t limit_ns)
{
	return p->ops->now_ns(p->arg) - p->since_ns >= limit_ns;
}

void
primary_write_entry(struct sync_primary *p, enum sync_want want, bool is_undo, bool is_shared,
		    const char *text)
{
	const struct sync_change change = {
		.want = want, .is_undo = is_undo, .is_shared = is_shared,
		.begun = p->begun, .name = p->name, .text = text,
	};

	sync_entry_write(p->table, p->entry, primary_entry(p, p->entry), &change);
	primary_wake_all(p);
}

/* The end of a transaction. */
static void
answer(struct sync_primary *p)
{
	desk_answer(p);
	primary_enter(p, SYNC_PHASE_IDLE);
}

void
primary_refuse(struct sync_primary *p, int error, const char *reason)
{
	ballot_blame(p, error, SYNC_PRIMARY, reason);
	answer(p);
}

static int
idle(struct sync_primary *p)
{
	if (!desk_take(p))
		return 0;
	memset(&p->answer, 0, sizeof(p->answer));
	p->answer.slot = SYNC_NOBODY;
	memset(p->is_silent, 0, p->table->n_slots * sizeof(bool));
	p->is_lost = false;
	p->begun = p->table->progress + 1;
	if (!desk_read(p))
		primary_refuse(p, -EINVAL, "the request is damaged");
	else
		primary_enter(p, SYNC_PHASE_CHECK);
	return 1;
}

/* Start a job here, or ask what has become of it.  Its time counts from its start:
 * this process may have slept before. */
static int
run_here(struct sync_primary *p, bool attaches)
{
	int ret;

	if (!p->is_in_progress)
		p->since_ns = p->ops->now_ns(p->arg);
	if (p->is_in_progress)
		ret = p->ops->poll(p->arg);
	else if (attaches)
		ret = p->ops->attach(p->arg, p->name, p->text);
	else
		ret = p->ops->detach(p->arg, p->name);
	p->is_in_progress = ret == -EINPROGRESS;
	return ret;
}

static int
probe(struct sync_primary *p)
{
	int ret = run_here(p, true);

	if (ret == -EINPROGRESS && !primary_is_past(p, p->probe_ms * MS))
		return -EAGAIN;
	if (ret == -EINPROGRESS) {
		p->ops->abandon(p->arg);
		primary_refuse(p, -ETIMEDOUT, "its driver's probe does not return");
	} else if (ret == -EALREADY) {
		primary_refuse(p, -EBUSY, "a driver is still at work on another device");
	} else if (ret < 0) {
		primary_refuse(p, ret, "its driver's probe failed");
	} else {
		p->probe_ns = p->ops->now_ns(p->arg) - p->since_ns;
		primary_write_entry(p, SYNC_WANT_ATTACHED, false, true, p->text);
		primary_enter(p, SYNC_PHASE_ASK);
	}
	return 1;
}

static void
undo(struct sync_primary *p)
{
	const struct sync_entry *entry = primary_entry(p, p->entry);

	if (p->op == SYNC_OP_CLEAR) {   /* was only a question */
		answer(p);
		return;
	}
	primary_write_entry(p, p->op == SYNC_OP_DETACH ? SYNC_WANT_ATTACHED : SYNC_WANT_DETACHED, true,
		    entry->is_shared, NULL);
	primary_enter(p, SYNC_PHASE_UNDO);
}

static void
commit(struct sync_primary *p)
{
	if (!desk_make_final(p) && !p->is_lost) {
		ballot_blame(p, -ECANCELED, SYNC_NOBODY, "nobody waits for it any more");
		undo(p);
	} else if (p->op == SYNC_OP_DETACH) {
		primary_enter(p, SYNC_PHASE_UNPLUG);
	} else {
		answer(p);
	}
}

/* Who has not answered for long may have been woken over what is no entry, or not at all. */
static void
nudge(struct sync_primary *p, uint32_t slot)
{
	if (sync_entry_mend(p->table, p->entry, primary_entry(p, p->entry)))
		primary_wake_all(p);
	else if (slot != SYNC_NOBODY && primary_is_past(p, 5 * MS))
		p->ops->wake(p->arg, slot);
}

static int
ask(struct sync_primary *p)
{
	uint32_t failed, slot = ballot_missing(p, &failed);
	bool is_late = primary_is_past(p, p->deadline_ms * MS + p->probe_ns);

	admit_note_loss(p);
	nudge(p, slot);
	if (p->is_lost && (slot == SYNC_NOBODY || is_late)) {
		commit(p);
	} else if (p->is_lost) {
		return -EAGAIN;
	} else if (failed != SYNC_NOBODY) {
		ballot_blame_failed(p, failed, sync_ack(p->table, failed, p->entry)->error);
		undo(p);
	} else if (slot == SYNC_NOBODY || (is_late && p->accepts_late)) {
		commit(p);
	} else if (is_late && !sync_slot_is_sound(p->table, slot)) {
		ballot_leave_out(p);
	} else if (is_late) {
		ballot_blame_silent(p, slot);
		ballot_note_silent(p);
		undo(p);
	} else if (desk_is_dropped(p)) {
		ballot_blame(p, -ECANCELED, SYNC_NOBODY, "nobody waits for it any more");
		undo(p);
	} else {
		return -EAGAIN;
	}
	return 1;
}

static int
unplug(struct sync_primary *p)
{
	int ret = p->is_in_progress || p->ops->has(p->arg, p->name) ? run_here(p, false) : 0;

	if (ret == -EINPROGRESS && !primary_is_past(p, p->probe_ms * MS))
		return -EAGAIN;
	if (ret == -EINPROGRESS) {
		p->ops->abandon(p->arg);
		primary_refuse(p, -ETIMEDOUT, "its driver's remove does not return");
	} else if (ret < 0 && p->is_lost) {
		primary_refuse(p, ret, "its driver's remove failed");
	} else if (ret < 0) {
		ballot_blame(p, ret, SYNC_PRIMARY, "its driver's remove failed");
		undo(p);
	} else {
		answer(p);
	}
	return 1;
}

static int
wait_undone(struct sync_primary *p)
{
	uint32_t failed, slot = ballot_missing(p, &failed);

	nudge(p, slot);
	if (slot != SYNC_NOBODY && !primary_is_past(p, p->deadline_ms * MS + p->probe_ns))
		return -EAGAIN;
	if (p->op == SYNC_OP_ATTACH)
		primary_enter(p, SYNC_PHASE_UNPROBE);
	else
		answer(p);
	return 1;
}

static int
unprobe(struct sync_primary *p)
{
	if (run_here(p, false) == -EINPROGRESS) {
		if (!primary_is_past(p, p->probe_ms * MS))
			return -EAGAIN;
		p->ops->abandon(p->arg);
	}
	answer(p);
	return 1;
}

int
sync_primary_step(struct sync_primary *p)
{
	switch (p->phase) {
	case SYNC_PHASE_CHECK:
		return admit(p);
	case SYNC_PHASE_PROBE:
		return probe(p);
	case SYNC_PHASE_ASK:
		return ask(p);
	case SYNC_PHASE_UNPLUG:
		return unplug(p);
	case SYNC_PHASE_UNDO:
		return wait_undone(p);
	case SYNC_PHASE_UNPROBE:
		return unprobe(p);
	default:
		return idle(p);
	}
}
