/* SPDX-License-Identifier: BSD-3-Clause */

/* obstacle: what keeps this process from binding or opening a function that is there?
 * In:  a function and the kernel driver that it is to have.  Out: nothing; or the file or
 *      node, and whose it is: an administrator, udev or a container's runtime gives it away
 *      some time after the kernel has announced the card, and no event tells.
 * It only asks: opening a uio node resets the card.
 * Context: work. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pci.h"

const char *pci_dev_folder = "/dev";

static int
check(const char *path, int mode, char *text, size_t len)
{
	struct stat st;
	int ret;

	if (faccessat(AT_FDCWD, path, mode, AT_EACCESS) == 0)
		return 0;
	ret = -errno;
	if (stat(path, &st) < 0)
		snprintf(text, len, "%s: %s", path, strerror(errno));
	else
		snprintf(text, len, "%s belongs to uid %u, gid %u, mode %04o; this is uid %u, gid %u",
			 path, st.st_uid, st.st_gid, st.st_mode & 07777, geteuid(), getegid());
	return ret;
}

static int
check_attribute(const char *name, const char *attribute, int mode, char *text, size_t len)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s/%s", rte_pci_get_sysfs_path(), name, attribute);
	return check(path, mode, text, len);
}

/* "12"; false: it is in none (no IOMMU). */
static bool
read_group(const char *name, char *group, size_t len)
{
	char link[4096], target[4096];
	const char *base;
	ssize_t n;

	snprintf(link, sizeof(link), "%s/%s/iommu_group", rte_pci_get_sysfs_path(), name);
	n = readlink(link, target, sizeof(target) - 1);
	if (n <= 0)
		return false;
	target[n] = '\0';
	base = strrchr(target, '/');
	return snprintf(group, len, "%.63s", base != NULL ? base + 1 : target) < (int)len;
}

static int
check_vfio(const char *name, char *text, size_t len)
{
	char path[4096], group[64];
	int ret;

	if (!read_group(name, group, sizeof(group)))
		return 0;
	snprintf(path, sizeof(path), "%s/vfio/vfio", pci_dev_folder);
	ret = check(path, R_OK | W_OK, text, len);
	if (ret != 0)
		return ret;
	snprintf(path, sizeof(path), "%s/vfio/noiommu-%s", pci_dev_folder, group);
	if (access(path, F_OK) < 0)
		snprintf(path, sizeof(path), "%s/vfio/%s", pci_dev_folder, group);
	return check(path, R_OK | W_OK, text, len);
}

/* "uio3"; false: it has none. */
static bool
read_uio(const char *name, char *node, size_t len)
{
	char path[4096];
	const struct dirent *entry;
	bool is_found = false;
	DIR *folder;

	snprintf(path, sizeof(path), "%s/%s/uio", rte_pci_get_sysfs_path(), name);
	folder = opendir(path);
	if (folder == NULL)
		return false;
	while (!is_found && (entry = readdir(folder)) != NULL)
		is_found = strncmp(entry->d_name, "uio", 3) == 0 &&
			snprintf(node, len, "%s", entry->d_name) < (int)len;
	closedir(folder);
	return is_found;
}

static int
check_uio(const char *name, char *text, size_t len)
{
	char path[4096], node[64];
	int ret;

	if (!read_uio(name, node, sizeof(node)))
		return 0;
	snprintf(path, sizeof(path), "%s/%s", pci_dev_folder, node);
	ret = check(path, R_OK | W_OK, text, len);
	return ret != 0 ? ret : check_attribute(name, "config", R_OK | W_OK, text, len);
}

/* Whoever binds writes to both. */
static int
check_binding(const char *name, char *text, size_t len)
{
	char path[4096];
	int ret = check_attribute(name, "driver_override", W_OK, text, len);

	if (ret != 0)
		return ret;
	snprintf(path, sizeof(path), "%s/../drivers_probe", rte_pci_get_sysfs_path());
	return check(path, W_OK, text, len);
}

int
pci_obstacle(const char *name, const char *kernel_driver, char *text, size_t len)
{
	char bound[HOTPLUG_NAME_LEN];

	pci_kernel_driver(name, bound);
	if (strcmp(bound, kernel_driver) != 0)
		return check_binding(name, text, len);
	if (strncmp(bound, "vfio", 4) == 0)
		return check_vfio(name, text, len);
	return check_uio(name, text, len);
}
