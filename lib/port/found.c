/* SPDX-License-Identifier: BSD-3-Clause */

/* found: which device is it, and who has it?
 * In:  a name, or devargs.  Out: EAL's bus and device, or none.
 * Lock: EAL's lists are walked by who holds port_probe_lock(); found_name() and found_has()
 *      need it not, and do not wait.
 * Context: the hand, app, work. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_bus.h>
#include <rte_dev.h>
#include <rte_pci.h>

#include "../core/bus.h"
#include "../core/device.h"
#include "../eal/devargs.h"
#include "../eal/stock_bus.h"
#include "found.h"

static int
match_name(const struct rte_device *dev, const void *name)
{
	return strcmp(rte_dev_name(dev), name);
}

struct rte_device *
found_on(struct rte_bus *bus, const char *name)
{
	return bus_find_device(bus, match_name, name);
}

/* The bus that says this name is its own; NULL: none. */
struct rte_bus *
found_bus(const char *name)
{
	struct rte_devargs devargs;
	struct rte_bus *bus;

	bus = devargs_parse(&devargs, name) == 0 ? devargs.bus : NULL;
	rte_devargs_reset(&devargs);
	return bus;
}

/* 0: it has that device, with a driver. */
static int
match_owner(const struct rte_bus *bus, const void *name)
{
	const struct rte_device *dev = found_on((struct rte_bus *)(uintptr_t)bus, name);

	return dev == NULL || !rte_dev_is_probed(dev);
}

/* NULL: nobody has it.  The name's parser is not asked: it needs memory, and a lack of it
 * would read as a lack of the device. */
struct rte_bus *
found_owner(const char *name)
{
	return rte_bus_find(NULL, match_owner, name);
}

struct rte_device *
found_probed(const char *name)
{
	struct rte_bus *bus = found_owner(name);

	return bus != NULL ? found_on(bus, name) : NULL;
}

/* As its bus lists it: "01:00.0" is "0000:01:00.0". */
static int
spell(const struct rte_devargs *devargs, char *name)
{
	struct rte_pci_addr addr;

	if (strcmp(rte_bus_name(devargs->bus), "pci") == 0 &&
	    rte_pci_addr_parse(devargs->name, &addr) == 0) {
		rte_pci_device_name(&addr, name, HOTPLUG_NAME_LEN);
		return 0;
	}
	return snprintf(name, HOTPLUG_NAME_LEN, "%s", devargs->name) < HOTPLUG_NAME_LEN ?
		0 : -ENAMETOOLONG;
}

int
found_name(const char *text, char *name)
{
	struct rte_devargs devargs;
	int ret = -EINVAL;

	if (devargs_parse(&devargs, text) == 0 && devargs.bus != NULL && devargs.name[0] != '\0')
		ret = spell(&devargs, name);
	rte_devargs_reset(&devargs);
	return ret;
}

static int
match_probed(const struct rte_device *dev, const void *name)
{
	return strcmp(rte_dev_name(dev), name) != 0 || !rte_dev_is_probed(dev);
}

/* A bus that we guard we know the devices of; another one is asked within its own lock,
 * where it has one (vdev has). */
static int
match_other_owner(const struct rte_bus *other, const void *name)
{
	struct rte_bus *stock = (struct rte_bus *)(uintptr_t)other;
	const struct hotplug_bus *bus;

	for (bus = bus_next(NULL); bus != NULL; bus = bus_next(bus))
		if (strcmp(bus->name, rte_bus_name(other)) == 0)
			return 1;
	return bus_find_device(stock, match_probed, name) == NULL;
}

bool
found_has(const char *name)
{
	struct hotplug_device *dev = device_find(NULL, name);
	bool is_guarded;

	device_lock();
	is_guarded = dev != NULL && dev->key != NULL;
	device_unlock();
	return is_guarded || rte_bus_find(NULL, match_other_owner, name) != NULL;
}
