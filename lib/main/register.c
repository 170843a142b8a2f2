/* SPDX-License-Identifier: BSD-3-Clause */

/* register: a bus comes, or goes.
 * In:  backends (app, constructors).  Out: it is in the list, and enabled where the library
 *      is; or nothing leads to it any more.
 * Context: app. */

#include <errno.h>
#include <string.h>

#include "../core/bus.h"
#include "../core/device.h"
#include "../core/enable.h"
#include "plugin.h"
#include "../survive/publish.h"

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
	ret = bus_insert(bus);
	if (ret == 0 && bus->ops->watch_probe != NULL && plugin_is_waiting())
		bus->ops->watch_probe();
	if (ret != 0 || !enable_is_on())
		return ret;
	ret = bus_enable(bus);
	if (ret != 0)
		bus_take_out(bus);
	return ret;
}

int
hotplug_bus_unregister(struct hotplug_bus *bus)
{
	if (!bus_is_registered(bus))
		return -ENOENT;
	if (enable_is_on())
		bus_disable(bus);
	device_withdraw_all(bus);
	bus_take_out(bus);
	device_orphan_all(bus);
	return 0;
}
