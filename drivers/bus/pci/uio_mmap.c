/* SPDX-License-Identifier: BSD-3-Clause */

/* uio_mmap: move a probed device's BARs from sysfs resourceN onto /dev/uioN.
 * In:  a device on our igb_uio, whose mappings of /dev/uioN the kernel revokes in
 *      every process when the device goes (module parameter uio_mmap).
 * Out: the same BARs at the same addresses; on any error resourceN stays.
 * Order: map elsewhere, then one mremap over the BAR: a refused MAP_FIXED would
 *      leave a hole.  Write-combining BARs (resourceN_wc) stay: a mapping through
 *      uio would lose that.
 * Context: app, work (after the probe, before the device is published). */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <rte_interrupts.h>

#include "pci.h"

#define MAX_UIO_MAPS 5          /* include/linux/uio_driver.h */

#define OWN_PARAMETER "/sys/module/igb_uio/parameters/uio_mmap" /* the stock one has none */

/* Does the loaded igb_uio map BARs itself? */
static bool
is_offered(void)
{
	char word[16] = "off";
	FILE *f = fopen(OWN_PARAMETER, "re");

	if (f == NULL)
		return false;
	if (fscanf(f, "%15s", word) != 1)
		strcpy(word, "off");
	fclose(f);
	return strcmp(word, "off") != 0;
}

/* Ours cuts all mappings off; vfio keeps the card until all have let go of it. */
bool
pci_revokes(const char *kernel_driver)
{
	return strcmp(kernel_driver, "vfio-pci") == 0 ||
		(strcmp(kernel_driver, "igb_uio") == 0 && access(OWN_PARAMETER, F_OK) == 0);
}

static int
read_value(int fd, unsigned int map, const char *what, uint64_t *value)
{
	char path[128], text[32];
	struct stat st;
	FILE *f;

	if (fstat(fd, &st) < 0)
		return -errno;
	snprintf(path, sizeof(path), "/sys/dev/char/%u:%u/maps/map%u/%s", major(st.st_rdev),
		 minor(st.st_rdev), map, what);
	f = fopen(path, "re");
	if (f == NULL)
		return -errno;
	*value = fgets(text, sizeof(text), f) != NULL ? strtoull(text, NULL, 0) : 0;
	fclose(f);
	return 0;
}

/* uio's number for a BAR; -ENOENT: it has none. */
static int
find_map(int fd, uint64_t phys_addr, uint64_t len)
{
	uint64_t addr = 0, size = 0;
	unsigned int i;

	for (i = 0; i < MAX_UIO_MAPS; i++)
		if (read_value(fd, i, "addr", &addr) == 0 &&
		    read_value(fd, i, "size", &size) == 0 && addr == phys_addr && size == len)
			return i;
	return -ENOENT;
}

/* Is all that is mapped there the device's resourceN, shared, and not write-combining? */
static bool
is_resource(const char *device, uintptr_t start, uintptr_t end)
{
	char resource[HOTPLUG_NAME_LEN];
	unsigned long from, to;
	char line[1024], perms[5];
	bool is_it = true;
	const char *name;
	FILE *f = fopen("/proc/self/maps", "re");

	if (f == NULL)
		return false;
	snprintf(resource, sizeof(resource), "/%s/resource", device);
	while (is_it && fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "%lx-%lx %4s", &from, &to, perms) != 3 || to <= start || from >= end)
			continue;
		name = strstr(line, resource);
		is_it = name != NULL && strstr(name, "_wc") == NULL && perms[3] == 's';
	}
	fclose(f);
	return is_it;
}

static int
swap(const char *device, int fd, const struct rte_mem_resource *bar)
{
	uint64_t page = sysconf(_SC_PAGESIZE);
	void *p;
	int map, ret;

	if (bar->len % page != 0 ||
	    !is_resource(device, (uintptr_t)bar->addr, (uintptr_t)bar->addr + bar->len))
		return -ENOTSUP;
	map = find_map(fd, bar->phys_addr, bar->len);
	if (map < 0)
		return map;
	p = mmap(NULL, bar->len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, map * page);
	if (p == MAP_FAILED)
		return -errno;
	if (mremap(p, bar->len, bar->len, MREMAP_MAYMOVE | MREMAP_FIXED, bar->addr) != MAP_FAILED)
		return 0;
	ret = -errno;
	munmap(p, bar->len);
	return ret;
}

void
pci_uio_mmap(struct rte_pci_device *dev)
{
	int fd = rte_intr_fd_get(dev->intr_handle), ret;
	unsigned int i;

	if (dev->kdrv != RTE_PCI_KDRV_IGB_UIO || fd < 0)
		return;
	if (!is_offered()) {
		hotplug_bus_log(HOTPLUG_LOG_WARN, "%s: uio_mmap=on, but this igb_uio maps no BARs of its own "
			 "(stock, or uio_mmap=off): resourceN stays", dev->name);
		return;
	}
	for (i = 0; i < PCI_MAX_RESOURCE; i++) {
		if (dev->mem_resource[i].addr == NULL || dev->mem_resource[i].len == 0)
			continue;
		ret = swap(dev->name, fd, &dev->mem_resource[i]);
		hotplug_bus_log(HOTPLUG_LOG_DEBUG, "%s: BAR %u %s%s", dev->name, i,
			 ret == 0 ? "moved onto its uio device" : "stays on resourceN: ",
			 ret == 0 ? "" : strerror(-ret));
	}
}
