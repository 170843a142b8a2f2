/* SPDX-License-Identifier: BSD-3-Clause */

/* desk: which request is served now, and its answer.
 * In:  requests in the slots.  Out: the one that came first; its answer, unless its
 *      owner has stopped waiting.
 * Order: a request belongs to its owner until it is TAKEN, and again when it is DONE.
 * Context: work (the sync thread of the primary); no lock; nothing of DPDK. */

#include <string.h>

#include "ballot.h"

/* Who asks, and is nobody: perhaps its slot has been written over, and it mends that. */
static bool
is_of_a_member(struct sync_primary *p, uint32_t slot)
{
	if (sync_slot_is_sound(p->table, slot) && ballot_is_member(p, slot))
		return true;
	p->ops->wake(p->arg, slot);
	return false;
}

/* The request that came first, taken. */
bool
desk_take(struct sync_primary *p)
{
	uint32_t i, posted = SYNC_REQUEST_POSTED;
	const struct sync_request *request;

	p->requester = SYNC_NOBODY;
	for (i = 0; i < p->table->n_used; i++) {
		request = &sync_slot(p->table, i)->request;
		if (atomic_load(&request->state) != SYNC_REQUEST_POSTED ||
		    !is_of_a_member(p, i))
			continue;
		if (p->requester == SYNC_NOBODY || request->ticket <
		    sync_slot(p->table, p->requester)->request.ticket)
			p->requester = i;
	}
	return p->requester != SYNC_NOBODY &&
		atomic_compare_exchange_strong(&sync_slot(p->table, p->requester)->request.state,
					       &posted, SYNC_REQUEST_TAKEN);
}

/* Copied first, then looked at: its owner, or anybody, may go on writing. */
bool
desk_read(struct sync_primary *p)
{
	const struct sync_request *request = &sync_slot(p->table, p->requester)->request;
	struct sync_request copy;

	memcpy(&copy, request, sizeof(copy));
	memcpy(p->name, copy.name, sizeof(p->name));
	memcpy(p->text, sync_request_text(p->table, p->requester), p->table->text_len);
	p->op = copy.op;
	p->probe_ns = p->op == SYNC_OP_SHARE ? copy.probe_ns : 0;
	return memchr(p->name, '\0', sizeof(p->name)) != NULL && p->name[0] != '\0' &&
		memchr(p->text, '\0', p->table->text_len) != NULL &&
		copy.sum == sync_request_sum(p->table, &copy, p->text) &&
		p->op >= SYNC_OP_ATTACH && p->op <= SYNC_OP_SHARE &&
		(p->op <= SYNC_OP_DETACH || p->requester == SYNC_PRIMARY);
}

/* May it be too late to tell the requester otherwise?  False: nobody waits any more. */
bool
desk_make_final(struct sync_primary *p)
{
	uint32_t taken = SYNC_REQUEST_TAKEN;

	return atomic_compare_exchange_strong(&sync_slot(p->table, p->requester)->request.state,
					      &taken, SYNC_REQUEST_FINAL);
}

bool
desk_is_dropped(const struct sync_primary *p)
{
	return atomic_load(&sync_slot(p->table, p->requester)->request.state) !=
		SYNC_REQUEST_TAKEN;
}

void
desk_answer(struct sync_primary *p)
{
	struct sync_request *request = &sync_slot(p->table, p->requester)->request;
	uint32_t state = atomic_load(&request->state);

	if (state == SYNC_REQUEST_TAKEN || state == SYNC_REQUEST_FINAL) {
		p->answer.sum = sync_answer_sum(&p->answer, request->ticket);
		request->answer = p->answer;
		if (atomic_compare_exchange_strong(&request->state, &state, SYNC_REQUEST_DONE))
			p->ops->wake(p->arg, p->requester);
	}
	state = SYNC_REQUEST_DROPPED;
	atomic_compare_exchange_strong(&request->state, &state, SYNC_REQUEST_NONE);
}
