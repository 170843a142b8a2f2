/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_CORE_REASONS_H
#define HOTPLUG_CORE_REASONS_H

#include <stddef.h>

/* Why an attach or a detach failed. */
enum reason {
	/* this process */
	REASON_DISABLED, REASON_STOPPING, REASON_NESTED, REASON_TOO_LONG, REASON_NO_NAME,
	REASON_NO_MEMORY,
	/* the processes */
	REASON_EARLY, REASON_NO_PRIMARY, REASON_NO_TABLE, REASON_OTHER_TABLE, REASON_NO_SLOT,
	REASON_NO_FOLDER, REASON_PRIMARY_ENDED, REASON_PRIMARY_SILENT, REASON_WRITTEN_OVER,
	REASON_DAMAGED, REASON_STRANGER, REASON_CANNOT_LOOK, REASON_SILENT, REASON_AT_WORK,
	REASON_NO_ENTRY, REASON_NOBODY_WAITS,
	/* the device */
	REASON_ATTACHED, REASON_NOT_ATTACHED, REASON_TORN_DOWN, REASON_KEPT, REASON_HEALS,
	REASON_STARTED, REASON_OTHERS, REASON_NO_DEVICE, REASON_UNBOUND, REASON_KERNEL,
	REASON_INTERFACE, REASON_PROCESS_LOCAL,
	/* its driver */
	REASON_NO_DRIVER, REASON_PROBE, REASON_REMOVE, REASON_PROBE_HANGS, REASON_REMOVE_HANGS,
	REASON_BUSY,
	REASON_N
};

/* The sentence, about that (a name, a number, an error's text; NULL: it is about nothing);
 * and its error, or `error` where the reason has none of its own. */
int reason_say(enum reason reason, int error, const char *about, char *text, size_t len);

#endif /* HOTPLUG_CORE_REASONS_H */
