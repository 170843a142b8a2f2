/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_PORT_CHANGE_H
#define HOTPLUG_PORT_CHANGE_H

#include <stdbool.h>

#include <ethdev_driver.h>

/* This thread is in such a call on that port: a teardown waits for it. */
bool change_is_mine(uint16_t id);
/* Heal's own rte_eth_dev_configure(), of a port that others read: ethdev frees the arrays of
 * queues when a driver refuses.  So it hears no refusal: in heal's thread each dev_configure
 * keeps what it would say (ret: 0 or -errno), and says what this returns. */
int change_keep_refusal(struct rte_eth_dev *eth, int ret);
int change_configure(uint16_t id, uint16_t n_rxq, uint16_t n_txq,
		     const struct rte_eth_conf *conf);

#endif /* HOTPLUG_PORT_CHANGE_H */
