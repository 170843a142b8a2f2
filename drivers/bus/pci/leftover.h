/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_BUS_PCI_LEFTOVER_H
#define HOTPLUG_BUS_PCI_LEFTOVER_H

#include <rte_dev.h>

#include <bus_pci_driver.h>

#define LEFTOVER_NAME_LEN 128

/* The descriptors that a device had before its driver was removed. */
struct leftover {
	unsigned int n;
	int fd[2];
	char name[2][LEFTOVER_NAME_LEN];
	char device[RTE_DEV_NAME_MAX_LEN];
};

/* In a secondary; elsewhere nothing is noted, and so nothing done. */
void leftover_note(const struct rte_pci_device *dev, struct leftover *rest);
/* After the driver is gone, and the device not watched any more: what is still open. */
void leftover_close(const struct leftover *rest);

/* Before a probe: what a device that nobody has probed says of its BARs is of a probe that
 * failed, or of a former life, and they are not mapped. */
void leftover_forget_bars(struct rte_pci_device *dev);
/* The probe since then has failed: BARs on vfio that it has mapped are mapped no more. */
void leftover_unmap(struct rte_pci_device *dev);

#endif /* HOTPLUG_BUS_PCI_LEFTOVER_H */
