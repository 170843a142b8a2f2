/* SPDX-License-Identifier: BSD-3-Clause */

/* member: one process becomes what the table says, and says so.
 * In:  entries whose generation is not the one that we acknowledged last.  Out: the
 *      device attached or detached in this process, an acknowledgement.
 * It does not matter how many generations were missed: only the last one counts,
 * and what this process itself did on the way there.
 * Context: work (the sync thread); no lock; nothing of DPDK. */

#include <errno.h>
#include <string.h>

#include "machine.h"

enum todo { TODO_NOTHING, TODO_ATTACH, TODO_DETACH };

size_t
sync_member_extra(const struct sync_table *table)
{
	return sync_entry_len(table) + table->n_entries *
		(sizeof(struct sync_ack) + sizeof(struct sync_did));
}

void
sync_member_point(struct sync_member *member, void *extra)
{
	member->copy = extra;
	member->acks = (struct sync_ack *)(void *)((char *)extra + sync_entry_len(member->table));
	member->did = (struct sync_did *)(void *)(member->acks + member->table->n_entries);
}

void
sync_member_init(struct sync_member *member, void *extra)
{
	const struct sync_table *table = member->table;
	const struct sync_entry *entry;
	uint32_t i;

	memset(extra, 0, sync_member_extra(table));
	sync_member_point(member, extra);
	member->busy = SYNC_NOBODY;
	member->joined = sync_table_progress(table);
	for (i = 0; i < table->n_entries; i++) {
		entry = sync_entry(table, i);
		member->did[i].is_older = atomic_load(&entry->generation) != 0 ||
			entry->want != SYNC_WANT_NOTHING;
	}
}

/* Has this process slept over what was settled before?  What it has may then be of
 * any age, and only what is wanted counts.  A newcomer has what the primary had. */
static bool
has_missed_some(const struct sync_member *member, uint32_t i, const struct sync_entry *entry)
{
	uint64_t seen = atomic_load(&member->acks[i].generation);

	return seen < entry->base || (seen == 0 && member->did[i].is_older);
}

/* What it has of this device already may be the primary's of just now (EAL's start
 * finds that), or older than what was settled last: no more its own than what it
 * attaches now. */
static bool
inherits(const struct sync_member *member, uint32_t i, const struct sync_entry *entry)
{
	return member->joined >= entry->begun || has_missed_some(member, i, entry);
}

static enum todo
decide(const struct sync_member *member, uint32_t i, const struct sync_entry *entry)
{
	const struct sync_did *did = &member->did[i];

	if (entry->want == SYNC_WANT_ATTACHED)
		return entry->is_shared || (entry->is_undo && did->has_detached) ?
			TODO_ATTACH : TODO_NOTHING;
	if (entry->want != SYNC_WANT_DETACHED)
		return TODO_NOTHING;
	if (entry->is_undo && !did->has_attached && !inherits(member, i, entry))
		return TODO_NOTHING;
	return TODO_DETACH;
}

static void
acknowledge(struct sync_member *member, uint32_t i, uint64_t generation, int error)
{
	struct sync_ack *ack = sync_ack(member->table, member->slot, i);

	member->acks[i].error = ack->error = error;
	atomic_store(&member->acks[i].generation, generation);
	atomic_store(&ack->generation, generation);
	member->ops->wake(member->arg, SYNC_PRIMARY);
}

/* The job for an entry has ended.  Where the entry has moved on meanwhile, nobody asks for
 * that generation any more, and the next one takes it from here. */
static void
finish(struct sync_member *member, uint32_t i, int ret)
{
	struct sync_slot *slot = sync_slot(member->table, member->slot);
	struct sync_did *did = &member->did[i];

	slot->busy[0] = '\0';
	if (ret < 0)
		ret = member->ops->why(member->arg, ret, slot->reason);
	member->busy = SYNC_NOBODY;
	if (ret > 0 || (ret == 0 && member->busy_attaches && member->busy_inherits)) {
		did->has_attached = member->busy_attaches;
		did->has_detached = !member->busy_attaches;
	}
	acknowledge(member, i, member->busy_generation, ret < 0 ? ret : 0);
}

static void
begin(struct sync_member *member, uint32_t i, bool attaches)
{
	struct sync_slot *slot = sync_slot(member->table, member->slot);
	const struct sync_entry *entry = member->copy;
	int ret;

	memcpy(slot->busy, entry->name, sizeof(slot->busy));
	member->busy = i;
	member->busy_attaches = attaches;
	member->busy_inherits = inherits(member, i, entry);
	member->busy_generation = atomic_load(&entry->generation);
	ret = attaches ? member->ops->attach(member->arg, entry->name, entry->text) :
		member->ops->detach(member->arg, entry->name);
	if (ret != -EINPROGRESS)
		finish(member, i, ret);
}

static void
apply(struct sync_member *member, uint32_t i)
{
	const struct sync_entry *entry = member->copy;
	enum todo todo;

	if (!entry->is_undo && !has_missed_some(member, i, entry))
		member->did[i].has_attached = member->did[i].has_detached = false;
	todo = decide(member, i, entry);
	if (todo == TODO_NOTHING)
		acknowledge(member, i, atomic_load(&entry->generation), 0);
	else
		begin(member, i, todo == TODO_ATTACH);
}

static bool
is_news(const struct sync_member *member, uint32_t i)
{
	uint64_t seen = atomic_load(&member->acks[i].generation);
	uint64_t generation = atomic_load(&sync_entry(member->table, i)->generation);
	int ret;

	if (generation == 0 || generation == seen)
		return false;
	ret = sync_entry_read(member->table, i, member->copy);
	if (ret == -EBADMSG)
		member->ops->wake(member->arg, SYNC_PRIMARY);   /* it mends that, and wakes us */
	return ret == 0;
}

bool
sync_member_step(struct sync_member *member)
{
	uint32_t i;
	int ret;

	if (member->busy != SYNC_NOBODY) {
		ret = member->ops->poll(member->arg);
		if (ret == -EINPROGRESS)
			return false;
		finish(member, member->busy, ret);
		return true;
	}
	for (i = 0; i < member->table->n_entries; i++) {
		if (!is_news(member, i))
			continue;
		apply(member, i);
		return true;
	}
	return false;
}
