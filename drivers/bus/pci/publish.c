/* SPDX-License-Identifier: BSD-3-Clause */

/* publish: what the library is told of a probed device.
 * In:  a device, right after its probe.  Out: it is published with its BARs, its descriptor
 *      and its ports.
 * Context: app, work. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/vfio.h>

#include <rte_bus_pci.h>
#include <rte_interrupts.h>

#include <ethdev_driver.h>

#include "master.h"
#include "pci.h"

/* Where a BAR begins in its vfio device; without an answer it cannot be restored. */
static uint64_t
vfio_offset(int fd, unsigned int bar)
{
	struct vfio_region_info region = { .argsz = sizeof(region), .index = bar };

	return ioctl(fd, VFIO_DEVICE_GET_REGION_INFO, &region) == 0 ? region.offset : 0;
}

/* `file`: a part of its resources' paths. */
static void
add_regions(struct rte_pci_device *dev, const char *file, struct hotplug_device_info *info)
{
	int restore_fd = -1;
	unsigned int i;

	if (dev->kdrv == RTE_PCI_KDRV_VFIO)
		restore_fd = rte_intr_dev_fd_get(dev->intr_handle);
	for (i = 0; i < PCI_MAX_RESOURCE; i++) {
		if (dev->mem_resource[i].addr == NULL || dev->mem_resource[i].len == 0)
			continue;
		info->region[info->n_regions++] = (struct hotplug_region){
			.addr = dev->mem_resource[i].addr,
			.len = dev->mem_resource[i].len,
			.restore_fd = restore_fd,
			.restore_offset = restore_fd >= 0 ? vfio_offset(restore_fd, i) : 0,
			.file = file,
		};
	}
}

/* /dev/uioN as EAL has opened it.  A driver that maps nothing never opens it, and
 * its handle then says descriptor 0, which is somebody else's. */
static int
uio_fd(const struct rte_pci_device *dev)
{
	enum rte_intr_handle_type type = rte_intr_type_get(dev->intr_handle);

	return type == RTE_INTR_HANDLE_UIO || type == RTE_INTR_HANDLE_UIO_INTX ?
		rte_intr_fd_get(dev->intr_handle) : -1;
}

/* A region that is not mapped (a BAR that the PMD has let go), or is something else by now, is
 * left out. */
static int
publish(struct hotplug_device_info *info)
{
	struct hotplug_region all[HOTPLUG_MAX_REGIONS];
	unsigned int i, n = info->n_regions;
	int ret = hotplug_device_publish(&pci_bus, info);

	if (ret != -ESTALE)
		return ret;
	memcpy(all, info->region, sizeof(all));
	info->n_regions = 0;
	ret = 0;
	for (i = 0; i < n && ret == 0; i++) {
		info->region[info->n_regions++] = all[i];
		ret = hotplug_device_publish(&pci_bus, info);
		if (ret != -ESTALE)
			hotplug_device_withdraw(&pci_bus, info->key);
		else
			info->n_regions--;
		ret = ret == -ESTALE ? 0 : ret;
	}
	return ret != 0 ? ret : hotplug_device_publish(&pci_bus, info);
}

/* Those that its events name; one that heals is not valid yet. */
static void
list_ports(const struct rte_pci_device *dev, struct hotplug_device_info *info)
{
	unsigned int n = 0;
	uint16_t id;

	for (id = 0; id < RTE_MAX_ETHPORTS; id++) {
		if (__atomic_load_n(&rte_eth_devices[id].device, __ATOMIC_ACQUIRE) != &dev->device)
			continue;
		if (n < HOTPLUG_MAX_PORTS)
			info->port[n] = id;
		n++;
	}
	info->n_ports = RTE_MIN(n, (unsigned int)HOTPLUG_MAX_PORTS);
	if (n > HOTPLUG_MAX_PORTS)
		hotplug_bus_log(HOTPLUG_LOG_NOTICE, "%s has %u ports: its events name the first %u", dev->name,
			 n, info->n_ports);
}

/* That one says nothing of itself just now.  Where no card is there, whichever comes is another. */
static void
identify_unread(const struct rte_pci_device *dev, struct hotplug_identity *id)
{
	struct hotplug_glance glance = { .generation = 0 };

	id->vendor = dev->id.vendor_id;
	id->device = dev->id.device_id;
	id->subsystem_vendor = dev->id.subsystem_vendor_id;
	id->subsystem_device = dev->id.subsystem_device_id;
	id->generation = pci_glance(dev->name, &glance) == 0 ? glance.generation : UINT64_MAX;
}

/* What a reset in the middle of its probe has taken, its driver had set already: it counts from
 * the beginning of that. */
void
pci_probed(struct rte_pci_device *dev, uint64_t resets)
{
	char kernel_driver[HOTPLUG_NAME_LEN], file[HOTPLUG_NAME_LEN];
	struct hotplug_device_info info = {
		.key = &dev->device,
		.name = dev->name,
		.kernel_driver = kernel_driver,
		.sign_fd = uio_fd(dev),
		.works_on_request = dev->kdrv == RTE_PCI_KDRV_VFIO,
	};
	int ret;

	if (!pci_is_enabled())
		return;
	info.driver = dev->device.driver != NULL ? dev->device.driver->name : NULL;
	pci_kernel_driver(dev->name, kernel_driver);
	if (pci_identify(dev->name, &info.id) != 0)     /* gone while it was probed, or away */
		identify_unread(dev, &info.id);
	if (resets != 0)
		info.id.resets = resets;
	if (hotplug_bus_config()->uio_mmap)
		pci_uio_mmap(dev);
	snprintf(file, sizeof(file), "/%s/resource", dev->name);
	add_regions(dev, file, &info);
	list_ports(dev, &info);
	info.notice_fd = pci_open_resets(dev->name);
	pci_master_begin(dev);
	ret = publish(&info);
	if (info.notice_fd > 0)
		close(info.notice_fd);
	if (ret != 0)
		hotplug_bus_log(HOTPLUG_LOG_ERR, "%s: not guarded: %s", dev->name, strerror(-ret));
}
