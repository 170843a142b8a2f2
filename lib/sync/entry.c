/* SPDX-License-Identifier: BSD-3-Clause */

/* entry: what stands in the table, and whether it is what its writer has written.
 * In:  the primary's own copy of an entry; memory that anybody may have written over.
 * Out: it stands there; a copy that is whole, or no copy.
 * Order: an entry is written between generation 0 and its next one; a reader that
 *      finds another generation after copying has copied a mixture and says no.
 * Sums: against what is written over by mistake.  Who wants to do harm shares all memory.
 * Context: any thread; no lock. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sums.h"
#include "table.h"

/* FNV-1a, from a start that makes no run of zeros right. */
uint64_t
sum_add(uint64_t sum, const void *bytes, size_t len)
{
	const unsigned char *at = bytes;

	for (; len > 0; at++, len--)
		sum = (sum ^ *at) * 0x100000001b3ull;
	return sum;
}

static uint64_t
add_text(uint64_t sum, const char *text, size_t size)
{
	return sum_add(sum, text, strnlen(text, size));
}

static uint64_t
entry_sum(const struct sync_table *table, const struct sync_entry *entry)
{
	uint64_t generation = atomic_load(&entry->generation), sum = ADD(NO_SUM, generation);

	sum = ADD(ADD(sum, entry->base), entry->begun);
	sum = ADD(ADD(ADD(sum, entry->want), entry->is_undo), entry->is_shared);
	sum = add_text(sum, entry->name, sizeof(entry->name));
	return add_text(sum, entry->text, table->text_len);
}

uint64_t
sync_request_sum(const struct sync_table *table, const struct sync_request *request,
		 const char *text)
{
	uint64_t sum = ADD(ADD(ADD(NO_SUM, request->op), request->ticket), request->probe_ns);

	return add_text(add_text(sum, request->name, sizeof(request->name)), text,
			table->text_len);
}

uint64_t
sync_answer_sum(const struct sync_answer *answer, uint64_t ticket)
{
	uint64_t sum = ADD(ADD(ADD(NO_SUM, answer->error), answer->slot), answer->pid);

	return add_text(ADD(sum, ticket), answer->reason, sizeof(answer->reason));
}

uint64_t
sync_sign_sum(const struct sync_sign *sign, uint32_t n)
{
	return add_text(ADD(ADD(NO_SUM, n), sign->generation), sign->name, sizeof(sign->name));
}

int
sync_entry_read(const struct sync_table *table, uint32_t i, struct sync_entry *copy)
{
	const struct sync_entry *entry = sync_entry(table, i);
	uint64_t generation = atomic_load(&entry->generation);

	if (generation == 0)
		return -EAGAIN;
	memcpy(copy, entry, sizeof(*copy) + table->text_len);
	atomic_thread_fence(memory_order_acquire);
	if (atomic_load(&entry->generation) != generation)
		return -EAGAIN;
	atomic_store(&copy->generation, generation);
	return copy->sum == entry_sum(table, copy) &&
		memchr(copy->name, '\0', sizeof(copy->name)) != NULL &&
		memchr(copy->text, '\0', table->text_len) != NULL ? 0 : -EBADMSG;
}

/* The text up to its end: nobody reads what is behind it. */
static void
publish(const struct sync_table *table, uint32_t i, const struct sync_entry *own)
{
	struct sync_entry *entry = sync_entry(table, i);
	size_t head = offsetof(struct sync_entry, sum);

	atomic_store(&entry->generation, 0);
	atomic_thread_fence(memory_order_seq_cst);
	memcpy((char *)entry + head, (const char *)own + head,
	       sizeof(*own) - head + strlen(own->text) + 1);
	atomic_store(&entry->generation, atomic_load(&own->generation));
}

void
sync_entry_write(struct sync_table *table, uint32_t i, struct sync_entry *own,
		 const struct sync_change *change)
{
	if (!change->is_undo) {
		own->base = atomic_load(&own->generation);
		own->begun = change->begun;
	}
	own->want = change->want;
	own->is_undo = change->is_undo;
	own->is_shared = change->is_shared;
	if (change->text != NULL) {
		snprintf(own->name, sizeof(own->name), "%s", change->name);
		snprintf(own->text, table->text_len, "%s", change->text);
	}
	atomic_store(&own->generation, table->next_generation++);
	own->sum = entry_sum(table, own);
	publish(table, i, own);
}

bool
sync_entry_mend(const struct sync_table *table, uint32_t i, const struct sync_entry *own)
{
	const struct sync_entry *entry = sync_entry(table, i);
	uint64_t generation = atomic_load(&own->generation);

	if (atomic_load(&entry->generation) == generation && entry->want == own->want &&
	    (generation == 0 || memcmp(entry, own, sizeof(*own) + strlen(own->text) + 1) == 0))
		return false;
	if (generation == 0) {
		sync_entry(table, i)->want = own->want;
		atomic_store(&sync_entry(table, i)->generation, 0);
	} else {
		publish(table, i, own);
	}
	return true;
}
