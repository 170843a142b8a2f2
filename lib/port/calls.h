/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_PORT_CALLS_H
#define HOTPLUG_PORT_CALLS_H

#include <ethdev_driver.h>

/* Those of ethdev's calls (and one of rte_net's, which ethdev makes) that come to us first, whoever makes them.  Each has a function of
 * ours, __wrap_NAME(), and goes on with WAY_ON(NAME). */
#define CALLS(CALL) \
	CALL(int, rte_eth_dev_release_port, (struct rte_eth_dev *)) \
	CALL(void, rte_eth_dev_probing_finish, (struct rte_eth_dev *)) \
	CALL(struct rte_eth_dev *, rte_eth_dev_allocate, (const char *)) \
	CALL(int, rte_eth_dev_close, (uint16_t)) \
	CALL(int, rte_eth_dev_stop, (uint16_t)) \
	CALL(int, rte_eth_dev_start, (uint16_t)) \
	CALL(int, rte_eth_dev_reset, (uint16_t)) \
	CALL(int, rte_eth_dev_configure, \
	     (uint16_t, uint16_t, uint16_t, const struct rte_eth_conf *)) \
	CALL(int, rte_eth_rx_queue_setup, (uint16_t, uint16_t, uint16_t, unsigned int, \
					   const struct rte_eth_rxconf *, struct rte_mempool *)) \
	CALL(int, rte_eth_tx_queue_setup, (uint16_t, uint16_t, uint16_t, unsigned int, \
					   const struct rte_eth_txconf *)) \
	CALL(int, rte_eth_dev_default_mac_addr_set, (uint16_t, struct rte_ether_addr *)) \
	CALL(int, rte_eth_dev_mac_addr_add, (uint16_t, struct rte_ether_addr *, uint32_t)) \
	CALL(int, rte_eth_dev_mac_addr_remove, (uint16_t, struct rte_ether_addr *)) \
	CALL(int, rte_eth_rx_queue_info_get, (uint16_t, uint16_t, struct rte_eth_rxq_info *)) \
	CALL(int, rte_eth_tx_queue_info_get, (uint16_t, uint16_t, struct rte_eth_txq_info *)) \
	CALL(int, rte_eth_dev_rx_intr_ctl, (uint16_t, int, int, void *)) \
	CALL(int, rte_eth_dev_rx_intr_ctl_q, (uint16_t, uint16_t, int, int, void *)) \
	CALL(int, rte_eth_dev_rx_intr_ctl_q_get_fd, (uint16_t, uint16_t)) \
	CALL(int, rte_eth_macaddr_get, (uint16_t, struct rte_ether_addr *)) \
	CALL(int, rte_eth_macaddrs_get, (uint16_t, struct rte_ether_addr *, unsigned int)) \
	CALL(void, rte_ether_format_addr, (char *, uint16_t, const struct rte_ether_addr *))

/* __real_NAME exists where the linker was told --wrap=NAME. */
#define CALLS_DECLARE(type, name, parameters) \
	type __wrap_##name parameters; \
	type __real_##name parameters __attribute__((weak)); \
	extern type (*volatile calls_##name) parameters;
CALLS(CALLS_DECLARE)
#define WAY_ON(name) (__real_##name != NULL ? __real_##name : calls_##name)

/* From now on they come to us; to be called again when more objects may have been loaded.
 * 0; -ENOTSUP: a static program that was linked without --wrap: probe no port that may
 * be polled. */
int calls_guard(void);

#endif /* HOTPLUG_PORT_CALLS_H */
