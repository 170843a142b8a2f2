/* SPDX-License-Identifier: BSD-3-Clause */

/* asked_ports: ports that the library does not guard, as applications and drivers make them.
 * In:  asked.c's words.  Out: a port, or registers that have two owners.
 * Context: app. */

#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_bus_pci.h>
#include <rte_dev.h>

#include <bus_driver.h>
#include <bus_pci_driver.h>
#include <ethdev_driver.h>

#include "asked.h"

static int
init_bare(struct rte_eth_dev *eth, void *arg)
{
	static const struct eth_dev_ops none;

	(void)arg;
	eth->dev_ops = &none;
	return 0;
}

/* A port of a device that its bus has not probed. */
static bool
make_bare(struct rte_pci_device *dev, const struct rte_bus *bus, const char *name)
{
	static struct rte_driver driver = { .name = "net_bare" };

	dev->device.name = name;
	dev->device.bus = bus;
	dev->device.driver = &driver;
	return rte_eth_dev_create(&dev->device, name, 0, NULL, NULL, init_bare, NULL) == 0;
}

bool
asked_strange(void)
{
	static const struct rte_bus bus = { .name = "elsewhere" };
	static struct rte_pci_device dev;

	return make_bare(&dev, &bus, "strange0");
}

bool
asked_untold(void)
{
	static struct rte_pci_device dev;

	return make_bare(&dev, rte_bus_find_by_name("pci"), "untold0");
}

/* Before it is enabled: no table has two owners for one address. */
bool
asked_doubled(void)
{
	struct rte_dev_iterator iterator;
	struct rte_device *dev, *found = NULL;
	struct rte_mem_resource *bar;

	RTE_DEV_FOREACH(dev, "bus=pci,addr=" NAME, &iterator)
		found = dev;
	if (found == NULL)
		return false;
	bar = container_of(found, struct rte_pci_device, device)->mem_resource;
	bar[2] = bar[0];
	return true;
}

bool
asked_attach(const char *devargs)
{
	return rte_dev_probe(devargs) == 0;
}

/* Its socket keeps that namespace. */
bool
asked_outside(const char *devargs)
{
	int own = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	bool is_made = own >= 0 && unshare(CLONE_NEWNET) == 0 &&
		system("ip link add vo type veth peer name vo-p") == 0 && asked_attach(devargs);

	return setns(own, CLONE_NEWNET) == 0 && close(own) == 0 && is_made;
}
