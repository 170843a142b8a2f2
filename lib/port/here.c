/* SPDX-License-Identifier: BSD-3-Clause */

/* here: what others want done with a device of this process.
 * In:  a name and devargs (the hand, app for private devices).  Out: it is done, with the turn
 *      to probe (probe.c); or why it may not be, for who asks before.
 * Lock: port_probe_lock(); here_may_...() and here_describe() do not wait for it.
 * Context: the hand, app; blocks as long as the driver does; those: work. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_bus.h>
#include <rte_dev.h>

#include "../eal/host.h"
#include "found.h"
#include "here.h"
#include "local.h"
#include "others.h"
#include "port.h"
#include "whose.h"

int
here_attach(const char *name, const char *text)
{
	int ret;

	port_probe_lock();
	ret = local_probe(name, text);
	port_probe_unlock();
	return ret;
}

int
here_detach(const char *name)
{
	int ret;

	port_probe_lock();
	port_probe_own(name);
	ret = local_remove(name);
	port_probe_unlock();
	return ret;
}

int
here_attach_all(const char *name, const char *text)
{
	int ret = 0;

	port_probe_lock();
	if (found_probed(name) == NULL)
		ret = rte_dev_probe(text) == 0 ? 1 : -EIO;
	port_probe_unlock();
	return ret;
}

int
here_detach_all(const char *name)
{
	struct rte_device *dev;
	int ret = 0;

	port_probe_lock();
	port_probe_own(name);
	dev = found_probed(name);
	if (dev != NULL)
		ret = rte_dev_remove(dev) == 0 ? 1 : -EIO;
	port_probe_unlock();
	return ret;
}

int
here_may_attach(const char *name, char *reason, size_t len)
{
	struct rte_bus *bus = found_bus(name);
	uint16_t ids[RTE_MAX_ETHPORTS];
	char who[256];

	if (teardown_is_running(name))
		snprintf(reason, len, "it is being torn down");
	else if (port_list_held(name, ids) > 0)
		snprintf(reason, len, "port %u is kept for it", ids[0]);
	else if (bus != NULL && others_check(rte_bus_name(bus), name, who, sizeof(who)) != 0)
		snprintf(reason, len, "another process has it: %s", who);
	else
		return 0;
	return -EBUSY;
}

int
here_may_detach(const char *name, char *reason, size_t len)
{
	uint16_t ids[RTE_MAX_ETHPORTS];
	unsigned int i, n = whose_ports(name, ids, RTE_MAX_ETHPORTS);

	if (teardown_is_running(name)) {
		snprintf(reason, len, "it is being torn down");
		return -EBUSY;
	}
	for (i = 0; i < n; i++) {
		if (port_of(&rte_eth_devices[ids[i]])->state == PORT_HEALING) {
			snprintf(reason, len, "port %u heals just now", ids[i]);
			return -EBUSY;
		}
		if (rte_eth_devices[ids[i]].data->dev_started == 0)
			continue;
		snprintf(reason, len, "port %u is started", ids[i]);
		return -EBUSY;
	}
	return 0;
}

static void
describe(const struct rte_device *dev, char *text, size_t len)
{
	const struct rte_devargs *devargs = dev != NULL ? rte_dev_devargs(dev) : NULL;

	if (devargs != NULL && devargs->args != NULL && devargs->args[0] != '\0')
		snprintf(text, len, "%s,%s", rte_dev_name(dev), devargs->args);
}

/* A driver may be at work, and who asks does not wait for it: then what is on record. */
void
here_describe(const char *name, char *text, size_t len)
{
	const struct port *port;
	uint16_t id;

	snprintf(text, len, "%s", name);
	if (port_probe_trylock()) {
		describe(found_probed(name), text, len);
		port_probe_unlock();
	} else if (whose_ports(name, &id, 1) > 0) {
		port_lock();
		port = port_of(&rte_eth_devices[id]);
		if (strcmp(port->device, name) == 0 && port->devargs[0] != '\0')
			snprintf(text, len, "%s", port->devargs);
		port_unlock();
	}
}

void
here_log_failure(const char *what, const char *text, const struct hotplug_outcome *outcome)
{
	char process[32] = "";

	if (outcome->pid != 0)
		snprintf(process, sizeof(process), " (process %d)", outcome->pid);
	host_log(HOST_ERR, "%s %.64s: %s%s", what, text != NULL ? text : "", outcome->reason,
		 process);
}
