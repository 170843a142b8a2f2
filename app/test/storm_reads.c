/* SPDX-License-Identifier: BSD-3-Clause */

/* storm_reads: the calls of rte_ethdev.h that ask a port something, and change nothing.
 * In:  a port's id, whatever the port is just then; the application has not closed it.
 * Out: answers, which nobody follows; each is one call, or the calls that belong together.
 * Context: any thread; the card's `life`, for reading. */

#include <stdio.h>
#include <stdlib.h>

#include <rte_dev_info.h>
#include <rte_ethdev.h>
#include <rte_mbuf_ptype.h>
#include <rte_power_intrinsics.h>

#include "storm.h"

#define ASK(call, type) \
	ENTRY(call, CALL_ASKS) \
	{ \
		type answer; \
\
		memset(&answer, 0, sizeof(answer)); \
		(void)!call(port, &answer); \
	}
#define ASK_ALONE(call) \
	ENTRY(call, CALL_ASKS) \
	{ \
		(void)!call(port); \
	}
#define ASK_QUEUE(call, type) \
	ENTRY(call, CALL_ASKS) \
	{ \
		type answer; \
\
		(void)!call(port, queue, &answer); \
	}

ASK(rte_eth_link_get, struct rte_eth_link)
ASK(rte_eth_link_get_nowait, struct rte_eth_link)
ASK(rte_eth_stats_get, struct rte_eth_stats)
ASK(rte_eth_macaddr_get, struct rte_ether_addr)
ASK(rte_eth_dev_info_get, struct rte_eth_dev_info)
ASK(rte_eth_dev_conf_get, struct rte_eth_conf)
ASK(rte_eth_dev_get_mtu, uint16_t)
ASK(rte_eth_dev_owner_get, struct rte_eth_dev_owner)
ASK(rte_eth_fec_get, uint32_t)
ASK(rte_eth_dev_flow_ctrl_get, struct rte_eth_fc_conf)
ASK(rte_eth_dev_priority_flow_ctrl_queue_info_get, struct rte_eth_pfc_queue_info)
ASK(rte_eth_dev_get_dcb_info, struct rte_eth_dcb_info)
ASK(rte_eth_dev_get_reg_info, struct rte_dev_reg_info)
ASK(rte_eth_dev_get_module_info, struct rte_eth_dev_module_info)
ASK(rte_eth_timesync_read_tx_timestamp, struct timespec)
ASK(rte_eth_timesync_read_time, struct timespec)
ASK(rte_eth_read_clock, uint64_t)
ASK(rte_eth_dev_hairpin_capability_get, struct rte_eth_hairpin_cap)
ASK(rte_eth_ip_reassembly_capability_get, struct rte_eth_ip_reassembly_params)
ASK(rte_eth_ip_reassembly_conf_get, struct rte_eth_ip_reassembly_params)
ASK(rte_eth_cman_info_get, struct rte_eth_cman_info)
ASK(rte_eth_cman_config_get, struct rte_eth_cman_config)
ASK(rte_eth_cman_config_init, struct rte_eth_cman_config)
ASK_QUEUE(rte_eth_rx_queue_info_get, struct rte_eth_rxq_info)
ASK_QUEUE(rte_eth_tx_queue_info_get, struct rte_eth_txq_info)
ASK_QUEUE(rte_eth_rx_burst_mode_get, struct rte_eth_burst_mode)
ASK_QUEUE(rte_eth_tx_burst_mode_get, struct rte_eth_burst_mode)
ASK_QUEUE(rte_eth_get_monitor_addr, struct rte_power_monitor_cond)
ASK_ALONE(rte_eth_dev_is_removed)
ASK_ALONE(rte_eth_dev_is_valid_port)
ASK_ALONE(rte_eth_dev_socket_id)
ASK_ALONE(rte_eth_promiscuous_get)
ASK_ALONE(rte_eth_allmulticast_get)
ASK_ALONE(rte_eth_dev_get_vlan_offload)
ASK_ALONE(rte_eth_dev_get_eeprom_length)
ASK_ALONE(rte_eth_dev_get_sec_ctx)
ASK_ALONE(rte_eth_find_next)

ENTRY(rte_eth_find_next_owned_by, CALL_ASKS)
{
	uint64_t other;

	RTE_ETH_FOREACH_DEV(other)
		(void)other;
}

ENTRY(rte_eth_find_next_of, CALL_ASKS)
{
	struct rte_eth_dev_info info;

	if (rte_eth_dev_info_get(port, &info) == 0)
		(void)rte_eth_find_next_of(0, info.device);
}

ENTRY(rte_eth_find_next_sibling, CALL_ASKS)
{
	(void)rte_eth_find_next_sibling(0, port);
}

/* By its class: by a bus it would walk EAL's lists, which no thread may beside a probe; and not
 * by a MAC address: ethdev then counts by an answer that it has not looked at (rte_class_eth.c). */
#define PORTS "class=eth,representor=[0]"

ENTRY(rte_eth_iterator_init, CALL_ASKS)
{
	struct rte_dev_iterator it;
	uint16_t id;

	RTE_ETH_FOREACH_MATCHING_DEV(id, PORTS, &it)
		(void)id;
}

ENTRY(rte_eth_iterator_next, CALL_ASKS)
{
	struct rte_dev_iterator it;

	if (rte_eth_iterator_init(&it, PORTS) == 0) {
		(void)rte_eth_iterator_next(&it);
		rte_eth_iterator_cleanup(&it);
	}
}

ENTRY(rte_eth_iterator_cleanup, CALL_ASKS)
{
	struct rte_dev_iterator it;

	if (rte_eth_iterator_init(&it, PORTS) == 0)
		rte_eth_iterator_cleanup(&it);
}

ENTRY(rte_eth_dev_count_avail, CALL_ASKS)
{
	(void)rte_eth_dev_count_avail();
}

ENTRY(rte_eth_dev_count_total, CALL_ASKS)
{
	(void)rte_eth_dev_count_total();
}

ENTRY(rte_eth_macaddrs_get, CALL_ASKS)
{
	struct rte_ether_addr macs[2 * BAD_MAX_MACS];

	(void)rte_eth_macaddrs_get(port, macs, 2 * BAD_MAX_MACS);
}

ENTRY(rte_eth_dev_fw_version_get, CALL_ASKS)
{
	char text[64];

	(void)!rte_eth_dev_fw_version_get(port, text, sizeof(text));
}

ENTRY(rte_eth_dev_get_supported_ptypes, CALL_ASKS)
{
	uint32_t ptypes[16];

	(void)!rte_eth_dev_get_supported_ptypes(port, RTE_PTYPE_ALL_MASK, ptypes, 16);
}

ENTRY(rte_eth_buffer_split_get_supported_hdr_ptypes, CALL_ASKS)
{
	uint32_t ptypes[16];

	(void)!rte_eth_buffer_split_get_supported_hdr_ptypes(port, ptypes, 16);
}

ENTRY(rte_eth_fec_get_capability, CALL_ASKS)
{
	struct rte_eth_fec_capa capa[4];

	(void)rte_eth_fec_get_capability(port, capa, 4);
}

ENTRY(rte_eth_rx_avail_thresh_query, CALL_ASKS)
{
	uint8_t thresh;

	(void)rte_eth_rx_avail_thresh_query(port, &queue, &thresh);
}

ENTRY(rte_eth_dev_rss_reta_query, CALL_ASKS)
{
	struct rte_eth_rss_reta_entry64 reta[2] = { { .mask = 1 }, { .mask = 1 } };

	(void)rte_eth_dev_rss_reta_query(port, reta, 128);
}

ENTRY(rte_eth_dev_rss_hash_conf_get, CALL_ASKS)
{
	struct rte_eth_rss_conf conf = { .rss_key = NULL };

	(void)rte_eth_dev_rss_hash_conf_get(port, &conf);
}

ENTRY(rte_eth_dev_get_eeprom, CALL_ASKS)
{
	uint8_t data[16];
	struct rte_dev_eeprom_info info = { .data = data, .length = sizeof(data) };

	(void)rte_eth_dev_get_eeprom(port, &info);
}

ENTRY(rte_eth_dev_get_module_eeprom, CALL_ASKS)
{
	uint8_t data[16];
	struct rte_dev_eeprom_info info = { .data = data, .length = sizeof(data) };

	(void)!rte_eth_dev_get_module_eeprom(port, &info);
}

ENTRY(rte_eth_timesync_read_rx_timestamp, CALL_ASKS)
{
	struct timespec time;

	(void)rte_eth_timesync_read_rx_timestamp(port, &time, 0);
}

ENTRY(rte_eth_dev_get_port_by_name, CALL_ASKS)
{
	uint16_t id;

	(void)rte_eth_dev_get_port_by_name(storm_cards[dice_below(dice, storm_n_cards)].name, &id);
}

ENTRY(rte_eth_dev_get_name_by_port, CALL_ASKS)
{
	char name[RTE_ETH_NAME_MAX_LEN];

	(void)rte_eth_dev_get_name_by_port(port, name);
}

ENTRY(rte_eth_dev_adjust_nb_rx_tx_desc, CALL_ASKS)
{
	uint16_t n_rx = 64, n_tx = 64;

	(void)rte_eth_dev_adjust_nb_rx_tx_desc(port, &n_rx, &n_tx);
}

ENTRY(rte_eth_dev_pool_ops_supported, CALL_ASKS)
{
	(void)rte_eth_dev_pool_ops_supported(port, "ring_mp_mc");
}

ENTRY(rte_eth_representor_info_get, CALL_ASKS)
{
	(void)rte_eth_representor_info_get(port, NULL);
}

ENTRY(rte_eth_hairpin_get_peer_ports, CALL_ASKS)
{
	uint16_t peers[4];

	(void)rte_eth_hairpin_get_peer_ports(port, peers, 4, dice_below(dice, 2));
}

/* Beside the application's own stop it reads what the driver frees there. */
ENTRY(rte_eth_dev_rx_intr_ctl_q_get_fd, CALL_SETS)
{
	(void)rte_eth_dev_rx_intr_ctl_q_get_fd(port, queue);
}

/* --- extended statistics, as collectors ask for them ---------------------------------- */

ENTRY(rte_eth_xstats_get, CALL_ASKS)
{
	int n = rte_eth_xstats_get(port, NULL, 0);
	struct rte_eth_xstat *values = n > 0 ? calloc(n, sizeof(*values)) : NULL;

	if (values != NULL)
		(void)rte_eth_xstats_get(port, values, n);
	free(values);
}

ENTRY(rte_eth_xstats_get_names, CALL_ASKS)
{
	int n = rte_eth_xstats_get_names(port, NULL, 0);
	struct rte_eth_xstat_name *names = n > 0 ? calloc(n, sizeof(*names)) : NULL;

	if (names != NULL)
		(void)rte_eth_xstats_get_names(port, names, n);
	free(names);
}

ENTRY(rte_eth_xstats_get_names_by_id, CALL_ASKS)
{
	struct rte_eth_xstat_name names[2];
	uint64_t ids[2] = { 0, 1 };

	(void)rte_eth_xstats_get_names_by_id(port, names, 2, ids);
}

ENTRY(rte_eth_xstats_get_by_id, CALL_ASKS)
{
	uint64_t ids[2] = { 0, 1 }, values[2];

	(void)rte_eth_xstats_get_by_id(port, ids, values, 2);
}

ENTRY(rte_eth_xstats_get_id_by_name, CALL_ASKS)
{
	uint64_t id;

	(void)rte_eth_xstats_get_id_by_name(port, "rx_good_packets", &id);
}

/* --- of no port ------------------------------------------------------------------------ */

ENTRY(rte_eth_rss_hf_refine, CALL_ASKS)
{
	(void)rte_eth_rss_hf_refine(RTE_ETH_RSS_IP);
}

ENTRY(rte_eth_speed_bitflag, CALL_ASKS)
{
	(void)rte_eth_speed_bitflag(RTE_ETH_SPEED_NUM_10G, 1);
}

ENTRY(rte_eth_dev_rx_offload_name, CALL_ASKS)
{
	(void)rte_eth_dev_rx_offload_name(1);
}

ENTRY(rte_eth_dev_tx_offload_name, CALL_ASKS)
{
	(void)rte_eth_dev_tx_offload_name(1);
}

ENTRY(rte_eth_dev_capability_name, CALL_ASKS)
{
	(void)rte_eth_dev_capability_name(1);
}

ENTRY(rte_eth_link_speed_to_str, CALL_ASKS)
{
	(void)rte_eth_link_speed_to_str(RTE_ETH_SPEED_NUM_10G);
}

ENTRY(rte_eth_link_to_str, CALL_ASKS)
{
	char text[RTE_ETH_LINK_MAX_STR_LEN];
	struct rte_eth_link link;

	if (rte_eth_link_get_nowait(port, &link) == 0)
		(void)rte_eth_link_to_str(text, sizeof(text), &link);
}

/* --- dumps ----------------------------------------------------------------------------- */

static FILE *
nowhere(void)
{
	return fopen("/dev/null", "we");
}

ENTRY(rte_eth_dev_priv_dump, CALL_ASKS)
{
	FILE *file = nowhere();

	(void)rte_eth_dev_priv_dump(port, file);
	fclose(file);
}

ENTRY(rte_eth_rx_descriptor_dump, CALL_ASKS)
{
	FILE *file = nowhere();

	(void)rte_eth_rx_descriptor_dump(port, queue, 0, 1, file);
	fclose(file);
}

ENTRY(rte_eth_tx_descriptor_dump, CALL_ASKS)
{
	FILE *file = nowhere();

	(void)rte_eth_tx_descriptor_dump(port, queue, 0, 1, file);
	fclose(file);
}
