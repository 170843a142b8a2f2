/* SPDX-License-Identifier: BSD-3-Clause */

/* test_mp_heal: a card comes back in every process, or waits for the one that does not
 * know yet that it was gone.
 * In:  mock functions on the real pci bus, whose kernel driver revokes nothing; a
 *      primary with policy heal and a secondary; a hugetlbfs as the first argument, more
 *      of the primary's options as the second.
 * Out: TAP.
 * Context: app; the processes answer one byte of command by one struct. */

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bus_pci_driver.h>
#include <rte_ethdev.h>
#include <rte_launch.h>

#include <hotplug.h>

#include "mock_eal.h"
#include "mp_process.h"
#include "test.h"

#define CARD "0000:01:00.0"
#define AWAY 0x7fff             /* the id of no port */

static struct process primary, member;
static char primary_options[64] = "policy=heal";

enum { SEE = 's', TOUCH = 't', LOSE = 'l', COME = 'c', START = 'S', FAIL = 'f', PASS = 'p',
       POLL = 'o', POLL_NO_MORE = 'O', PROBES = 'n', DETACH = 'd', ATTACH = 'a',
       RECEIVED = 'r', STRAYS = 'x', REMOVALS = 'R' };

static _Atomic int n_removals;          /* INTR_RMV */

static int
on_removal(uint16_t port, enum rte_eth_event_type type, void *arg, void *result)
{
	(void)port;
	(void)type;
	(void)arg;
	(void)result;
	n_removals++;
	return 0;
}

static int
listen_to_removals(void)
{
	return rte_eth_dev_callback_register(RTE_ETH_ALL, RTE_ETH_EVENT_INTR_RMV, on_removal,
					     NULL);
}

static int
port_id(void)
{
	uint16_t id;

	if (rte_eth_dev_get_port_by_name(CARD, &id) != 0 || rte_eth_dev_is_removed(id) == 1)
		return AWAY;
	return id;
}

static int
start_port(void)
{
	const struct rte_eth_conf conf = { 0 };
	uint16_t id = port_id();
	struct rte_mempool *pool;
	int ret;

	pool = rte_mempool_lookup("pool");
	if (pool == NULL)
		pool = rte_pktmbuf_pool_create("pool", 63, 0, 0, 256, 0);
	ret = rte_eth_dev_configure(id, 1, 0, &conf);
	if (ret == 0)
		ret = rte_eth_rx_queue_setup(id, 0, 64, 0, NULL, pool);
	return ret != 0 ? ret : rte_eth_dev_start(id);
}

#define POLLER 1        /* the lcore: other threads are waited for by time alone (quiet.c) */

static struct {
	uint16_t port;
	_Atomic bool is_over;
} poller;

/* As a data path does: it knows nothing of removals. */
static int
poll_port(void *arg)
{
	struct rte_mbuf *pkts[4];

	(void)arg;
	while (!atomic_load(&poller.is_over))
		(void)rte_eth_rx_burst(poller.port, 0, pkts, N_ELEMENTS(pkts));
	return 0;
}

static int
begin_to_poll(void)
{
	poller.port = port_id();
	atomic_store(&poller.is_over, false);
	return rte_eal_remote_launch(poll_port, NULL, POLLER);
}

static int
end_to_poll(void)
{
	atomic_store(&poller.is_over, true);
	return rte_eal_wait_lcore(POLLER);
}

static int
obey(unsigned char command)
{
	switch (command) {
	case LOSE:
		mock_sysfs_remove(CARD);
		return close(test_pmd_of(CARD)->sign[1]);
	case COME:
		mock_sysfs_add(CARD, "hotplug_mock");
		return hotplug_scan() >= 0 ? 0 : -1;
	case START:
		return start_port();
	case FAIL:
		test_pmd_probe_answer = -EIO;
		return 0;
	case PASS:
		test_pmd_probe_answer = 0;
		return 0;
	case POLL:
		return begin_to_poll();
	case POLL_NO_MORE:
		return end_to_poll();
	case PROBES:
		return test_pmd_of(CARD)->n_probes;
	case DETACH:
		return hotplug_device_detach(CARD, 0, NULL);
	case ATTACH:
		return hotplug_device_attach(CARD, 0, NULL);
	case RECEIVED:
		return test_pmd_n_received;
	case REMOVALS:
		return n_removals;
	case STRAYS:
		return test_pmd_n_strays;
	default:
		return 0;
	}
}

/* sign: the port's id, or AWAY. */
static struct report
serve(unsigned char command)
{
	const struct test_pmd *pmd = test_pmd_of(CARD);
	struct report report = { .state = obey(command) };

	report.sign = port_id();
	if (command == TOUCH && report.sign != AWAY && pmd->bar != NULL)
		report.bar = mock_read(pmd->bar);
	return report;
}

static bool
has(const struct process *process)
{
	return mp_ask(process, SEE).sign != AWAY;
}

static bool
works(const struct process *process)
{
	return mp_ask(process, TOUCH).bar == 0x5a;
}

static void
lose_it(void)
{
	assert_int_equal(mp_ask(&primary, LOSE).state, 0);
	assert_true(WAIT_FOR(!has(&primary)));
}

static void
test_card_heals_in_every_process(void **state)
{
	int id = mp_ask(&primary, SEE).sign;

	(void)state;
	assert_int_equal(mp_ask(&primary, START).state, 0);
	lose_it();
	assert_true(WAIT_FOR(!has(&member)));
	assert_int_equal(mp_ask(&primary, COME).state, 0);
	assert_true(WAIT_FOR(works(&primary) && works(&member)));
	assert_int_equal(mp_ask(&primary, SEE).sign, id);
	assert_int_equal(mp_ask(&member, SEE).sign, id);
	/* testpmd would detach it for all by itself, beside the primary's teardown */
	assert_int_equal(mp_ask(&member, REMOVALS).state, 0);
	assert_int_equal(mp_ask(&primary, REMOVALS).state, 0);
}

static bool
is_receiving(const struct process *process)
{
	int before = mp_ask(process, RECEIVED).state;

	return WAIT_FOR(mp_ask(process, RECEIVED).state > before + 5);
}

/* ethdev's release clears what the thread reads; the primary frees the queues that it
 * is at. */
static void
test_secondary_polls_all_the_time(void **state)
{
	unsigned int i;

	(void)state;
	assert_int_equal(mp_ask(&member, POLL).state, 0);
	for (i = 0; i < 3; i++) {        /* more is flapping */
		assert_true(is_receiving(&member));
		lose_it();
		assert_true(WAIT_FOR(!has(&member)));
		assert_int_equal(mp_ask(&primary, COME).state, 0);
		assert_true(WAIT_FOR(works(&primary) && works(&member)));
	}
	assert_true(is_receiving(&member));
	assert_int_equal(mp_ask(&member, STRAYS).state, 0);
	assert_int_equal(mp_ask(&member, POLL_NO_MORE).state, 0);
}

/* It would go on using the BAR of the card that went. */
static void
test_card_waits_for_a_process_that_is_stopped(void **state)
{
	int n_probes;

	(void)state;
	assert_int_equal(kill(member.pid, SIGSTOP), 0);
	n_probes = mp_ask(&primary, PROBES).state;
	lose_it();
	assert_int_equal(mp_ask(&primary, COME).state, 0);
	usleep(3500 * 1000);
	assert_int_equal(mp_ask(&primary, PROBES).state, n_probes);
	assert_false(has(&primary));
	assert_int_equal(kill(member.pid, SIGCONT), 0);
	assert_true(WAIT_FOR(works(&primary) && works(&member)));
}

/* All or nothing; then it is tried again. */
static void
test_heal_is_undone_where_one_process_fails(void **state)
{
	int n_probes;

	(void)state;
	lose_it();
	assert_true(WAIT_FOR(!has(&member)));
	assert_int_equal(mp_ask(&member, FAIL).state, 0);
	n_probes = mp_ask(&primary, PROBES).state;
	assert_int_equal(mp_ask(&primary, COME).state, 0);
	assert_true(WAIT_FOR(mp_ask(&primary, PROBES).state >= n_probes + 2));
	assert_int_equal(mp_ask(&member, PASS).state, 0);
	assert_true(WAIT_FOR(works(&primary) && works(&member)));
}

/* What is kept for the card is not taken by an attach; what heals is not detached. */
static void
test_attach_does_not_take_what_heal_keeps(void **state)
{
	(void)state;
	lose_it();
	assert_true(WAIT_FOR(!has(&member)));
	assert_true(WAIT_FOR(mp_ask(&member, ATTACH).state == -EBUSY));
	assert_int_equal(mp_ask(&primary, ATTACH).state, -EBUSY);
	assert_int_equal(mp_ask(&primary, COME).state, 0);
	assert_true(WAIT_FOR(works(&primary) && works(&member)));
}

static void
test_killed_process_keeps_nothing_waiting(void **state)
{
	(void)state;
	mp_kill(&member);
	lose_it();
	assert_int_equal(mp_ask(&primary, COME).state, 0);
	assert_true(WAIT_FOR(works(&primary)));
}

/* heal_forced: in the others at once; the stopped one finds another card than it had. */
static void
test_forced_heal_does_not_wait(void **state)
{
	(void)state;
	assert_int_equal(kill(member.pid, SIGSTOP), 0);
	lose_it();
	assert_int_equal(mp_ask(&primary, COME).state, 0);
	assert_true(WAIT_FOR(works(&primary)));
	assert_int_equal(kill(member.pid, SIGCONT), 0);
	assert_true(WAIT_FOR(mp_ask(&member, PROBES).state == 2));
	assert_true(WAIT_FOR(works(&member)));
	assert_int_equal(mp_ask(&member, DETACH).state, 0);
	assert_false(has(&primary) || has(&member));
}

static int
set_up(void **state)
{
	(void)state;
	mock_sysfs_make();
	mock_sysfs_add(CARD, "hotplug_mock");
	/* not a step further with the machine's own devices in sight */
	assert_memory_equal(rte_pci_get_sysfs_path(), "/tmp/hotplug-sysfs-", 19);
	mp_started = listen_to_removals;
	mp_fork(&primary, "primary", primary_options, serve);
	mp_fork(&member, "secondary", "policy=heal", serve);
	return mp_ask(&primary, MP_START).state != 0 || mp_ask(&member, MP_START).state != 0;
}

static int
tear_down(void **state)
{
	(void)state;
	mp_kill(&member);
	mp_kill(&primary);
	mp_remove_files();
	mock_sysfs_destroy();
	return 0;
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_card_heals_in_every_process),
		cmocka_unit_test(test_secondary_polls_all_the_time),
		cmocka_unit_test(test_card_waits_for_a_process_that_is_stopped),
		cmocka_unit_test(test_heal_is_undone_where_one_process_fails),
		cmocka_unit_test(test_attach_does_not_take_what_heal_keeps),
		cmocka_unit_test(test_killed_process_keeps_nothing_waiting),
	};
	const struct CMUnitTest forced_tests[] = {
		cmocka_unit_test(test_forced_heal_does_not_wait),
	};

	if (argc < 2)
		return 2;
	mp_prepare(argv[1]);
	mp_lcores = "0@0,1@0";
	if (argc == 2)
		return cmocka_run_group_tests_name("mp_heal", tests, set_up, tear_down);
	snprintf(primary_options, sizeof(primary_options), "policy=heal,%s", argv[2]);
	return cmocka_run_group_tests_name("mp_heal", forced_tests, set_up, tear_down);
}
