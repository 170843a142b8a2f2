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

/* With the lock held.  Its application closes it just now: its driver is not asked, as it is not
 * ours yet, and nothing else keeps the two apart. */
static bool
is_being_closed(const struct port *port, const void *key)
{
	return port->state == PORT_NONE && port->n_unwanted > 0 &&
		port->closing == key;   /* else the id is another's already */
}

/* With the lock held. */
static bool
is_new(const struct rte_eth_dev *eth, const void *key)
{
	const struct eth_dev_ops *ops = LOAD(eth->dev_ops);
	const struct port *port = port_of(eth);

	return is_of(eth, key) && ops != &dead_ops &&
		(ops != port->ops || port_is_healing(port)) && !is_being_closed(port, key);
}

/* With the lock held: nobody sets one of them up, or resets it, or closes it: ethdev may refuse
 * that, and it is there for good. */
static bool
are_alone(const void *key)
{
	const struct rte_eth_dev *eth;
	unsigned int i;

	for (i = 0; i < RTE_MAX_ETHPORTS; i++) {
		eth = &rte_eth_devices[i];
		if (is_of(eth, key) && is_being_closed(port_of(eth), key))
			return false;
		if (is_new(eth, key) && !turn_is_alone(port_of(eth)))
			return false;
	}
	return true;
}

#define PATIENCE_NS (1000 * MS)

/* From here to the wrapping who sets one up, or closes it, waits.  Who does not come out of such a
 * call may wait for us in there: his port's driver is not asked. */
static void
begin_asking(const void *key, bool are_new[RTE_MAX_ETHPORTS], bool are_asked[RTE_MAX_ETHPORTS])
{
	const struct timespec pause = { .tv_nsec = MS };
	uint64_t until = device_now_ns() + PATIENCE_NS;
	struct port *port;
	unsigned int i;

	(void)calls_guard();    /* they come to us first */
	port_lock();
	while (!are_alone(key) && device_now_ns() < until) {
		port_unlock();
		nanosleep(&pause, NULL);
		port_lock();
	}
	for (i = 0; i < RTE_MAX_ETHPORTS; i++) {
		port = port_of(&rte_eth_devices[i]);
		are_new[i] = is_new(&rte_eth_devices[i], key);
		are_asked[i] = are_new[i] && turn_is_alone(port);
		port->n_asked += are_asked[i];
	}
	port_unlock();
}

/* Its driver is asked what it will say of itself. */
static bool
prepare(struct rte_eth_dev *eth, bool is_asked)
{
	int ret;

	if (is_asked)
		ask_info(eth, port_of(eth));
	ret = kept_make(port_of(eth));
	if (ret != 0)
		port_say_no_memory(eth - rte_eth_devices);
	return ret == 0;
}

/* With the lock held; true: its queues are to be asked for.  It may have been closed: its driver
 * took so long to answer that nobody waited any more. */
static bool
wrap(struct rte_eth_dev *eth, struct hotplug_bus *bus, const void *key, bool is_asked)
{
	bool was_ours = port_of(eth)->state != PORT_NONE;

	if (!is_of(eth, key) || (!is_asked && is_being_closed(port_of(eth), key)))
		return false;   /* who is asked is waited for */
	port_wrap(eth, port_of(eth), bus);
	return !was_ours;
}

/* All in one moment: a loss that comes now finds each of them, or none.  Else those that it has
 * found would be torn down, and their device with the others. */
void
port_published(struct hotplug_bus *bus, const void *key)
{
	bool are_new[RTE_MAX_ETHPORTS], is_asked[RTE_MAX_ETHPORTS];
	bool is_ready[RTE_MAX_ETHPORTS], is_first[RTE_MAX_ETHPORTS];
	struct hotplug_device *dev = NULL;
	unsigned int i;

	begin_asking(key, are_new, is_asked);
	for (i = 0; i < RTE_MAX_ETHPORTS; i++)
		is_ready[i] = are_new[i] && prepare(&rte_eth_devices[i], is_asked[i]);
	port_lock();
	for (i = 0; i < RTE_MAX_ETHPORTS; i++) {
		is_first[i] = is_ready[i] && wrap(&rte_eth_devices[i], bus, key, is_asked[i]);
		port_of(&rte_eth_devices[i])->n_asked -= is_asked[i];
		if (is_ready[i])
			dev = port_of(&rte_eth_devices[i])->dev;
	}
	port_unlock();
	for (i = 0; i < RTE_MAX_ETHPORTS; i++)
		if (is_first[i])
			queues_ask(&rte_eth_devices[i]);
	/* A loss is known before its ports die: either that found them, or this finds it. */
	if (dev != NULL && atomic_load(&dev->is_gone))
		lost_unseen(bus, key, dev->name);
}
