/* SPDX-License-Identifier: BSD-3-Clause */

/* bus: the list of buses, and the ops that each brings.
 * In:  main/register.c (app, constructors).  Out: enable/disable run them,
 *      watch asks them, the SIGBUS handler offers them faults.
 * Order: slots are atomic pointers, so that signal context may walk them; a bus
 *      leaves its slot after its devices have left the guard.
 * Context: app; bus_next() any, signal too. */

#include <errno.h>
#include <stdatomic.h>

#include "bus.h"

static _Atomic(struct hotplug_bus *) buses[BUS_MAX];

struct hotplug_bus *
bus_next(const struct hotplug_bus *bus)
{
	struct hotplug_bus *candidate;
	bool is_behind = bus == NULL;
	unsigned int i;

	for (i = 0; i < BUS_MAX; i++) {
		candidate = atomic_load(&buses[i]);
		if (candidate == NULL)
			continue;
		if (is_behind)
			return candidate;
		is_behind = candidate == bus;
	}
	return NULL;
}

bool
bus_is_registered(const struct hotplug_bus *bus)
{
	struct hotplug_bus *other = NULL;

	do
		other = bus_next(other);
	while (other != NULL && other != bus);
	return other != NULL;
}

int
bus_enable(const struct hotplug_bus *bus)
{
	return bus->ops->enable != NULL ? bus->ops->enable() : 0;
}

void
bus_disable(const struct hotplug_bus *bus)
{
	if (bus->ops->disable != NULL)
		bus->ops->disable();
}

int
bus_enable_all(void)
{
	struct hotplug_bus *bus, *failed;
	int ret = 0;

	for (failed = bus_next(NULL); failed != NULL; failed = bus_next(failed)) {
		ret = bus_enable(failed);
		if (ret != 0)
			break;
	}
	if (ret == 0)
		return 0;
	for (bus = bus_next(NULL); bus != NULL && bus != failed; bus = bus_next(bus))
		bus_disable(bus);
	return ret;
}

void
bus_disable_all(void)
{
	struct hotplug_bus *bus;

	for (bus = bus_next(NULL); bus != NULL; bus = bus_next(bus))
		bus_disable(bus);
}

int
bus_insert(struct hotplug_bus *bus)
{
	unsigned int i;

	for (i = 0; i < BUS_MAX; i++) {
		if (atomic_load(&buses[i]) != NULL)
			continue;
		atomic_store(&buses[i], bus);
		return 0;
	}
	return -ENOSPC;
}

void
bus_take_out(struct hotplug_bus *bus)
{
	unsigned int i;

	for (i = 0; i < BUS_MAX; i++)
		if (atomic_load(&buses[i]) == bus)
			atomic_store(&buses[i], NULL);
}

/* --- no bus ----------------------------------------------------------------------------
 * It has every op: who has looked whether another bus has one calls this one's. */

static int
do_nothing(void)
{
	return 0;
}

static void
stop_nothing(void)
{
}

static int
unplug_nothing(struct hotplug_device *dev)
{
	(void)dev;
	return 0;
}

static int
is_nobodys(const void *addr)
{
	(void)addr;
	return 1;
}

static enum hotplug_look
see_nothing(const char *name, const char *kernel_driver, const struct hotplug_identity *id)
{
	(void)name;
	(void)kernel_driver;
	(void)id;
	return HOTPLUG_LOOK_ABSENT;
}

static int
identify_nothing(const char *name, struct hotplug_identity *id)
{
	(void)name;
	(void)id;
	return -ENODEV;
}

static int
glance_at_nothing(const char *name, struct hotplug_glance *glance)
{
	(void)name;
	(void)glance;
	return -ENODEV;
}

static int
list_nothing(void (*fn)(const char *name, void *arg), void *arg)
{
	(void)fn;
	(void)arg;
	return 0;
}

static void
lose_nothing(const void *key)
{
	(void)key;
}

static void
unbind_nothing(const char *name)
{
	(void)name;
}

static int
bind_nothing(const char *name, const char *kernel_driver)
{
	(void)name;
	(void)kernel_driver;
	return -ENODEV;
}

static int
list_no_holders(const char *name, void (*fn)(int pid, void *arg), void *arg)
{
	(void)name;
	(void)fn;
	(void)arg;
	return 0;
}

static int
disarm_nothing(const char *name)
{
	(void)name;
	return -ENODEV;
}

static enum hotplug_uevent_kind
classify_nothing(const struct hotplug_uevent *uevent, char *name)
{
	(void)uevent;
	(void)name;
	return HOTPLUG_UEVENT_NONE;
}

static bool
revokes_nothing(const char *kernel_driver)
{
	(void)kernel_driver;
	return false;
}

static int
obstruct_nothing(const char *name, const char *kernel_driver, char *text, size_t len)
{
	(void)name;
	(void)kernel_driver;
	(void)text;
	(void)len;
	return 0;
}

struct hotplug_bus *
bus_none(void)
{
	static const struct hotplug_bus_ops ops = {
		.enable = do_nothing, .disable = stop_nothing,
		.handle_hot_unplug = unplug_nothing, .sigbus_handler = is_nobodys,
		.look = see_nothing, .identify = identify_nothing, .glance = glance_at_nothing,
		.enumerate = list_nothing, .lost = lose_nothing, .unbound = unbind_nothing,
		.bind = bind_nothing, .holders = list_no_holders, .disarm = disarm_nothing,
		.classify = classify_nothing, .classify_next = classify_nothing,
		.revokes = revokes_nothing, .obstacle = obstruct_nothing, .watch_probe = stop_nothing,
	};
	static struct hotplug_bus none = { .name = "none", .ops = &ops };

	return &none;
}
