/* SPDX-License-Identifier: BSD-3-Clause */

/* test_vdev_drivers: each driver that stands on a network interface heals on it.
 * In:  DPDK's own drivers on veth pairs, in a network namespace of the test's own; with an
 *      argument one that not every kernel, nor every DPDK, has.
 * Context: app; the library's own threads do the work. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <rte_bus_vdev.h>

#include <bus_driver.h>

#include "netns.h"
#include "test.h"
#include "vdev_port.h"

static void
heal_twice(const char *devargs, bool has_settings)
{
	uint16_t port, other;
	unsigned int i;

	vdev_enable("flaps=0");
	netns_make("va");
	port = vdev_port(devargs);
	assert_true(vdev_flows(port, "va"));
	for (i = 0; i < 2; i++) {
		vdev_lose("va");
		/* net_tap's descriptors go to our children: who makes the interface has none */
		assert_true(WAIT_FOR(hotplug_port_attach(devargs, &other) == -EBUSY));
		assert_false(vdev_link(port));
		vdev_come_back("va");
		assert_true(!has_settings || vdev_is_configured(port));
		assert_true(vdev_link(port) && vdev_flows(port, "va"));
	}
	vdev_remove(port);
}

/* rte_vdev_init() goes through no op of the bus. */
static void
test_made_and_taken_by_the_vdev_calls(void **state)
{
	uint16_t port;

	(void)state;
	vdev_enable("policy=tell");
	netns_make("va");
	assert_int_equal(rte_vdev_init(VDEV_NAME, "iface=va"), 0);
	assert_int_equal(rte_eth_dev_get_port_by_name(VDEV_NAME, &port), 0);
	vdev_lose("va");
	assert_true(WAIT_FOR(vdev_n_removed == 1));
	assert_int_equal(rte_vdev_uninit(VDEV_NAME), 0);
	assert_false(rte_eth_dev_is_valid_port(port));
}

static void
test_af_packet(void **state)
{
	(void)state;
	heal_twice(VDEV_ARGS, true);
}

static void
test_pcap_iface(void **state)
{
	(void)state;
	heal_twice("net_pcap0,iface=va", false);
}

static void
test_pcap_rx_and_tx_iface(void **state)
{
	(void)state;
	heal_twice("net_pcap0,rx_iface=va,tx_iface=va", false);
}

static void
test_pcap_rx_iface_in(void **state)
{
	(void)state;
	heal_twice("net_pcap0,rx_iface_in=va,tx_iface=va", false);
}

/* Each of its interfaces is needed. */
static void
test_pcap_on_two_interfaces(void **state)
{
	uint16_t port;

	(void)state;
	vdev_enable("");
	netns_make("va");
	netns_make("vb");
	port = vdev_port("net_pcap0,rx_iface=va,tx_iface=vb");
	vdev_lose("vb");
	netns_delete("va");
	netns_make("vb");
	test_sleep_ms(1500);
	assert_int_equal(vdev_n_success, 0);
	vdev_come_back("va");
	assert_true(vdev_link(port));
	vdev_remove(port);
}

static void
test_af_xdp(void **state)
{
	(void)state;
	heal_twice("net_af_xdp0,iface=va", true);
}

static void
test_tap_remote(void **state)
{
	(void)state;
	heal_twice("net_tap0,iface=vt,remote=va", true);
}

static bool
has_driver(const char *name)
{
	struct rte_bus *bus = rte_bus_find_by_name("vdev");

	return bus != NULL && bus->parse(name, NULL) == 0;
}

/* With it, and not without a reason. */
static const char *
why_no_af_xdp(void)
{
	int fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd >= 0)
		close(fd);
	if (fd < 0)
		return "this kernel has no AF_XDP sockets, or not for us";
	return has_driver("net_af_xdp") ? NULL : "this DPDK has no net_af_xdp";
}

static const char *
why_no_tap(void)
{
	bool has_multiq = system("ip tuntap add vq mode tap multi_queue && "
				 "tc qdisc add dev vq root multiq 2>/dev/null") == 0;

	(void)!system("ip link del vq");
	if (!has_multiq)
		return "this kernel has no queueing discipline multiq: net_tap's remote= needs it";
	return has_driver("net_tap") ? NULL : "this DPDK has no net_tap";
}

static const char *
why_no_pcap(void)
{
	return has_driver("net_pcap") ? NULL : "this DPDK has no net_pcap";
}

int
main(int argc, char **argv)
{
	static const struct CMUnitTest all[] = {
		VDEV_CASE(test_made_and_taken_by_the_vdev_calls),
		VDEV_CASE(test_af_packet),
	};
	static const struct CMUnitTest pcap[] = {
		VDEV_CASE(test_pcap_iface),
		VDEV_CASE(test_pcap_rx_and_tx_iface),
		VDEV_CASE(test_pcap_rx_iface_in),
		VDEV_CASE(test_pcap_on_two_interfaces),
	};
	static const struct CMUnitTest af_xdp[] = { VDEV_CASE(test_af_xdp) };
	static const struct CMUnitTest tap[] = { VDEV_CASE(test_tap_remote) };
	const char *which = argc > 1 ? argv[1] : "", *reason = vdev_start(argv[0], false);

	if (reason == NULL && strcmp(which, "pcap") == 0)
		reason = why_no_pcap();
	if (reason == NULL && strcmp(which, "af_xdp") == 0)
		reason = why_no_af_xdp();
	if (reason == NULL && strcmp(which, "tap") == 0)
		reason = why_no_tap();
	if (reason != NULL) {
		printf("1..0 # SKIP %s\n", reason);
		return 0;
	}
	if (strcmp(which, "pcap") == 0)
		return cmocka_run_group_tests(pcap, NULL, NULL);
	if (strcmp(which, "af_xdp") == 0)
		return cmocka_run_group_tests(af_xdp, NULL, NULL);
	if (strcmp(which, "tap") == 0)
		return cmocka_run_group_tests(tap, NULL, NULL);
	return cmocka_run_group_tests(all, NULL, NULL);
}
