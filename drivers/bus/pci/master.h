/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_BUS_PCI_MASTER_H
#define HOTPLUG_BUS_PCI_MASTER_H

#include <stdbool.h>
#include <stdint.h>

#include <bus_pci_driver.h>

/* Published; and before it is unplugged: when that returns nothing is written to it any
 * more.  NULL: all. */
void pci_master_begin(const struct rte_pci_device *dev);
void pci_master_end(const void *key);
/* Never again in this life; does not wait. */
void pci_master_lost(const void *key);
/* A drill, or a teardown, takes its bus mastering, and nobody gives it back, nor is about to
 * when this returns; false: it could not be taken. */
void pci_master_pause(const char *name, bool is_paused);
/* A look has found that card. */
void pci_master_look(const char *name, uint64_t generation);

#endif /* HOTPLUG_BUS_PCI_MASTER_H */
