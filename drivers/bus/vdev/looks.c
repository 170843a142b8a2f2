/* SPDX-License-Identifier: BSD-3-Clause */

/* looks: are the interfaces that a device stands on there, and are they the same?
 * In:  questions of the library, uevents.  Out: what the table has seen, in its words.
 * Context: watch, look, work, app. */

#include <errno.h>
#include <string.h>

#include "vdev.h"

enum hotplug_look
vdev_look(const char *device, const char *kernel_driver, const struct hotplug_identity *id)
{
	struct vdev_seen seen;
	uint64_t now;

	(void)kernel_driver;            /* it has none of its own */
	if (!vdev_table_see(device, &seen))
		return HOTPLUG_LOOK_ABSENT;
	if (!seen.is_open)
		return HOTPLUG_LOOK_PRESENT;    /* on the way out nobody is lost */
	now = seen.is_held ? seen.held : seen.by_name;
	if (now == 0)
		return HOTPLUG_LOOK_ABSENT;
	return id->generation != 0 && id->generation != now ? HOTPLUG_LOOK_OTHER :
		HOTPLUG_LOOK_PRESENT;
}

/* What is attached, while that is there; else what a probe would find. */
static uint64_t
generation(const struct vdev_seen *seen)
{
	return seen->held != 0 ? seen->held : seen->by_name;
}

int
vdev_glance(const char *device, struct hotplug_glance *glance)
{
	struct vdev_seen seen;

	if (!vdev_table_see(device, &seen) || generation(&seen) == 0)
		return -ENOENT;
	glance->generation = generation(&seen);
	glance->kernel_driver[0] = '\0';
	glance->is_user_space = true;
	return 0;
}

int
vdev_identify(const char *device, struct hotplug_identity *id)
{
	uint16_t medium, driver;
	struct vdev_seen seen;
	unsigned int i;

	if (!vdev_table_see(device, &seen) || generation(&seen) == 0)
		return -ENOENT;
	memset(id, 0, sizeof(*id));
	for (i = 0; i < seen.names.n; i++) {
		vdev_iface_kind(seen.names.name[i], &medium, &driver);
		id->vendor = id->vendor * 31 + medium;
		id->device = id->device * 31 + driver;
	}
	id->generation = generation(&seen);
	return 0;
}

int
vdev_enumerate(void (*fn)(const char *name, void *arg), void *arg)
{
	struct hotplug_glance now;
	const char *device;

	for (device = vdev_table_next(NULL); device != NULL; device = vdev_table_next(device))
		if (vdev_glance(device, &now) == 0)
			fn(device, arg);
	return 0;
}

/* The kernel takes an interface from the sockets on it, and says `remove` then; its name need
 * not be the one that we know.  It says `add` before the name is there. */
static enum hotplug_uevent_kind
meaning(const struct vdev_seen *seen, const struct hotplug_uevent *uevent)
{
	unsigned int i;

	if (!seen->is_open)
		return HOTPLUG_UEVENT_NONE;
	if (seen->is_held)
		return seen->held == 0 ? HOTPLUG_UEVENT_REMOVE : HOTPLUG_UEVENT_NONE;
	for (i = 0; i < seen->names.n; i++)
		if (strcmp(seen->names.name[i], uevent->sysname) == 0)
			return strcmp(uevent->action, "remove") == 0 ? HOTPLUG_UEVENT_REMOVE :
				HOTPLUG_UEVENT_BIND;
	return HOTPLUG_UEVENT_NONE;
}

/* From that device on, the first that the uevent is about. */
static enum hotplug_uevent_kind
classify(const char *device, const struct hotplug_uevent *uevent, char *name)
{
	enum hotplug_uevent_kind kind = HOTPLUG_UEVENT_NONE;
	struct vdev_seen seen;

	for (; device != NULL; device = vdev_table_next(device)) {
		if (vdev_table_see(device, &seen))
			kind = meaning(&seen, uevent);
		if (kind != HOTPLUG_UEVENT_NONE)
			break;
	}
	if (device != NULL)
		strcpy(name, device);
	return kind;
}

enum hotplug_uevent_kind
vdev_classify(const struct hotplug_uevent *uevent, char *name)
{
	if (strcmp(uevent->subsystem, "net") != 0 || uevent->sysname == NULL)
		return HOTPLUG_UEVENT_NONE;
	return classify(vdev_table_next(NULL), uevent, name);
}

enum hotplug_uevent_kind
vdev_classify_next(const struct hotplug_uevent *uevent, char *name)
{
	return classify(vdev_table_next(name), uevent, name);
}
