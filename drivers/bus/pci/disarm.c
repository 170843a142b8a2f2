/* SPDX-License-Identifier: BSD-3-Clause */

/* disarm: a function that will be taken for lost writes to memory no more.
 * In:  a PCI function's name (drill; teardown, of one that was reset).
 * Out: bus master off, and the function reset,
 *      so that bus master, set again when it is probed, finds no rings of before.
 *      The kernel puts back the command register as the reset found it.
 * Context: app, work: a reset may take a second. */

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "master.h"
#include "pci.h"

static void
attribute_path(const char *name, const char *attribute, char *path, size_t len)
{
	snprintf(path, len, "%s/%s/%s", rte_pci_get_sysfs_path(), name, attribute);
}

int
pci_set_bus_master(int config_fd, bool is_on)
{
	uint8_t command;

	errno = EIO;
	if (pread(config_fd, &command, 1, COMMAND) != 1)
		return -errno;
	command = is_on ? command | COMMAND_BUS_MASTER : command & ~COMMAND_BUS_MASTER;
	return pwrite(config_fd, &command, 1, COMMAND) == 1 ? 0 : -errno;
}

static int
stop_and_reset(const char *name, int config_fd)
{
	int ret = pci_set_bus_master(config_fd, false);

	if (ret != 0)
		return ret;
	ret = pci_write_attribute(name, "reset", "1");
	if (ret != 0)
		(void)pci_set_bus_master(config_fd, true);
	return ret;
}

/* The file is opened before its card is asked for: what has come there meanwhile is not written
 * to. */
void
pci_silence(const char *name, const struct hotplug_identity *id)
{
	char path[4096];
	int fd;

	attribute_path(name, "config", path, sizeof(path));
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return;         /* gone by now: it writes no more, either */
	pci_master_pause(name, true);   /* who gives it back just now has done so */
	if (id->generation == 0 || pci_is_generation(name, id->generation))
		(void)pci_set_bus_master(fd, false);
	close(fd);
}

int
pci_disarm(const char *name)
{
	char path[4096];
	int fd, ret;

	attribute_path(name, "reset", path, sizeof(path));
	if (access(path, F_OK) != 0)
		return -ENOTSUP;        /* the kernel knows no way to reset it */
	attribute_path(name, "config", path, sizeof(path));
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	pci_master_pause(name, true);
	ret = stop_and_reset(name, fd);
	if (ret != 0)
		pci_master_pause(name, false);
	close(fd);
	return ret;
}
