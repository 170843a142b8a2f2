/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_SYNC_ASK_H
#define HOTPLUG_SYNC_ASK_H

#include <stdatomic.h>

#include "share.h"

/* Of this process, sync.c's. */
struct asker {
	const struct share *share;
	const struct hotplug_config *config;
	const _Atomic bool *is_on, *is_stopping;
};

/* What one thread wants. */
struct sync_wish {
	enum sync_op op;
	const char *text;               /* devargs, or a name */
	char name[HOTPLUG_NAME_LEN];
	uint64_t probe_ns;              /* SHARE */
};

/* In the order in which this process's threads came; the error, which stands in the outcome
 * with its reason. */
int ask_in_turn(const struct asker *a, const struct sync_wish *wish,
		struct hotplug_outcome *outcome);
/* That error, for that reason. */
int ask_conclude(struct hotplug_outcome *outcome, int error, int pid, const char *reason);
/* Nobody asks any more, when sync is off. */
void ask_wait_for_all(void);

#endif /* HOTPLUG_SYNC_ASK_H */
