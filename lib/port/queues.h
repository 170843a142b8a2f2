/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_PORT_QUEUES_H
#define HOTPLUG_PORT_QUEUES_H

#include "port.h"

/* In front of those ops that the PMD has; with the lock held. */
void queues_wrap(struct eth_dev_ops *ops);
/* With the lock held, at the loss: which of them are started, and whether their driver tells. */
void queues_take(const struct rte_eth_dev *eth, struct port *port);
/* With the lock held. */
void queues_forget(struct port *port);

#endif /* HOTPLUG_PORT_QUEUES_H */
