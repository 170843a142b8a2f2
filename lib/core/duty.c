/* SPDX-License-Identifier: BSD-3-Clause */

/* duty: what the library itself must do when something becomes of a device.
 * In:  publish, watch: what has become of it.  Out: the rooms that have a duty, which hang
 *      themselves on in main/; those below need not know them.
 * So it waits for no subscriber, and is not lost with the events that overflow.
 * Context: take and leave: app; the others as duty.h says. */

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>

#include "duty.h"

#define MAX_DUTIES 8

static _Atomic(const struct duty *) duties[MAX_DUTIES];

static int
exchange(const struct duty *from, const struct duty *to)
{
	const struct duty *found;
	unsigned int i;

	for (i = 0; i < MAX_DUTIES; i++) {
		found = from;
		if (atomic_compare_exchange_strong(&duties[i], &found, to))
			return 0;
	}
	return -ENOSPC;
}

int
duty_take(const struct duty *duty)
{
	return exchange(NULL, duty);
}

void
duty_leave(const struct duty *duty)
{
	(void)exchange(duty, NULL);
}

/* Calls fn of each that has one. */
#define TELL(fn, ...) do { \
	const struct duty *duty_; \
	unsigned int i_; \
\
	for (i_ = 0; i_ < MAX_DUTIES; i_++) { \
		duty_ = atomic_load(&duties[i_]); \
		if (duty_ != NULL && duty_->fn != NULL) \
			duty_->fn(__VA_ARGS__); \
	} \
} while (0)

void
duty_published(struct hotplug_bus *bus, const void *key)
{
	TELL(published, bus, key);
}

void
duty_lost(struct hotplug_bus *bus, const void *key)
{
	TELL(lost, bus, key);
}

void
duty_returned(const char *device)
{
	TELL(returned, device);
}

void
duty_seen(const char *device, uint64_t generation)
{
	TELL(seen, device, generation);
}

bool
duty_spares(struct hotplug_bus *bus, const void *key)
{
	const struct duty *duty;
	bool spares = false;
	unsigned int i;

	for (i = 0; i < MAX_DUTIES && !spares; i++) {
		duty = atomic_load(&duties[i]);
		spares = duty != NULL && duty->spares != NULL && duty->spares(bus, key);
	}
	return spares;
}

void
duty_event(const struct hotplug_event *event)
{
	TELL(event, event);
}
