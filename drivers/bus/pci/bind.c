/* SPDX-License-Identifier: BSD-3-Clause */

/* bind: give a returned card the kernel driver that it had.
 * In:  a name and a driver (work, heal).  Out: driver_override set, whatever is bound
 *      let go, the wanted one bound.
 * Context: work: the kernel may take its time. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pci.h"

static int
write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

int
pci_write_attribute(const char *name, const char *attribute, const char *text)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s/%s", rte_pci_get_sysfs_path(), name, attribute);
	return write_text(path, text);
}

int
pci_bind(const char *name, const char *kernel_driver)
{
	char bound[HOTPLUG_NAME_LEN], path[4096];
	int ret;

	ret = pci_write_attribute(name, "driver_override", kernel_driver);
	if (ret != 0)
		return ret;
	pci_kernel_driver(name, bound);
	if (bound[0] != '\0' && strcmp(bound, kernel_driver) != 0)
		(void)pci_write_attribute(name, "driver/unbind", name);
	snprintf(path, sizeof(path), "%s/../drivers_probe", rte_pci_get_sysfs_path());
	ret = write_text(path, name);
	if (ret != 0)
		return ret;
	pci_kernel_driver(name, bound);
	return strcmp(bound, kernel_driver) == 0 ? 0 : -ENOENT;
}
