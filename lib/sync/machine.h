/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_SYNC_MACHINE_H
#define HOTPLUG_SYNC_MACHINE_H

#include "table.h"

/* What the machine does to the process that it runs in, and asks of the world.
 * attach and detach: 1 done newly, 0 it was so before, -EINPROGRESS: poll() says
 * later what has become of it, -EALREADY: it is at another one, else -errno. */
struct sync_ops {
	uint64_t (*now_ns)(void *arg);
	bool (*is_alive)(void *arg, uint32_t slot);
	void (*wake)(void *arg, uint32_t slot);
	bool (*has)(void *arg, const char *name);
	int (*attach)(void *arg, const char *name, const char *text);
	int (*detach)(void *arg, const char *name);
	int (*poll)(void *arg);
	/* The primary's alone. */
	void (*abandon)(void *arg);     /* what is in progress undoes itself at its end */
	int (*may)(void *arg, enum sync_op op, const char *name, char *reason);
	void (*describe)(void *arg, const char *name, char *text, size_t len);
	/* Is its card gone, or asked for?  Then nobody can keep it. */
	bool (*is_lost)(void *arg, const char *name);
	/* Is a process there that is no member?  1, and who; -errno, and why nobody can tell. */
	int (*has_stranger)(void *arg, char *text);
	/* A job has ended with that error: the reason, and the error to give. */
	int (*why)(void *arg, int error, char *text);
	/* A process's slot makes no sense: it is left out. */
	void (*tell_left_out)(void *arg, uint32_t slot);
};

/* A member: makes its process what the table says. */
struct sync_member {
	struct sync_table *table;
	uint32_t slot;
	const struct sync_ops *ops;
	void *arg;
	int32_t pid;
	struct sync_entry *copy;        /* room for an entry with its text */
	struct sync_ack *acks;          /* ours, of which the slot has a copy */
	struct sync_did *did;           /* for each entry */
	uint32_t busy;                  /* the entry of the job in progress, or SYNC_NOBODY */
	uint64_t busy_generation;
	bool busy_attaches, busy_inherits;
	uint64_t joined;                /* the table's progress then */
};

/* What this process has done in an entry's present transaction. */
struct sync_did {
	bool has_attached, has_detached;
	bool is_older;                  /* the entry is older than this member */
};

size_t sync_member_extra(const struct sync_table *table);       /* bytes at extra */
void sync_member_init(struct sync_member *member, void *extra);
void sync_member_point(struct sync_member *member, void *extra);
/* What this process has said stands in its slot; true: something else did. */
bool sync_member_mend(const struct sync_member *member);
/* One step; false: nothing to do until it is woken. */
bool sync_member_step(struct sync_member *member);

/* The primary: one request at a time, all or nothing. */
enum sync_phase {
	SYNC_PHASE_IDLE,
	SYNC_PHASE_CHECK,       /* is everybody a member? */
	SYNC_PHASE_PROBE,       /* here first */
	SYNC_PHASE_ASK,         /* the others */
	SYNC_PHASE_UNPLUG,      /* here last */
	SYNC_PHASE_UNDO,        /* the others, back */
	SYNC_PHASE_UNPROBE,     /* here, back */
};

struct sync_primary {
	struct sync_table *table;
	const struct sync_ops *ops;
	void *arg;
	uint32_t deadline_ms, probe_ms;
	bool accepts_late;              /* who does not answer catches up later */
	bool ignores_strangers;

	enum sync_phase phase;
	uint32_t requester, entry;
	enum sync_op op;
	char name[HOTPLUG_NAME_LEN];
	int32_t pid;
	void *entries;                  /* ours, of which the table has a copy */
	char *text;                     /* room for text_len */
	bool is_in_progress;
	bool is_lost;                   /* detached whatever others say, or do not say */
	uint64_t begun;                 /* the table's progress before anything was done */
	uint64_t since_ns, probe_ns;    /* the phase's begin; what the probe took here */
	/* By slot: */
	bool *is_silent;                /* has not answered in this transaction */
	bool *was_member;               /* when it was last looked at */
	bool *is_left_out;              /* its slot made no sense for a whole deadline */
	struct sync_answer answer;
};

size_t sync_primary_extra(const struct sync_table *table);
void sync_primary_init(struct sync_primary *primary, void *extra);
void sync_primary_point(struct sync_primary *primary, void *extra);
/* Another process has written over what this one has said: it stands there again, and all
 * have been woken.  True: something else did. */
bool sync_primary_mend(struct sync_primary *primary);
/* One step; 1: again at once, 0: nothing to do until woken, -EAGAIN: waiting for
 * others, look again soon. */
int sync_primary_step(struct sync_primary *primary);

/* signs.c: devices that go, told to the others.  seen: a count for each slot. */
void sync_signs_begin(const struct sync_table *table, uint32_t *seen);
/* The owner of a slot says it; the caller wakes the others. */
void sync_signs_add(const struct sync_table *table, uint32_t slot, const char *name,
		    uint64_t generation);
/* Everything that others have said since: a sign of our own devices. */
void sync_signs_take(const struct sync_table *table, uint32_t own, uint32_t *seen);

#endif /* HOTPLUG_SYNC_MACHINE_H */
