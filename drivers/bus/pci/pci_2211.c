/* SPDX-License-Identifier: BSD-3-Clause */

/* pci_2211: the stock "pci" bus, as DPDK 22.11 to 26.03 lay it out.
 * In:  EAL calls our wrappers.  Out: the bus's own ops, and pci.c before or after.
 * The initial probe goes through `probe` alone, rte_eal_cleanup() through
 * `cleanup`; `plug` and `unplug` see only what comes and goes at run time.
 * Lock: `lock` guards the list of devices in a probe; held while the bus scans.
 * Context: app (whoever calls EAL). */

#include <errno.h>
#include <pthread.h>

#include <rte_bus_pci.h>
#include <rte_devargs.h>

#include "leftover.h"
#include "pci.h"

static struct rte_bus stock;    /* the ops as they were */
static bool is_wrapped;

/* As the stock bus decides (rte_pci_ignore_device, which is not exported). */
static bool
is_ignored(const struct rte_bus *bus, const struct rte_device *dev)
{
	const struct rte_devargs *devargs = dev->devargs;

	if (bus->conf.scan_mode == RTE_BUS_SCAN_ALLOWLIST)
		return devargs == NULL || devargs->policy != RTE_DEV_ALLOWED;
	return devargs != NULL && devargs->policy == RTE_DEV_BLOCKED;
}

/* The stock bus's, and nothing is left of one that fails.  A driver that says 1 does without, and
 * may want what is mapped to stay so. */
static int
plug_stock(struct rte_pci_device *dev)
{
	int ret;

	leftover_forget_bars(dev);
	ret = stock.plug(&dev->device);
	if (ret < 0)
		leftover_unmap(dev);
	return ret;
}

/* As the stock bus does, but only devices that nobody has probed yet: it would call the probe
 * of PROBE_AGAIN drivers a second time. */
static int
probe_new(struct rte_bus *bus)
{
	struct rte_device *dev = NULL;
	unsigned int n = 0, n_failed = 0;
	int ret;

	while ((dev = pci_epoch_next(bus, dev)) != NULL) {
		n++;
		if (rte_dev_is_probed(dev) || is_ignored(bus, dev))
			continue;
		ret = plug_stock(container_of(dev, struct rte_pci_device, device));
		if (ret >= 0 || ret == -EEXIST)
			continue;
		n_failed++;
		hotplug_bus_log(HOTPLUG_LOG_ERR, "requested device %s cannot be used", dev->name);
	}
	return n != 0 && n == n_failed ? -1 : 0;
}

/* As a plugin we are enabled in here; or not. */
static int
probe(void)
{
	struct rte_bus *bus = rte_bus_find_by_name("pci");
	int ret;

	hotplug_probe_begin(NULL, NULL);
	ret = is_wrapped && bus != NULL ? probe_new(bus) : stock.probe();
	hotplug_probe_end(NULL);
	pci_probed_all();
	return ret;
}

/* Devices whose drivers probe them just now. */
struct probing {
	struct probing *next;
	struct rte_pci_device *dev;
	enum rte_dev_policy policy;
	bool is_hidden;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* all_probing, and what is in it */
static struct probing *all_probing;

/* Past what the bus itself does with it: its driver is chosen and its BARs are mapped (with
 * vfio that goes through a table of EAL's that has no lock). */
static bool
is_in_driver(const void *dev)
{
	const struct rte_pci_device *pci = container_of((const struct rte_device *)dev,
							const struct rte_pci_device, device);

	return pci->driver != NULL && pci_is_mapped(pci);
}

static void
begin_probe(struct probing *p)
{
	pthread_mutex_lock(&lock);
	p->next = all_probing;
	all_probing = p;
	pthread_mutex_unlock(&lock);
	hotplug_probe_begin(&p->dev->device, is_in_driver);
}

static void
end_probe(struct probing *p)
{
	struct probing **at;

	hotplug_probe_end(&p->dev->device);
	pthread_mutex_lock(&lock);
	for (at = &all_probing; *at != p; at = &(*at)->next)
		;
	*at = p->next;
	pthread_mutex_unlock(&lock);
}

/* The stock scan writes the resources of a device anew that is not probed yet, and takes
 * its BARs from under the driver that probes it.  It leaves out what is blocked. */
static void
hide(struct probing *p)
{
	struct rte_devargs *devargs = p->dev->device.devargs;

	p->is_hidden = devargs != NULL && p->dev->driver != NULL;
	if (!p->is_hidden)
		return;
	p->policy = devargs->policy;
	devargs->policy = RTE_DEV_BLOCKED;
}

static int
scan(void)
{
	struct probing *p;
	int ret;

	pthread_mutex_lock(&lock);
	for (p = all_probing; p != NULL; p = p->next)
		hide(p);
	ret = pci_scan(stock.scan);
	for (p = all_probing; p != NULL; p = p->next)
		if (p->is_hidden)
			p->dev->device.devargs->policy = p->policy;
	pthread_mutex_unlock(&lock);
	return ret;
}

static int
plug(struct rte_device *dev)
{
	struct probing p = { .dev = container_of(dev, struct rte_pci_device, device) };
	uint64_t resets;
	int ret;

	resets = pci_before_probe(dev);
	begin_probe(&p);
	ret = plug_stock(p.dev);
	end_probe(&p);
	if (ret == 0)
		pci_probed(container_of(dev, struct rte_pci_device, device), resets);
	return ret;
}

static int
unplug(struct rte_device *dev)
{
	return pci_unplug(dev, stock.unplug);
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
	bus->scan = scan;
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
	if (bus->scan == scan)
		bus->scan = stock.scan;
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

void
pci_epoch_disown(struct rte_device *dev)
{
	container_of(dev, struct rte_pci_device, device)->driver = NULL;
}
