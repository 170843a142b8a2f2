/* SPDX-License-Identifier: BSD-3-Clause */

/* holders: who has a device open, in words.
 * In:  pids, from the bus.  Out: "pid N (name), ...".
 * Context: app, events, sync's hand, telemetry's threads: the bus walks /proc. */

#include <stdio.h>
#include <string.h>

#include "holders.h"
#include "hotplug_bus.h"

struct list {
	bool (*is_wanted)(int pid);
	char *text;
	size_t len;
};

static void
append(int pid, void *arg)
{
	char path[64], name[32] = "?";
	struct list *list = arg;
	size_t at = strlen(list->text);
	FILE *f;

	if (list->is_wanted != NULL && !list->is_wanted(pid))
		return;
	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	f = fopen(path, "re");
	if (f != NULL) {
		if (fscanf(f, "%31[^\n]", name) != 1)
			strcpy(name, "?");
		fclose(f);
	}
	snprintf(list->text + at, list->len - at, "%spid %d (%s)", at != 0 ? ", " : "", pid, name);
}

void
holders_text(const struct hotplug_bus *bus, const char *device, bool (*is_wanted)(int pid),
	     char *text, size_t len)
{
	struct list list = { is_wanted, text, len };

	text[0] = '\0';
	if (bus->ops->holders != NULL)
		(void)bus->ops->holders(device, append, &list);
}
