/* SPDX-License-Identifier: BSD-3-Clause */

/* leftover: what EAL leaves of a device, and nobody would give back.
 * In:  a device before its driver is removed, or probed (note, forget), and after (close, unmap).
 * Out: its descriptors are closed, its BARs unmapped.
 * A secondary that removes after the primary: EAL looks up what it has mapped in a list that
 * all processes share, and the primary's detach takes the device out of it.  A secondary that
 * comes later, because it was stopped, finds nothing there and leaves everything as it is (22.11
 * to 26.07; drivers that map by themselves, as virtio, do not find their port): memory and
 * descriptors are lost.
 * A probe on vfio that fails when the BARs are mapped already (22.11; 23.11 unmaps them): the
 * kernel refuses a reset to it while somebody else removes the device.  EAL says where a BAR was
 * also when it has unmapped it.
 * Either way the kernel's removal waits for what is left for ever, and all hot-plug of PCI with
 * it.
 * Lock: whoever probes or removes here has the turn (port/probe.c); EAL's own calls are not made
 *      beside each other.  So EAL's list stands still.
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

/* It is probed, or being probed; EAL takes it back from one that failed. */
static bool
is_in_use(const struct rte_pci_device *dev)
{
	return dev->intr_handle != NULL;
}

void
leftover_forget_bars(struct rte_pci_device *dev)
{
	unsigned int i;

	for (i = 0; i < PCI_MAX_RESOURCE && !is_in_use(dev); i++)
		dev->mem_resource[i].addr = NULL;
}

static bool
overlaps(const struct rte_mem_resource *a, const struct rte_mem_resource *b)
{
	uintptr_t from = (uintptr_t)a->addr, to = (uintptr_t)b->addr;

	return to != 0 && from < to + b->len && to < from + a->len;
}

/* EAL has unmapped it, and the kernel given the room to another card. */
static bool
is_anothers(const struct rte_pci_device *dev, const struct rte_mem_resource *bar)
{
	struct rte_bus *bus = rte_bus_find_by_name("pci");
	const struct rte_pci_device *other;
	struct rte_device *next = NULL;
	bool is = false;
	unsigned int i;

	while (!is && bus != NULL && (next = pci_epoch_next(bus, next)) != NULL) {
		other = container_of(next, const struct rte_pci_device, device);
		for (i = 0; i < PCI_MAX_RESOURCE && other != dev && is_in_use(other); i++)
			is = is || overlaps(bar, &other->mem_resource[i]);
	}
	return is;
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
leftover_unmap(struct rte_pci_device *dev)
{
	struct rte_mem_resource *bar;
	unsigned int i;

	for (i = 0; i < PCI_MAX_RESOURCE && !is_in_use(dev); i++) {
		bar = &dev->mem_resource[i];
		if (bar->addr == NULL || is_anothers(dev, bar) || !is_mapped(bar))
			continue;
		munmap(bar->addr, bar->len);
		bar->addr = NULL;
	}
}
