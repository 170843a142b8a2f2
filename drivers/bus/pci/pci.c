/* SPDX-License-Identifier: BSD-3-Clause */

/* pci: the backend of DPDK's own "pci" bus.
 * In:  the stock bus's wrapped ops (pci_2211.c, pci_2607.c) and its two hot-unplug
 *      slots, which are filled with ours.
 * Out: each probed device is published with its BARs, right after its probe, and
 *      leaves the guard before they are unmapped for good.
 * Context: app, work; hot_unplug(): EAL's interrupt thread, under EAL's lock,
 *      with a device that may have been freed: its pointer is a key and nothing
 *      else; sigbus(): signal, under EAL's lock. */

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#include <rte_bus_pci.h>
#include <rte_devargs.h>

#include "leftover.h"
#include "master.h"
#include "pci.h"

#define SCANS 3

static struct rte_bus *stock_bus;
static rte_bus_hot_unplug_handler_t stock_hot_unplug;
static rte_bus_sigbus_handler_t stock_sigbus;

static int enable(void);
static void disable(void);
static void watch_probe(void);

static enum hotplug_look
look(const char *name, const char *kernel_driver, const struct hotplug_identity *id)
{
	enum hotplug_look found = pci_look(name, kernel_driver, id);

	if (found == HOTPLUG_LOOK_PRESENT)
		pci_master_look(name, id->generation);
	return found;
}

static const struct hotplug_bus_ops ops = {
	.enable = enable,
	.disable = disable,
	.look = look,
	.identify = pci_identify,
	.glance = pci_glance,
	.enumerate = pci_enumerate,
	.holders = pci_holders,
	.bind = pci_bind,
	.disarm = pci_disarm,
	.silence = pci_silence,
	.classify = pci_classify,
	.revokes = pci_revokes,
	.obstacle = pci_obstacle,
	.lost = pci_master_lost,
	.watch_probe = watch_probe,
};

struct hotplug_bus pci_bus = { .name = "pci", .ops = &ops };

/* EAL says that a device goes (uevent), or that the kernel asks for it (vfio).
 * Always 0: for anything else EAL logs a name that may be freed memory. */
static int
hot_unplug(struct rte_device *dev)
{
	hotplug_bus_report(&pci_bus, dev, HOTPLUG_SIGN_EAL);
	return 0;
}

/* Never negative: EAL would end the process. */
static int
sigbus(const void *addr)
{
	return hotplug_bus_fault(addr) == 0 ? 0 : 1;
}

bool
pci_is_enabled(void)
{
	return stock_bus != NULL;
}

void
pci_probed_all(void)
{
	struct rte_device *dev = NULL;
	struct rte_pci_device *pci;

	if (stock_bus == NULL)
		return;
	while ((dev = pci_epoch_next(stock_bus, dev)) != NULL) {
		pci = container_of(dev, struct rte_pci_device, device);
		if (pci_epoch_is_probed(pci))
			pci_probed(pci, 0);
	}
}

/* Are its BARs mapped?  With vfio that goes through a table of EAL's that has no lock. */
bool
pci_is_mapped(const struct rte_pci_device *dev)
{
	bool is_mapped = dev->kdrv != RTE_PCI_KDRV_VFIO;
	unsigned int i;

	for (i = 0; i < PCI_MAX_RESOURCE; i++)
		is_mapped = is_mapped || dev->mem_resource[i].addr != NULL;
	return is_mapped;
}

/* Nobody has probed them: a scan names them anew. */
static void
forget_devargs(void)
{
	struct rte_pci_device *pci;
	struct rte_device *dev = NULL;

	while (stock_bus != NULL && (dev = pci_epoch_next(stock_bus, dev)) != NULL) {
		if (rte_dev_is_probed(dev))
			continue;
		pci = container_of(dev, struct rte_pci_device, device);
		dev->name = pci->name;
		dev->devargs = NULL;
	}
}

/* A card that goes meanwhile ends the stock scan with an error; whoever asked for the scan then
 * frees the devargs that it has named a device after, and the next one who looks for a device
 * reads that (EAL's local_dev_probe(), 22.11 to 26.07). */
int
pci_scan(int (*stock)(void))
{
	unsigned int tries;
	int ret = -1;

	for (tries = 0; tries < SCANS && ret != 0; tries++)
		ret = stock();
	if (ret != 0)
		forget_devargs();
	return ret;
}

struct unplugging {
	int (*unplug)(struct rte_device *dev);
	struct leftover rest;
};

static int
unplug(struct rte_device *dev, void *arg)
{
	struct unplugging *unplugging = arg;

	leftover_note(container_of(dev, struct rte_pci_device, device), &unplugging->rest);
	return unplugging->unplug(dev);
}

/* A scan gives it those that are on EAL's list by now, unless the card is away just then; its
 * driver reads them, and so does whoever would probe it again. */
static void
refresh_devargs(struct rte_device *dev)
{
	const struct rte_pci_device *pci = container_of(dev, struct rte_pci_device, device);
	struct rte_devargs *devargs, *found = NULL;
	struct rte_pci_addr addr;

	RTE_EAL_DEVARGS_FOREACH("pci", devargs)
		if (rte_pci_addr_parse(devargs->name, &addr) == 0 &&
		    rte_pci_addr_cmp(&addr, &pci->addr) == 0)
			found = devargs;
	dev->devargs = found;
}

/* Where nobody has probed it, what was published as this one is over: its unplug has freed it,
 * and has not come to say so yet. */
uint64_t
pci_before_probe(struct rte_device *dev)
{
	refresh_devargs(dev);
	if (!rte_dev_is_probed(dev))
		(void)hotplug_device_withdraw(&pci_bus, dev);
	return pci_read_resets(dev->name);
}

int
pci_unplug(struct rte_device *dev, int (*stock)(struct rte_device *dev))
{
	struct unplugging unplugging = { .unplug = stock };
	int ret;

	pci_master_end(dev);
	ret = hotplug_unplug(&pci_bus, dev, unplug, &unplugging);
	if (ret == 0)
		leftover_close(&unplugging.rest);
	else
		pci_master_begin(container_of(dev, struct rte_pci_device, device));
	return ret;
}

/* rte_eal_cleanup(): drivers still touch what is dead, so faults are answered
 * until they are done. */
void
pci_before_cleanup(void)
{
	struct rte_device *dev = NULL;

	if (stock_bus == NULL || hotplug_cleanup_begin() != 0)
		return;         /* disabled, but somebody has wrapped our wrapper */
	pci_master_end(NULL);
	while ((dev = pci_epoch_next(stock_bus, dev)) != NULL) {
		hotplug_device_unsettle(&pci_bus, dev);
		/* its driver is not to be run again */
		if (hotplug_device_is_busy(dev->name))
			pci_epoch_disown(dev);
	}
}

void
pci_after_cleanup(void)
{
	hotplug_disable();
}

/* Is it the stock bus, with nobody else's functions in its slots? */
static bool
is_in_bus_library(const void *symbol)
{
	Dl_info bus, info;

	return dladdr((const void *)(uintptr_t)rte_pci_get_sysfs_path, &bus) != 0 &&
		dladdr(symbol, &info) != 0 && bus.dli_fbase == info.dli_fbase;
}

static bool
is_stock(const struct rte_bus *bus)
{
	return is_in_bus_library((const void *)(uintptr_t)bus->hot_unplug_handler) &&
		is_in_bus_library((const void *)(uintptr_t)bus->sigbus_handler);
}

static int
enable(void)
{
	struct rte_bus *bus = rte_bus_find_by_name("pci");

	if (bus == NULL) {
		hotplug_bus_log(HOTPLUG_LOG_WARN, "no pci bus in this DPDK: no PCI device is protected");
		return 0;
	}
	if (!is_stock(bus)) {
		hotplug_bus_log(HOTPLUG_LOG_ERR, "the pci bus is not the one of librte_bus_pci, or of another "
			 "layout than DPDK %d.%02d's: left alone", RTE_VER_YEAR, RTE_VER_MONTH);
		return -ENOTSUP;
	}
	stock_bus = bus;
	stock_hot_unplug = bus->hot_unplug_handler;
	stock_sigbus = bus->sigbus_handler;
	pci_epoch_wrap(bus);
	bus->hot_unplug_handler = hot_unplug;
	bus->sigbus_handler = sigbus;
	pci_probed_all();
	return 0;
}

static void
disable(void)
{
	struct rte_bus *bus = stock_bus;

	if (bus == NULL)
		return;
	pci_epoch_unwrap(bus);
	if (bus->hot_unplug_handler == hot_unplug)
		bus->hot_unplug_handler = stock_hot_unplug;
	if (bus->sigbus_handler == sigbus)
		bus->sigbus_handler = stock_sigbus;
	stock_bus = NULL;
	pci_master_end(NULL);
}

static void
watch_probe(void)
{
	struct rte_bus *bus = rte_bus_find_by_name("pci");

	if (bus != NULL && is_stock(bus))
		pci_epoch_watch_probe(bus);
}

/* Runs after the library's own constructor, which knows how it was loaded. */
RTE_INIT_PRIO(register_pci, LAST)
{
	hotplug_bus_register(&pci_bus);
}
