/* SPDX-License-Identifier: BSD-3-Clause */

/* leftover: what EAL leaves of a device, and nobody would give back.
 * In:  a device before its driver is removed, or probed (note), and after (close, unmap).
 * Out: its descriptors are closed, its BARs unmapped.
 * A secondary that removes after the primary: EAL looks up what it has mapped in a list that
 * all processes share, and the primary's detach takes the device out of it.  A secondary that
 * comes later, because it was stopped, finds nothing there and leaves everything as it is (22.11
 * to 26.07; drivers that map by themselves, as virtio, do not find their port): memory and
 * descriptors are lost.
 * A probe on vfio that fails when the BARs are mapped already (22.11; 23.11 unmaps them): the
 * kernel refuses a reset to it while somebody else removes the device.
 * Either way the kernel's removal waits for what is left for ever, and all hot-plug of PCI with
 * it.
 * Context: app, hand, work. */

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_interrupts.h>
#include <rte_vfio.h>

#include "leftover.h"
#include "pci.h"

static bool
read_name(int fd, char name[LEFTOVER_NAME_LEN])
{
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, name, LEFTOVER_NAME_LEN - 1);
	name[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/* An eventfd has no name of its own: it is not told from anybody else's, and stays. */
static bool
is_devices(const char *name)
{
	return strncmp(name, "/dev/uio", 8) == 0 ||
		strncmp(name, "/dev/vfio/devices/", 18) == 0 ||
		strcmp(name, "anon_inode:[vfio-device]") == 0 ||
		(strncmp(name, "/sys/", 5) == 0 && strstr(name, "/config") != NULL);
}

static void
note_fd(struct leftover *rest, int fd)
{
	if (fd > STDERR_FILENO && read_name(fd, rest->name[rest->n]) &&
	    is_devices(rest->name[rest->n]))
		rest->fd[rest->n++] = fd;
}

void
leftover_note(const struct rte_pci_device *dev, struct leftover *rest)
{
	rest->n = 0;
	if (rte_eal_process_type() != RTE_PROC_SECONDARY || dev->intr_handle == NULL)
		return;
	snprintf(rest->device, sizeof(rest->device), "%s", dev->device.name);
	note_fd(rest, rte_intr_fd_get(dev->intr_handle));
	note_fd(rest, rte_intr_dev_fd_get(dev->intr_handle));
}

static bool
is_open(const struct leftover *rest, unsigned int i)
{
	char name[LEFTOVER_NAME_LEN];

	return read_name(rest->fd[i], name) && strcmp(name, rest->name[i]) == 0;
}

/* EAL has the group of a vfio device open, too, and counts its devices. */
void
leftover_close(const struct leftover *rest)
{
	unsigned int i;

	for (i = 0; i < rest->n; i++) {
		if (is_open(rest, i) && strstr(rest->name[i], "vfio") != NULL)
			(void)rte_vfio_release_device(rte_pci_get_sysfs_path(), rest->device,
						      rest->fd[i]);
		if (is_open(rest, i))
			close(rest->fd[i]);
	}
}

void
leftover_note_bars(const struct rte_pci_device *dev, struct leftover_bars *before)
{
	unsigned int i;

	for (i = 0; i < PCI_MAX_RESOURCE; i++)
		before->addr[i] = dev->mem_resource[i].addr;
}

/* Of a vfio device, whether EAL has it from its group or from a node of its own. */
static bool
is_vfio(const char *line)
{
	char node[128];

	snprintf(node, sizeof(node), " %s/vfio/devices/", pci_dev_folder);
	return strstr(line, " anon_inode:[vfio-device]") != NULL || strstr(line, node) != NULL;
}

static bool
is_mapped(const struct rte_mem_resource *bar)
{
	uintptr_t start = (uintptr_t)bar->addr;
	FILE *f = fopen("/proc/self/maps", "re");
	unsigned long from, to;
	bool is_it = false;
	char line[512];

	if (f == NULL)
		return false;
	while (!is_it && fgets(line, sizeof(line), f) != NULL)
		is_it = sscanf(line, "%lx-%lx", &from, &to) == 2 && to > start &&
			from < start + bar->len && is_vfio(line);
	fclose(f);
	return is_it;
}

void
leftover_unmap(struct rte_pci_device *dev, const struct leftover_bars *before)
{
	struct rte_mem_resource *bar;
	unsigned int i;

	for (i = 0; i < PCI_MAX_RESOURCE; i++) {
		bar = &dev->mem_resource[i];
		if (bar->addr == NULL || bar->addr == before->addr[i] || !is_mapped(bar))
			continue;
		munmap(bar->addr, bar->len);
		bar->addr = NULL;
	}
}
