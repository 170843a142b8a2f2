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

bool
ballot_is_member(const struct sync_primary *p, uint32_t slot)
{
	return atomic_load(&sync_slot(p->table, slot)->is_member) != 0 &&
		p->ops->is_alive(p->arg, slot);
}

/* Has every process that lives seen its present meaning? */
bool
ballot_is_complete(const struct sync_primary *p, uint32_t i)
{
	uint64_t generation = atomic_load(&sync_entry(p->table, i)->generation);
	uint32_t slot;

	for (slot = 1; slot < p->table->n_slots; slot++)
		if (atomic_load(&sync_ack(p->table, slot, i)->generation) != generation &&
		    ballot_is_member(p, slot))
			return false;
	return true;
}

void
ballot_blame(struct sync_primary *p, int error, uint32_t slot, const char *reason)
{
	p->answer.error = error;
	p->answer.slot = slot;
	p->answer.pid = slot != SYNC_NOBODY ? sync_slot(p->table, slot)->pid : 0;
	snprintf(p->answer.reason, sizeof(p->answer.reason), "%s", reason);
}

/* A process that says nothing, or nothing that makes sense. */
void
ballot_blame_silent(struct sync_primary *p, uint32_t slot)
{
	const struct sync_slot *s = sync_slot(p->table, slot);
	char reason[SYNC_REASON_LEN];

	if (!sync_slot_is_sound(p->table, slot))
		snprintf(reason, sizeof(reason), "its slot in the table is damaged");
	else if (s->busy[0] != '\0')
		snprintf(reason, sizeof(reason), "its driver is still at work on %.*s",
			 (int)sizeof(s->busy), s->busy);
	else
		snprintf(reason, sizeof(reason), "it does not answer");
	ballot_blame(p, sync_slot_is_sound(p->table, slot) ? -ETIMEDOUT : -EBADMSG, slot, reason);
}

void
ballot_blame_failed(struct sync_primary *p, uint32_t slot, int error)
{
	const struct sync_entry *entry = sync_entry(p->table, p->entry);
	char reason[SYNC_REASON_LEN];

	memcpy(reason, sync_slot(p->table, slot)->reason, sizeof(reason));
	reason[sizeof(reason) - 1] = '\0';
	if (reason[0] == '\0')
		snprintf(reason, sizeof(reason), "%s", entry->want == SYNC_WANT_ATTACHED ?
			 "its driver's probe failed" : "its driver's remove failed");
	ballot_blame(p, error < 0 && error > -4096 ? error : -EBADMSG, slot, reason);
}

/* From now on nobody waits for those that make no sense; is_late: nor for those that have
 * not answered by now. */
void
ballot_note_silent(struct sync_primary *p, bool is_late)
{
	uint64_t generation = atomic_load(&sync_entry(p->table, p->entry)->generation);
	uint32_t slot;

	for (slot = 1; slot < p->table->n_slots; slot++)
		p->is_silent[slot] |= !sync_slot_is_sound(p->table, slot) || (is_late &&
			atomic_load(&sync_ack(p->table, slot, p->entry)->generation) != generation);
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
	uint64_t generation = atomic_load(&sync_entry(p->table, p->entry)->generation);
	uint32_t slot, first = SYNC_NOBODY;
	const struct sync_ack *ack;

	*failed = SYNC_NOBODY;
	for (slot = 1; slot < p->table->n_slots; slot++) {
		ack = sync_ack(p->table, slot, p->entry);
		if (p->is_silent[slot] || has_done(p, slot, ack, generation) ||
		    !ballot_is_member(p, slot))
			continue;
		if (!sync_slot_is_sound(p->table, slot))
			return slot;    /* whatever it says */
		if (atomic_load(&ack->generation) != generation) {
			if (first == SYNC_NOBODY)
				first = slot;
		} else if (ack->error != 0 && *failed == SYNC_NOBODY) {
			*failed = slot;
		}
	}
	return first;
}
