/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_SYNC_SHARE_H
#define HOTPLUG_SYNC_SHARE_H

#include <dirent.h>
#include <stdbool.h>
#include <time.h>

#include "../core/reasons.h"
#include "gates.h"
#include "table.h"

/* What the processes of one file prefix have in common. */
struct share {
	struct sync_table *table;       /* &view; NULL: none */
	struct sync_table view;
	struct gates *gates;            /* NULL: none */
	int life_fd;
	DIR *folder;                    /* EAL's runtime directory, open since the start */
	uint32_t slot;                  /* ours, SYNC_NOBODY: none yet */
	bool is_primary;
	int why_error;                  /* when it could not be opened */
	char why[SYNC_REASON_LEN];
	/* What has_stranger saw last, when there was none: the folder's time, and the members. */
	struct timespec seen_folder;
	uint64_t seen_members;
};

/* Can another process be there at all? */
bool share_is_possible(void);
/* The primary makes the table, or finds that of its life before; a secondary finds
 * the primary's.  A slot is taken.  0 or -errno (said). */
int share_open(struct share *share);
/* Before that, without a slot: fn(devargs) for each device that is attached. */
void share_peek(void (*fn)(const char *text));
void share_close(struct share *share);
/* It cannot be opened, for that reason: said.  Returns the error. */
int share_fail(struct share *share, enum reason reason, const char *about);
bool share_is_alive(const struct share *share, uint32_t slot);
/* Is another member alive? */
bool share_has_members(const struct share *share);
/* strangers.c.  A process of EAL's that is no member: 1, and its name into text; 0; -errno, and why it
 * cannot be told. */
int share_has_stranger(struct share *share, char *text);

/* say.c */
void say_mended(void);
void say_if_left(const struct share *share);
bool say_tool(int pid, const char *name);       /* true */

/* Sleep until *word is not `seen` any more, or timeout_ms is over (0: none). */
void share_sleep(_Atomic uint32_t *word, uint32_t seen, unsigned int timeout_ms);
void share_wake(_Atomic uint32_t *word);
/* A process's sync thread, and who asks there. */
void share_wake_slot(const struct share *share, uint32_t slot);

#endif /* HOTPLUG_SYNC_SHARE_H */
