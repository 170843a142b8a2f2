/* SPDX-License-Identifier: BSD-3-Clause */

/* backend: what a bus calls around the ops of the stock bus that it has wrapped.
 * In:  a backend, when EAL probes, unplugs, or ends.  Out: the plugin's start; the rooms that
 *      must know of it; the backend's own log and configuration.
 * Context: app, work; whoever calls EAL. */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include <rte_eal.h>

#include <dev_driver.h>

#include "../core/device.h"
#include "../core/enable.h"
#include "../core/work.h"
#include "../eal/devargs.h"
#include "../eal/host.h"
#include "../eal/stock_bus.h"
#include "../port/port.h"
#include "../port/stuck.h"
#include "../survive/publish.h"
#include "../survive/sigbus.h"
#include "../survive/unmap.h"
#include "../sync/sync.h"
#include "plugin.h"

void
hotplug_probe_begin(const void *key, bool (*is_in_driver)(const void *key))
{
	if (key == NULL)
		plugin_start();
	sigbus_probing(true);
	if (key != NULL)
		port_probe_lend(key, is_in_driver);
}

void
hotplug_probe_end(const void *key)
{
	if (key != NULL)
		port_probe_return();
	sigbus_probing(false);
	if (enable_is_on())
		unmap_take_calls();     /* its driver's, too, which may have been loaded since */
}

/* What EAL has mapped of a device is in a list that all processes share, and the primary's
 * detach takes it out: a secondary's may find nothing there, and unmap nothing. */
static void
let_go(const struct publication *was)
{
	if (rte_eal_process_type() == RTE_PROC_SECONDARY)
		device_unmap(was);
	device_end(was);
}

int
hotplug_unplug(struct hotplug_bus *bus, struct rte_device *dev,
	       int (*unplug)(struct rte_device *dev, void *arg), void *arg)
{
	struct publication was = device_publication(bus, dev);
	struct rte_devargs *devargs = NULL;
	int ret;

	if (port_is_shadow(dev))
		return port_close_shadow(dev);
	/* a virtual one has no place in a list of what is allowed */
	if (bus_drops_devargs() && !bus_is_virtual(dev->bus) && device_is_lost(bus, dev))
		devargs = devargs_copy(dev->devargs);
	hotplug_device_unsettle(bus, dev);
	ret = unplug(dev, arg);
	if (ret != 0) {
		hotplug_device_settle(bus, dev);
		devargs_free(devargs);
		return ret;
	}
	let_go(&was);
	devargs_put_back(devargs);
	return 0;
}

int
hotplug_cleanup_begin(void)
{
	if (enable_is_child())
		return -ENOTSUP;
	work_close();
	teardown_wait_all();
	work_stop();
	sync_stop();            /* no device comes or goes for another process, beside the bus */
	stuck_park();
	return 0;
}

bool
hotplug_device_is_busy(const char *name)
{
	return teardown_is_running(name) || stuck_is_in_probe(name);
}

const struct hotplug_config *
hotplug_bus_config(void)
{
	return enable_config();
}

void
hotplug_bus_log(enum hotplug_log level, const char *fmt, ...)
{
	char line[480];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	host_log((enum host_level)level, "%s", line);
}
