/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_PORT_STATS_H
#define HOTPLUG_PORT_STATS_H

#include "port.h"

/* dev_ops of a living and of a dead port, in the shape that this DPDK has. */
#if RTE_VERSION >= RTE_VERSION_NUM(25, 11, 0, 0)
#define STATS_PARAMETERS \
	struct rte_eth_dev *eth, struct rte_eth_stats *stats, struct eth_queue_stats *queues
#define STATS_ARGUMENTS eth, stats, queues
#else
#define STATS_PARAMETERS struct rte_eth_dev *eth, struct rte_eth_stats *stats
#define STATS_ARGUMENTS eth, stats
#endif

int stats_live_get(STATS_PARAMETERS);
int stats_live_reset(struct rte_eth_dev *eth);
int stats_dead_get(STATS_PARAMETERS);
int stats_dead_reset(struct rte_eth_dev *eth);

#endif /* HOTPLUG_PORT_STATS_H */
