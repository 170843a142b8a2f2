/* SPDX-License-Identifier: BSD-3-Clause */

/* test_vdev: the network interface under a port is deleted, and made anew.
 * In:  DPDK's own net_af_packet on veth pairs, in a network namespace of the test's own;
 *      with an argument in a user namespace, too, as a container's: no uevents there.
 * Context: app; the library's own threads do the work. */

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#include <rte_bus_vdev.h>
#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_malloc.h>

#include "netns.h"
#include "test.h"
#include "vdev_port.h"

static void
test_port_heals_when_its_interface_is_made_anew(void **state)
{
	struct rte_eth_stats before, after;
	uint16_t port;

	(void)state;
	vdev_enable("");
	netns_make("va");
	port = vdev_port(VDEV_ARGS);
	assert_true(vdev_flows(port, "va"));
	assert_true(vdev_link(port));
	assert_int_equal(rte_eth_stats_get(port, &before), 0);
	vdev_lose("va");
	assert_true(WAIT_FOR(vdev_n_recovering == 1));
	assert_false(vdev_link(port));
	assert_int_equal(rte_eth_dev_is_removed(port), 1);
	assert_true(rte_eth_dev_is_valid_port(port));
	assert_int_equal(rte_eth_dev_set_mtu(port, 1300), -EIO);
	vdev_come_back("va");
	assert_true(vdev_is_configured(port) && vdev_link(port));
	assert_true(vdev_flows(port, "va"));
	assert_int_equal(rte_eth_stats_get(port, &after), 0);
	assert_true(after.ipackets > before.ipackets && after.opackets > before.opackets);
	assert_int_equal(vdev_n_gone, 1);
	assert_int_equal(vdev_n_ports_gone, 1);
	assert_int_equal(vdev_n_removed, 0);
	vdev_remove(port);
}

/* It is READY, and was told to be when it came: nothing has become of it. */
static void
test_detach_is_no_return(void **state)
{
	uint16_t port;

	(void)state;
	vdev_enable("");
	netns_make("va");
	port = vdev_port(VDEV_ARGS);
	assert_int_equal(hotplug_scan(), 0);
	vdev_n_ready = 0;               /* it may have been known before this */
	vdev_remove(port);
	assert_int_equal(hotplug_scan(), 0);
	assert_int_equal(hotplug_scan(), 0);
	assert_int_equal(hotplug_device_state(VDEV_NAME), HOTPLUG_STATE_READY);
	assert_int_equal(vdev_n_ready, 0);
}

static void
test_tell_leaves_it_to_the_application(void **state)
{
	uint16_t port;

	(void)state;
	vdev_enable("policy=tell");
	netns_make("va");
	port = vdev_port(VDEV_ARGS);
	vdev_lose("va");
	assert_true(WAIT_FOR(vdev_n_removed == 1 && vdev_n_lsc == 1));
	assert_int_equal(vdev_n_recovering, 0);
	assert_int_equal(rte_eth_dev_stop(port), 0);
	vdev_remove(port);
	vdev_make_and_wait("va");
	assert_int_equal(vdev_card, HOTPLUG_CARD_ALIKE);
	port = vdev_port(VDEV_ARGS);
	assert_true(vdev_flows(port, "va"));
	vdev_remove(port);
}

static void
test_survive_keeps_the_id(void **state)
{
	uint16_t port, other;

	(void)state;
	vdev_enable("policy." VDEV_NAME "=survive");
	netns_make("va");
	netns_make("vb");
	port = vdev_port(VDEV_ARGS);
	vdev_lose("va");
	vdev_wait_until_held();
	other = vdev_port(VDEV_ARGS_OF("1", "vb"));
	assert_int_not_equal(other, port);
	vdev_make_and_wait("va");
	assert_false(vdev_link(port));
	assert_int_equal(vdev_n_success, 0);
	assert_true(vdev_flows(other, "vb"));
	vdev_remove(port);
	vdev_remove(other);
}

/* EAL's own way to a dead port's device, which is none of the bus's any more. */
static void
test_dead_port_goes_by_eals_own_remove(void **state)
{
	struct rte_eth_dev_info info;
	uint16_t port;

	(void)state;
	vdev_enable("policy=survive");
	netns_make("va");
	port = vdev_port(VDEV_ARGS);
	vdev_lose("va");
	vdev_wait_until_held();
	assert_int_equal(rte_eth_dev_info_get(port, &info), 0);
	assert_int_equal(rte_dev_remove(info.device), 0);
	assert_false(rte_eth_dev_is_valid_port(port));
}

static void
test_drill_heals(void **state)
{
	uint16_t port;

	(void)state;
	vdev_enable("");
	netns_make("va");
	port = vdev_port(VDEV_ARGS);
	assert_int_equal(hotplug_simulate_removal(VDEV_NAME), 0);
	assert_true(WAIT_FOR(vdev_n_gone == 1));
	assert_int_equal(hotplug_simulate_return(VDEV_NAME), 0);
	assert_true(WAIT_FOR(vdev_n_success == 1));
	assert_true(vdev_is_configured(port) && vdev_flows(port, "va"));
	vdev_remove(port);
}

/* Those that are there already, and one that went while nobody looked. */
static void
test_enabled_late_finds_what_is_there(void **state)
{
	uint16_t port;

	(void)state;
	vdev_enable("");
	netns_make("va");
	port = vdev_port(VDEV_ARGS);
	vdev_disable();
	vdev_enable("");
	vdev_lose("va");
	vdev_come_back("va");
	assert_true(vdev_flows(port, "va"));
	vdev_disable();
	netns_run("ip link del va");
	netns_make("va");               /* another one, under the same name */
	vdev_enable("");
	assert_true(WAIT_FOR(vdev_n_success == 1));
	assert_true(vdev_is_configured(port) && vdev_flows(port, "va"));
	vdev_remove(port);
}

/* The kernel deals frames out between them (PACKET_FANOUT): which gets one is not ours. */
static void
test_two_on_one_interface_both_heal(void **state)
{
	uint16_t port, other;

	(void)state;
	vdev_enable("");
	netns_make("va");
	port = vdev_port(VDEV_ARGS);
	other = vdev_port(VDEV_ARGS_OF("1", "va"));
	netns_delete("va");
	assert_true(WAIT_FOR(vdev_n_gone == 2));
	netns_make("va");
	assert_true(WAIT_FOR(vdev_n_success == 2));
	assert_true(vdev_link(port) && vdev_is_configured(port));
	assert_true(vdev_link(other) && vdev_is_configured(other));
	assert_int_equal(vdev_n_gone, 2);
	vdev_remove(port);
	vdev_remove(other);
}

static unsigned int n_rounds = 5;      /* a second each without uevents, and more */

static struct asker {
	pthread_t thread;
	uint16_t port;
	_Atomic bool is_over;
} asker;

static void *
ask_for_link(void *arg)
{
	struct asker *a = arg;

	while (!a->is_over)
		(void)vdev_link(a->port);
	return NULL;
}

/* As monitoring does.  This driver never looks at its link again: what is written over it
 * stays. */
static void
test_link_is_asked_for_while_it_heals(void **state)
{
	unsigned int i;

	(void)state;
	vdev_enable("flaps=0");
	netns_make("va");
	asker.port = vdev_port(VDEV_ARGS);
	asker.is_over = false;
	assert_int_equal(pthread_create(&asker.thread, NULL, ask_for_link, &asker), 0);
	for (i = 0; i < n_rounds; i++) {
		vdev_lose("va");
		vdev_come_back("va");
		if (!vdev_link(asker.port))
			break;
	}
	asker.is_over = true;
	pthread_join(asker.thread, NULL);
	assert_int_equal(i, n_rounds);
	vdev_remove(asker.port);
}

static unsigned int
count(const char *folder)
{
	DIR *dir = opendir(folder);
	unsigned int n = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

struct held {
	unsigned int n_fds, n_threads, n_mbufs;
	size_t n_bytes;
};

static struct held
take_stock(void)
{
	struct rte_malloc_socket_stats heap;

	assert_int_equal(rte_malloc_get_socket_stats(0, &heap), 0);
	return (struct held){ .n_fds = count("/proc/self/fd"),
		.n_threads = count("/proc/self/task"),
		.n_mbufs = rte_mempool_avail_count(vdev_pool),
		.n_bytes = heap.heap_allocsz_bytes };
}

/* More in test vdev-rounds, with testpmd. */
static void
test_nothing_is_left_of_many_losses(void **state)
{
	struct held before = { .n_fds = 0 }, after;
	unsigned int i;
	uint16_t port;

	(void)state;
	vdev_enable("flaps=0");
	netns_make("va");
	port = vdev_port(VDEV_ARGS);
	for (i = 0; i < n_rounds; i++) {
		if (i == 1)
			before = take_stock();
		vdev_lose("va");
		vdev_come_back("va");
		assert_true(vdev_flows(port, "va"));
	}
	assert_int_equal(vdev_n_gone, n_rounds);
	assert_true(WAIT_FOR((after = take_stock()).n_threads <= before.n_threads));
	assert_int_equal(after.n_fds, before.n_fds);
	assert_int_equal(after.n_mbufs, before.n_mbufs);
	assert_int_equal(after.n_bytes, before.n_bytes);
	vdev_remove(port);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		VDEV_CASE(test_port_heals_when_its_interface_is_made_anew),
		VDEV_CASE(test_detach_is_no_return),
		VDEV_CASE(test_tell_leaves_it_to_the_application),
		VDEV_CASE(test_survive_keeps_the_id),
		VDEV_CASE(test_dead_port_goes_by_eals_own_remove),
		VDEV_CASE(test_drill_heals),
		VDEV_CASE(test_enabled_late_finds_what_is_there),
		VDEV_CASE(test_two_on_one_interface_both_heal),
		VDEV_CASE(test_link_is_asked_for_while_it_heals),
		VDEV_CASE(test_nothing_is_left_of_many_losses),
	};
	const char *reason = vdev_start(argv[0], argc > 1);

	n_rounds = argc > 1 ? 3 : n_rounds;
	if (reason != NULL) {
		printf("1..0 # SKIP %s\n", reason);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
