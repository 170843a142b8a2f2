/* SPDX-License-Identifier: BSD-3-Clause */

/* others: has a process that is none of ours the device that is to be attached?
 * In:  a device (attach, sync's hand).  Out: -EBUSY, and who it is.
 * uio lets everybody open a device, so that two processes would drive one card; vfio
 * refuses, but does not say whose it is.  Ours are: this process, its children (they
 * have what they inherited), and those of the same file prefix, which share EAL's
 * configuration file.  Who may not read /proc/PID/fd is told nothing.
 * Context: app, events, hand. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <rte_eal.h>

#include "../core/bus.h"
#include "../core/holders.h"
#include "../eal/host.h"
#include "others.h"

static int
parent_of(int pid)
{
	char path[64], text[512], *end;
	int parent = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (f == NULL)
		return 0;
	if (fgets(text, sizeof(text), f) != NULL) {
		end = strrchr(text, ')');       /* "pid (name) S parent ..." */
		if (end == NULL || sscanf(end, ") %*c %d", &parent) != 1)
			parent = 0;
	}
	fclose(f);
	return parent;
}

static bool
is_descendant(int pid)
{
	unsigned int n;

	for (n = 0; pid > 1 && n < 64; n++) {
		if (pid == getpid())
			return true;
		pid = parent_of(pid);
	}
	return false;
}

/* Has it EAL's configuration of our file prefix mapped? */
static bool
is_of_our_prefix(int pid)
{
	unsigned int major_number, minor_number;
	char path[4096], line[4600];
	bool is_found = false;
	struct stat st;
	uint64_t inode;
	FILE *f;

	snprintf(path, sizeof(path), "%s/config", rte_eal_get_runtime_dir());
	if (stat(path, &st) < 0)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	f = fopen(path, "re");
	if (f == NULL)
		return false;
	while (!is_found && fgets(line, sizeof(line), f) != NULL)
		is_found = sscanf(line, "%*s %*s %*s %x:%x %" SCNu64, &major_number,
				  &minor_number, &inode) == 3 &&
			inode == st.st_ino && makedev(major_number, minor_number) == st.st_dev;
	fclose(f);
	return is_found;
}

static bool
is_other(int pid)
{
	return !is_descendant(pid) && !is_of_our_prefix(pid);
}

int
others_check(const char *bus_name, const char *device, char *who, size_t len)
{
	struct hotplug_bus *bus;

	for (bus = bus_next(NULL); bus != NULL; bus = bus_next(bus))
		if (strcmp(bus->name, bus_name) == 0)
			break;
	if (bus == NULL)
		return 0;
	holders_text(bus, device, is_other, who, len);
	return who[0] != '\0' ? -EBUSY : 0;
}
