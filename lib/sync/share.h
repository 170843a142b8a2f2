/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_SYNC_SHARE_H
#define HOTPLUG_SYNC_SHARE_H

#include <stdbool.h>

#include "gates.h"
#include "table.h"

/* What the processes of one file prefix have in common. */
struct share {
	struct sync_table *table;       /* &view; NULL: none */
	struct sync_table view;
	struct gates *gates;            /* NULL: none */
	int life_fd;
	uint32_t slot;                  /* ours, SYNC_NOBODY: none yet */
	bool is_primary;
};

/* Can another process be there at all? */
bool share_is_possible(void);
/* The primary makes the table, or finds that of its life before; a secondary finds
 * the primary's.  A slot is taken.  0 or -errno (said). */
int share_open(struct share *share);
/* Before that, without a slot: fn(devargs) for each device that is attached. */
void share_peek(void (*fn)(const char *text));
void share_close(struct share *share);
bool share_is_alive(const struct share *share, uint32_t slot);
/* A process of EAL's that is no member: its name into reason. */
bool share_has_stranger(const struct share *share, char *reason);

/* Sleep until *word is not `seen` any more, or timeout_ms is over (0: none). */
void share_sleep(_Atomic uint32_t *word, uint32_t seen, unsigned int timeout_ms);
void share_wake(_Atomic uint32_t *word);
/* A process's sync thread, and who asks there. */
void share_wake_slot(const struct share *share, uint32_t slot);

#endif /* HOTPLUG_SYNC_SHARE_H */
