/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_BUS_PCI_H
#define HOTPLUG_BUS_PCI_H

#include <bus_driver.h>
#include <bus_pci_driver.h>

#include "hotplug_bus.h"

#define COMMAND 0x04            /* PCI r3 6.2.2 */
#define COMMAND_IO 0x1
#define COMMAND_MEMORY 0x2
#define COMMAND_BUS_MASTER 0x4

extern struct hotplug_bus pci_bus;
/* publish.c; resets: the count as its probe began, 0: not known */
void pci_probed(struct rte_pci_device *dev, uint64_t resets);

/* pci.c: what the wrapped ops tell, whatever the epoch. */
bool pci_is_enabled(void);
void pci_probed_all(void);
bool pci_is_mapped(const struct rte_pci_device *dev);
/* EAL frees the devargs of a probe that has failed, and the device keeps them; and a key may
 * be another life's (pci.c).  Returns the count of resets. */
uint64_t pci_before_probe(struct rte_device *dev);
int pci_scan(int (*stock)(void));
int pci_unplug(struct rte_device *dev, int (*stock)(struct rte_device *dev));
void pci_before_cleanup(void);
void pci_after_cleanup(void);

/* pci_2211.c or pci_2607.c: struct rte_bus as this DPDK has it. */
void pci_epoch_watch_probe(struct rte_bus *bus);        /* for the plugin */
void pci_epoch_wrap(struct rte_bus *bus);
void pci_epoch_unwrap(struct rte_bus *bus);
struct rte_device *pci_epoch_next(struct rte_bus *bus, const struct rte_device *after);
bool pci_epoch_is_probed(const struct rte_pci_device *dev);
/* The bus does not run its driver any more. */
void pci_epoch_disown(struct rte_device *dev);

/* sysfs.c */
enum hotplug_look pci_look(const char *name, const char *kernel_driver,
			   const struct hotplug_identity *id);
int pci_glance(const char *name, struct hotplug_glance *glance);
int pci_enumerate(void (*fn)(const char *name, void *arg), void *arg);
int pci_identify(const char *name, struct hotplug_identity *id);
bool pci_is_generation(const char *name, uint64_t generation);  /* it is that one still */
bool pci_is_user_space(const char *driver);     /* hands functions to it; NULL: none */
/* decode.c */
bool pci_is_decoding(const char *name, uint16_t command);
/* resets.c: changes with each reset, 0: nobody counts; a descriptor to poll(), 0: none */
uint64_t pci_read_resets(const char *name);
int pci_open_resets(const char *name);
/* uevents.c */
bool pci_is_name(const char *name);             /* "0000:03:00.0" */
enum hotplug_uevent_kind pci_classify(const struct hotplug_uevent *uevent, char *name);
/* uio_mmap.c: BARs onto /dev/uioN, where our igb_uio offers it. */
void pci_uio_mmap(struct rte_pci_device *dev);
bool pci_revokes(const char *kernel_driver);

/* bind.c */
int pci_bind(const char *name, const char *kernel_driver);
int pci_write_attribute(const char *name, const char *attribute, const char *text);

/* obstacle.c: 0, or -errno and which file or node it is, and whose. */
int pci_obstacle(const char *name, const char *kernel_driver, char *text, size_t len);
extern const char *pci_dev_folder;      /* "/dev", but in tests */
/* disarm.c; of an open `config` */
int pci_set_bus_master(int config_fd, bool is_on);
int pci_disarm(const char *name);
void pci_silence(const char *name, const struct hotplug_identity *id);
/* holders.c */
int pci_holders(const char *name, void (*fn)(int pid, void *arg), void *arg);
/* The kernel driver's name; "" when none. */
void pci_kernel_driver(const char *name, char driver[HOTPLUG_NAME_LEN]);

#endif /* HOTPLUG_BUS_PCI_H */
