/* SPDX-License-Identifier: BSD-3-Clause */

/* pci_2211: the stock "pci" bus, as DPDK 22.11 to 26.03 lay it out.
 * In:  EAL calls our wrappers.  Out: the bus's own ops, and pci.c before or after.
 * The initial probe goes through `probe` alone, rte_eal_cleanup() through
 * `cleanup`; `plug` and `unplug` see only what comes and goes at run time.
 * Context: app (whoever calls EAL). */

#include "../../../lib/core/plugin.h"
#include "pci.h"

static struct rte_bus stock;    /* the ops as they were */
static bool is_wrapped;

static int
probe(void)
{
	int ret;

	plugin_start();
	ret = stock.probe();
	pci_probed_all();
	return ret;
}

static int
plug(struct rte_device *dev)
{
	int ret = stock.plug(dev);

	if (ret == 0)
		pci_probed(container_of(dev, struct rte_pci_device, device));
	return ret;
}

static int
unplug(struct rte_device *dev)
{
	int ret;

	pci_before_unplug(dev);
	ret = stock.unplug(dev);
	pci_after_unplug(dev, ret == 0);
	return ret;
}

static int
cleanup(void)
{
	int ret;

	pci_before_cleanup();
	ret = stock.cleanup();
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
	bus->plug = plug;
	bus->unplug = unplug;
	bus->cleanup = cleanup;
	is_wrapped = true;
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
	if (bus->plug == plug)
		bus->plug = stock.plug;
	if (bus->unplug == unplug)
		bus->unplug = stock.unplug;
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
	return bus->find_device(after, match_any, NULL);
}

bool
pci_epoch_is_probed(const struct rte_pci_device *dev)
{
	return dev->driver != NULL && rte_dev_is_probed(&dev->device);
}
