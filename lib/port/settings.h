/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_PORT_SETTINGS_H
#define HOTPLUG_PORT_SETTINGS_H

#include "port.h"

/* In front of the ops that set what is recorded; after inside_wrap(). */
void settings_wrap(struct eth_dev_ops *ops);
/* The application takes a further address away from a dead port: from addrs. */
void settings_forget_mac(struct port *port, const struct rte_ether_addr *mac);
/* All of it again. */
void settings_restore(uint16_t id, struct port *port);

#endif /* HOTPLUG_PORT_SETTINGS_H */
