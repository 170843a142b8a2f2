/* SPDX-License-Identifier: BSD-3-Clause */

/* drivers: those whose devices stand on a network interface of the kernel.
 * In:  EAL calls their probe and remove.  Out: vdev.c is told, whichever way the device has
 *      come: EAL's start, rte_dev_probe(), rte_vdev_init(), which goes through no op of the bus.
 * A driver is known from the time when the library is enabled; EAL has loaded all by then.
 * Context: app, work, hand, teardown: whoever probes or removes. */

#include <stdlib.h>
#include <string.h>

#include <rte_kvargs.h>

#include <ethdev_driver.h>

#include "vdev.h"

struct vdev_driver {
	const char *name;
	const char *keys[VDEV_MAX_IFACES];      /* arguments that name an interface */
	bool tells_index;                       /* in rte_eth_dev_info: that of its interface */
	struct rte_vdev_driver *stock;
	rte_vdev_probe_t *probe;                /* the functions as they were */
	rte_vdev_remove_t *remove;
};

/* net_tap's own interface is its driver's, and goes with it. */
static struct vdev_driver drivers[] = {
	{ .name = "net_af_packet", .keys = { "iface" }, .tells_index = true },
	{ .name = "net_af_xdp", .keys = { "iface" }, .tells_index = true },
	{ .name = "net_pcap", .keys = { "iface", "rx_iface", "rx_iface_in", "tx_iface" },
	  .tells_index = true },
	{ .name = "net_tap", .keys = { "remote" } },
};

static struct rte_bus *stock_bus;

/* By the name, as the bus itself finds it: up to 26.03 the device has none before its probe
 * has returned. */
struct vdev_driver *
vdev_driver_of(const struct rte_device *dev)
{
	struct rte_vdev_driver *stock = NULL;
	unsigned int i;

	if (stock_bus == NULL || stock_bus->parse(dev->name, &stock) != 0)
		return NULL;
	for (i = 0; i < RTE_DIM(drivers); i++)
		if (drivers[i].stock == stock)
			return &drivers[i];
	return NULL;
}

static int
probe(struct rte_vdev_device *dev)
{
	const struct vdev_driver *driver = vdev_driver_of(&dev->device);

	if (driver == NULL)
		return -1;              /* its name is not ours, but the driver is: never */
	return vdev_probe(driver, dev, driver->probe);
}

static int
remove_device(struct rte_vdev_device *dev)
{
	const struct vdev_driver *driver = vdev_driver_of(&dev->device);

	return driver != NULL ? vdev_remove(dev, driver->remove) : -1;
}

void
vdev_drivers_wrap(struct rte_bus *bus)
{
	struct rte_vdev_driver *stock;
	unsigned int i;

	stock_bus = bus;
	for (i = 0; i < RTE_DIM(drivers); i++) {
		if (bus->parse(drivers[i].name, &stock) != 0 ||
		    strcmp(stock->driver.name, drivers[i].name) != 0)
			continue;       /* not in this program */
		drivers[i].stock = stock;
		if (stock->probe != probe)
			drivers[i].probe = stock->probe;
		if (stock->remove != remove_device)
			drivers[i].remove = stock->remove;
		stock->probe = probe;
		stock->remove = remove_device;
	}
}

/* A removal stays with us: it gives back what is held of the device, and, when EAL ends,
 * keeps it from a driver that is at work in another thread. */
void
vdev_drivers_unwrap(void)
{
	unsigned int i;

	for (i = 0; i < RTE_DIM(drivers); i++)
		if (drivers[i].stock != NULL && drivers[i].stock->probe == probe)
			drivers[i].stock->probe = drivers[i].probe;
}

/* Each once. */
static int
add_name(const char *key, const char *value, void *arg)
{
	struct vdev_names *names = arg;
	unsigned int i;

	(void)key;
	if (value == NULL || value[0] == '\0' || strlen(value) >= IFNAMSIZ)
		return 0;
	for (i = 0; i < names->n; i++)
		if (strcmp(names->name[i], value) == 0)
			return 0;
	if (names->n < VDEV_MAX_IFACES)
		strcpy(names->name[names->n++], value);
	return 0;
}

void
vdev_driver_names(const struct vdev_driver *driver, const struct rte_device *dev,
		  struct vdev_names *names)
{
	struct rte_kvargs *args;
	unsigned int i;

	names->n = 0;
	if (dev->devargs == NULL || dev->devargs->args == NULL)
		return;
	args = rte_kvargs_parse(dev->devargs->args, NULL);
	if (args == NULL)
		return;
	for (i = 0; i < VDEV_MAX_IFACES && driver->keys[i] != NULL; i++)
		(void)rte_kvargs_process(args, driver->keys[i], add_name, names);
	rte_kvargs_free(args);
}

/* A port that heals is not valid yet: its driver is asked directly. */
unsigned int
vdev_driver_index(const struct vdev_driver *driver, const struct rte_device *dev)
{
	struct rte_eth_dev_info info;
	struct rte_eth_dev *eth;
	unsigned int i;

	if (!driver->tells_index)
		return 0;
	memset(&info, 0, sizeof(info));
	for (i = 0; i < RTE_MAX_ETHPORTS; i++) {
		eth = &rte_eth_devices[i];
		if (eth->device == dev && eth->dev_ops != NULL &&
		    eth->dev_ops->dev_infos_get != NULL &&
		    eth->dev_ops->dev_infos_get(eth, &info) == 0)
			return info.if_index;
	}
	return 0;
}
