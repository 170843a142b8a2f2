/* SPDX-License-Identifier: BSD-3-Clause */

/* ballot: which processes have answered, and what; who is to blame.
 * In:  acknowledgements of a transaction's entry, who is alive.  Out: those that are
 *      missing or have failed; the answer's reason.
 * What another process has written is checked before it is used.
 * Context: work (the sync thread of the primary); no lock; nothing of DPDK. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ballot.h"
#include "primary.h"

/* Who was one, lives, and does not say so any more has been written over. */
bool
ballot_is_member(struct sync_primary *p, uint32_t slot)
{
	bool is = atomic_load(&sync_slot(p->table, slot)->is_member) != 0 || p->was_member[slot];

	p->was_member[slot] = is && p->ops->is_alive(p->arg, slot);
	return p->was_member[slot];
}

/* Has every process that lives seen its present meaning? */
bool
ballot_is_complete(struct sync_primary *p, uint32_t i)
{
	uint64_t generation = atomic_load(&primary_entry(p, i)->generation);
	uint32_t slot;

	for (slot = 1; slot < p->table->n_used; slot++)
		if (atomic_load(&sync_ack(p->table, slot, i)->generation) != generation &&
		    ballot_is_member(p, slot))
			return false;
	return true;
}

void
ballot_blame_with(struct sync_primary *p, int error, uint32_t slot, const char *text)
{
	p->answer.error = error;
	p->answer.slot = slot;
	p->answer.pid = slot != SYNC_NOBODY ? sync_slot(p->table, slot)->pid : 0;
	snprintf(p->answer.reason, sizeof(p->answer.reason), "%s", text);
}

void
ballot_blame(struct sync_primary *p, uint32_t slot, enum reason reason, const char *about)
{
	char text[SYNC_REASON_LEN];
	int error = reason_say(reason, -EIO, about, text, sizeof(text));

	ballot_blame_with(p, error, slot, text);
}

/* What another process has written, for a log. */
static void
copy_text(char *to, const char *from, size_t len)
{
	size_t i;

	for (i = 0; i < len - 1 && from[i] != '\0'; i++)
		to[i] = from[i] >= ' ' && from[i] <= '~' ? from[i] : '?';
	to[i] = '\0';
}

void
ballot_blame_silent(struct sync_primary *p, uint32_t slot)
{
	char busy[HOTPLUG_NAME_LEN];

	copy_text(busy, sync_slot(p->table, slot)->busy, sizeof(busy));
	ballot_blame(p, slot, busy[0] != '\0' ? REASON_AT_WORK : REASON_SILENT, busy);
}

void
ballot_blame_failed(struct sync_primary *p, uint32_t slot, int error)
{
	const struct sync_entry *entry = primary_entry(p, p->entry);
	char text[SYNC_REASON_LEN];

	error = error < 0 && error > -4096 ? error : -EBADMSG;
	copy_text(text, sync_slot(p->table, slot)->reason, sizeof(text));
	if (text[0] == '\0')
		(void)reason_say(entry->want == SYNC_WANT_ATTACHED ? REASON_PROBE : REASON_REMOVE,
				 error, strerror(-error), text, sizeof(text));
	ballot_blame_with(p, error, slot, text);
}

void
ballot_note_silent(struct sync_primary *p)
{
	uint64_t generation = atomic_load(&primary_entry(p, p->entry)->generation);
	uint32_t slot;

	for (slot = 1; slot < p->table->n_used; slot++)
		if (atomic_load(&sync_ack(p->table, slot, p->entry)->generation) != generation)
			p->is_silent[slot] = true;
}

void
ballot_leave_out(struct sync_primary *p)
{
	uint32_t slot;

	for (slot = 1; slot < p->table->n_used; slot++) {
		if (p->is_left_out[slot] || sync_slot_is_sound(p->table, slot) ||
		    !ballot_is_member(p, slot))
			continue;
		p->is_left_out[slot] = true;
		p->ops->tell_left_out(p->arg, slot);
	}
}

/* It may be sound by now. */
static bool
is_left_out(struct sync_primary *p, uint32_t slot)
{
	if (p->is_left_out[slot] && sync_slot_is_sound(p->table, slot))
		p->is_left_out[slot] = false;
	return p->is_left_out[slot];
}

/* Before anything that costs a system call. */
static bool
has_done(const struct sync_primary *p, uint32_t slot, const struct sync_ack *ack,
	 uint64_t generation)
{
	return atomic_load(&ack->generation) == generation && ack->error == 0 &&
		sync_slot_is_sound(p->table, slot);
}

/* Who has not answered yet: SYNC_NOBODY, or the first.  failed: who has failed. */
uint32_t
ballot_missing(struct sync_primary *p, uint32_t *failed)
{
	uint64_t generation = atomic_load(&primary_entry(p, p->entry)->generation);
	uint32_t slot, first = SYNC_NOBODY;
	const struct sync_ack *ack;

	*failed = SYNC_NOBODY;
	for (slot = 1; slot < p->table->n_used; slot++) {
		ack = sync_ack(p->table, slot, p->entry);
		if (p->is_silent[slot] || has_done(p, slot, ack, generation) ||
		    !ballot_is_member(p, slot) || is_left_out(p, slot))
			continue;
		if (!sync_slot_is_sound(p->table, slot) ||      /* whatever it says */
		    atomic_load(&ack->generation) != generation) {
			if (first == SYNC_NOBODY)
				first = slot;
		} else if (ack->error != 0 && *failed == SYNC_NOBODY) {
			*failed = slot;
		}
	}
	return first;
}
