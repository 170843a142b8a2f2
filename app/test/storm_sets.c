/* SPDX-License-Identifier: BSD-3-Clause */

/* storm_sets: the calls of rte_ethdev.h that change a port; those that are heavy: what they
 * exchange is what others ask for; and those that the storm leaves out, each with its reason.
 * In:  a port's id, whatever the port is just then; the application has not closed it.
 * Context: any thread; the card's `settings`, and its `life`: for reading, or of heavy ones
 * for writing, with nobody at its bursts. */

#include <rte_dev_info.h>
#include <rte_ethdev.h>
#include <rte_malloc.h>

#include "storm.h"

#define SET(call, ...) \
	ENTRY(call, CALL_SETS) \
	{ \
		(void)call(port, ##__VA_ARGS__); \
	}
#define SET_WITH(call, type, ...) \
	ENTRY(call, CALL_SETS) \
	{ \
		type with = __VA_ARGS__; \
\
		(void)call(port, &with); \
	}
#define ANY(n) dice_below(dice, n)

SET(rte_eth_dev_set_link_up)
SET(rte_eth_dev_set_link_down)
SET(rte_eth_promiscuous_enable)
SET(rte_eth_promiscuous_disable)
SET(rte_eth_allmulticast_enable)
SET(rte_eth_allmulticast_disable)
SET(rte_eth_stats_reset)
SET(rte_eth_xstats_reset)
SET(rte_eth_led_on)
SET(rte_eth_led_off)
SET(rte_eth_timesync_enable)
SET(rte_eth_timesync_disable)
SET(rte_eth_timesync_adjust_time, 1)
SET(rte_eth_dev_rx_queue_start, queue)
SET(rte_eth_dev_tx_queue_start, queue)
SET(rte_eth_dev_set_mtu, 1000 + ANY(500))
SET(rte_eth_dev_vlan_filter, 1 + ANY(100), ANY(2))
SET(rte_eth_dev_set_vlan_strip_on_queue, queue, ANY(2))
SET(rte_eth_dev_set_vlan_ether_type, RTE_ETH_VLAN_TYPE_OUTER, 0x8100)
SET(rte_eth_dev_set_vlan_offload, ANY(2) ? RTE_ETH_VLAN_STRIP_OFFLOAD : 0)
SET(rte_eth_dev_set_vlan_pvid, 1, ANY(2))
SET(rte_eth_rx_avail_thresh_set, queue, ANY(99))
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"      /* 26.07; there all the same */
SET(rte_eth_dev_set_tx_queue_stats_mapping, queue, 0)
SET(rte_eth_dev_set_rx_queue_stats_mapping, queue, 0)
#pragma GCC diagnostic pop
SET(rte_eth_dev_uc_all_hash_table_set, ANY(2))
SET(rte_eth_set_queue_rate_limit, queue, ANY(100))
SET(rte_eth_fec_set, 1)
SET(rte_eth_hairpin_bind, port)
SET(rte_eth_hairpin_unbind, port)
SET_WITH(rte_eth_dev_flow_ctrl_set, struct rte_eth_fc_conf, { .high_water = ANY(100) })
SET_WITH(rte_eth_dev_priority_flow_ctrl_set, struct rte_eth_pfc_conf, { .priority = ANY(8) })
SET_WITH(rte_eth_dev_priority_flow_ctrl_queue_configure, struct rte_eth_pfc_queue_conf,
	 { .mode = RTE_ETH_FC_NONE })
SET_WITH(rte_eth_dev_udp_tunnel_port_add, struct rte_eth_udp_tunnel, { .udp_port = 4789 })
SET_WITH(rte_eth_dev_udp_tunnel_port_delete, struct rte_eth_udp_tunnel, { .udp_port = 4789 })
SET_WITH(rte_eth_rx_metadata_negotiate, uint64_t, RTE_ETH_RX_METADATA_USER_MARK)
SET_WITH(rte_eth_ip_reassembly_conf_set, struct rte_eth_ip_reassembly_params, { .max_frags = 4 })
SET_WITH(rte_eth_cman_config_set, struct rte_eth_cman_config, { .mode = RTE_CMAN_RED })
SET_WITH(rte_eth_timesync_write_time, struct timespec, { .tv_sec = 1 })
SET_WITH(rte_eth_dev_default_mac_addr_set, struct rte_ether_addr,
	 { .addr_bytes = { 2, 0, 0, 1, 0, port } })

ENTRY(rte_eth_dev_mac_addr_add, CALL_SETS)
{
	struct rte_ether_addr mac = { { 2, 0, 0, 0, 1, ANY(20) } };

	(void)rte_eth_dev_mac_addr_add(port, &mac, 0);
}

ENTRY(rte_eth_dev_mac_addr_remove, CALL_SETS)
{
	struct rte_ether_addr mac = { { 2, 0, 0, 0, 1, ANY(20) } };

	(void)rte_eth_dev_mac_addr_remove(port, &mac);
}

ENTRY(rte_eth_dev_set_mc_addr_list, CALL_SETS)
{
	struct rte_ether_addr macs[2] = { { { 1, 0, 0, 0, 0, 1 } }, { { 1, 0, 0, 0, 0, 2 } } };

	(void)rte_eth_dev_set_mc_addr_list(port, macs, ANY(3));
}

ENTRY(rte_eth_dev_uc_hash_table_set, CALL_SETS)
{
	struct rte_ether_addr mac = { { 2, 0, 0, 0, 2, 1 } };

	(void)rte_eth_dev_uc_hash_table_set(port, &mac, ANY(2));
}

ENTRY(rte_eth_dev_rss_reta_update, CALL_SETS)
{
	struct rte_eth_rss_reta_entry64 reta[2] = { { .mask = 3 }, { .mask = 1 } };

	(void)rte_eth_dev_rss_reta_update(port, reta, 128);
}

ENTRY(rte_eth_dev_rss_hash_update, CALL_SETS)
{
	uint8_t key[40] = { ANY(255) };
	struct rte_eth_rss_conf conf = { .rss_key = key, .rss_key_len = sizeof(key),
					 .rss_hf = RTE_ETH_RSS_IP };

	(void)rte_eth_dev_rss_hash_update(port, &conf);
}

ENTRY(rte_eth_dev_set_ptypes, CALL_SETS)
{
	uint32_t set[16];

	(void)rte_eth_dev_set_ptypes(port, RTE_PTYPE_L3_MASK, set, 16);
}

ENTRY(rte_eth_dev_set_eeprom, CALL_SETS)
{
	uint8_t data[4] = { 0 };
	struct rte_dev_eeprom_info info = { .data = data, .length = sizeof(data) };

	(void)rte_eth_dev_set_eeprom(port, &info);
}

/* Its number, not a port's: an owned one is its owner's to tear down. */
ENTRY(rte_eth_dev_owner_new, CALL_SETS)
{
	uint64_t owner;

	(void)rte_eth_dev_owner_new(&owner);
}

ENTRY(rte_eth_dev_owner_unset, CALL_SETS)
{
	(void)rte_eth_dev_owner_unset(port, 4711);
}

ENTRY(rte_eth_dev_owner_delete, CALL_SETS)
{
	uint64_t owner;

	if (rte_eth_dev_owner_new(&owner) == 0)
		(void)rte_eth_dev_owner_delete(owner);
}

static int
on_event(uint16_t port, enum rte_eth_event_type type, void *arg, void *result)
{
	(void)port;
	(void)type;
	(void)arg;
	(void)result;
	return 0;
}

/* A thread's own, which others do not take away. */
ENTRY(rte_eth_dev_callback_register, CALL_SETS)
{
	(void)rte_eth_dev_callback_register(port, RTE_ETH_EVENT_INTR_LSC + ANY(8), on_event, dice);
}

ENTRY(rte_eth_dev_callback_unregister, CALL_SETS)
{
	unsigned int i;

	for (i = 0; i < 8; i++)
		(void)rte_eth_dev_callback_unregister(port, RTE_ETH_EVENT_INTR_LSC + i, on_event, dice);
}

/* --- heavy ones ------------------------------------------------------------------------ */

static uint16_t
rx_callback(uint16_t port, uint16_t queue, struct rte_mbuf **pkts, uint16_t n, uint16_t max,
	    void *arg)
{
	(void)port;
	(void)queue;
	(void)pkts;
	(void)max;
	(void)arg;
	return n;
}

static uint16_t
tx_callback(uint16_t port, uint16_t queue, struct rte_mbuf **pkts, uint16_t n, void *arg)
{
	(void)port;
	(void)queue;
	(void)pkts;
	(void)arg;
	return n;
}

/* Nobody polls it: what is removed can be freed. */
static void
add_and_remove_rx(uint16_t port, uint16_t queue, bool is_first)
{
	const struct rte_eth_rxtx_callback *callback = is_first ?
		rte_eth_add_first_rx_callback(port, queue, rx_callback, NULL) :
		rte_eth_add_rx_callback(port, queue, rx_callback, NULL);

	if (callback != NULL && rte_eth_remove_rx_callback(port, queue, callback) == 0)
		rte_free((void *)(uintptr_t)callback);
}

ENTRY(rte_eth_add_rx_callback, CALL_IS_HEAVY)
{
	add_and_remove_rx(port, queue, false);
}

ENTRY(rte_eth_add_first_rx_callback, CALL_IS_HEAVY)
{
	add_and_remove_rx(port, queue, true);
}

ENTRY(rte_eth_remove_rx_callback, CALL_IS_HEAVY)
{
	(void)rte_eth_remove_rx_callback(port, queue, (const void *)dice);
}

ENTRY(rte_eth_add_tx_callback, CALL_IS_HEAVY)
{
	const struct rte_eth_rxtx_callback *callback =
		rte_eth_add_tx_callback(port, queue, tx_callback, NULL);

	if (callback != NULL && rte_eth_remove_tx_callback(port, queue, callback) == 0)
		rte_free((void *)(uintptr_t)callback);
}

ENTRY(rte_eth_remove_tx_callback, CALL_IS_HEAVY)
{
	(void)rte_eth_remove_tx_callback(port, queue, (const void *)dice);
}

/* -EBUSY of one that is started; storm_app.c stops it first. */
ENTRY(rte_eth_rx_queue_setup, CALL_IS_HEAVY)
{
	(void)rte_eth_rx_queue_setup(port, queue, 64, 0, NULL, storm_pool);
}

ENTRY(rte_eth_tx_queue_setup, CALL_IS_HEAVY)
{
	(void)rte_eth_tx_queue_setup(port, queue, 64, 0, NULL);
}

/* --- left out, and why ----------------------------------------------------------------- */

#define LEFT_OUT(call) ENTRY(call, CALL_IS_LEFT_OUT) { }

/* storm_app.c calls them, where the application means it. */
LEFT_OUT(rte_eth_dev_configure)
LEFT_OUT(rte_eth_dev_start)
LEFT_OUT(rte_eth_dev_stop)
LEFT_OUT(rte_eth_dev_close)
LEFT_OUT(rte_eth_dev_reset)
/* storm_threads.c calls them, and waits for what they are for. */
LEFT_OUT(rte_eth_dev_rx_intr_enable)
LEFT_OUT(rte_eth_dev_rx_intr_disable)
LEFT_OUT(rte_eth_dev_rx_intr_ctl_q)
/* All queues at once into the epoll set of the calling thread, and never out of it again. */
LEFT_OUT(rte_eth_dev_rx_intr_ctl)
/* An owned port is its owner's to tear down: test_port.c has that. */
LEFT_OUT(rte_eth_dev_owner_set)
/* A queue that is stopped must not be polled: none of ours says so to its pollers. */
LEFT_OUT(rte_eth_dev_rx_queue_stop)
LEFT_OUT(rte_eth_dev_tx_queue_stop)
/* A hairpin queue is not polled either. */
LEFT_OUT(rte_eth_rx_hairpin_queue_setup)
LEFT_OUT(rte_eth_tx_hairpin_queue_setup)
/* Inside rte_eth_rx_burst() and rte_eth_tx_burst(). */
LEFT_OUT(rte_eth_call_rx_callbacks)
LEFT_OUT(rte_eth_call_tx_callbacks)
