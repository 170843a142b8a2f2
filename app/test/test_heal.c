/* SPDX-License-Identifier: BSD-3-Clause */

/* test_heal: a card comes back, and its ports work as before, under their ids.
 * In:  mock functions and a PMD for them (test_pmd.c) on the real pci bus and ethdev;
 *      also linked as a static program is (heal_wrapped).
 * Context: app; the library's own threads do the work. */

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <ethdev_driver.h>
#include <hotplug.h>

#include "../../lib/port/here.h"
#include "../../lib/port/port.h"
#include "mock_port.h"
#include "test.h"

static _Atomic unsigned int n_success2;        /* of a second port */

static void
test_port_heals_under_its_id_with_the_card(void **state)
{
	struct test_pmd *low = plug("0000:22:00.0"), *pmd = plug("0000:23:00.0");
	uint16_t port = pmd->port;

	(void)state;
	remove_port(low->port);
	n_new = 0;
	lose_for_good(pmd);
	mock_sysfs_add("0000:23:00.0", "hotplug_mock");
	hotplug_scan();
	assert_true(WAIT_FOR(n_success == 1));
	assert_non_null(mock_find("0000:23:00.0"));
	assert_int_equal(pmd->port, port);      /* though a lower id is free */
	assert_true(rte_eth_dev_is_valid_port(port));
	assert_int_equal(rte_eth_dev_is_removed(port), 0);
	assert_int_equal(n_new, 0);             /* a port that pauses is neither new nor gone */
	remove_port(port);
}

static struct poller {
	pthread_t thread;
	uint16_t port;
	atomic_bool is_over;
} poller;

/* As a data path does: it knows nothing of removals. */
static void *
poll_port(void *arg)
{
	struct poller *p = arg;
	struct rte_mbuf *pkts[4];

	while (!atomic_load(&p->is_over))
		(void)rte_eth_rx_burst(p->port, 0, pkts, N_ELEMENTS(pkts));
	return NULL;
}

static void
begin_to_poll(uint16_t port)
{
	poller.port = port;
	atomic_store(&poller.is_over, false);
	assert_int_equal(pthread_create(&poller.thread, NULL, poll_port, &poller), 0);
}

static void
end_to_poll(void)
{
	atomic_store(&poller.is_over, true);
	pthread_join(poller.thread, NULL);
}

/* ethdev clears the fast path of a port that a failing probe gives back, zeros
 * first; a thread that polls meanwhile dies of it. */
static void
test_port_is_polled_while_its_probe_fails(void **state)
{
	struct test_pmd *pmd = plug("0000:25:00.0");
	uint16_t port = pmd->port;
	void **queues;

	(void)state;
	start_port(port);
	begin_to_poll(port);
	lose_for_good(pmd);
	queues = rte_eth_fp_ops[port].rxq.data;
	test_pmd_bad_inits = 100;
	come_back(pmd);
	assert_true(WAIT_FOR(test_pmd_bad_inits <= 98));        /* failed twice, or more */
	assert_ptr_equal(rte_eth_fp_ops[port].rxq.data, queues);
	test_pmd_bad_inits = 0;
	assert_true(WAIT_FOR(n_success == 1));
	assert_ptr_equal(rte_eth_fp_ops[port].rxq.data, rte_eth_devices[port].data->rx_queues);
	assert_int_equal(pmd->port, port);
	end_to_poll();
	remove_port(port);
}

/* What it answers between two tries: as a dead port does. */
static void
test_port_whose_probe_fails_is_dead_further(void **state)
{
	struct test_pmd *pmd = plug("0000:26:00.0");
	struct rte_ether_addr mac;
	uint16_t port = pmd->port, found;

	(void)state;
	start_port(port);
	lose_for_good(pmd);
	test_pmd_bad_inits = 100;
	pmd->n_probes = 0;
	come_back(pmd);
	assert_true(WAIT_FOR(pmd->n_probes >= 1));
	assert_true(WAIT_FOR(rte_eth_dev_is_valid_port(port)));
	assert_int_equal(rte_eth_dev_is_removed(port), 1);
	assert_int_equal(rte_eth_macaddr_get(port, &mac), 0);
	assert_int_equal(rte_eth_dev_get_port_by_name("0000:26:00.0", &found), 0);
	assert_int_equal(found, port);
	test_pmd_bad_inits = 0;
	assert_true(WAIT_FOR(n_success == 1));
	remove_port(port);
}

/* As EAL answers in the moment in which the kernel has it between two drivers: not a
 * reason to give it up. */
static void
test_port_heals_when_a_driver_takes_it_at_last(void **state)
{
	struct test_pmd *pmd = plug("0000:29:00.0");
	uint16_t port = pmd->port;

	(void)state;
	start_port(port);
	lose_for_good(pmd);
	test_pmd_probe_answer = 1;
	pmd->n_probes = 0;
	come_back(pmd);
	assert_true(WAIT_FOR(pmd->n_probes == 2));
	test_pmd_probe_answer = 0;
	assert_true(WAIT_FOR(n_success == 1));
	assert_int_equal(n_removed, 0);
	assert_int_equal(pmd->port, port);
	remove_port(port);
}

static bool
is_overridden(const char *name)
{
	struct stat st;

	assert_int_equal(stat(mock_sysfs_path(name, "driver_override"), &st), 0);
	return st.st_size > 0;
}

/* Who takes the driver away, an administrator or a removal on its way, is not worked
 * against; the card is taken back when it is given back. */
static void
test_card_is_not_bound_again_while_it_is_the_same(void **state)
{
	struct test_pmd *pmd = plug("0000:2a:00.0");
	uint16_t port = pmd->port;

	(void)state;
	start_port(port);
	mock_sysfs_write("0000:2a:00.0", "driver_override", "", 0);
	mock_sysfs_bind("0000:2a:00.0", "e1000e");
	close(pmd->sign[1]);
	assert_true(WAIT_FOR(rte_eth_dev_is_removed(port) == 1 && pmd->n_removes == 1));
	test_sleep_ms(600);             /* two tries, if it tried */
	assert_false(is_overridden("0000:2a:00.0"));
	assert_int_equal(n_removed, 0);
	mock_sysfs_bind("0000:2a:00.0", "hotplug_mock");
	hotplug_scan();
	assert_true(WAIT_FOR(n_success == 1));
	assert_int_equal(pmd->port, port);
	remove_port(port);
}

/* A silent card is still listed, under its driver; one day it answers again. */
static void
test_dark_card_is_not_probed_until_it_answers(void **state)
{
	struct test_pmd *pmd = plug("0000:24:00.0");
	uint16_t port = pmd->port;

	(void)state;
	start_port(port);
	mock_sysfs_config("0000:24:00.0", 0x00, 0xffff);
	assert_true(WAIT_FOR(rte_eth_dev_is_removed(port) == 1 && pmd->n_removes == 1));
	pmd->n_probes = 0;
	test_sleep_ms(600);             /* two tries, if it tried */
	assert_int_equal(pmd->n_probes, 0);
	mock_sysfs_config("0000:24:00.0", 0x00, 0x1234);
	assert_true(WAIT_FOR(n_success == 1));
	assert_int_equal(n_removed, 0);
	remove_port(port);
}

static struct hotplug_event last_gone;

static void
keep_gone(const struct hotplug_event *event, void *arg)
{
	(void)arg;
	if (event->type == HOTPLUG_EVENT_GONE)
		last_gone = *event;
}

/* Subscribers may lag, and the card be back before we hear that it went. */
static void
test_loss_of_a_former_life_is_no_loss(void **state)
{
	struct test_pmd *pmd = plug("0000:31:00.0");
	uint16_t port = pmd->port;
	int id;

	(void)state;
	start_port(port);
	id = hotplug_event_subscribe("0000:31:00.0", keep_gone, NULL);
	assert_true(id >= 0);
	lose_for_good(pmd);
	assert_int_equal(hotplug_event_unsubscribe(id), 0);
	assert_string_equal(last_gone.device, "0000:31:00.0");
	come_back(pmd);
	assert_true(WAIT_FOR(n_success == 1));
	pmd->n_closes = 0;
	last_gone.id.generation++;      /* sysfs never has an inode twice, /tmp may */
	port_on_event(&last_gone);
	assert_int_equal(rte_eth_dev_is_removed(port), 0);
	test_sleep_ms(100);
	assert_int_equal(pmd->n_closes, 0);
	remove_port(port);
}

static unsigned int n_to_refuse;

static int
refuse_some(struct test_pmd *pmd)
{
	(void)pmd;
	return n_to_refuse > 0 && n_to_refuse-- > 0 ? -EIO : 0;
}

/* Probed, and then it does not take what was configured: closed, and tried again. */
static void
test_port_that_is_not_configured_is_torn_down_again(void **state)
{
	struct test_pmd *pmd = plug("0000:27:00.0");
	uint16_t port = pmd->port;

	(void)state;
	start_port(port);
	lose_for_good(pmd);
	assert_int_equal(pmd->n_closes, 1);
	test_pmd_in_configure = refuse_some;
	n_to_refuse = 1;
	come_back(pmd);
	assert_true(WAIT_FOR(n_success == 1));
	test_pmd_in_configure = NULL;
	assert_int_equal(pmd->n_closes, 2);
	assert_int_equal(pmd->n_starts, 2);
	assert_int_equal(pmd->port, port);
	remove_port(port);
}

static int
lose_once(struct test_pmd *pmd)
{
	if (n_to_refuse-- == 1)
		lose(pmd);
	return WAIT_FOR(rte_eth_dev_is_removed(pmd->port) == 1) ? 0 : -ETIME;
}

/* Torn out while it is being configured: what was configured before is not lost. */
static void
test_port_is_lost_while_it_heals(void **state)
{
	struct test_pmd *pmd = plug("0000:28:00.0");
	uint16_t port = pmd->port;

	(void)state;
	start_port(port);
	lose_for_good(pmd);
	test_pmd_in_configure = lose_once;
	n_to_refuse = 1;
	pmd->n_configures = 0;
	come_back(pmd);
	assert_true(WAIT_FOR(pmd->n_configures == 1 && pmd->n_closes == 2));
	assert_true(WAIT_FOR(mock_find("0000:28:00.0") == NULL));
	assert_int_equal(n_to_refuse, 0);
	assert_int_equal(n_success, 0);
	test_pmd_in_configure = NULL;
	come_back(pmd);
	assert_true(WAIT_FOR(n_success == 1));
	assert_int_equal(pmd->n_starts, 2);     /* it was started, so it is again */
	remove_port(port);
}

/* ethdev gives the lowest free id, and the second card is back first. */
static void
test_ports_keep_their_ids_in_the_other_order(void **state)
{
	struct test_pmd *first = plug("0000:2c:00.0"), *second = plug("0000:2d:00.0");
	uint16_t first_id = first->port, second_id = second->port;

	(void)state;
	start_port(first_id);
	start_port(second_id);
	lose(first);
	lose(second);
	assert_true(WAIT_FOR(mock_find("0000:2c:00.0") == NULL &&
			     mock_find("0000:2d:00.0") == NULL));
	come_back(second);
	assert_true(WAIT_FOR(n_success == 1));
	assert_int_equal(second->port, second_id);
	assert_int_equal(rte_eth_dev_is_removed(second_id), 0);
	assert_int_equal(rte_eth_dev_is_removed(first_id), 1);
	come_back(first);
	assert_true(WAIT_FOR(n_success == 2));
	assert_int_equal(first->port, first_id);
	assert_int_equal(rte_eth_dev_is_removed(first_id), 0);
	assert_int_equal(n_new, 0);
	remove_port(first_id);
	remove_port(second_id);
}

static int
success_of(uint16_t port, enum rte_eth_event_type type, void *arg, void *result)
{
	(void)port;
	(void)type;
	(void)result;
	++*(_Atomic unsigned int *)arg;
	return 0;
}

static _Atomic int port_gone;

static void
on_gone(const struct hotplug_event *event, void *arg)
{
	(void)arg;
	if (event->type == HOTPLUG_EVENT_GONE)
		port_gone = event->n_ports == 1 ? event->port[0] : -1;
}

/* While a port heals ethdev does not list it: the events of its second life named none. */
static void
test_second_loss_names_its_port(void **state)
{
	struct test_pmd *pmd = plug("0000:7d:00.0");
	int id = hotplug_event_subscribe("0000:7d:00.0", on_gone, NULL);

	(void)state;
	assert_true(id > 0);
	start_port(pmd->port);
	port_gone = -2;
	lose_for_good(pmd);
	assert_true(WAIT_FOR(port_gone == pmd->port));
	come_back(pmd);
	assert_true(WAIT_FOR(n_success == 1));
	port_gone = -2;
	lose_for_good(pmd);
	assert_true(WAIT_FOR(port_gone != -2));
	assert_int_equal(port_gone, pmd->port);
	assert_int_equal(hotplug_event_unsubscribe(id), 0);
	come_back(pmd);
	assert_true(WAIT_FOR(n_success == 2));
	remove_port(pmd->port);
}

/* The driver makes the port that was closed anew, first, and was given the id of the other:
 * "another number of ports", for good. */
static void
test_other_port_heals_when_the_first_was_closed(void **state)
{
	struct test_pmd *pmd, *other;
	uint16_t first, second;

	(void)state;
	test_pmd_n_ports = 2;
	pmd = plug("0000:7e:00.0");
	first = pmd->port;
	second = pmd->port2;
	rte_eth_dev_callback_register(second, RTE_ETH_EVENT_RECOVERY_SUCCESS, success_of,
				      (void *)(uintptr_t)&n_success2);
	start_port(second);
	assert_int_equal(rte_eth_dev_close(first), 0);
	test_pmd_n_ports = 1;
	other = mock_plug("0000:7f:00.0");
	assert_int_equal(other->port, first);
	test_pmd_n_ports = 2;
	lose_for_good(pmd);
	n_success2 = 0;
	come_back(pmd);
	assert_true(WAIT_FOR(n_success2 == 1));
	test_pmd_n_ports = 1;
	assert_int_equal(pmd->port2, second);
	assert_int_equal(hotplug_port_list("0000:7e:00.0", NULL, 0), 1);
	assert_string_equal(rte_eth_devices[first].device->name, "0000:7f:00.0");
	remove_port(first);
	remove_port(second);
}

/* Two ports on one function, with a stranger's id between them. */
static void
test_both_ports_of_a_device_heal(void **state)
{
	struct test_pmd *stranger = mock_plug("0000:2e:00.0"), *low, *pmd;
	uint16_t ports[2], port, port2;

	(void)state;
	low = mock_plug("0000:2f:00.0");
	assert_true(low->port > stranger->port);
	remove_port(stranger->port);
	test_pmd_n_ports = 2;
	pmd = plug("0000:30:00.0");
	port = pmd->port;
	port2 = pmd->port2;
	assert_true(port < low->port && low->port < port2);
	n_success2 = 0;
	rte_eth_dev_callback_register(port2, RTE_ETH_EVENT_RECOVERY_SUCCESS, success_of,
				      (void *)(uintptr_t)&n_success2);
	start_port(port);
	start_port(port2);
	pmd->n_starts = pmd->n_closes = 0;
	lose_for_good(pmd);
	assert_int_equal(pmd->n_closes, 2);
	remove_port(low->port);
	come_back(pmd);
	assert_true(WAIT_FOR(n_success == 1 && n_success2 == 1));
	test_pmd_n_ports = 1;
	assert_int_equal(pmd->port, port);
	assert_int_equal(pmd->port2, port2);
	assert_int_equal(pmd->n_starts, 2);
	assert_int_equal(hotplug_port_list("0000:30:00.0", ports, 2), 2);
	assert_int_equal(rte_eth_dev_is_removed(port) + rte_eth_dev_is_removed(port2), 0);
	assert_int_equal(rte_eth_dev_stop(port2), 0);
	assert_int_equal(rte_eth_dev_close(port2), 0);
	remove_port(port);
}

static void
set_everything(uint16_t port)
{
	struct rte_eth_rss_reta_entry64 reta[2] = { { .mask = 1ull << 63 }, { .mask = 2 } };
	struct rte_ether_addr mac = { { 2, 0, 0, 0, 0, 0x17 } };
	struct rte_eth_fc_conf flow_ctrl = { .high_water = 1234 };
	uint8_t key[40] = { 0x6d, [39] = 0x5a };
	struct rte_eth_rss_conf rss = { .rss_key = key, .rss_key_len = 40,
					.rss_hf = RTE_ETH_RSS_IPV4 };
	struct rte_eth_conf conf = {
		.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS,
		.rx_adv_conf.rss_conf = { .rss_key = key, .rss_key_len = 40,
					  .rss_hf = RTE_ETH_RSS_IP },
	};

	assert_int_equal(rte_eth_dev_configure(port, 4, 0, &conf), 0);
	assert_int_equal(rte_eth_dev_start(port), 0);
	key[0]++;
	assert_int_equal(rte_eth_dev_rss_hash_update(port, &rss), 0);
	reta[0].reta[63] = 3;
	reta[1].reta[1] = 2;
	assert_int_equal(rte_eth_dev_rss_reta_update(port, reta, 128), 0);
	assert_int_equal(rte_eth_dev_flow_ctrl_set(port, &flow_ctrl), 0);
	assert_int_equal(rte_eth_dev_mac_addr_add(port, &mac, 0), 0);
	assert_int_equal(rte_eth_dev_set_link_down(port), 0);
	assert_int_equal(rte_eth_promiscuous_enable(port), 0);
	memset(key, 0, sizeof(key));    /* the caller's: not to be looked at again */
}

static void
heal_what_was_set(const char *name, bool is_started)
{
	struct test_settings before;
	struct test_pmd *pmd;
	uint16_t port;

	test_pmd_max_queues = 4;
	pmd = plug(name);
	port = pmd->port;
	set_everything(port);
	before = pmd->told;
	assert_int_equal(before.key[0], 0x6e);
	assert_int_equal(before.reta[65], 2);
	if (!is_started)
		assert_int_equal(rte_eth_dev_stop(port), 0);
	lose_for_good(pmd);
	come_back(pmd);
	assert_true(WAIT_FOR(n_success == 1));
	before.configured_key[0]++;     /* the newer one, from the beginning */
	assert_memory_equal(&pmd->told, &before, sizeof(before));
	assert_int_equal(rte_eth_promiscuous_get(port), 1);
	assert_int_equal(rte_eth_devices[port].data->dev_started, is_started);
	test_pmd_max_queues = 1;
	remove_port(port);
}

/* What configure does not bring back, and a dead card cannot be asked for. */
static void
test_port_heals_with_what_was_set(void **state)
{
	(void)state;
	heal_what_was_set("0000:2b:00.0", true);
}

/* One that was stopped had lost all of that when it was started next. */
static void
test_stopped_port_heals_with_what_was_set(void **state)
{
	(void)state;
	heal_what_was_set("0000:4c:00.0", false);
}

/* All that a card takes: those behind the 64th were lost without a word. */
static void
test_port_heals_with_many_addresses(void **state)
{
	struct rte_ether_addr mac = { { 2, 0, 0, 0, 1, 0 } }, macs[128];
	struct test_pmd *pmd;
	unsigned int i, n = 0;

	(void)state;
	test_pmd_max_macs = N_ELEMENTS(macs);
	pmd = plug("0000:4e:00.0");
	start_port(pmd->port);
	for (; mac.addr_bytes[5] < 100; mac.addr_bytes[5]++)
		assert_int_equal(rte_eth_dev_mac_addr_add(pmd->port, &mac, 0), 0);
	lose_for_good(pmd);
	mac.addr_bytes[5] = 99;
	assert_int_equal(rte_eth_dev_mac_addr_remove(pmd->port, &mac), 0);
	come_back(pmd);
	assert_true(WAIT_FOR(n_success == 1));
	assert_int_equal(pmd->told.n_macs, 99);
	assert_int_equal(rte_eth_macaddrs_get(pmd->port, macs, N_ELEMENTS(macs)), N_ELEMENTS(macs));
	for (i = 1; i < N_ELEMENTS(macs); i++)
		n += macs[i].addr_bytes[4] == 1;
	assert_int_equal(n, 99);
	test_pmd_max_macs = 8;
	remove_port(pmd->port);
}

/* Nor is it to be set again where it has not been configured yet (testpmd's `port attach`). */
static void
test_new_port_heals_with_its_mode_and_address(void **state)
{
	struct rte_ether_addr mac = { { 2, 0, 0, 0, 0, 0x33 } }, now;
	struct test_pmd *pmd = plug("0000:4d:00.0");

	(void)state;
	assert_int_equal(rte_eth_promiscuous_enable(pmd->port), 0);
	assert_int_equal(rte_eth_dev_default_mac_addr_set(pmd->port, &mac), 0);
	lose_for_good(pmd);
	come_back(pmd);
	assert_true(WAIT_FOR(n_success == 1));
	assert_int_equal(rte_eth_promiscuous_get(pmd->port), 1);
	assert_int_equal(rte_eth_macaddr_get(pmd->port, &now), 0);
	assert_memory_equal(&now, &mac, sizeof(mac));
	remove_port(pmd->port);
}

/* EAL tells other processes in 128 bytes, and 26.07 refuses more in its own. */
static void
test_port_heals_with_long_devargs(void **state)
{
	char text[300] = "0000:35:00.0,a=";
	struct test_pmd *pmd = plug("0000:35:00.0");
	uint16_t port;

	(void)state;
	remove_port(pmd->port);
	memset(text + strlen(text), 'x', sizeof(text) - strlen(text) - 1);
	assert_int_equal(hotplug_port_attach(text, &port), 0);
	rte_eth_dev_callback_register(port, RTE_ETH_EVENT_RECOVERY_SUCCESS, success_of,
				      (void *)(uintptr_t)&n_success2);
	n_success2 = 0;
	lose_for_good(pmd);
	come_back(pmd);
	assert_true(WAIT_FOR(n_success2 == 1));
	assert_string_equal(mock_find("0000:35:00.0")->devargs->args, strchr(text, ',') + 1);
	remove_port(port);
}

/* What cannot be remembered whole is not healed with other options: given up at once. */
static void
test_port_with_endless_devargs_is_given_up(void **state)
{
	char text[HOTPLUG_DEVARGS_LEN + 100] = "0000:34:00.0,a=";
	struct test_pmd *pmd = plug("0000:34:00.0");
	uint16_t port = pmd->port;

	(void)state;
	remove_port(port);
	memset(text + strlen(text), 'x', sizeof(text) - strlen(text) - 1);
	assert_int_equal(here_attach("0000:34:00.0", text), 1);
	pmd = test_pmd_of("0000:34:00.0");
	port = pmd->port;
	n_removed = 0;
	rte_eth_dev_callback_register(port, RTE_ETH_EVENT_INTR_RMV, success_of,
				      (void *)(uintptr_t)&n_removed);
	lose_for_good(pmd);
	pmd->n_probes = 0;
	come_back(pmd);
	assert_true(WAIT_FOR(n_removed > 0));   /* RECOVERY_FAILED, and its application's again */
	assert_int_equal(pmd->n_probes, 0);
	assert_int_equal(rte_eth_dev_is_removed(port), 1);
	remove_port(port);
}

/* --- another port, in a callback of one that heals ----------------------------------------- */

static uint16_t others_port;
static int others_answer;
static void (*wanted_with_other)(void), (*with_other)(void);

/* As vmxnet3's start, which tells of the link. */
static void
tell_link(struct test_pmd *pmd)
{
	test_pmd_in_start = NULL;
	with_other = wanted_with_other;
	rte_eth_dev_callback_process(&rte_eth_devices[pmd->port], RTE_ETH_EVENT_INTR_LSC, NULL);
}

static int
on_link(uint16_t port, enum rte_eth_event_type type, void *arg, void *result)
{
	(void)port;
	(void)type;
	(void)arg;
	(void)result;
	if (with_other != NULL)         /* not at the loss, nor at the end */
		with_other();
	with_other = NULL;
	return 0;
}

static void
stop_other(void)
{
	others_answer = rte_eth_dev_stop(others_port);
}

static void
start_other(void)
{
	const struct rte_eth_conf conf = { 0 };

	others_answer = rte_eth_dev_configure(others_port, 1, 0, &conf);
	if (others_answer == 0)
		others_answer = rte_eth_dev_start(others_port);
}

static void
close_other(void)
{
	others_answer = rte_eth_dev_close(others_port);
}

/* One card heals, and its driver's start calls back. */
static void
heal_with(const char *name, void (*what)(void))
{
	struct test_pmd *pmd = plug(name);
	uint16_t port = pmd->port;

	start_port(port);
	rte_eth_dev_callback_register(port, RTE_ETH_EVENT_INTR_LSC, on_link, NULL);
	lose_for_good(pmd);
	others_answer = -1;
	wanted_with_other = what;
	test_pmd_in_start = tell_link;
	come_back(pmd);
	assert_true(WAIT_FOR(n_success == 1));
	assert_int_equal(others_answer, 0);
	rte_eth_dev_callback_unregister(port, RTE_ETH_EVENT_INTR_LSC, on_link, NULL);
	remove_port(port);
}

static unsigned int
starts_of_next_heal(struct test_pmd *pmd)
{
	unsigned int n_starts = pmd->n_starts;

	n_success = 0;
	lose_for_good(pmd);
	come_back(pmd);
	assert_true(WAIT_FOR(n_success == 1));
	return pmd->n_starts - n_starts;
}

/* What the application does there with another port was taken for the library's own: a stop and
 * a start were not on record, and a close was refused behind which ethdev freed the port. */
static void
test_other_port_in_a_callback_of_a_heal_is_the_applications(void **state)
{
	struct test_pmd *other = plug("0000:98:00.0");

	(void)state;
	others_port = other->port;
	start_port(others_port);
	heal_with("0000:99:00.0", stop_other);
	assert_int_equal(starts_of_next_heal(other), 0);
	heal_with("0000:9a:00.0", start_other);
	assert_int_equal(starts_of_next_heal(other), 1);
	assert_int_equal(rte_eth_dev_stop(others_port), 0);
	other->n_closes = 0;
	heal_with("0000:9b:00.0", close_other);
	assert_int_equal(other->n_closes, 1);
	assert_false(rte_eth_dev_is_valid_port(others_port));
}

static int
start(void **state)
{
	return mock_port_start(state, NULL);
}

/* Its pool is gone, and the next port with its id has nothing to do with it. */
static void
test_record_of_a_closed_port_is_not_the_next_ones(void **state)
{
	struct rte_mempool *pool = rte_pktmbuf_pool_create("former", 63, 0, 0, 2048, 0);
	const struct rte_eth_conf conf = { 0 };
	struct test_pmd *pmd = plug("0000:3e:00.0");
	uint16_t port = pmd->port;

	(void)state;
	assert_int_equal(rte_eth_dev_configure(port, 1, 0, &conf), 0);
	assert_int_equal(rte_eth_rx_queue_setup(port, 0, 64, 0, NULL, pool), 0);
	lose_for_good(pmd);
	remove_port(port);
	rte_mempool_free(pool);
	pmd = plug("0000:3f:00.0");
	assert_int_equal(pmd->port, port);
	start_port(port);               /* a queue, not set up */
	lose_for_good(pmd);
	come_back(pmd);
	assert_true(WAIT_FOR(n_success == 1));
	assert_null(rte_eth_devices[port].data->rx_queues[0]);
	remove_port(port);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_port_heals_under_its_id_with_the_card),
		cmocka_unit_test(test_port_is_polled_while_its_probe_fails),
		cmocka_unit_test(test_port_whose_probe_fails_is_dead_further),
		cmocka_unit_test(test_port_heals_when_a_driver_takes_it_at_last),
		cmocka_unit_test(test_card_is_not_bound_again_while_it_is_the_same),
		cmocka_unit_test(test_dark_card_is_not_probed_until_it_answers),
		cmocka_unit_test(test_loss_of_a_former_life_is_no_loss),
		cmocka_unit_test(test_port_that_is_not_configured_is_torn_down_again),
		cmocka_unit_test(test_port_is_lost_while_it_heals),
		cmocka_unit_test(test_ports_keep_their_ids_in_the_other_order),
		cmocka_unit_test(test_second_loss_names_its_port),
		cmocka_unit_test(test_other_port_heals_when_the_first_was_closed),
		cmocka_unit_test(test_both_ports_of_a_device_heal),
		cmocka_unit_test(test_port_heals_with_what_was_set),
		cmocka_unit_test(test_stopped_port_heals_with_what_was_set),
		cmocka_unit_test(test_new_port_heals_with_its_mode_and_address),
		cmocka_unit_test(test_port_heals_with_many_addresses),
		cmocka_unit_test(test_port_heals_with_long_devargs),
		cmocka_unit_test(test_port_with_endless_devargs_is_given_up),
		cmocka_unit_test(test_record_of_a_closed_port_is_not_the_next_ones),
		cmocka_unit_test(test_other_port_in_a_callback_of_a_heal_is_the_applications),
	};

	return cmocka_run_group_tests_name("heal", tests, start, mock_port_stop);
}
