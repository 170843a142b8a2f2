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

#include "../core/reasons.h"
#include "found.h"
#include "hand.h"
#include "here.h"
#include "local.h"
#include "others.h"
#include "port.h"
#include "stuck.h"
#include "whose.h"

bool
here_is_nested(void)
{
	return hand_is_self() || port_probe_is_mine();
}

/* At exit the hand is parked in there, or when it comes back: EAL's memory goes.  Another thread
 * is its application's. */
static void
enter(void)
{
	if (hand_is_self())
		stuck_enter();
}

static void
leave(void)
{
	if (hand_is_self())
		stuck_leave();
}

int
here_attach(const char *name, const char *text)
{
	int ret;

	port_probe_lock();
	enter();
	ret = local_probe(name, text);
	leave();
	port_probe_unlock();
	return ret;
}

int
here_detach(const char *name)
{
	int ret;

	port_probe_lock();
	port_probe_own(name);
	enter();
	ret = local_remove(name);
	leave();
	port_probe_unlock();
	return ret;
}

int
here_attach_all(const char *name, const char *text)
{
	int ret = 0;

	port_probe_lock();
	enter();
	if (found_probed(name) == NULL)
		ret = rte_dev_probe(text) == 0 ? 1 : -EIO;
	leave();
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
	enter();
	dev = found_probed(name);
	if (dev != NULL)
		ret = rte_dev_remove(dev) == 0 ? 1 : -EIO;
	leave();
	port_probe_unlock();
	return ret;
}

static int
say_of_port(enum reason why, uint16_t id, char *reason, size_t len)
{
	char about[8];

	snprintf(about, sizeof(about), "%u", id);
	return reason_say(why, 0, about, reason, len);
}

int
here_may_attach(const char *name, char *reason, size_t len)
{
	struct rte_bus *bus = found_bus(name);
	uint16_t ids[RTE_MAX_ETHPORTS];
	char who[256];

	if (teardown_is_running(name))
		return reason_say(REASON_TORN_DOWN, 0, NULL, reason, len);
	if (port_list_held(name, ids) > 0)
		return say_of_port(REASON_KEPT, ids[0], reason, len);
	if (bus != NULL && others_check(rte_bus_name(bus), name, who, sizeof(who)) != 0)
		return reason_say(REASON_OTHERS, 0, who, reason, len);
	return 0;
}

int
here_may_detach(const char *name, char *reason, size_t len)
{
	uint16_t ids[RTE_MAX_ETHPORTS];
	unsigned int i, n = whose_ports(name, ids, RTE_MAX_ETHPORTS);

	if (teardown_is_running(name))
		return reason_say(REASON_TORN_DOWN, 0, NULL, reason, len);
	for (i = 0; i < n; i++) {
		if (port_of(&rte_eth_devices[ids[i]])->state == PORT_HEALING)
			return say_of_port(REASON_HEALS, ids[i], reason, len);
		if (rte_eth_devices[ids[i]].data->dev_started != 0)
			return say_of_port(REASON_STARTED, ids[i], reason, len);
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
