/* SPDX-License-Identifier: BSD-3-Clause */

/* stats: a port's counters go on from life to life.
 * In:  ethdev's stats calls (app).  Out: the PMD's counters, plus those of former
 *      lives; of a dead port the last good ones (a dead device's read as garbage).
 * Lock: port_lock() around what is remembered, never around the PMD.
 * Context: app. */

#include <string.h>

#include "../core/device.h"
#include "inside.h"
#include "stats.h"

/* All of them are counters of 64 bits, and nothing else is. */
static void
add(uint64_t *to, const uint64_t *from, size_t size)
{
	size_t i;

	for (i = 0; i < size / sizeof(*to); i++)
		to[i] += from[i];
}

_Static_assert(sizeof(struct rte_eth_stats) % sizeof(uint64_t) == 0, "counters only");

/* With the lock held: from what the PMD says to what the application sees. */
static void
go_on(STATS_PARAMETERS)
{
	struct port *port = port_of(eth);

	add((uint64_t *)stats, (const uint64_t *)&port->base.port, sizeof(*stats));
	port->last.port = *stats;
#if RTE_VERSION >= RTE_VERSION_NUM(25, 11, 0, 0)
	if (queues == NULL)
		return;
	add((uint64_t *)queues, (const uint64_t *)&port->base.queue, sizeof(*queues));
	port->last.queue = *queues;
#endif
}

int
stats_dead_get(STATS_PARAMETERS)
{
	port_lock();
	*stats = port_of(eth)->last.port;
#if RTE_VERSION >= RTE_VERSION_NUM(25, 11, 0, 0)
	if (queues != NULL)
		*queues = port_of(eth)->last.queue;
#endif
	port_unlock();
	return 0;
}

int
stats_live_get(STATS_PARAMETERS)
{
	struct port *port = port_of(eth);
	int ret;

	if (!inside_enter(eth))
		return stats_dead_get(STATS_ARGUMENTS);
	ret = port->pmd_ops->stats_get(STATS_ARGUMENTS);
	inside_leave(eth);
	if (ret != 0)
		return ret;
	if (device_is_lost(port->bus, port->key))       /* it died meanwhile */
		return stats_dead_get(STATS_ARGUMENTS);
	port_lock();
	go_on(STATS_ARGUMENTS);
	port_unlock();
	return 0;
}

static void
forget(struct rte_eth_dev *eth)
{
	struct port *port = port_of(eth);

	port_lock();
	memset(&port->base, 0, sizeof(port->base));
	memset(&port->last, 0, sizeof(port->last));
	port_unlock();
}

int
stats_live_reset(struct rte_eth_dev *eth)
{
	int ret;

	if (!inside_enter(eth))
		return stats_dead_reset(eth);
	ret = port_of(eth)->pmd_ops->stats_reset(eth);
	inside_leave(eth);
	forget(eth);
	return ret;
}

int
stats_dead_reset(struct rte_eth_dev *eth)
{
	forget(eth);
	return 0;
}
