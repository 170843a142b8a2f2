/* SPDX-License-Identifier: BSD-3-Clause */

/* storm_reads_new: the calls that DPDK has got since 22.11 (storm_calls.h says which this one
 * has), but for those of the fast path (storm_polls.c).
 * Context: any thread; the card's locks as each kind demands. */

#include <rte_dev_info.h>
#include <rte_ethdev.h>

#include "storm.h"

#ifdef HAS_rte_eth_dev_count_aggr_ports         /* 23.03 */
ENTRY(rte_eth_dev_count_aggr_ports, CALL_ASKS)
{
	(void)rte_eth_dev_count_aggr_ports(port);
}

ENTRY(rte_eth_dev_map_aggr_tx_affinity, CALL_SETS)
{
	(void)rte_eth_dev_map_aggr_tx_affinity(port, queue, 0);
}
#endif

#ifdef HAS_rte_eth_recycle_mbufs                /* 23.11 */
ENTRY(rte_eth_recycle_rx_queue_info_get, CALL_ASKS)
{
	struct rte_eth_recycle_rxq_info info;

	(void)rte_eth_recycle_rx_queue_info_get(port, queue, &info);
}

ENTRY(rte_eth_rx_queue_is_valid, CALL_ASKS)
{
	(void)rte_eth_rx_queue_is_valid(port, queue);
}

ENTRY(rte_eth_tx_queue_is_valid, CALL_ASKS)
{
	(void)rte_eth_tx_queue_is_valid(port, queue);
}

ENTRY(rte_eth_dev_rss_algo_name, CALL_ASKS)
{
	(void)rte_eth_dev_rss_algo_name(RTE_ETH_HASH_FUNCTION_TOEPLITZ);
}
#endif

#ifdef HAS_rte_eth_find_rss_algo                /* 24.03 */
ENTRY(rte_eth_find_rss_algo, CALL_ASKS)
{
	uint32_t algo;

	(void)rte_eth_find_rss_algo("default", &algo);
}
#endif

#ifdef HAS_rte_eth_timesync_adjust_freq         /* 24.03 */
ENTRY(rte_eth_timesync_adjust_freq, CALL_SETS)
{
	(void)rte_eth_timesync_adjust_freq(port, 1);
}
#endif

#ifdef HAS_rte_eth_dev_get_reg_info_ext         /* 24.11 */
ENTRY(rte_eth_dev_get_reg_info_ext, CALL_ASKS)
{
	struct rte_dev_reg_info info = { .data = NULL };

	(void)rte_eth_dev_get_reg_info_ext(port, &info);
}

ENTRY(rte_eth_speed_lanes_get, CALL_ASKS)
{
	uint32_t lanes;

	(void)rte_eth_speed_lanes_get(port, &lanes);
}

ENTRY(rte_eth_speed_lanes_get_capability, CALL_ASKS)
{
	(void)rte_eth_speed_lanes_get_capability(port, NULL, 0);
}

ENTRY(rte_eth_speed_lanes_set, CALL_SETS)
{
	(void)rte_eth_speed_lanes_set(port, 1);
}
#endif

#ifdef HAS_rte_eth_link_connector_to_str        /* 25.11 */
ENTRY(rte_eth_link_connector_to_str, CALL_ASKS)
{
	(void)rte_eth_link_connector_to_str(0);
}
#endif

#ifdef HAS_rte_eth_xstats_set_counter           /* 25.03 */
ENTRY(rte_eth_xstats_set_counter, CALL_SETS)
{
	(void)rte_eth_xstats_set_counter(port, 0, 1);
}

ENTRY(rte_eth_xstats_query_state, CALL_ASKS)
{
	(void)rte_eth_xstats_query_state(port, 0);
}
#endif

#ifdef HAS_rte_eth_get_queue_rate_limit         /* 26.03 */
ENTRY(rte_eth_get_queue_rate_limit, CALL_ASKS)
{
	uint32_t rate;

	(void)rte_eth_get_queue_rate_limit(port, queue, &rate);
}
#endif
