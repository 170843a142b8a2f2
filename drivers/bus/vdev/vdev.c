/* SPDX-License-Identifier: BSD-3-Clause */

/* vdev: the backend of DPDK's "vdev" bus, for devices that stand on a network interface of
 * the kernel.
 * In:  their drivers' wrapped probe and remove (drivers.c), the bus's unplug and cleanup
 *      (vdev_2211.c, vdev_2607.c).
 * Out: each such device is published right after its probe, without regions: nothing of it
 *      is mapped that could fault.  Its interfaces are taken hold of before the probe: is one
 *      gone and made anew meanwhile, the driver may have either, and the device is lost.
 * The bus of librte_bus_vdev stays wrapped when the library is disabled: a dead port's
 * stand-in is none of its devices, and is still to be told from those.
 * Context: app, work, hand, teardown. */

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#include <ethdev_driver.h>

#include "vdev.h"

static bool is_ending;          /* rte_eal_cleanup() removes the devices */

static int enable(void);
static void disable(void);

/* Sockets: who had one on the interface that went reaches nothing through it. */
static bool
revokes(const char *kernel_driver)
{
	(void)kernel_driver;
	return true;
}

static const struct hotplug_bus_ops ops = {
	.enable = enable,
	.disable = disable,
	.look = vdev_look,
	.identify = vdev_identify,
	.glance = vdev_glance,
	.enumerate = vdev_enumerate,
	.classify = vdev_classify,
	.classify_next = vdev_classify_next,
	.revokes = revokes,
};

/* Not EAL's name for it: who is named so knows all devices of that bus. */
struct hotplug_bus vdev_bus = { .name = "netdev", .ops = &ops };

/* Those that its events name; one that heals is not valid yet. */
static void
list_ports(const struct rte_device *dev, struct hotplug_device_info *info)
{
	unsigned int i;

	for (i = 0; i < RTE_MAX_ETHPORTS && info->n_ports < HOTPLUG_MAX_PORTS; i++)
		if (__atomic_load_n(&rte_eth_devices[i].device, __ATOMIC_ACQUIRE) == dev)
			info->port[info->n_ports++] = i;
}

static void
publish(const struct vdev_driver *driver, struct rte_device *dev)
{
	unsigned int index = vdev_driver_index(driver, dev);
	struct hotplug_device_info info = {
		.key = dev,
		.name = dev->name,
		.driver = dev->driver->name,
		.sign_fd = -1,
	};
	int ret;

	vdev_table_attach(dev->name, index);
	if (vdev_identify(dev->name, &info.id) != 0)    /* gone: a look will tell */
		memset(&info.id, 0, sizeof(info.id));
	list_ports(dev, &info);
	ret = hotplug_device_publish(&vdev_bus, &info);
	if (ret != 0 && ret != -EPERM)
		hotplug_bus_log(HOTPLUG_LOG_ERR, "%s: not guarded: %s", dev->name, strerror(-ret));
}

/* What it stands on is not said to a secondary that finds it at its start: its driver knows
 * the index. */
static void
find_names(const struct vdev_driver *driver, const struct rte_device *dev,
	   struct vdev_names *names)
{
	vdev_driver_names(driver, dev, names);
	if (names->n == 0 &&
	    vdev_iface_name(vdev_driver_index(driver, dev), names->name[0]))
		names->n = 1;
}

/* Who has been attached before was here: what is not here now is gone.  Of others nobody
 * knows whether it went, or is in the network namespace that their thread was in. */
static bool
is_here(const struct vdev_driver *driver, const struct rte_device *dev,
	const struct vdev_names *names)
{
	unsigned int i, index, own = vdev_driver_index(driver, dev);
	struct vdev_seen seen;

	if (vdev_table_see(dev->name, &seen) && seen.was_attached)
		return true;
	for (i = 0; i < names->n; i++) {
		index = vdev_iface_index(names->name[i]);
		if (index == 0 || (own != 0 && names->n == 1 && own != index))
			return false;
	}
	return true;
}

/* Probed without us, or by a driver that was not told what the device stands on. */
static void
adopt(const struct vdev_driver *driver, struct rte_device *dev)
{
	struct vdev_names names;

	find_names(driver, dev, &names);
	if (names.n == 0)
		return;
	if (!is_here(driver, dev, &names)) {
		hotplug_bus_log(HOTPLUG_LOG_NOTICE, "%s: its interface is in another network "
				"namespace, or not known: not guarded", dev->name);
		return;
	}
	if (vdev_table_hold(dev->name, &names) == 0)
		publish(driver, dev);
}

static bool
is_in_driver(const void *dev)
{
	(void)dev;
	return true;                    /* from the beginning: probe is the driver's own */
}

/* Up to 26.03 the bus says whose it is when the probe has returned: we do, a bit earlier. */
static int
probe(struct rte_vdev_device *dev, rte_vdev_probe_t *stock)
{
	struct rte_vdev_driver *driver;
	int ret;

	hotplug_probe_begin(&dev->device, is_in_driver);
	ret = stock(dev);
	hotplug_probe_end(&dev->device);
	if (ret == 0 && dev->device.driver == NULL &&
	    rte_bus_find_by_name("vdev")->parse(dev->device.name, &driver) == 0)
		dev->device.driver = &driver->driver;
	return ret;
}

int
vdev_probe(const struct vdev_driver *driver, struct rte_vdev_device *dev,
	   rte_vdev_probe_t *stock)
{
	struct vdev_names names;
	int ret;

	if (!vdev_iface_is_own_netns()) {
		ret = stock(dev);
		if (ret == 0)
			hotplug_bus_log(HOTPLUG_LOG_NOTICE, "%s: made in another network namespace "
					"than the library's: not guarded", dev->device.name);
		return ret;
	}
	vdev_driver_names(driver, &dev->device, &names);
	if (names.n > 0)
		(void)vdev_table_hold(dev->device.name, &names);
	ret = probe(dev, stock);
	if (ret != 0)
		vdev_table_release(dev->device.name);
	else if (names.n > 0)
		publish(driver, &dev->device);
	else
		adopt(driver, &dev->device);
	return ret;
}

static int
unplug(struct rte_device *dev, void *arg)
{
	rte_vdev_remove_t **stock = arg;

	return (*stock)(container_of(dev, struct rte_vdev_device, device));
}

int
vdev_remove(struct rte_vdev_device *dev, rte_vdev_remove_t *stock)
{
	int ret;

	if (is_ending && hotplug_device_is_busy(dev->device.name))
		return 0;               /* its driver is at work, and is not to be run again */
	ret = hotplug_unplug(&vdev_bus, &dev->device, unplug, &stock);
	if (ret == 0)
		vdev_table_release(dev->device.name);
	return ret;
}

void
vdev_before_cleanup(void)
{
	is_ending = hotplug_cleanup_begin() == 0;
}

static int
match_pci(const struct rte_bus *bus, const void *data)
{
	(void)data;
	return strcmp(rte_bus_name(bus), "pci");
}

/* The bus whose turn is last ends it: its drivers' faults are answered until then. */
void
vdev_after_cleanup(void)
{
	if (rte_bus_find(rte_bus_find_by_name("vdev"), match_pci, NULL) == NULL)
		hotplug_disable();
}

/* Nobody else's functions, and laid out as we know it. */
static bool
is_stock(const struct rte_bus *bus)
{
	Dl_info library, info;

	return dladdr((const void *)(uintptr_t)rte_vdev_init, &library) != 0 &&
		dladdr((const void *)(uintptr_t)bus->parse, &info) != 0 &&
		library.dli_fbase == info.dli_fbase;
}

static void
adopt_all(struct rte_bus *bus)
{
	const struct vdev_driver *driver;
	struct rte_device *dev = NULL;

	while ((dev = vdev_epoch_next(bus, dev)) != NULL) {
		driver = rte_dev_is_probed(dev) ? vdev_driver_of(dev) : NULL;
		if (driver != NULL)
			adopt(driver, dev);
	}
}

static int
enable(void)
{
	struct rte_bus *bus = rte_bus_find_by_name("vdev");
	int ret;

	if (bus == NULL)
		return 0;               /* not in this program */
	if (!is_stock(bus)) {
		hotplug_bus_log(HOTPLUG_LOG_ERR, "the vdev bus is not the one of librte_bus_vdev, "
				"or of another layout than DPDK %d.%02d's: left alone",
				RTE_VER_YEAR, RTE_VER_MONTH);
		return 0;
	}
	ret = vdev_table_open();
	if (ret != 0)
		return ret;
	vdev_epoch_wrap(bus);
	vdev_drivers_wrap(bus);
	adopt_all(bus);
	return 0;
}

static void
disable(void)
{
	vdev_drivers_unwrap();
	vdev_table_close();
}

/* After the library's own constructor, and after the pci bus: the first probe is that one's. */
RTE_INIT_PRIO(register_vdev, LAST)
{
	hotplug_bus_register(&vdev_bus);
}
