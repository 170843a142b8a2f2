/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_PORT_CHANGE_H
#define HOTPLUG_PORT_CHANGE_H

#include <stdbool.h>

#include <ethdev_driver.h>

/* This thread is in such a call on that port: a teardown waits for it. */
bool change_is_mine(uint16_t id);
/* With port_lock(): it is from here to the second, which is given what the first has returned. */
uint16_t change_enter(uint16_t id);
void change_leave(uint16_t id, uint16_t outer);
/* Heal's own rte_eth_dev_configure() and rte_eth_dev_start(), of a port that others read and
 * poll: ethdev hears no refusal in there (change.c).  Those ops keep what they would say (ret:
 * 0 or -errno), and say what this returns; the call returns it in the end. */
int change_keep_refusal(struct rte_eth_dev *eth, int ret);
int change_configure(uint16_t id, uint16_t n_rxq, uint16_t n_txq,
		     const struct rte_eth_conf *conf);
int change_start(uint16_t id);

#endif /* HOTPLUG_PORT_CHANGE_H */
