/* SPDX-License-Identifier: BSD-3-Clause */

/* table: the memory that all processes share: its head, its layout, its slots.
 * In:  a block of memory that may have been written by anybody.  Out: a view of it, its
 *      entries and slots, or what is wrong with it.
 * Context: any thread; no lock. */

#include <string.h>

#include "sums.h"
#include "table.h"

#define MAX_ENTRIES 65536u
#define MAX_SLOTS 4096u
#define MAX_TEXT 65536u

static size_t
round_up(size_t len)
{
	return (len + 63) & ~(size_t)63;
}

static size_t
entry_len(uint32_t text_len)
{
	return round_up(sizeof(struct sync_entry) + text_len);
}

static size_t
slot_len(uint32_t n_entries, uint32_t text_len)
{
	return round_up(sizeof(struct sync_slot) + n_entries * sizeof(struct sync_ack) +
			text_len);
}

size_t
sync_entry_len(const struct sync_table *table)
{
	return entry_len(table->text_len);
}

size_t
sync_table_size(uint32_t n_entries, uint32_t n_slots, uint32_t text_len)
{
	return round_up(sizeof(struct sync_head)) + n_entries * entry_len(text_len) +
		n_slots * slot_len(n_entries, text_len);
}

/* magic last: who reads it finds the rest. */
static void
write_head(const struct sync_table *table)
{
	struct sync_head *head = table->head;

	head->version = SYNC_VERSION;
	head->n_entries = table->n_entries;
	head->n_slots = table->n_slots;
	head->text_len = table->text_len;
	head->may_grow = table->may_grow;
	head->size = table->size;
	head->file = table->file;
	atomic_store(&head->progress, table->progress);
	atomic_store(&head->progress_sum, ADD(NO_SUM, table->progress));
	atomic_thread_fence(memory_order_release);
	head->magic = SYNC_MAGIC;
}

void
sync_table_format(struct sync_table *table, void *memory, uint32_t n_entries, uint32_t n_slots,
		  uint32_t text_len)
{
	*table = (struct sync_table){
		.head = memory, .n_entries = n_entries, .n_slots = n_slots, .text_len = text_len,
		.size = sync_table_size(n_entries, n_slots, text_len), .next_generation = 1,
	};
	memset(memory, 0, table->size);
	write_head(table);
}

const char *
sync_table_view(struct sync_table *table, void *memory, size_t size)
{
	struct sync_head head;

	if (size < sizeof(head))
		return "it is no table of dpdk-hotplug";
	memcpy(&head, memory, sizeof(head));
	if (head.magic != SYNC_MAGIC)
		return "it is no table of dpdk-hotplug";
	if (head.version != SYNC_VERSION)
		return "it is of another version of dpdk-hotplug";
	if (head.n_entries == 0 || head.n_entries > MAX_ENTRIES || head.n_slots < 2 ||
	    head.n_slots > MAX_SLOTS || head.text_len == 0 || head.text_len > MAX_TEXT)
		return "its measures are impossible";
	if (head.size > size ||
	    head.size != sync_table_size(head.n_entries, head.n_slots, head.text_len))
		return "it has another size than it says";
	*table = (struct sync_table){
		.head = memory, .n_entries = head.n_entries, .n_slots = head.n_slots,
		.text_len = head.text_len, .may_grow = head.may_grow, .size = head.size,
		.file = head.file, .progress = atomic_load(&head.progress),
	};
	return NULL;
}

bool
sync_table_mend(const struct sync_table *table)
{
	const struct sync_head *head = table->head;
	bool is_whole = head->magic == SYNC_MAGIC && head->version == SYNC_VERSION &&
		head->n_entries == table->n_entries && head->n_slots == table->n_slots &&
		head->text_len == table->text_len && head->may_grow == table->may_grow &&
		head->size == table->size && head->file == table->file &&
		atomic_load(&head->progress) == table->progress &&
		atomic_load(&head->progress_sum) == ADD(NO_SUM, table->progress);

	if (!is_whole)
		write_head(table);
	return !is_whole;
}

void
sync_table_look(struct sync_table *table)
{
	uint32_t n = atomic_load(&table->head->n_claimed);

	if (n > table->n_slots)
		n = table->n_slots;
	if (n > atomic_load(&table->n_used))
		atomic_store(&table->n_used, n);
}

void
sync_table_step(struct sync_table *table)
{
	table->progress++;
	atomic_store(&table->head->progress, table->progress);
	atomic_store(&table->head->progress_sum, ADD(NO_SUM, table->progress));
}

uint64_t
sync_table_progress(const struct sync_table *table)
{
	uint64_t progress, sum;
	unsigned int n;

	for (n = 0; n < 100; n++) {     /* it may be between the two stores */
		sum = atomic_load(&table->head->progress_sum);
		progress = atomic_load(&table->head->progress);
		if (sum == ADD(NO_SUM, progress))
			return progress;
	}
	return 0;
}

static char *
at(const struct sync_table *table, size_t offset)
{
	return (char *)table->head + round_up(sizeof(struct sync_head)) + offset;
}

struct sync_entry *
sync_entry(const struct sync_table *table, uint32_t i)
{
	return (struct sync_entry *)(void *)at(table, i * entry_len(table->text_len));
}

struct sync_slot *
sync_slot(const struct sync_table *table, uint32_t i)
{
	return (struct sync_slot *)(void *)at(table, table->n_entries *
		entry_len(table->text_len) + i * slot_len(table->n_entries, table->text_len));
}

struct sync_ack *
sync_ack(const struct sync_table *table, uint32_t slot, uint32_t entry)
{
	return (struct sync_ack *)(void *)(sync_slot(table, slot) + 1) + entry;
}

char *
sync_request_text(const struct sync_table *table, uint32_t slot)
{
	return (char *)sync_ack(table, slot, table->n_entries);
}

void
sync_slot_claim(const struct sync_table *table, uint32_t i, int32_t pid)
{
	struct sync_slot *slot = sync_slot(table, i);
	uint32_t entry, n = atomic_load(&table->head->n_claimed);

	while (n <= i && !atomic_compare_exchange_weak(&table->head->n_claimed, &n, i + 1))
		;
	atomic_store(&slot->is_member, 0);
	atomic_store(&slot->request.state, SYNC_REQUEST_NONE);
	for (entry = 0; entry < table->n_entries; entry++) {
		atomic_store(&sync_ack(table, i, entry)->generation, 0);
		sync_ack(table, i, entry)->error = 0;
	}
	slot->pid = pid;
	memset(slot->reason, 0, sizeof(slot->reason));
	memset(slot->busy, 0, sizeof(slot->busy));
	slot->magic = SYNC_SLOT_MAGIC;
	atomic_store(&slot->is_member, 1);
}

bool
sync_slot_is_sound(const struct sync_table *table, uint32_t i)
{
	const struct sync_slot *slot = sync_slot(table, i);

	return slot->magic == SYNC_SLOT_MAGIC && atomic_load(&slot->is_member) <= 1 &&
		atomic_load(&slot->request.state) <= SYNC_REQUEST_DROPPED;
}

/* What no process can have said. */
static bool
clear_odd_state(struct sync_request *request)
{
	uint32_t state = atomic_load(&request->state);

	return state > SYNC_REQUEST_DROPPED &&
		atomic_compare_exchange_strong(&request->state, &state, SYNC_REQUEST_NONE);
}

static bool
mend_acks(const struct sync_table *table, uint32_t i, const struct sync_ack *acks)
{
	struct sync_ack *ack = sync_ack(table, i, 0);
	bool is_mended = false;
	uint32_t entry;

	if (memcmp(ack, acks, table->n_entries * sizeof(*ack)) == 0)
		return false;
	for (entry = 0; entry < table->n_entries; entry++, ack++, acks++) {
		if (atomic_load(&ack->generation) == atomic_load(&acks->generation) &&
		    ack->error == acks->error)
			continue;
		ack->error = acks->error;
		atomic_store(&ack->generation, atomic_load(&acks->generation));
		is_mended = true;
	}
	return is_mended;
}

bool
sync_slot_mend(const struct sync_table *table, uint32_t i, int32_t pid,
	       const struct sync_ack *acks)
{
	struct sync_slot *slot = sync_slot(table, i);
	bool is_whole = slot->magic == SYNC_SLOT_MAGIC && slot->pid == pid &&
		atomic_load(&slot->is_member) == 1;

	if (!is_whole) {
		slot->magic = SYNC_SLOT_MAGIC;
		slot->pid = pid;
		atomic_store(&slot->is_member, 1);
	}
	if (clear_odd_state(&slot->request))
		is_whole = false;
	if (acks != NULL && mend_acks(table, i, acks))
		is_whole = false;
	return !is_whole;
}
