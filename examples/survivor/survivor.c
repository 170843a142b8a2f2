/* SPDX-License-Identifier: BSD-3-Clause */

/* survivor: the smallest complete program that forwards, survives and heals.
 * Each port's packets go out of its neighbour (0 and 1, 2 and 3, ...; the last one of an
 * odd number sends back what it receives).  Tear a card out: the others forward on.  Put
 * it back: its port forwards again.  The data path below knows nothing of it.
 *
 *	cc survivor.c $(pkg-config --cflags --libs libdpdk-hotplug) -o survivor
 *	./survivor -l 0 -a 0000:01:00.0 -a 0000:02:00.0
 */

#include <signal.h>
#include <stdio.h>

#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <hotplug.h>

#define BURST 32
#define N_DESC 512

static volatile sig_atomic_t is_over;

static void
on_signal(int number)
{
	(void)number;
	is_over = 1;
}

/* Of devices: what happened, and why. */
static void
on_event(const struct hotplug_event *event, void *arg)
{
	(void)arg;
	printf("%s is %s (%s)\n", event->device, hotplug_event_name(event->type),
	       hotplug_cause_name(event->cause));
}

/* Of ports: one pauses, one is back. */
static int
on_port(uint16_t port, enum rte_eth_event_type type, void *arg, void *result)
{
	(void)arg;
	(void)result;
	printf("port %u %s\n", port, type == RTE_ETH_EVENT_ERR_RECOVERING ? "pauses" :
	       type == RTE_ETH_EVENT_RECOVERY_SUCCESS ? "works again" : "is given up");
	return 0;
}

static int
start_port(uint16_t port, struct rte_mempool *pool)
{
	const struct rte_eth_conf conf = { 0 };

	return rte_eth_dev_configure(port, 1, 1, &conf) != 0 ||
		rte_eth_rx_queue_setup(port, 0, N_DESC, rte_eth_dev_socket_id(port), NULL,
				       pool) != 0 ||
		rte_eth_tx_queue_setup(port, 0, N_DESC, rte_eth_dev_socket_id(port), NULL) != 0 ||
		rte_eth_dev_start(port) != 0;
}

/* A port whose card is gone receives nothing, and drops what it is given. */
static uint16_t
forward(uint16_t from, uint16_t to)
{
	struct rte_mbuf *pkts[BURST];
	uint16_t n = rte_eth_rx_burst(from, 0, pkts, BURST);
	uint16_t n_sent = rte_eth_tx_burst(to, 0, pkts, n);

	rte_pktmbuf_free_bulk(pkts + n_sent, n - n_sent);
	return n_sent;
}

int
main(int argc, char **argv)
{
	uint16_t port, ports[RTE_MAX_ETHPORTS];
	struct hotplug_config config;
	struct rte_mempool *pool;
	unsigned int i, n = 0;
	uint64_t n_sent = 0;

	hotplug_config_init(&config);
	config.policy = HOTPLUG_POLICY_HEAL;
	if (rte_eal_init(argc, argv) < 0 || hotplug_enable(&config) != 0)
		return 1;
	hotplug_event_subscribe(NULL, on_event, NULL);
	rte_eth_dev_callback_register(RTE_ETH_ALL, RTE_ETH_EVENT_ERR_RECOVERING, on_port, NULL);
	rte_eth_dev_callback_register(RTE_ETH_ALL, RTE_ETH_EVENT_RECOVERY_SUCCESS, on_port, NULL);
	rte_eth_dev_callback_register(RTE_ETH_ALL, RTE_ETH_EVENT_RECOVERY_FAILED, on_port, NULL);
	pool = rte_pktmbuf_pool_create("survivor", 8191, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
				       rte_socket_id());
	RTE_ETH_FOREACH_DEV(port) {
		ports[n++] = port;
		if (pool == NULL || start_port(port, pool) != 0)
			return 1;
	}
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	printf("forwarding between %u port(s)\n", n);
	while (!is_over)
		for (i = 0; i < n; i++)
			n_sent += forward(ports[i], ports[(i ^ 1) < n ? i ^ 1 : i]);
	printf("%llu packets forwarded\n", (unsigned long long)n_sent);
	for (i = 0; i < n; i++)
		if (rte_eth_dev_stop(ports[i]) == 0)
			rte_eth_dev_close(ports[i]);
	hotplug_disable();
	return rte_eal_cleanup() != 0;
}
