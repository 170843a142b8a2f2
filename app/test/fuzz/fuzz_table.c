/* SPDX-License-Identifier: BSD-3-Clause */

/* fuzz_table: a shared table in which another process has written anything anywhere.
 * It is refused, or every entry and slot of it can be read: inside it, with ended texts. */

#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "sync/table.h"

#define N_ENTRIES 3u
#define N_SLOTS 2u
#define TEXT_LEN 64u

/* Triples: where (two bytes), and what is written there. */
const char *const fuzz_seeds[] = {
	"\x01\x01m", "\x08\x01\x01", "\x0c\x01\xff", "\x10\x01\x40", "\x50\x01z", "\x90\x02q",
	"\x18\x01\x01\x19\x01\x02", NULL,
};

static void
poke(uint8_t *memory, size_t size, const uint8_t *data, size_t len)
{
	for (; len >= 3; data += 3, len -= 3)
		memory[(data[0] | (size_t)data[1] << 8) % size] = data[2];
}

static void
read_entries(const struct sync_table *table, struct sync_entry *copy)
{
	uint32_t i;

	for (i = 0; i < table->n_entries; i++)
		if (sync_entry_read(table, i, copy) == 0) {
			FUZZ_CHECK(memchr(copy->name, '\0', sizeof(copy->name)) != NULL);
			FUZZ_CHECK(memchr(copy->text, '\0', table->text_len) != NULL);
		}
}

static void
read_all(const struct sync_table *table, size_t size)
{
	struct sync_entry *copy = malloc(sync_entry_len(table));
	uint32_t i;

	if (copy != NULL)
		read_entries(table, copy);
	free(copy);
	(void)sync_table_progress(table);
	for (i = 0; i < table->n_slots; i++) {
		(void)sync_slot_is_sound(table, i);
		sync_slot_claim(table, i, 1);
		FUZZ_CHECK(sync_slot_is_sound(table, i));
		FUZZ_CHECK(sync_request_text(table, i) + table->text_len <=
			   (const char *)table->head + size);
	}
}

/* The primary has it from before: whatever stands there, what it mends is what it was. */
static void
mend_all(struct sync_table *table, struct sync_entry *own)
{
	struct sync_table again;
	uint32_t i;

	(void)sync_table_mend(table);
	for (i = 0; i < N_ENTRIES; i++)
		(void)sync_entry_mend(table, i, own);
	(void)sync_slot_mend(table, 0, 1, NULL);
	FUZZ_CHECK(sync_table_view(&again, table->head, table->size) == NULL);
	FUZZ_CHECK(again.n_entries == N_ENTRIES && again.n_slots == N_SLOTS);
	FUZZ_CHECK(!sync_table_mend(table) && !sync_entry_mend(table, 0, own));
	FUZZ_CHECK(sync_slot_is_sound(table, 0));
	FUZZ_CHECK(sync_table_progress(table) == table->progress);
}

/* Who came before it was written over goes on with its own measures; who comes then takes
 * what stands there, or refuses it. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	size_t size = sync_table_size(N_ENTRIES, N_SLOTS, TEXT_LEN);
	uint8_t *memory = aligned_alloc(64, (size + 63) / 64 * 64);
	struct sync_table table, newcomer;
	struct sync_entry *own = NULL;

	if (memory != NULL) {
		sync_table_format(&table, memory, N_ENTRIES, N_SLOTS, TEXT_LEN);
		own = calloc(1, sync_entry_len(&table));
	}
	if (own != NULL) {
		poke(memory, size, data, len);
		if (sync_table_view(&newcomer, memory, size) == NULL)
			read_all(&newcomer, size);
		read_all(&table, size);
		mend_all(&table, own);
	}
	free(own);
	free(memory);
	return 0;
}
