/* SPDX-License-Identifier: BSD-3-Clause */

/* uevents: what a uevent says of a PCI function.
 * In:  a uevent of the subsystem pci, or uio (watch).  Out: what it says, and of whom.
 * Context: watch. */

#include <stdio.h>
#include <string.h>

#include "pci.h"

bool
pci_is_name(const char *name)
{
	struct rte_pci_addr addr;

	return rte_pci_addr_parse(name, &addr) == 0;
}

static enum hotplug_uevent_kind
classify_pci(const struct hotplug_uevent *uevent)
{
	if (strcmp(uevent->action, "remove") == 0)
		return HOTPLUG_UEVENT_REMOVE;
	if (strcmp(uevent->action, "unbind") == 0)
		return HOTPLUG_UEVENT_UNBIND;
	if (strcmp(uevent->action, "add") == 0)
		return HOTPLUG_UEVENT_ADD;
	if (strcmp(uevent->action, "bind") == 0)
		return pci_is_user_space(uevent->driver) ? HOTPLUG_UEVENT_BIND : HOTPLUG_UEVENT_CLAIM;
	if (strcmp(uevent->action, "change") == 0)      /* an error's recovery begins, ends */
		return HOTPLUG_UEVENT_CHANGE;
	return HOTPLUG_UEVENT_NONE;
}

/* The part of a path `up` levels above its end ("/a/B/uio/uio0", 2: "B"). */
static void
part_of(const char *path, unsigned int up, char *name)
{
	const char *end = path + strlen(path), *at = end;

	for (;; up--) {
		while (at > path && at[-1] != '/')
			at--;
		if (up == 0 || at == path)
			break;
		end = --at;
	}
	snprintf(name, HOTPLUG_NAME_LEN, "%.*s", (int)(end - at), at);
}

/* "uio remove" comes 3 to 10 ms before its function's own events. */
enum hotplug_uevent_kind
pci_classify(const struct hotplug_uevent *uevent, char *name)
{
	bool is_uio = strcmp(uevent->subsystem, "uio") == 0;

	if (!is_uio && strcmp(uevent->subsystem, "pci") != 0)
		return HOTPLUG_UEVENT_NONE;
	part_of(uevent->devpath, is_uio ? 2 : 0, name);
	if (!pci_is_name(name))
		return HOTPLUG_UEVENT_NONE;
	if (!is_uio)
		return classify_pci(uevent);
	return strcmp(uevent->action, "remove") == 0 ? HOTPLUG_UEVENT_UNBIND :
		HOTPLUG_UEVENT_NONE;
}
