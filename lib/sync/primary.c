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
primary_refuse(struct sync_primary *p, enum reason reason)
{
	ballot_blame(p, SYNC_PRIMARY, reason, NULL);
	answer(p);
}

void
primary_refuse_with(struct sync_primary *p, int error, const char *text)
{
	ballot_blame_with(p, error, SYNC_PRIMARY, text);
	answer(p);
}

/* What a job here has ended with, in its driver's words. */
static void
blame_own(struct sync_primary *p, int error)
{
	char text[SYNC_REASON_LEN] = "";

	error = p->ops->why(p->arg, error, text);
	ballot_blame_with(p, error, SYNC_PRIMARY, text);
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
		primary_refuse(p, REASON_DAMAGED);
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
		primary_refuse(p, REASON_PROBE_HANGS);
	} else if (ret == -EALREADY) {
		primary_refuse(p, REASON_BUSY);
	} else if (ret < 0) {
		blame_own(p, ret);
		answer(p);
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
		ballot_blame(p, SYNC_NOBODY, REASON_NOBODY_WAITS, NULL);
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
		ballot_blame(p, SYNC_NOBODY, REASON_NOBODY_WAITS, NULL);
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
		primary_refuse(p, REASON_REMOVE_HANGS);
	} else if (ret < 0 && p->is_lost) {
		blame_own(p, ret);
		answer(p);
	} else if (ret < 0) {
		blame_own(p, ret);
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
	sync_table_look(p->table);
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
