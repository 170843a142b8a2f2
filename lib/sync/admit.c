/* SPDX-License-Identifier: BSD-3-Clause */

/* admit: may a request begin, and on which entry of the table?
 * In:  the request that has been taken, the table, what this process has.  Out: the
 *      request's first step, or an answer that says why there is none.
 * Context: work (the sync thread of the primary); no lock; nothing of DPDK. */

#include <errno.h>
#include <string.h>

#include "ballot.h"
#include "primary.h"

void
admit_note_loss(struct sync_primary *p)
{
	bool matters = p->op == SYNC_OP_DETACH ||
		(p->op == SYNC_OP_CLEAR && p->ops->has(p->arg, p->name));

	if (matters && !p->is_lost)
		p->is_lost = p->ops->is_lost(p->arg, p->name);
}

static uint32_t
find_entry(const struct sync_primary *p)
{
	const struct sync_entry *entry;
	uint32_t i;

	for (i = 0; i < p->table->n_entries; i++) {
		entry = primary_entry(p, i);
		if (entry->want != SYNC_WANT_NOTHING && strcmp(entry->name, p->name) == 0)
			return i;
	}
	return SYNC_NOBODY;
}

static uint32_t
find_room(struct sync_primary *p)
{
	uint32_t i, found = find_entry(p), want;

	for (i = 0; i < p->table->n_entries && found == SYNC_NOBODY; i++)
		if (primary_entry(p, i)->want == SYNC_WANT_NOTHING)
			found = i;
	for (i = 0; i < p->table->n_entries && found == SYNC_NOBODY; i++) {
		want = primary_entry(p, i)->want;
		if (want == SYNC_WANT_DETACHED && ballot_is_complete(p, i))
			found = i;
	}
	return found;
}

static void
begin_attach(struct sync_primary *p)
{
	char text[SYNC_REASON_LEN] = "";
	int ret = p->ops->may(p->arg, p->op, p->name, text);

	p->entry = find_room(p);
	if (ret != 0)
		primary_refuse_with(p, ret, text);
	else if (p->entry == SYNC_NOBODY)
		primary_refuse(p, REASON_NO_ENTRY);
	else
		primary_enter(p, SYNC_PHASE_PROBE);
}

/* It has been healed here.  Who does not know yet that it was gone is not waited for: it
 * catches up. */
static void
begin_share(struct sync_primary *p)
{
	p->entry = find_room(p);
	if (p->entry == SYNC_NOBODY) {
		primary_refuse(p, REASON_NO_ENTRY);
		return;
	}
	if (strcmp(primary_entry(p, p->entry)->name, p->name) == 0)
		ballot_note_silent(p);
	primary_write_entry(p, SYNC_WANT_ATTACHED, false, true, p->text);
	primary_enter(p, SYNC_PHASE_ASK);
}

static void
begin_detach(struct sync_primary *p)
{
	uint32_t known = find_entry(p);
	bool is_here = p->ops->has(p->arg, p->name), is_shared;
	char text[SYNC_REASON_LEN] = "";
	int ret = 0;

	if (is_here && p->op == SYNC_OP_DETACH)
		ret = p->ops->may(p->arg, p->op, p->name, text);
	p->entry = find_room(p);
	if (ret != 0) {
		primary_refuse_with(p, ret, text);
		return;
	}
	if (p->entry == SYNC_NOBODY) {
		primary_refuse(p, REASON_NO_ENTRY);
		return;
	}
	is_shared = known != SYNC_NOBODY && primary_entry(p, known)->is_shared &&
		primary_entry(p, known)->want == SYNC_WANT_ATTACHED;
	if (!is_shared)
		p->ops->describe(p->arg, p->name, p->text, p->table->text_len);
	primary_write_entry(p, SYNC_WANT_DETACHED, false, is_shared, is_shared ? NULL : p->text);
	primary_enter(p, SYNC_PHASE_ASK);
}

/* It is as wanted already, whoever else is there. */
static bool
refuse_repetition(struct sync_primary *p)
{
	uint32_t known = find_entry(p);
	bool is_here = p->ops->has(p->arg, p->name);

	if (is_here && (p->op == SYNC_OP_ATTACH || (p->op == SYNC_OP_CLEAR && !p->is_lost))) {
		primary_refuse(p, REASON_ATTACHED);
		return true;
	}
	if (p->op == SYNC_OP_SHARE && !is_here) {
		primary_refuse(p, REASON_NOT_ATTACHED);
		return true;
	}
	if (p->op == SYNC_OP_DETACH && !is_here &&
	    (known == SYNC_NOBODY || primary_entry(p, known)->want != SYNC_WANT_ATTACHED)) {
		primary_refuse(p, REASON_NOT_ATTACHED);
		return true;
	}
	return false;
}

/* One that is no member: it may be about to become one, and what cannot be looked at counts
 * as one that will not.  0: none, or none that matters. */
static int
refuse_strangers(struct sync_primary *p)
{
	char text[SYNC_REASON_LEN];
	int ret = p->ignores_strangers || p->is_lost ? 0 : p->ops->has_stranger(p->arg, text);

	if (ret == 0)
		return 0;
	primary_wake_all(p);            /* it may be one whose slot has been written over */
	if (ret > 0 && !primary_is_past(p, p->deadline_ms * MS))
		return -EAGAIN;
	primary_refuse_with(p, ret > 0 ? -ENOTCONN : ret, text);
	return 1;
}

int
admit(struct sync_primary *p)
{
	int ret;

	admit_note_loss(p);
	if (refuse_repetition(p))
		return 1;
	ret = p->op == SYNC_OP_SHARE ? 0 : refuse_strangers(p);
	if (ret != 0)
		return ret;
	if (p->op == SYNC_OP_SHARE)
		begin_share(p);
	else if (p->op == SYNC_OP_ATTACH)
		begin_attach(p);
	else
		begin_detach(p);
	return 1;
}
