/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_SYNC_GATES_H
#define HOTPLUG_SYNC_GATES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "table.h"

/* Memory that all processes share, beside the table: which ports may be polled in
 * secondaries.  The primary writes the gates and their turn, a slot's owner the turn that it
 * has followed.  As in the table nobody believes what he has written himself. */

#define GATES_MAGIC 0x67617465u
#define GATES_N_PORTS 1024

enum gate {
	GATE_UNKNOWN,           /* nobody says */
	GATE_SHUT = 0x73687574, /* the primary has not started it, or is about to stop it */
	GATE_OPEN = 0x6f70656e,
};

struct gates {
	_Atomic uint32_t magic;
	_Atomic uint32_t turn;                  /* changes with each gate */
	_Atomic uint32_t gate[GATES_N_PORTS];
	_Atomic uint32_t followed[SYNC_N_SLOTS];
};

struct share;

/* Around a fork: nobody is in here. */
void gates_lock(void);
void gates_unlock(void);
/* With start and stop of sync. */
void gates_start(const struct share *share);
void gates_stop(void);
/* The primary: can it say when a port is started and stopped?  Then all are shut. */
void gates_publish(void);
/* What the primary has said stands there. */
bool gates_mend(void);
/* A secondary: true, and which turn is to be followed.  Then: it has been. */
bool gates_are_new(uint32_t *turn);
void gates_follow(uint32_t turn);

#endif /* HOTPLUG_SYNC_GATES_H */
