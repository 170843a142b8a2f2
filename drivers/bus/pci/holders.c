/* SPDX-License-Identifier: BSD-3-Clause */

/* holders: who keeps the kernel from taking a vfio device away?
 * In:  a PCI function's name.  Out: "PID (name), ..." of the processes that have
 *      its IOMMU group, or its own vfio node, open.
 * It walks /proc, which may take a while: never on the watch thread.
 * Context: events, telemetry's threads. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pci.h"

/* "/dev/vfio/12": the group that the function is in. */
static int
group_path(const char *name, char *path, size_t len)
{
	char link[4096], target[4096];
	const char *base;
	ssize_t n;

	snprintf(link, sizeof(link), "%s/%s/iommu_group", rte_pci_get_sysfs_path(), name);
	n = readlink(link, target, sizeof(target) - 1);
	if (n <= 0)
		return n < 0 ? -errno : -ENOENT;
	target[n] = '\0';
	base = strrchr(target, '/');
	n = snprintf(path, len, "/dev/vfio/%s", base != NULL ? base + 1 : target);
	return (size_t)n < len ? 0 : -ENAMETOOLONG;
}

static bool
has_open(const char *pid, const char *wanted)
{
	char folder[64], link[4096];
	struct dirent *entry;
	bool is_found = false;
	ssize_t n;
	DIR *dir;

	snprintf(folder, sizeof(folder), "/proc/%.16s/fd", pid);
	dir = opendir(folder);
	if (dir == NULL)
		return false;
	while (!is_found && (entry = readdir(dir)) != NULL) {
		n = readlinkat(dirfd(dir), entry->d_name, link, sizeof(link) - 1);
		if (n <= 0)
			continue;
		link[n] = '\0';
		is_found = strcmp(link, wanted) == 0;
	}
	closedir(dir);
	return is_found;
}

static void
append_process(const char *pid, char *text, size_t len)
{
	char path[64], name[32] = "?";
	size_t at = strlen(text);
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%.16s/comm", pid);
	f = fopen(path, "re");
	if (f != NULL) {
		if (fscanf(f, "%31[^\n]", name) != 1)
			strcpy(name, "?");
		fclose(f);
	}
	snprintf(text + at, len - at, "%spid %.16s (%s)", at != 0 ? ", " : "", pid, name);
}

int
pci_holders(const char *name, char *text, size_t len)
{
	char wanted[300];
	struct dirent *entry;
	DIR *dir;
	int ret;

	text[0] = '\0';
	ret = group_path(name, wanted, sizeof(wanted));
	if (ret != 0)
		return ret;
	dir = opendir("/proc");
	if (dir == NULL)
		return -errno;
	while ((entry = readdir(dir)) != NULL)
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
		    has_open(entry->d_name, wanted))
			append_process(entry->d_name, text, len);
	closedir(dir);
	return 0;
}
