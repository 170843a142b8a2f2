/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_PORT_KEPT_H
#define HOTPLUG_PORT_KEPT_H

#include "port.h"

/* Room for what ethdev's callers may follow of a port while its driver has let go of it,
 * from port->info; again is fine.  -ENOMEM.  Not with the lock held. */
int kept_make(struct port *port);
/* At the loss, with the lock held: the addresses as they are. */
void kept_take(const struct rte_eth_dev *eth, struct port *port);
/* The driver's close does not return: what it took away, with the lock held, before anybody
 * may release the port; or has: all that it took away. */
void kept_hold_addresses(struct rte_eth_dev *eth);
void kept_hold(struct rte_eth_dev *eth);
/* One that is to be found valid before it is configured: see kept.c. */
void kept_hold_tx(struct rte_eth_dev *eth);
/* Its device is about to be removed: nobody finds it by its port any more, and whoever has
 * found it has let go, when this returns. */
void kept_let_go(const uint16_t *ids, unsigned int n);
/* The application closes the port, and ethdev frees what it has: with the lock held. */
void kept_give(const struct rte_eth_dev *eth, struct port *port);

#endif /* HOTPLUG_PORT_KEPT_H */
