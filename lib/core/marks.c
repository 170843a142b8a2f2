/* SPDX-License-Identifier: BSD-3-Clause */

/* marks: what is to be done about a device.
 * In:  jobs: a function, a device's name, a time (work.c).  Out: the earliest that may run.
 * They are marked in the device: that needs no memory and cannot overflow.
 * Lock: work.c's, held by the caller.
 * Context: any but signal. */

#include <errno.h>
#include <string.h>

#include "marks.h"

static struct hotplug_device *marked;   /* those with a mark, at least */
static struct hotplug_device nobody;    /* for a name that is no device's (a planned drill) */

static struct work_mark *
find_mark(struct hotplug_device *dev, void (*fn)(const char *))
{
	unsigned int i;

	for (i = 0; i < WORK_MARKS && dev->mark[i].fn != fn; i++)
		;
	return i < WORK_MARKS ? &dev->mark[i] : NULL;
}

static void
list(struct hotplug_device *dev)
{
	if (dev->is_marked)
		return;
	dev->is_marked = true;
	dev->next_marked = marked;
	marked = dev;
}

/* The earliest that may run; NULL: none. */
static struct work_mark *
earliest_of(struct hotplug_device *dev)
{
	struct work_mark *mark, *first = NULL;
	unsigned int i;

	for (i = 0; i < WORK_MARKS; i++) {
		mark = &dev->mark[i];
		if (mark->fn != NULL && (!dev->is_at_work || mark->is_beside) &&
		    (first == NULL || mark->due_ns < first->due_ns))
			first = mark;
	}
	return first;
}

/* Devices without any mark leave the list. */
struct work_mark *
marks_earliest(struct hotplug_device **whose)
{
	struct work_mark *mark, *first = NULL;
	struct hotplug_device **at = &marked, *dev;

	while ((dev = *at) != NULL) {
		mark = earliest_of(dev);
		if (mark == NULL && !dev->is_at_work) {
			*at = dev->next_marked;
			dev->is_marked = false;
			continue;
		}
		if (mark != NULL && (first == NULL || mark->due_ns < first->due_ns)) {
			first = mark;
			*whose = dev;
		}
		at = &dev->next_marked;
	}
	return first;
}

void
marks_drop(bool drops_beside)
{
	struct hotplug_device *dev;
	unsigned int i;

	for (dev = marked; dev != NULL; dev = dev->next_marked)
		for (i = 0; i < WORK_MARKS; i++)
			if (drops_beside || !dev->mark[i].is_beside)
				dev->mark[i] = (struct work_mark){ .fn = NULL };
}

/* Whose mark it is to be. */
static struct hotplug_device *
owner_of(const char *device)
{
	struct hotplug_device *dev = device_find(NULL, device);

	if (dev != NULL)
		return dev;
	if (nobody.is_at_work || (earliest_of(&nobody) != NULL && strcmp(nobody.name, device) != 0))
		return NULL;
	nobody.name[0] = '\0';
	strncat(nobody.name, device, HOTPLUG_NAME_LEN - 1);
	return &nobody;
}

int
marks_set(const char *device, struct work_mark wanted)
{
	struct hotplug_device *dev = owner_of(device);
	struct work_mark *mark;

	if (dev == NULL)
		return -ENOENT;
	mark = find_mark(dev, wanted.fn);
	if (mark != NULL && mark->due_ns <= wanted.due_ns)
		return 0;
	if (mark == NULL)
		mark = find_mark(dev, NULL);
	if (mark == NULL)
		return -ENOSPC;         /* never: there is one for each job */
	*mark = wanted;
	list(dev);
	return 1;
}
