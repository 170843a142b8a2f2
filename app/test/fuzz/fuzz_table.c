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
poke(uint8_t *table, size_t size, const uint8_t *data, size_t len)
{
	for (; len >= 3; data += 3, len -= 3)
		table[(data[0] | (size_t)data[1] << 8) % size] = data[2];
}

static void
read_all(const struct sync_table *table)
{
	struct sync_entry *copy = malloc(sizeof(*copy) + table->text_len);
	uint32_t i;

	for (i = 0; i < table->n_entries && copy != NULL; i++)
		if (sync_entry_read(table, i, copy)) {
			FUZZ_CHECK(memchr(copy->name, '\0', sizeof(copy->name)) != NULL);
			FUZZ_CHECK(memchr(copy->text, '\0', table->text_len) != NULL);
		}
	free(copy);
	for (i = 0; i < table->n_slots; i++) {
		(void)sync_slot_is_sound(table, i);
		sync_slot_claim(table, i, 1);
		FUZZ_CHECK(sync_slot_is_sound(table, i));
		FUZZ_CHECK(sync_request_text(table, i) + table->text_len <=
			   (const char *)table + table->size);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	size_t size = sync_table_size(N_ENTRIES, N_SLOTS, TEXT_LEN);
	struct sync_table *table = aligned_alloc(64, (size + 63) / 64 * 64);

	if (table == NULL)
		return 0;
	sync_table_format(table, N_ENTRIES, N_SLOTS, TEXT_LEN);
	poke((uint8_t *)table, size, data, len);
	if (sync_table_fault(table, size) == NULL)
		read_all(table);
	free(table);
	return 0;
}
