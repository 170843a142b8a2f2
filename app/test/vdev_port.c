/* SPDX-License-Identifier: BSD-3-Clause */

/* vdev_port: a port of a real driver on a network interface, and what is told of it.
 * In:  tests of drivers/bus/vdev (app).  Out: counters of events.
 * Context: app; the callbacks: whoever raises them. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_mbuf.h>

#include "netns.h"
#include "test.h"
#include "vdev_port.h"

#define MTU 1400

struct rte_mempool *vdev_pool;
_Atomic unsigned int vdev_n_gone, vdev_n_ready, vdev_n_ports_gone;
_Atomic enum hotplug_card vdev_card;
_Atomic unsigned int vdev_n_success, vdev_n_recovering, vdev_n_removed, vdev_n_lsc;

static int subscription;

static void
on_event(const struct hotplug_event *event, void *arg)
{
	(void)arg;
	if (event->type == HOTPLUG_EVENT_GONE) {
		vdev_n_ports_gone += event->n_ports;
		vdev_n_gone++;
	} else if (event->type == HOTPLUG_EVENT_READY) {
		vdev_card = event->card;
		vdev_n_ready++;
	}
}

static int
on_port_event(uint16_t port, enum rte_eth_event_type type, void *arg, void *result)
{
	(void)port;
	(void)arg;
	(void)result;
	vdev_n_success += type == RTE_ETH_EVENT_RECOVERY_SUCCESS;
	vdev_n_recovering += type == RTE_ETH_EVENT_ERR_RECOVERING;
	vdev_n_removed += type == RTE_ETH_EVENT_INTR_RMV;
	vdev_n_lsc += type == RTE_ETH_EVENT_INTR_LSC;
	return 0;
}

const char *
vdev_start(const char *program, bool with_user)
{
	const char *argv[] = {
		program, "--no-pci", "--no-huge", "--no-shconf", "-m", "256", "-l", "0",
		"--no-telemetry", "--log-level=pmd.net:alert",
	};
	static const enum rte_eth_event_type heard[] = {
		RTE_ETH_EVENT_RECOVERY_SUCCESS, RTE_ETH_EVENT_ERR_RECOVERING,
		RTE_ETH_EVENT_INTR_RMV, RTE_ETH_EVENT_INTR_LSC,
	};
	static char reason[128];
	char *args[N_ELEMENTS(argv)];
	unsigned int i;
	int ret = netns_enter(with_user);

	if (ret != 0) {
		snprintf(reason, sizeof(reason), "no network namespace of its own: %s",
			 strerror(-ret));
		return reason;
	}
	for (i = 0; i < N_ELEMENTS(argv); i++)
		args[i] = strdup(argv[i]);
	if (rte_eal_init(N_ELEMENTS(argv), args) < 0)
		abort();
	vdev_pool = rte_pktmbuf_pool_create("pool", 16383, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
					    SOCKET_ID_ANY);
	if (vdev_pool == NULL)
		abort();
	for (i = 0; i < N_ELEMENTS(heard); i++)
		rte_eth_dev_callback_register(RTE_ETH_ALL, heard[i], on_port_event, NULL);
	return NULL;
}

void
vdev_enable(const char *options)
{
	struct hotplug_config config;
	char error[256];

	vdev_n_gone = vdev_n_ready = vdev_n_ports_gone = 0;
	vdev_n_success = vdev_n_recovering = vdev_n_removed = vdev_n_lsc = 0;
	hotplug_config_init(&config);
	config.policy = HOTPLUG_POLICY_HEAL;
	assert_int_equal(hotplug_config_parse(&config, options, error, sizeof(error)), 0);
	assert_int_equal(hotplug_enable(&config), 0);
	subscription = hotplug_event_subscribe(NULL, on_event, NULL);
	assert_true(subscription >= 0);
}

void
vdev_disable(void)
{
	assert_int_equal(hotplug_event_unsubscribe(subscription), 0);
	assert_int_equal(hotplug_disable(), 0);
}

uint16_t
vdev_port(const char *devargs)
{
	const struct rte_eth_conf conf = { .rxmode.mtu = MTU };
	uint16_t port = RTE_MAX_ETHPORTS;

	assert_int_equal(hotplug_port_attach(devargs, &port), 0);
	assert_int_equal(rte_eth_dev_configure(port, 1, 1, &conf), 0);
	assert_int_equal(rte_eth_rx_queue_setup(port, 0, 64, SOCKET_ID_ANY, NULL, vdev_pool), 0);
	assert_int_equal(rte_eth_tx_queue_setup(port, 0, 64, SOCKET_ID_ANY, NULL), 0);
	(void)rte_eth_dev_set_mtu(port, MTU);           /* net_pcap has none to set */
	assert_int_equal(rte_eth_dev_start(port), 0);
	(void)rte_eth_promiscuous_enable(port);
	return port;
}

void
vdev_remove(uint16_t port)
{
	char name[HOTPLUG_NAME_LEN];

	assert_int_equal(hotplug_port_remove(port, name, sizeof(name)), 0);
}

bool
vdev_is_configured(uint16_t port)
{
	struct rte_eth_dev_info info;
	uint16_t mtu;

	return rte_eth_dev_info_get(port, &info) == 0 && info.nb_rx_queues == 1 &&
		rte_eth_dev_get_mtu(port, &mtu) == 0 && mtu == MTU &&
		rte_eth_promiscuous_get(port) == 1;
}

bool
vdev_link(uint16_t port)
{
	struct rte_eth_link link;

	return rte_eth_link_get_nowait(port, &link) == 0 &&
		link.link_status == RTE_ETH_LINK_UP;
}

static unsigned int n_received, n_on_wire;      /* of frames of ours */

/* Again and again, as below: an interface that has just been made loses some. */
static unsigned int
receive(uint16_t port, int wire)
{
	struct rte_mbuf *pkts[32];
	uint16_t i, n;

	wire_send(wire);
	n = rte_eth_rx_burst(port, 0, pkts, N_ELEMENTS(pkts));
	for (i = 0; i < n; i++)
		n_received += wire_is_ours(rte_pktmbuf_mtod(pkts[i], void *),
					   rte_pktmbuf_pkt_len(pkts[i]));
	rte_pktmbuf_free_bulk(pkts, n);
	return n_received;
}

/* Again and again: the kernel refuses what is sent before the interface is up. */
static unsigned int
transmit(uint16_t port, int wire)
{
	struct rte_mbuf *pkt = rte_pktmbuf_alloc(vdev_pool);

	assert_non_null(pkt);
	wire_fill(rte_pktmbuf_append(pkt, WIRE_FRAME_LEN));
	if (rte_eth_tx_burst(port, 0, &pkt, 1) == 0)
		rte_pktmbuf_free(pkt);
	n_on_wire += wire_receive(wire);
	return n_on_wire;
}

bool
vdev_flows(uint16_t port, const char *iface)
{
	int wire = wire_open(iface);
	bool flows;

	n_received = n_on_wire = 0;
	flows = WAIT_FOR(receive(port, wire) > 0);
	flows = flows && WAIT_FOR(transmit(port, wire) > 0);
	close(wire);
	return flows;
}

void
vdev_lose(const char *iface)
{
	unsigned int n = vdev_n_gone;

	netns_delete(iface);
	assert_true(WAIT_FOR(vdev_n_gone == n + 1));
}

void
vdev_come_back(const char *iface)
{
	unsigned int n = vdev_n_success;

	netns_make(iface);
	assert_true(WAIT_FOR(vdev_n_success == n + 1));
}

void
vdev_make_and_wait(const char *iface)
{
	unsigned int n = vdev_n_ready;

	netns_make(iface);
	assert_true(WAIT_FOR(vdev_n_ready > n));
}

void
vdev_wait_until_held(void)
{
	uint16_t port;

	assert_true(WAIT_FOR(hotplug_port_attach(VDEV_ARGS, &port) == -EBUSY));
}

int
vdev_tear_down(void **state)
{
	char name[HOTPLUG_NAME_LEN];
	uint16_t port;

	(void)state;
	RTE_ETH_FOREACH_DEV(port)       /* of a test that has failed */
		(void)hotplug_port_remove(port, name, sizeof(name));
	netns_clear();
	(void)hotplug_disable();
	return 0;
}
