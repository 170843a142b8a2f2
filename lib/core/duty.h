/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_CORE_DUTY_H
#define HOTPLUG_CORE_DUTY_H

#include "hotplug_bus.h"

/* What a room does when something becomes of a device, of whichever bus; NULL: nothing.
 * All are called without a lock; those of watch mark what is to be done (work.h), and
 * neither block nor call back. */
struct duty {
	/* It was published, or that has failed (app, work). */
	void (*published)(struct hotplug_bus *bus, const void *key);
	/* It is lost and cut off: before the event (watch). */
	void (*lost)(struct hotplug_bus *bus, const void *key);
	/* Attached once, it is there with no user-space driver bound; or with the one that it
	 * has kept, and has been flapping and is quiet (watch). */
	void (*returned)(const char *device);
	/* It goes, or is asked for, by a sign that this process has seen itself (watch). */
	void (*seen)(const char *device, uint64_t generation);
	/* It was reset, and answers: is that for the application to see to, so that it is not
	 * lost?  The first room that knows says so. */
	bool (*spares)(struct hotplug_bus *bus, const void *key);
	/* Every event, before it is queued for subscribers (watch). */
	void (*event)(const struct hotplug_event *event);
};

/* 0 or -ENOSPC; what is taken stays where it is. */
int duty_take(const struct duty *duty);
void duty_leave(const struct duty *duty);

void duty_published(struct hotplug_bus *bus, const void *key);
void duty_lost(struct hotplug_bus *bus, const void *key);
void duty_returned(const char *device);
void duty_seen(const char *device, uint64_t generation);
bool duty_spares(struct hotplug_bus *bus, const void *key);
void duty_event(const struct hotplug_event *event);

#endif /* HOTPLUG_CORE_DUTY_H */
