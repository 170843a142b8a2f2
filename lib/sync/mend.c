/* SPDX-License-Identifier: BSD-3-Clause */

/* mend: what this process has said stands in the table, whoever has written over it.
 * In:  the primary's entries, a member's acknowledgements: their own copies.  Out: the
 *      table says the same, and who had seen something else has been woken.
 * Each mends what he writes, and nothing else: nobody knows what another has said.
 * Context: work (the sync thread), between two requests; no lock; nothing of DPDK. */

#include <string.h>

#include "primary.h"

bool
sync_member_mend(const struct sync_member *member)
{
	return sync_slot_mend(member->table, member->slot, member->pid, member->acks);
}

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
primary_wake_all(const struct sync_primary *p)
{
	uint32_t i;

	for (i = 0; i < p->table->n_used; i++)
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

	for (i = 0; i < p->table->n_used && p->phase == SYNC_PHASE_IDLE; i++) {
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
