/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_BUS_VDEV_H
#define HOTPLUG_BUS_VDEV_H

#include <net/if.h>

#include <bus_driver.h>
#include <bus_vdev_driver.h>

#include "hotplug_bus.h"

#define VDEV_MAX_IFACES 4       /* that one device stands on (net_pcap: rx and tx) */

extern struct hotplug_bus vdev_bus;

/* The kernel's interfaces that a device stands on, by name. */
struct vdev_names {
	unsigned int n;
	char name[VDEV_MAX_IFACES][IFNAMSIZ];
};

/* drivers.c: the drivers that stand on one.  NULL: the device is of another. */
struct vdev_driver;
void vdev_drivers_wrap(struct rte_bus *bus);
void vdev_drivers_unwrap(void);
struct vdev_driver *vdev_driver_of(const struct rte_device *dev);
void vdev_driver_names(const struct vdev_driver *driver, const struct rte_device *dev,
		       struct vdev_names *names);
/* The index that the driver itself has; 0: it says none. */
unsigned int vdev_driver_index(const struct vdev_driver *driver, const struct rte_device *dev);

/* vdev.c: what the drivers' wrapped functions, and the bus's, tell. */
int vdev_probe(const struct vdev_driver *driver, struct rte_vdev_device *dev,
	       rte_vdev_probe_t *stock);
int vdev_remove(struct rte_vdev_device *dev, rte_vdev_remove_t *stock);
void vdev_before_cleanup(void);
void vdev_after_cleanup(void);

/* vdev_2211.c or vdev_2607.c: struct rte_bus as this DPDK has it. */
void vdev_epoch_wrap(struct rte_bus *bus);
struct rte_device *vdev_epoch_next(struct rte_bus *bus, const struct rte_device *after);

/* iface.c: questions to the kernel, in the network namespace of the thread that enabled the
 * library.  None blocks but vdev_iface_kind(). */
int vdev_iface_open(void);
void vdev_iface_close(void);
bool vdev_iface_is_own_netns(void);     /* is the calling thread's the same? */
unsigned int vdev_iface_index(const char *name);        /* 0: there is none */
bool vdev_iface_name(unsigned int index, char name[IFNAMSIZ]);
int vdev_iface_hold(unsigned int index);        /* a descriptor, or -errno */
bool vdev_iface_is_held(int fd, unsigned int index);    /* is it still that one? */
void vdev_iface_kind(const char *name, uint16_t *medium, uint16_t *driver);

/* table.c: the library is enabled, or no more: then nothing is held. */
int vdev_table_open(void);
void vdev_table_close(void);
/* The interfaces are taken hold of, as they are now; again is fine. */
int vdev_table_hold(const char *device, const struct vdev_names *names);
/* Its probe has succeeded, and its driver has interface `index` (0: it says none): if we hold
 * another one, that of the driver is gone. */
void vdev_table_attach(const char *device, unsigned int index);
void vdev_table_release(const char *device);
/* What there is of a device: numbers that change when an interface does; 0: not all are
 * there. */
struct vdev_seen {
	struct vdev_names names;
	bool is_open;           /* the library is enabled; else no more is known */
	bool was_attached;      /* while the library was enabled */
	bool is_held;           /* a driver has it: */
	uint64_t held;          /* what that was attached to */
	uint64_t by_name;       /* what is there under the names now */
};
bool vdev_table_see(const char *device, struct vdev_seen *seen);        /* false: unknown */
const char *vdev_table_next(const char *after);         /* NULL: the first; no more */

/* looks.c */
enum hotplug_look vdev_look(const char *device, const char *kernel_driver,
			    const struct hotplug_identity *id);
int vdev_identify(const char *device, struct hotplug_identity *id);
int vdev_glance(const char *device, struct hotplug_glance *glance);
int vdev_enumerate(void (*fn)(const char *name, void *arg), void *arg);
enum hotplug_uevent_kind vdev_classify(const struct hotplug_uevent *uevent, char *name);
enum hotplug_uevent_kind vdev_classify_next(const struct hotplug_uevent *uevent, char *name);

#endif /* HOTPLUG_BUS_VDEV_H */
