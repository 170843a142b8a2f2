/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_TEST_SYNC_WORLD_H
#define HOTPLUG_TEST_SYNC_WORLD_H

#include "sync/machine.h"

/* Three processes, one device and the shared table, as one value that can be copied:
 * what lib/sync's machine does, without processes.  Process 0 is the primary. */

#define WORLD_N 3
#define WORLD_TEXT 16
#define WORLD_DEVICE "dev"

enum world_job { WORLD_NO_JOB, WORLD_ATTACHES, WORLD_DETACHES };

struct world_process {
	bool is_alive, has_scanned, is_member, is_frozen, has;
	enum world_job job;
	int job_result;         /* -EINPROGRESS until its driver returns */
};

struct world {
	struct world_process process[WORLD_N];
	struct sync_primary primary;
	struct sync_member member[WORLD_N];
	struct sync_table view;
	uint64_t now_ns;
	bool is_attached;       /* by what requesters were told */
	bool is_lost;           /* the card is gone */
	bool is_healing;        /* the primary has it from heal, which is not over */
	unsigned int n_left_out;        /* told */
	const char *broken;     /* an invariant that does not hold */
	char extra[WORLD_N][512] __attribute__((aligned(64)));
	char table[8192] __attribute__((aligned(64)));  /* last: less is used, and copied */
};

/* has_it: the device is there already, without the table's knowledge. */
void world_init(struct world *w, bool has_it);
/* The copy's pointers lead to itself. */
void world_copy(struct world *to, const struct world *from);

/* EAL's start finds what the primary has; then it becomes a member. */
void world_scan(struct world *w, uint32_t p);
void world_claim(struct world *w, uint32_t p);
void world_die(struct world *w, uint32_t p);
bool world_request(struct world *w, uint32_t p, enum sync_op op);
void world_drop(struct world *w, uint32_t p);
/* The card went, and the primary's port with it; it is back: heal begins. */
bool world_heal(struct world *w);
/* Its service thread does one step; true: something happened. */
bool world_step(struct world *w, uint32_t p);
/* The driver at work in it returns. */
void world_return(struct world *w, uint32_t p, int error);
/* Time passes any deadline. */
void world_wait(struct world *w);
/* Everybody goes on until nothing moves; false: it never ends.  thaws: the frozen
 * ones too. */
bool world_settle(struct world *w, bool thaws);

struct sync_request *world_asked(struct world *w, uint32_t p);
struct sync_table *world_table(struct world *w);
/* Equal for states that differ in nothing that matters. */
uint64_t world_key(struct world *w);

#endif /* HOTPLUG_TEST_SYNC_WORLD_H */
