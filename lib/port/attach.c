/* SPDX-License-Identifier: BSD-3-Clause */

/* attach: devices come on request.
 * In:  hotplug_port_attach/list (app, events).  Out: EAL's probe, port ids, or an error
 *      that says why, with everything as it was.
 * Lock: port_probe_lock() (probe.c); not held around a subscriber.
 * Context: app, events; blocks as long as the driver does. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_bus.h>
#include <rte_dev.h>

#include "../core/bus.h"
#include "../core/device.h"
#include "../eal/devargs.h"
#include "../eal/host.h"
#include "../eal/stock_bus.h"
#include "../sync/sync.h"
#include "arguments.h"
#include "found.h"
#include "here.h"
#include "local.h"
#include "others.h"
#include "port.h"
#include "shared.h"
#include "whose.h"
#include "why.h"

static int
match_name(const struct rte_device *dev, const void *name)
{
	return strcmp(rte_dev_name(dev), name);
}

struct rte_device *
attach_find(const struct rte_devargs *devargs)
{
	return bus_find_device(devargs->bus, match_name, devargs->name);
}

/* EAL's words are few: -ENOTSUP, -ENODEV and so on. */
static int
probe(const char *text, const struct rte_devargs *devargs)
{
	struct rte_device *dev = attach_find(devargs);
	char who[256];
	int ret;

	if (dev != NULL && rte_dev_is_probed(dev))
		return -EEXIST;
	ret = others_check(rte_bus_name(devargs->bus), devargs->name, who, sizeof(who));
	if (ret != 0) {
		host_log(HOST_ERR, "attach %s: another process has it: %s", devargs->name, who);
		return ret;
	}
	ret = local_probe_told(devargs->name, text);
	if (ret < 0) {
		ret = why(true, devargs->name, ret, who, sizeof(who));
		host_log(HOST_ERR, "attach %s: %s", devargs->name, who);
	}
	return ret;
}

static int
first_port(const struct rte_devargs *devargs, uint16_t *port_id)
{
	struct rte_device *dev = attach_find(devargs);
	uint16_t ids[RTE_MAX_ETHPORTS];

	if (dev == NULL)
		return -ENODEV;
	if (port_list(dev, ids) == 0) {
		(void)rte_dev_remove(dev);
		return -ENOTSUP;        /* a device without an ethdev port */
	}
	*port_id = ids[0];
	return 0;
}

/* While the library is not enabled nobody keeps notes, and no work of ours has the lock; whoever
 * is in a callback has it. */
static unsigned int
walk(const char *device, uint16_t *ports, unsigned int n_max)
{
	const struct rte_eth_dev *eth;
	bool is_mine = port_probe_is_mine();
	unsigned int i, n = 0;

	if (!is_mine)
		port_probe_lock();
	for (i = 0; i < RTE_MAX_ETHPORTS; i++) {
		eth = &rte_eth_devices[i];
		if (LOAD(eth->state) == RTE_ETH_DEV_UNUSED ||
		    strcmp(port_device_name(eth), device) != 0)
			continue;
		if (n < n_max)
			ports[n] = i;
		n++;
	}
	if (!is_mine)
		port_probe_unlock();
	return n;
}

static unsigned int
list(const char *device, uint16_t *ports, unsigned int n_max)
{
	return whose_are_kept() ? whose_ports(device, ports, n_max) : walk(device, ports, n_max);
}

/* In all processes: each probes it on a thread of its own. */
static int
attach_together(const char *text, const struct rte_devargs *devargs, uint16_t *port_id)
{
	struct hotplug_outcome outcome = { .size = sizeof(outcome) };
	int ret = sync_attach(text, &outcome);

	if (ret != 0) {
		api_log("attach", text, &outcome);
		return ret;
	}
	if (list(devargs->name, port_id, 1) > 0)
		return 0;
	ret = found_has(devargs->name) ? -ENOTSUP : -ENODEV;
	sync_detach(devargs->name, NULL);
	return ret;
}

int
hotplug_port_attach(const char *text, uint16_t *port_id)
{
	uint16_t ids[RTE_MAX_ETHPORTS];
	struct rte_devargs devargs;
	int ret;

	if (text == NULL || text[0] == '\0' || port_id == NULL)
		return -EINVAL;
	ret = devargs_parse(&devargs, text);
	if (ret < 0 || devargs.bus == NULL) {
		host_log(HOST_ERR, "attach: no bus knows a device '%s'", text);
		ret = -EINVAL;
	} else if (port_probe_is_mine()) {
		host_log(HOST_ERR, "attach %s: called during an attach or detach", devargs.name);
		ret = -EDEADLK;
	} else if (port_list_held(devargs.name, ids) > 0) {
		host_log(HOST_ERR, "attach %s: port %u is kept for it: close that first",
			 devargs.name, ids[0]);
		ret = -EBUSY;
	} else if (sync_is_on()) {
		ret = attach_together(text, &devargs, port_id);
	} else {
		port_probe_lock();
		(void)whose_begin();    /* not enabled: whose it is when it is closed */
		ret = probe(text, &devargs);
		if (ret == 0)
			ret = first_port(&devargs, port_id);
		port_probe_unlock();
		if (ret != 0)
			host_log(HOST_ERR, "attach '%s': %s", text, strerror(-ret));
	}
	if (ret < 0 && ret != -EEXIST && ret != -EBUSY)
		arguments_explain(text);
	rte_devargs_reset(&devargs);
	return ret;
}

/* Its ports, alive, dead or kept. */
int
hotplug_port_list(const char *device, uint16_t *ports, unsigned int n_max)
{
	unsigned int n;

	if (device == NULL || (ports == NULL && n_max != 0))
		return -EINVAL;
	n = list(device, ports, n_max);
	return n != 0 ? (int)n : -ENODEV;
}
