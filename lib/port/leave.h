/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_PORT_LEAVE_H
#define HOTPLUG_PORT_LEAVE_H

#include "port.h"

/* What a port was before it began to leave. */
struct leaving {
	struct rte_eth_fp_ops fast_path;
	eth_rx_burst_t rx_pkt_burst;
	eth_tx_burst_t tx_pkt_burst;
	enum port_state state;
};

/* In a secondary: nobody is in the PMD for these any more, when this returns.  Their
 * driver can be removed; or what was is undone. */
void leave_begin(const uint16_t *ids, unsigned int n, struct leaving *old);
void leave_undo(const uint16_t *ids, unsigned int n, const struct leaving *old);
/* The driver gives a port back that is LEAVING. */
void leave_release(struct rte_eth_dev *eth);

#endif /* HOTPLUG_PORT_LEAVE_H */
