/* SPDX-License-Identifier: BSD-3-Clause */

/* bus: the registry of buses, and the ops that each brings.
 * In:  backends register (app, constructors).  Out: enable/disable run them,
 *      watch asks them, the SIGBUS handler offers them faults.
 * Order: slots are atomic pointers, so that signal context may walk them; a bus
 *      leaves its slot after its devices have left the guard.
 * Context: app; bus_sigbus() and bus_next() any, signal too. */

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "bus.h"
#include "device.h"
#include "enable.h"

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

int
bus_sigbus(const void *addr)
{
	struct hotplug_bus *bus;
	int ret = hotplug_bus_fault(addr);

	for (bus = bus_next(NULL); bus != NULL && ret > 0; bus = bus_next(bus))
		if (bus->ops->sigbus_handler != NULL)
			ret = bus->ops->sigbus_handler(addr);
	return ret;
}

static int
enable_one(const struct hotplug_bus *bus)
{
	return bus->ops->enable != NULL ? bus->ops->enable() : 0;
}

static void
disable_one(const struct hotplug_bus *bus)
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
		ret = enable_one(failed);
		if (ret != 0)
			break;
	}
	if (ret == 0)
		return 0;
	for (bus = bus_next(NULL); bus != NULL && bus != failed; bus = bus_next(bus))
		disable_one(bus);
	return ret;
}

void
bus_disable_all(void)
{
	struct hotplug_bus *bus;

	for (bus = bus_next(NULL); bus != NULL; bus = bus_next(bus))
		disable_one(bus);
}

static int
insert(struct hotplug_bus *bus)
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

static void
take_out(struct hotplug_bus *bus)
{
	unsigned int i;

	for (i = 0; i < BUS_MAX; i++)
		if (atomic_load(&buses[i]) == bus)
			atomic_store(&buses[i], NULL);
}

int
hotplug_bus_register(struct hotplug_bus *bus)
{
	struct hotplug_bus *other;
	int ret;

	if (bus == NULL || bus->name == NULL || bus->ops == NULL || bus->ops->look == NULL ||
	    strlen(bus->name) >= HOTPLUG_NAME_LEN)
		return -EINVAL;
	for (other = bus_next(NULL); other != NULL; other = bus_next(other))
		if (strcmp(other->name, bus->name) == 0)
			return -EEXIST;
	ret = insert(bus);
	if (ret != 0 || !enable_is_on())
		return ret;
	ret = enable_one(bus);
	if (ret != 0)
		take_out(bus);
	return ret;
}

int
hotplug_bus_unregister(struct hotplug_bus *bus)
{
	struct hotplug_bus *other;

	for (other = bus_next(NULL); other != NULL && other != bus; other = bus_next(other))
		;
	if (other == NULL || bus == NULL)
		return -ENOENT;
	if (enable_is_on())
		disable_one(bus);
	device_withdraw_all(bus);
	take_out(bus);
	return 0;
}
