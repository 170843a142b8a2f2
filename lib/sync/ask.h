/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_SYNC_ASK_H
#define HOTPLUG_SYNC_ASK_H

#include <stdatomic.h>

#include "../core/reasons.h"
#include "../eal/host.h"
#include "share.h"

struct sync_process;

/* Of this process, sync.c's. */
struct asker {
	const struct share *share;
	const struct hotplug_config *config;
	const _Atomic bool *is_on, *is_stopping;
	const struct sync_process *const *process;
	const struct host_thread *thread;       /* that answers; not to ask itself */
};

/* What one thread wants. */
struct sync_wish {
	enum sync_op op;
	const char *text;               /* devargs, or a name */
	char name[HOTPLUG_NAME_LEN];
	uint64_t probe_ns;              /* SHARE */
};

/* Before anybody asks (sync_attach and so on, sync.h); it stays. */
void ask_as(const struct asker *asker);
/* That error, for that reason. */
int ask_conclude(struct hotplug_outcome *outcome, int error, int pid, const char *text);
int ask_refuse(struct hotplug_outcome *outcome, int pid, enum reason reason, int error);
/* Nobody asks any more, when sync is off; or so long, if it is not 0. */
void ask_wait_for_all(unsigned int ms);

#endif /* HOTPLUG_SYNC_ASK_H */
