/* SPDX-License-Identifier: BSD-3-Clause */

/* duty: what the library itself must do when something becomes of a device.
 * In:  each event, before it is queued (watch).  Out: the rooms that have a duty mark it
 *      in the device, to be done on a thread that may block (work.c).
 * So it waits for no subscriber, and is not lost with the events that overflow.
 * Context: take and leave: app; tell: watch. */

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>

#include "duty.h"

static _Atomic(hotplug_event_fn) duties[4];

int
duty_take(hotplug_event_fn fn)
{
	hotplug_event_fn none;
	unsigned int i;

	for (i = 0; i < sizeof(duties) / sizeof(duties[0]); i++) {
		none = NULL;
		if (atomic_compare_exchange_strong(&duties[i], &none, fn))
			return 0;
	}
	return -ENOSPC;
}

void
duty_leave(hotplug_event_fn fn)
{
	hotplug_event_fn whose;
	unsigned int i;

	for (i = 0; i < sizeof(duties) / sizeof(duties[0]); i++) {
		whose = fn;
		if (atomic_compare_exchange_strong(&duties[i], &whose, NULL))
			return;
	}
}

void
duty_tell(const struct hotplug_event *event)
{
	hotplug_event_fn fn;
	unsigned int i;

	for (i = 0; i < sizeof(duties) / sizeof(duties[0]); i++) {
		fn = atomic_load(&duties[i]);
		if (fn != NULL)
			fn(event, NULL);
	}
}
