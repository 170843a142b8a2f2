/* SPDX-License-Identifier: BSD-3-Clause */

/* test_vdev_odd: what else can happen to an interface than to be deleted and made anew.
 * In:  DPDK's own net_af_packet on veth pairs, in a network namespace of the test's own.
 * Context: app; the library's own threads do the work. */

#include <errno.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include <rte_bus_vdev.h>
#include <rte_eal.h>

#include <bus_driver.h>
#include <bus_vdev_driver.h>

#include "logged.h"
#include "netns.h"
#include "test.h"
#include "vdev_port.h"

/* Long enough for every look and uevent to have come. */
#define LOOKS_MS 1500

/* Packets go by its index, and so does the port; its name is free for another one. */
static void
test_renamed_interface_is_the_same(void **state)
{
	uint16_t port;

	(void)state;
	vdev_enable("");
	netns_make("va");
	port = vdev_port(VDEV_ARGS);
	netns_run("ip link set va down && ip link set va name vc && ip link set vc up && "
		  "ip link set va-p name vc-p");
	netns_make("va");
	test_sleep_ms(LOOKS_MS);
	assert_int_equal(vdev_n_gone, 0);
	assert_true(vdev_link(port) && vdev_flows(port, "vc"));
	vdev_lose("vc");                /* by the name that it has now */
	assert_true(WAIT_FOR(vdev_n_success == 1));     /* onto the one that has its old name */
	assert_true(vdev_flows(port, "va"));
	vdev_remove(port);
}

static void
test_interface_that_moves_away_is_lost(void **state)
{
	uint16_t port;

	(void)state;
	vdev_enable("");
	netns_make("va");
	port = vdev_port(VDEV_ARGS);
	netns_run("unshare -n sleep 60 & echo $! > /tmp/hp-netns-$PPID; "
		  "while [ /proc/$!/ns/net -ef /proc/self/ns/net ]; do sleep 0.01; done; "
		  "ip link set va netns $!");
	assert_true(WAIT_FOR(vdev_n_gone == 1));
	netns_run("nsenter -n -t $(cat /tmp/hp-netns-$PPID) ip link set va netns $PPID && "
		  "ip link set va up; kill $(cat /tmp/hp-netns-$PPID); rm /tmp/hp-netns-$PPID");
	assert_true(WAIT_FOR(vdev_n_success == 1));
	assert_true(vdev_flows(port, "va"));
	vdev_remove(port);
}

/* With its own index, between two looks: the sockets on it are dead all the same. */
static void
test_interface_that_has_been_away_is_lost(void **state)
{
	unsigned int index, again;
	uint16_t port;

	(void)state;
	vdev_enable("liveness_ms=0");
	netns_make("va");
	port = vdev_port(VDEV_ARGS);
	index = if_nametoindex("va");
	netns_run("unshare -n sh -c 'until ip link set va netns '$PPID' 2>/dev/null; do "
		  "sleep 0.01; done' & "
		  "while [ /proc/$!/ns/net -ef /proc/self/ns/net ]; do sleep 0.01; done; "
		  "ip link set va netns $!; wait $!; ip link set va up");
	again = if_nametoindex("va");
	assert_true(WAIT_FOR(vdev_n_success == 1));
	assert_int_equal(again, index);
	assert_true(vdev_flows(port, "va"));
	vdev_remove(port);
}

static void
test_another_kind_is_not_healed_onto(void **state)
{
	unsigned int n_ready;
	uint16_t port;

	(void)state;
	vdev_enable("");
	netns_make("va");
	port = vdev_port(VDEV_ARGS);
	vdev_lose("va");
	log_clear();
	n_ready = vdev_n_ready;
	netns_run("ip tuntap add va mode tap");
	assert_true(WAIT_FOR(vdev_n_ready == n_ready + 1));
	assert_int_equal(vdev_card, HOTPLUG_CARD_OTHER);
	assert_true(WAIT_FOR(is_logged("another card came")));
	test_sleep_ms(LOOKS_MS);
	assert_int_equal(vdev_n_success, 0);
	assert_false(vdev_link(port));
	netns_run("ip link del va");
	vdev_come_back("va");
	assert_true(vdev_flows(port, "va"));
	vdev_remove(port);
}

static void
test_another_kind_is_healed_onto_where_asked(void **state)
{
	uint16_t port;

	(void)state;
	vdev_enable("heal_other=on");
	netns_make("va");
	port = vdev_port(VDEV_ARGS);
	vdev_lose("va");
	netns_run("ip tuntap add va mode tap");
	assert_true(WAIT_FOR(vdev_n_success == 1));
	assert_true(vdev_is_configured(port));
	vdev_remove(port);
}

static void
test_interface_that_never_was_is_not_waited_for(void **state)
{
	uint16_t port = 77;

	(void)state;
	vdev_enable("");
	assert_true(hotplug_port_attach(VDEV_ARGS_OF("7", "vn"), &port) < 0);
	assert_int_equal(port, 77);
	netns_make("vn");
	test_sleep_ms(LOOKS_MS);
	assert_int_equal(vdev_n_ready + vdev_n_gone, 0);
	assert_int_equal(rte_eth_dev_count_avail(), 0);
	port = vdev_port(VDEV_ARGS_OF("7", "vn"));      /* and can be made now */
	assert_true(vdev_flows(port, "vn"));
	vdev_remove(port);
}

/* Its driver's own probe, before our wrapper is put in front. */
static rte_vdev_probe_t *stock_probe;
static void (*before_probe)(void), (*after_probe)(void);

static int
probe(struct rte_vdev_device *dev)
{
	int ret;

	if (before_probe != NULL)
		before_probe();
	ret = stock_probe(dev);
	if (after_probe != NULL)
		after_probe();
	return ret;
}

static void
get_between(void (*before)(void), void (*after)(void))
{
	before_probe = before;
	after_probe = after;
}

/* Before the library is in front of it. */
static int
stand_in(void)
{
	struct rte_vdev_driver *driver = NULL;

	if (rte_bus_find_by_name("vdev")->parse("net_af_packet", &driver) != 0)
		return -1;
	stock_probe = driver->probe;
	driver->probe = probe;
	return 0;
}

static void
delete_it(void)
{
	netns_delete("va");
}

static void
make_another(void)
{
	netns_delete("va");
	netns_make("va");
}

static void
test_deleted_before_its_driver_has_it(void **state)
{
	uint16_t port = 77;

	(void)state;
	get_between(delete_it, NULL);
	vdev_enable("");
	netns_make("va");
	assert_true(hotplug_port_attach(VDEV_ARGS_OF("6", "va"), &port) < 0);
	assert_int_equal(port, 77);
	get_between(NULL, NULL);
	assert_int_equal(rte_eth_dev_count_avail(), 0);
	assert_int_equal(vdev_n_gone, 0);
}

/* Its probe succeeds, on an interface that is no more. */
static void
test_deleted_before_its_probe_returns(void **state)
{
	static void (*const odd[])(void) = { delete_it, make_another };
	uint16_t port = 77;
	unsigned int i;

	(void)state;
	for (i = 0; i < N_ELEMENTS(odd); i++) {
		get_between(NULL, odd[i]);
		vdev_enable("policy=survive");
		netns_make("va");
		assert_int_equal(hotplug_port_attach(VDEV_ARGS, &port), 0);
		assert_true(WAIT_FOR(vdev_n_gone == 1));
		assert_false(vdev_link(port));
		vdev_tear_down(NULL);
	}
	get_between(NULL, NULL);
}

static bool deletes;

static void *
make_elsewhere(void *arg)
{
	int *ret = arg;

	*ret = unshare(CLONE_NEWNET);
	if (*ret == 0) {
		netns_make("va");
		*ret = rte_vdev_init(VDEV_NAME, "iface=va");
		if (deletes)
			netns_delete("va");
	}
	return NULL;
}

static void
test_made_in_another_namespace_is_not_ours(void **state)
{
	pthread_t thread;
	uint16_t port;
	int ret = -1;

	(void)state;
	vdev_enable("");
	log_clear();
	deletes = true;
	assert_int_equal(pthread_create(&thread, NULL, make_elsewhere, &ret), 0);
	pthread_join(thread, NULL);
	assert_int_equal(ret, 0);
	assert_true(is_logged("another network namespace"));
	assert_int_equal(rte_eth_dev_get_port_by_name(VDEV_NAME, &port), 0);
	netns_make("va");
	netns_delete("va");
	test_sleep_ms(LOOKS_MS);
	assert_int_equal(vdev_n_gone + vdev_n_ready, 0);
	assert_int_equal(rte_vdev_uninit(VDEV_NAME), 0);
}

/* It works, and was there before the library: neither closed nor healed. */
static void
test_made_in_another_namespace_before_enable(void **state)
{
	pthread_t thread;
	uint16_t port;
	int ret = -1;

	(void)state;
	deletes = false;
	assert_int_equal(pthread_create(&thread, NULL, make_elsewhere, &ret), 0);
	pthread_join(thread, NULL);
	assert_int_equal(ret, 0);
	log_clear();
	vdev_enable("");
	assert_true(is_logged("another network namespace, or not known: not guarded"));
	test_sleep_ms(LOOKS_MS);
	assert_int_equal(vdev_n_gone + vdev_n_ready, 0);
	assert_int_equal(rte_eth_dev_get_port_by_name(VDEV_NAME, &port), 0);
	assert_int_equal(rte_vdev_uninit(VDEV_NAME), 0);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		VDEV_CASE(test_made_in_another_namespace_before_enable),
		VDEV_CASE(test_deleted_before_its_driver_has_it),
		VDEV_CASE(test_made_in_another_namespace_is_not_ours),
		VDEV_CASE(test_interface_that_never_was_is_not_waited_for),
		VDEV_CASE(test_renamed_interface_is_the_same),
		VDEV_CASE(test_interface_that_moves_away_is_lost),
		VDEV_CASE(test_interface_that_has_been_away_is_lost),
		VDEV_CASE(test_another_kind_is_not_healed_onto),
		VDEV_CASE(test_another_kind_is_healed_onto_where_asked),
		VDEV_CASE(test_deleted_before_its_probe_returns),
	};
	const char *reason = vdev_start(argv[0], argc > 1);

	if (reason != NULL) {
		printf("1..0 # SKIP %s\n", reason);
		return 0;
	}
	if (stand_in() != 0 || logged_start() != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
