/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_SYNC_ENGINE_H
#define HOTPLUG_SYNC_ENGINE_H

#include "../eal/host.h"
#include "share.h"

struct sync_process;

/* With sync.c's lock held, all of them; the arguments stay. */
/* What it needs for an open share; 0 or -ENOMEM.  Freed again, whatever there is. */
int engine_init(struct share *share, const struct sync_process *process,
		const struct hotplug_config *config);
void engine_free(void);
/* 0 or -errno. */
int engine_start(void);
/* A secondary: each port is as its gate says now. */
void engine_follow_gates(void);
/* It begins nothing more.  Then, with the lock given up: it has ended. */
void engine_end(void);
void engine_join(void);

extern struct host_thread engine_thread;

#endif /* HOTPLUG_SYNC_ENGINE_H */
