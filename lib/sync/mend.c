/* SPDX-License-Identifier: BSD-3-Clause */

/* mend: what this process has said stands in the table, whoever has written over it.
 * In:  the primary's entries, a member's acknowledgements: their own copies.  Out: the
 *      table says the same, and who had seen something else has been woken.
 * Each mends what he writes, and nothing else: nobody knows what another has said.
 * Context: work (the sync thread), between two requests; no lock; nothing of DPDK. */

#include "primary.h"

bool
sync_member_mend(const struct sync_member *member)
{
	return sync_slot_mend(member->table, member->slot, member->pid, member->acks);
}

void
primary_wake_all(const struct sync_primary *p)
{
	uint32_t i;

	for (i = 0; i < p->table->n_slots; i++)
		if (i != SYNC_PRIMARY && (p->was_member[i] ||
		    atomic_load(&sync_slot(p->table, i)->is_member) != 0))
			p->ops->wake(p->arg, i);
}

/* Nobody is served now: what says otherwise has not been said by us. */
static bool
mend_requests(const struct sync_primary *p)
{
	bool is_mended = false;
	_Atomic uint32_t *state;
	uint32_t i, now;

	for (i = 0; i < p->table->n_slots && p->phase == SYNC_PHASE_IDLE; i++) {
		state = &sync_slot(p->table, i)->request.state;
		now = atomic_load(state);
		if (now != SYNC_REQUEST_NONE && now != SYNC_REQUEST_POSTED &&
		    now != SYNC_REQUEST_DONE)
			is_mended |= atomic_compare_exchange_strong(state, &now,
								    SYNC_REQUEST_NONE);
	}
	return is_mended;
}

bool
sync_primary_mend(struct sync_primary *p)
{
	bool is_mended = sync_table_mend(p->table);
	uint32_t i;

	is_mended |= sync_slot_mend(p->table, SYNC_PRIMARY, p->pid, NULL);
	for (i = 0; i < p->table->n_entries; i++)
		is_mended |= sync_entry_mend(p->table, i, primary_entry(p, i));
	is_mended |= mend_requests(p);
	if (is_mended)
		primary_wake_all(p);
	return is_mended;
}
