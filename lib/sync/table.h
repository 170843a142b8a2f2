/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_SYNC_TABLE_H
#define HOTPLUG_SYNC_TABLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hotplug.h"

/* The table that all processes share: entries say what should be attached, a slot
 * for each process says what it has done about it.  Who writes what:
 *   the primary     the head, entries, and the answer in a slot's request
 *   a slot's owner  everything else in its slot
 *   anybody         the wake words, and state words where two agree by exchange
 * Any process may have written anything over any of it.  So nobody believes what he has
 * written himself: the measures, the primary's entries and a member's acknowledgements
 * are read from copies of their own, which the table is mended from.  What another one has
 * written counts if its sum is right (entries, requests, answers, signs), or if no value of
 * it can do harm.
 * Its size is the primary's choice and stands in its head. */

#define SYNC_MAGIC 0x68706d70u
#define SYNC_VERSION 3u
#define SYNC_N_ENTRIES 256
#define SYNC_N_SLOTS 128
#define SYNC_TEXT_LEN 4096
#define SYNC_REASON_LEN 128
#define SYNC_SLOT_MAGIC 0x736c6f74u
#define SYNC_PRIMARY 0          /* the primary's slot */
#define SYNC_NOBODY UINT32_MAX

/* What an entry wants of every process. */
enum sync_want {
	SYNC_WANT_NOTHING,      /* free, never used */
	SYNC_WANT_ATTACHED,
	SYNC_WANT_DETACHED,     /* free again, once everybody has seen it */
};

struct sync_entry {
	_Atomic uint64_t generation;    /* changes with each change; 0: being written */
	uint64_t sum;                   /* of all the rest */
	uint64_t base;                  /* generation of what was settled before this */
	uint64_t begun;                 /* the table's progress when this began */
	uint32_t want;
	uint32_t is_undo;               /* back to what was before */
	uint32_t is_shared;             /* attached through us: everybody's; else only
					 * of those who had it by themselves */
	char name[HOTPLUG_NAME_LEN];
	char text[];                    /* the whole devargs */
};

/* What a process has done about an entry. */
struct sync_ack {
	_Atomic uint64_t generation;
	int32_t error;
	uint32_t reserved;
};

enum sync_request_state {
	SYNC_REQUEST_NONE,
	SYNC_REQUEST_POSTED,    /* by its owner */
	SYNC_REQUEST_TAKEN,     /* by the primary, which may still be told to drop it */
	SYNC_REQUEST_FINAL,     /* by the primary: past the point of no return */
	SYNC_REQUEST_DONE,      /* by the primary: the answer stands below */
	SYNC_REQUEST_DROPPED,   /* by its owner, who has stopped waiting */
};

enum sync_op {
	SYNC_OP_ATTACH = 1,
	SYNC_OP_DETACH,
	/* The primary's own, around a heal: */
	SYNC_OP_CLEAR,          /* do all know that it is gone? */
	SYNC_OP_SHARE,          /* the primary has it again: the others attach it */
};

struct sync_answer {
	int32_t error;
	uint32_t slot;          /* whose fault; SYNC_NOBODY: nobody's */
	int32_t pid;
	char reason[SYNC_REASON_LEN];
	uint64_t sum;           /* of all that, and the request's ticket */
};

struct sync_request {
	_Atomic uint32_t state;
	uint32_t op;
	uint64_t ticket;        /* lowest first */
	uint64_t probe_ns;      /* SHARE: what the probe took in the primary */
	uint64_t sum;           /* of all that, name and text; 0: nothing is asked */
	char name[HOTPLUG_NAME_LEN];
	struct sync_answer answer;
};

/* The last devices that a process has seen go, a ring; count goes on for ever. */
#define SYNC_N_SIGNS 16

struct sync_sign {
	char name[HOTPLUG_NAME_LEN];
	uint64_t generation;    /* of the card, as in struct hotplug_identity */
	uint64_t sum;           /* of that, and of which sign it is */
};

struct sync_slot {
	_Atomic uint32_t wake;          /* futex: counts news */
	_Atomic uint32_t is_member;
	uint32_t magic;
	int32_t pid;                    /* as it sees itself; for messages only */
	char reason[SYNC_REASON_LEN];   /* of the last ack with an error */
	char busy[HOTPLUG_NAME_LEN];    /* what its driver is at work on */
	struct sync_request request;
	_Atomic uint32_t n_signs;
	struct sync_sign sign[SYNC_N_SIGNS];
	/* then SYNC_ACKs, then the text of its request */
};

/* The beginning of the memory. */
struct sync_head {
	uint32_t magic, version;
	uint32_t n_entries, n_slots, text_len;
	uint32_t may_grow;              /* the primary's memory (growth.c) */
	uint64_t size;
	uint64_t file;                  /* inode of the file of locks */
	_Atomic uint32_t n_claimed;     /* slots below this may be in use */
	_Atomic uint64_t next_ticket;
	_Atomic uint64_t progress;      /* the primary counts its steps */
	_Atomic uint64_t progress_sum;
};

/* A process's own view of it.  The measures are read from the head once, and checked. */
struct sync_table {
	struct sync_head *head;
	uint32_t n_entries, n_slots, text_len, may_grow;
	_Atomic uint32_t n_used;        /* slots that have ever been in use, as far as we have seen */
	uint64_t size, file;
	uint64_t next_generation, progress;     /* the primary's */
};

size_t sync_table_size(uint32_t n_entries, uint32_t n_slots, uint32_t text_len);
/* The primary: a new table in that memory. */
void sync_table_format(struct sync_table *table, void *memory, uint32_t n_entries,
		       uint32_t n_slots, uint32_t text_len);
/* NULL, or what is wrong with what stands there. */
const char *sync_table_view(struct sync_table *table, void *memory, size_t size);
/* The primary: what it has said in the head stands there; true: it did not. */
bool sync_table_mend(const struct sync_table *table);

/* How far slots are to be looked at: never less than before, whatever stands there. */
void sync_table_look(struct sync_table *table);

/* The primary counts a step.  Anybody: how many it has made; 0: that is damaged. */
void sync_table_step(struct sync_table *table);
uint64_t sync_table_progress(const struct sync_table *table);

struct sync_entry *sync_entry(const struct sync_table *table, uint32_t i);
struct sync_slot *sync_slot(const struct sync_table *table, uint32_t i);
struct sync_ack *sync_ack(const struct sync_table *table, uint32_t slot, uint32_t entry);
char *sync_request_text(const struct sync_table *table, uint32_t slot);

/* Owner: take a slot that nobody lives in any more. */
void sync_slot_claim(const struct sync_table *table, uint32_t i, int32_t pid);
/* Is what it says usable?  Another process may have written anything. */
bool sync_slot_is_sound(const struct sync_table *table, uint32_t i);
/* Owner: it is sound, and says what its owner has said; true: it did not.  acks: one for
 * each entry, the owner's own; NULL: it acknowledges nothing. */
bool sync_slot_mend(const struct sync_table *table, uint32_t i, int32_t pid,
		    const struct sync_ack *acks);

uint64_t sync_request_sum(const struct sync_table *table, const struct sync_request *request,
			  const char *text);
uint64_t sync_answer_sum(const struct sync_answer *answer, uint64_t ticket);
uint64_t sync_sign_sum(const struct sync_sign *sign, uint32_t n);

/* A consistent copy of an entry: 0.  -EAGAIN: it is being written, somebody will wake us;
 * -EBADMSG: it has been written over.
 * copy has room for sync_entry_len(). */
int sync_entry_read(const struct sync_table *table, uint32_t i, struct sync_entry *copy);
size_t sync_entry_len(const struct sync_table *table);

/* The primary: give an entry its next meaning, in own, which is its copy of it, and in the
 * table.  text NULL: as it was. */
struct sync_change {
	enum sync_want want;
	bool is_undo, is_shared;
	uint64_t begun;
	const char *name, *text;
};
void sync_entry_write(struct sync_table *table, uint32_t i, struct sync_entry *own,
		      const struct sync_change *change);
/* The entry is what own says; true: it was not. */
bool sync_entry_mend(const struct sync_table *table, uint32_t i, const struct sync_entry *own);

#endif /* HOTPLUG_SYNC_TABLE_H */
