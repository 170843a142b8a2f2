/* SPDX-License-Identifier: BSD-3-Clause */

/* table: the memory that all processes share, its layout and how it is read.
 * In:  a block of memory that may have been written by anybody.  Out: entries,
 *      slots, copies that are whole, or what is wrong with it.
 * Order: an entry is written between generation 0 and its next one; a reader that
 *      finds another generation after copying has copied a mixture and says no.
 * Context: any thread; no lock. */

#include <stdio.h>
#include <string.h>

#include "table.h"

#define SLOT_MAGIC 0x736c6f74u
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
sync_table_size(uint32_t n_entries, uint32_t n_slots, uint32_t text_len)
{
	return round_up(sizeof(struct sync_table)) + n_entries * entry_len(text_len) +
		n_slots * slot_len(n_entries, text_len);
}

void
sync_table_format(struct sync_table *table, uint32_t n_entries, uint32_t n_slots,
		  uint32_t text_len)
{
	size_t size = sync_table_size(n_entries, n_slots, text_len);

	memset(table, 0, size);
	table->version = SYNC_VERSION;
	table->n_entries = n_entries;
	table->n_slots = n_slots;
	table->text_len = text_len;
	table->size = size;
	table->next_generation = 1;
	atomic_thread_fence(memory_order_release);
	table->magic = SYNC_MAGIC;      /* last: who reads it finds the rest */
}

const char *
sync_table_fault(const struct sync_table *table, size_t size)
{
	if (size < sizeof(*table) || table->magic != SYNC_MAGIC)
		return "it is no table of dpdk-hotplug";
	if (table->version != SYNC_VERSION)
		return "it is of another version of dpdk-hotplug";
	if (table->n_entries == 0 || table->n_entries > MAX_ENTRIES || table->n_slots < 2 ||
	    table->n_slots > MAX_SLOTS || table->text_len == 0 || table->text_len > MAX_TEXT)
		return "its measures are impossible";
	if (table->size > size || table->size != sync_table_size(table->n_entries,
								   table->n_slots, table->text_len))
		return "it has another size than it says";
	return NULL;
}

static char *
at(const struct sync_table *table, size_t offset)
{
	return (char *)(uintptr_t)table + round_up(sizeof(*table)) + offset;
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
	uint32_t entry;

	atomic_store(&slot->is_member, 0);
	atomic_store(&slot->request.state, SYNC_REQUEST_NONE);
	for (entry = 0; entry < table->n_entries; entry++)
		atomic_store(&sync_ack(table, i, entry)->generation, 0);
	slot->pid = pid;
	memset(slot->reason, 0, sizeof(slot->reason));
	memset(slot->busy, 0, sizeof(slot->busy));
	slot->magic = SLOT_MAGIC;
	atomic_store(&slot->is_member, 1);
}

bool
sync_slot_is_sound(const struct sync_table *table, uint32_t i)
{
	const struct sync_slot *slot = sync_slot(table, i);

	return slot->magic == SLOT_MAGIC && atomic_load(&slot->is_member) <= 1 &&
		atomic_load(&slot->request.state) <= SYNC_REQUEST_DROPPED;
}

bool
sync_entry_read(const struct sync_table *table, uint32_t i, struct sync_entry *copy)
{
	const struct sync_entry *entry = sync_entry(table, i);
	uint64_t generation = atomic_load(&entry->generation);

	if (generation == 0 && entry->want != SYNC_WANT_NOTHING)
		return false;
	memcpy(copy, entry, sizeof(*copy) + table->text_len);
	atomic_thread_fence(memory_order_acquire);
	if (atomic_load(&entry->generation) != generation)
		return false;
	atomic_store(&copy->generation, generation);
	copy->name[sizeof(copy->name) - 1] = '\0';
	copy->text[table->text_len - 1] = '\0';
	return true;
}

void
sync_entry_write(struct sync_table *table, uint32_t i, const struct sync_change *change)
{
	struct sync_entry *entry = sync_entry(table, i);
	uint64_t before = atomic_exchange(&entry->generation, 0);

	atomic_thread_fence(memory_order_seq_cst);
	if (!change->is_undo) {
		entry->base = before;
		entry->begun = change->begun;
	}
	entry->want = change->want;
	entry->is_undo = change->is_undo;
	entry->is_shared = change->is_shared;
	if (change->text != NULL) {
		snprintf(entry->name, sizeof(entry->name), "%s", change->name);
		snprintf(entry->text, table->text_len, "%s", change->text);
	}
	atomic_store(&entry->generation, table->next_generation++);
}
