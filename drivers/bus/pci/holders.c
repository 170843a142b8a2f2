/* SPDX-License-Identifier: BSD-3-Clause */

/* holders: which processes have a device's nodes open?
 * In:  a PCI function's name.  Out: the pids of those that have its uio node, its vfio
 *      node or its IOMMU group open, by device number: the path differs in containers.
 * It walks /proc, which may take a while: never on the watch thread.
 * Context: app, events, sync's hand, telemetry's threads. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "pci.h"

#define MAX_NODES 4

struct nodes {
	dev_t number[MAX_NODES];
	unsigned int n;
};

static void
add_node(struct nodes *nodes, dev_t number)
{
	if (nodes->n < MAX_NODES)
		nodes->number[nodes->n++] = number;
}

/* "/dev/vfio/12": the group that the function is in. */
static void
add_group(struct nodes *nodes, const char *name)
{
	char link[4096], target[4096], path[300];
	const char *base;
	struct stat st;
	ssize_t n;

	snprintf(link, sizeof(link), "%s/%s/iommu_group", rte_pci_get_sysfs_path(), name);
	n = readlink(link, target, sizeof(target) - 1);
	if (n <= 0)
		return;
	target[n] = '\0';
	base = strrchr(target, '/');
	snprintf(path, sizeof(path), "/dev/vfio/%.255s", base != NULL ? base + 1 : target);
	if (stat(path, &st) == 0 && S_ISCHR(st.st_mode))
		add_node(nodes, st.st_rdev);
}

/* "MAJOR:MINOR" in each NAME/folder/ENTRY/dev. */
static void
add_folder(struct nodes *nodes, const char *name, const char *folder)
{
	unsigned int major_number, minor_number;
	char path[4096], file[300];
	struct dirent *entry;
	FILE *f;
	DIR *dir;
	int fd;

	snprintf(path, sizeof(path), "%s/%s/%s", rte_pci_get_sysfs_path(), name, folder);
	dir = opendir(path);
	if (dir == NULL)
		return;
	while ((entry = readdir(dir)) != NULL) {
		snprintf(file, sizeof(file), "%s/dev", entry->d_name);
		fd = entry->d_name[0] != '.' ?
			openat(dirfd(dir), file, O_RDONLY | O_CLOEXEC) : -1;
		f = fd >= 0 ? fdopen(fd, "r") : NULL;
		if (f == NULL)
			continue;
		if (fscanf(f, "%u:%u", &major_number, &minor_number) == 2)
			add_node(nodes, makedev(major_number, minor_number));
		fclose(f);
	}
	closedir(dir);
}

static bool
is_node(const struct nodes *nodes, const struct stat *st)
{
	unsigned int i;

	for (i = 0; i < nodes->n; i++)
		if (S_ISCHR(st->st_mode) && st->st_rdev == nodes->number[i])
			return true;
	return false;
}

static bool
has_open(const char *pid, const struct nodes *nodes)
{
	char folder[64];
	struct dirent *entry;
	bool is_found = false;
	struct stat st;
	DIR *dir;

	snprintf(folder, sizeof(folder), "/proc/%.16s/fd", pid);
	dir = opendir(folder);
	if (dir == NULL)
		return false;
	while (!is_found && (entry = readdir(dir)) != NULL)
		is_found = fstatat(dirfd(dir), entry->d_name, &st, 0) == 0 && is_node(nodes, &st);
	closedir(dir);
	return is_found;
}

int
pci_holders(const char *name, void (*fn)(int pid, void *arg), void *arg)
{
	struct nodes nodes = { .n = 0 };
	struct dirent *entry;
	DIR *dir;

	add_group(&nodes, name);
	add_folder(&nodes, name, "uio");
	add_folder(&nodes, name, "vfio-dev");
	if (nodes.n == 0)
		return -ENOENT;
	dir = opendir("/proc");
	if (dir == NULL)
		return -errno;
	while ((entry = readdir(dir)) != NULL)
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
		    has_open(entry->d_name, &nodes))
			fn(atoi(entry->d_name), arg);
	closedir(dir);
	return 0;
}
