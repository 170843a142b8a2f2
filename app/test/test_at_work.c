/* SPDX-License-Identifier: BSD-3-Clause */

/* test_at_work: a card dies while its driver is inside a call of the application's, and
 * polls registers for a zero, then for ones: the call ends, under every policy.
 * In:  mock functions and their PMD; the registers are full of ones when the card goes.
 * Context: app. */

#include <pthread.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_ethdev.h>

#include <hotplug.h>

#include "mock_port.h"
#include "test.h"

static atomic_bool is_inside, is_lost, has_ended;

static void
poll_registers(struct test_pmd *pmd)
{
	atomic_store(&is_inside, true);
	if (!WAIT_FOR(atomic_load(&is_lost)))
		return;
	atomic_store(&has_ended, WAIT_FOR(mock_read(pmd->bar) == 0) &&
		     WAIT_FOR(mock_read(pmd->bar) == 0xff));
	test_pmd_in_stop = test_pmd_in_close = test_pmd_in_stats = NULL;
}

static void *
stop_it(void *port)
{
	(void)rte_eth_dev_stop(*(uint16_t *)port);
	return NULL;
}

static void *
close_it(void *port)
{
	(void)rte_eth_dev_close(*(uint16_t *)port);
	return NULL;
}

static void *
read_stats(void *port)
{
	struct rte_eth_stats stats;

	(void)rte_eth_stats_get(*(uint16_t *)port, &stats);
	return NULL;
}

/* What a stop leaves has been entered: else nobody seems to be at work when one is. */
static void
stop_and_start(uint16_t port)
{
	assert_int_equal(rte_eth_dev_stop(port), 0);
	assert_int_equal(rte_eth_dev_start(port), 0);
}

/* L3: GONE is not said of registers that are not cut off, and the call returns. */
static void
check(const char *name, void *(*call)(void *port))
{
	struct test_pmd *pmd = plug(name);
	uint16_t port = pmd->port;
	pthread_t thread;

	start_port(port);
	stop_and_start(port);
	if (call == close_it)
		assert_int_equal(rte_eth_dev_stop(port), 0);
	memset(pmd->bar, 0xff, MOCK_BAR_LEN);
	atomic_store(&is_inside, false);
	atomic_store(&is_lost, false);
	atomic_store(&has_ended, false);
	test_pmd_in_stop = call == stop_it ? poll_registers : NULL;
	test_pmd_in_close = call == close_it ? poll_registers : NULL;
	test_pmd_in_stats = call == read_stats ? poll_registers : NULL;
	assert_int_equal(pthread_create(&thread, NULL, call, &port), 0);
	assert_true(WAIT_FOR(atomic_load(&is_inside)));
	lose(pmd);
	assert_true(WAIT_FOR(hotplug_device_state(name) == HOTPLUG_STATE_GONE));
	atomic_store(&is_lost, true);
	pthread_join(thread, NULL);
	assert_true(atomic_load(&has_ended));
}

static void
enable(enum hotplug_policy policy)
{
	struct hotplug_config config;

	assert_int_equal(hotplug_disable(), 0);
	hotplug_config_init(&config);
	config.policy = policy;
	assert_int_equal(hotplug_enable(&config), 0);
}

static void
test_tell(void **state)
{
	(void)state;
	enable(HOTPLUG_POLICY_TELL);
	check("0000:22:00.0", read_stats);
	check("0000:23:00.0", stop_it);
	check("0000:24:00.0", close_it);
}

static void
test_survive(void **state)
{
	(void)state;
	enable(HOTPLUG_POLICY_SURVIVE);
	check("0000:25:00.0", read_stats);
	check("0000:26:00.0", stop_it);
	check("0000:27:00.0", close_it);
}

static void
test_heal(void **state)
{
	(void)state;
	enable(HOTPLUG_POLICY_HEAL);
	check("0000:28:00.0", read_stats);
	check("0000:29:00.0", stop_it);
	check("0000:2a:00.0", close_it);
}

static int
start(void **state)
{
	return mock_port_start(state, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tell),
		cmocka_unit_test(test_survive),
		cmocka_unit_test(test_heal),
	};

	return cmocka_run_group_tests_name("at_work", tests, start, mock_port_stop);
}
