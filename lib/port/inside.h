/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_PORT_INSIDE_H
#define HOTPLUG_PORT_INSIDE_H

#include "port.h"

/* Before a control call goes to the PMD; false: the port is dead, do not go. */
bool inside_enter(const struct rte_eth_dev *eth);
void inside_leave(const struct rte_eth_dev *eth);
/* Until nobody is in there; the port has its dead ops already. */
void inside_wait(struct rte_eth_dev *eth);
/* In front of those ops that the PMD has. */
void inside_wrap(struct eth_dev_ops *ops);

#endif /* HOTPLUG_PORT_INSIDE_H */
