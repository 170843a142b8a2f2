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
/* With the lock held: it is set up so. */
void queues_record_rx(struct port *port, uint16_t queue, const struct port_rxq *now);
void queues_record_tx(struct port *port, uint16_t queue, const struct port_txq *now);

/* earlier.c */
/* A call of the application's has set one up, of a port that may not be ours. */
void queues_note_rx(uint16_t id, uint16_t queue, uint16_t n_desc, unsigned int socket,
		    const struct rte_eth_rxconf *conf, struct rte_mempool *pool);
void queues_note_tx(uint16_t id, uint16_t queue, uint16_t n_desc, unsigned int socket,
		    const struct rte_eth_txconf *conf);
/* With the lock held, when it becomes ours: is what is on record its own?  And only what is there
 * is on record; then, without the lock, the driver is asked of what is not. */
bool queues_are_noted(const struct rte_eth_dev *eth, const struct port *port);
void queues_adopt(const struct rte_eth_dev *eth, struct port *port);
void queues_ask(struct rte_eth_dev *eth);
/* Of one that is to heal. */
bool queues_are_known(const struct port *port);

#endif /* HOTPLUG_PORT_QUEUES_H */
