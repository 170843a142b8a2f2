/* SPDX-License-Identifier: BSD-3-Clause */

/* pci_2607: the stock "pci" bus, as DPDK lays it out from 26.07 on.
 * In:  EAL calls our wrappers.  Out: the bus's own ops, and pci.c before or after.
 * Every device, also at start, is probed through `probe_device`; `probe` itself
 * is wrapped as the foothold of the plugin.
 * Context: app (whoever calls EAL). */

#include <errno.h>

#include "leftover.h"
#include "pci.h"

static struct rte_bus stock;    /* the ops as they were */
static bool is_wrapped;
static bool has_probed;         /* EAL's first probe is over */
static bool is_in_first_probe;

/* Not the first rte_bus_probe(): PROBE_AGAIN drivers are not probed again. */
static int
probe(struct rte_bus *bus)
{
	bool allows_again = bus->allow_multi_probe;
	int ret;

	is_in_first_probe = !has_probed;
	hotplug_probe_begin(NULL, NULL);
	is_in_first_probe = false;
	if (has_probed)
		bus->allow_multi_probe = false;
	ret = stock.probe(bus);
	hotplug_probe_end(NULL);
	bus->allow_multi_probe = allows_again;
	has_probed = true;
	pci_probed_all();
	return ret;
}

/* Its BARs are mapped (with vfio that goes through a table of EAL's that has no lock).  The
 * stock scan leaves what has a driver alone, and it has one from the beginning. */
static bool
is_in_driver(const void *dev)
{
	const struct rte_pci_device *pci = container_of((const struct rte_device *)dev,
							const struct rte_pci_device, device);

	return pci_is_mapped(pci);
}

/* The bus keeps what was removed, and would probe it where there is no card. */
static int
probe_device(struct rte_driver *drv, struct rte_device *dev)
{
	struct hotplug_glance now;
	uint64_t resets;
	int ret;

	if (pci_glance(dev->name, &now) != 0)
		return -ENODEV;
	resets = pci_before_probe(dev);
	leftover_forget_bars(container_of(dev, struct rte_pci_device, device));
	hotplug_probe_begin(dev, is_in_driver);
	ret = stock.probe_device(drv, dev);
	hotplug_probe_end(dev);
	if (ret == 0)
		pci_probed(container_of(dev, struct rte_pci_device, device), resets);
	return ret;
}

static int
scan(void)
{
	return pci_scan(stock.scan);
}

static int
unplug_device(struct rte_device *dev)
{
	return pci_unplug(dev, stock.unplug_device);
}

static int
cleanup(struct rte_bus *bus)
{
	int ret;

	pci_before_cleanup();
	ret = stock.cleanup(bus);
	pci_after_cleanup();
	return ret;
}

void
pci_epoch_watch_probe(struct rte_bus *bus)
{
	stock = *bus;
	bus->probe = probe;
}

void
pci_epoch_wrap(struct rte_bus *bus)
{
	if (bus->probe != probe)
		stock = *bus;
	bus->probe = probe;
	bus->scan = scan;
	bus->probe_device = probe_device;
	bus->unplug_device = unplug_device;
	bus->cleanup = cleanup;
	is_wrapped = true;
	/* enabled late: EAL has probed; as a plugin: we are in its first probe */
	if (!is_in_first_probe)
		has_probed = true;
}

/* Where somebody has wrapped ours in turn, ours stays: it passes on. */
void
pci_epoch_unwrap(struct rte_bus *bus)
{
	if (!is_wrapped)
		return;
	is_wrapped = false;
	if (bus->probe == probe)
		bus->probe = stock.probe;
	if (bus->scan == scan)
		bus->scan = stock.scan;
	if (bus->probe_device == probe_device)
		bus->probe_device = stock.probe_device;
	if (bus->unplug_device == unplug_device)
		bus->unplug_device = stock.unplug_device;
	if (bus->cleanup == cleanup)
		bus->cleanup = stock.cleanup;
}

static int
match_any(const struct rte_device *dev, const void *data)
{
	(void)dev;
	(void)data;
	return 0;
}

struct rte_device *
pci_epoch_next(struct rte_bus *bus, const struct rte_device *after)
{
	return bus->find_device(bus, after, match_any, NULL);
}

bool
pci_epoch_is_probed(const struct rte_pci_device *dev)
{
	return rte_dev_is_probed(&dev->device);
}

void
pci_epoch_disown(struct rte_device *dev)
{
	dev->driver = NULL;
}
