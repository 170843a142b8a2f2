/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_PORT_INTERRUPTS_H
#define HOTPLUG_PORT_INTERRUPTS_H

#include "port.h"

/* In front of those ops that the PMD has; after inside_wrap(), with the lock held. */
void interrupts_wrap(struct eth_dev_ops *ops);
/* Who sleeps on which queue: before the driver's stop, with the port DYING. */
void interrupts_take(struct rte_eth_dev *eth);
/* Started again, HEALING: the queues are in the sets that they were in. */
void interrupts_restore(uint16_t id, const struct port *port);
/* It works again, and is HEALING still: nobody sleeps on. */
void interrupts_wake(struct port *port);

#endif /* HOTPLUG_PORT_INTERRUPTS_H */
