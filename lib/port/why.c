/* SPDX-License-Identifier: BSD-3-Clause */

/* why: what has kept a device from being attached or detached in this process?
 * In:  its name, the error of the bus or the driver.  Out: a reason (core/reasons.h): what
 *      the device is bound to counts more than the errno of a driver that did not find it.
 * Context: the hand, app, after the driver has returned; reads sysfs. */

#include <dirent.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_bus.h>

#include "../core/bus.h"
#include "../core/reasons.h"
#include "found.h"
#include "why.h"

static bool
has_address(const char *interface)
{
	struct ifaddrs *all, *one;
	bool has = false;

	if (getifaddrs(&all) < 0)
		return false;
	for (one = all; one != NULL; one = one->ifa_next)
		has = has || (strcmp(one->ifa_name, interface) == 0 && one->ifa_addr != NULL &&
			      (one->ifa_addr->sa_family == AF_INET ||
			       one->ifa_addr->sa_family == AF_INET6));
	freeifaddrs(all);
	return has;
}

/* The kernel's interface on a PCI function that somebody uses: such a one is not to be bound
 * to another driver. */
static bool
find_interface(const char *name, char *interface, size_t len)
{
	const char *devices = getenv("SYSFS_PCI_DEVICES");      /* as EAL */
	const struct dirent *entry;
	char path[4096];
	bool is_found = false;
	DIR *folder;

	snprintf(path, sizeof(path), "%s/%s/net", devices != NULL ? devices :
		 "/sys/bus/pci/devices", name);
	folder = opendir(path);
	while (folder != NULL && !is_found && (entry = readdir(folder)) != NULL) {
		is_found = entry->d_name[0] != '.' && has_address(entry->d_name);
		if (is_found)
			snprintf(interface, len, "%.*s", IF_NAMESIZE, entry->d_name);
	}
	if (folder != NULL)
		closedir(folder);
	return is_found;
}

/* Many a driver knows one error, -1: that is no word about permissions. */
static const char *
words(int error)
{
	return error == -1 ? "the driver says no more than -1" : strerror(-error);
}

static struct hotplug_bus *
backend_of(const struct rte_bus *stock)
{
	struct hotplug_bus *bus;

	for (bus = bus_next(NULL); bus != NULL; bus = bus_next(bus))
		if (strcmp(bus->name, rte_bus_name(stock)) == 0)
			break;
	return bus;
}

static int
why_not_attached(const char *name, int error, char *text, size_t len)
{
	struct rte_bus *stock = found_bus(name);
	struct hotplug_bus *bus = stock != NULL ? backend_of(stock) : NULL;
	struct hotplug_glance now = { .generation = 0 };
	char interface[IF_NAMESIZE + 1];

	if (bus != NULL && bus->ops->glance != NULL) {
		if (bus->ops->glance(name, &now) != 0)
			return reason_say(REASON_NO_DEVICE, error, NULL, text, len);
		if (!now.is_user_space && find_interface(name, interface, sizeof(interface)))
			return reason_say(REASON_INTERFACE, error, interface, text, len);
		if (!now.is_user_space && now.kernel_driver[0] != '\0')
			return reason_say(REASON_KERNEL, error, now.kernel_driver, text, len);
		if (!now.is_user_space)
			return reason_say(REASON_UNBOUND, error, NULL, text, len);
	}
	if (stock == NULL || error == -ENOTSUP)
		return reason_say(REASON_NO_DRIVER, error, NULL, text, len);
	return reason_say(REASON_PROBE, error, words(error), text, len);
}

int
why(bool attaches, const char *name, int error, char *text, size_t len)
{
	if (error == -EDEADLK)
		return reason_say(REASON_NESTED, error, NULL, text, len);
	if (error == -EEXIST)
		return reason_say(REASON_ATTACHED, error, NULL, text, len);
	if (attaches)
		return why_not_attached(name, error, text, len);
	if (error == -ENODEV)
		return reason_say(REASON_NOT_ATTACHED, error, NULL, text, len);
	return reason_say(REASON_REMOVE, error, words(error), text, len);
}
