/* SPDX-License-Identifier: BSD-3-Clause */

/* published: the ports of a device come into the table.
 * In:  a device that is published, of any bus (a duty).  Out: each of its ports has our ops in
 *      front of its driver's (table.c), and what the driver says of it is on record.
 * Lock: port_lock(), while all of them are wrapped; never in a driver.
 * Context: app, work. */

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../core/device.h"
#include "../core/enable.h"
#include "../eal/clock.h"
#include "calls.h"
#include "die.h"
#include "kept.h"
#include "queues.h"
#include "shared.h"
#include "turn.h"

/* What it will say of itself while it is dead; as ethdev prepares the call.  Names are the
 * driver's or the device's, and go with them. */
static void
ask_info(struct rte_eth_dev *eth, struct port *port)
{
	struct rte_eth_dev_info *info = &port->info;

	memset(info, 0, sizeof(*info));
	info->switch_info.domain_id = RTE_ETH_DEV_SWITCH_DOMAIN_ID_INVALID;
	info->device = LOAD(eth->device);
	info->max_mtu = UINT16_MAX;
	if (LOAD(eth->dev_ops)->dev_infos_get != NULL)
		(void)LOAD(eth->dev_ops)->dev_infos_get(eth, info);
	if (info->switch_info.name == NULL)
		return;
	snprintf(port->switch_name, sizeof(port->switch_name), "%s", info->switch_info.name);
	info->switch_info.name = port->switch_name;
}

/* With all that is asked. */
static bool
is_of(const struct rte_eth_dev *eth, const void *key)
{
	const struct eth_dev_ops *ops = LOAD(eth->dev_ops);

	return port_is_there(eth) && LOAD(eth->device) == key && ops != NULL && ops->dev_close != NULL;
}

/* Of one that its application closes just now the driver is not asked: it is not ours yet, and
 * nothing else keeps the two apart.  Who sets it up, or resets it, is out of the driver first; it
 * may have been closed by then. */
static bool
begin_asking(const struct rte_eth_dev *eth, struct port *port, const void *key)
{
	const struct timespec pause = { .tv_nsec = MS };
	uint64_t until = device_now_ns() + enable_config()->stuck_ms * MS;
	bool is_to_ask;

	port_lock();
	while (!turn_is_alone(port) && device_now_ns() < until) {
		port_unlock();
		nanosleep(&pause, NULL);
		port_lock();
	}
	is_to_ask = is_of(eth, key) && (port->state != PORT_NONE || port->n_unwanted == 0 ||
		port->closing != key);  /* the id is another's already */
	port->n_asked += is_to_ask;
	port_unlock();
	return is_to_ask;
}

/* Its driver is asked what it will say of itself; true: until it is wrapped who closes the port,
 * or sets it up, waits. */
static bool
prepare(struct rte_eth_dev *eth, const void *key)
{
	struct port *port = port_of(eth);
	const struct eth_dev_ops *ops = LOAD(eth->dev_ops);
	int ret;

	if (!is_of(eth, key) || ops == &dead_ops ||
	    (ops == port->ops && !port_is_healing(port)))
		return false;
	(void)calls_guard();    /* who sets it up or closes it comes to us first */
	if (!begin_asking(eth, port, key))
		return false;
	ask_info(eth, port);
	ret = kept_make(port);
	if (ret == 0)
		return true;
	port_say_no_memory(eth - rte_eth_devices);
	port_lock();
	port->n_asked--;
	port_unlock();
	return false;
}

/* All in one moment: a loss that comes now finds each of them, or none.  Else those that it has
 * found would be torn down, and their device with the others. */
void
port_published(struct hotplug_bus *bus, const void *key)
{
	enum { NOT, PREPARED, NEW } is[RTE_MAX_ETHPORTS];
	struct hotplug_device *dev = NULL;
	struct rte_eth_dev *eth;
	unsigned int i;

	for (i = 0; i < RTE_MAX_ETHPORTS; i++)
		is[i] = prepare(&rte_eth_devices[i], key) ? PREPARED : NOT;
	port_lock();
	for (i = 0; i < RTE_MAX_ETHPORTS; i++) {
		if (is[i] == NOT)
			continue;
		eth = &rte_eth_devices[i];
		is[i] = port_of(eth)->state == PORT_NONE ? NEW : PREPARED;
		port_wrap(eth, port_of(eth), bus);
		port_of(eth)->n_asked--;
		dev = port_of(eth)->dev;
	}
	port_unlock();
	for (i = 0; i < RTE_MAX_ETHPORTS; i++)
		if (is[i] == NEW)
			queues_ask(&rte_eth_devices[i]);
	/* A loss is known before its ports die: either that found them, or this finds it. */
	if (dev != NULL && atomic_load(&dev->is_gone))
		lost_unseen(bus, key, dev->name);
}
