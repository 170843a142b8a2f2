/* SPDX-License-Identifier: BSD-3-Clause */

/* test_stuck: a lost port's driver does not return: said once, nobody waits for it, and
 * nothing is freed under it, at the end of the process neither.
 * In:  mock functions and a PMD whose close or remove is held by us; stuck_ms=300.
 * Context: app; the library's own threads do the work. */

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_malloc.h>
#include <rte_pause.h>

#include <ethdev_driver.h>
#include <hotplug.h>

#include "mock_eal.h"
#include "test.h"

#define STUCK_MS 300
#define SOON_MS 2500            /* for what waits for nobody, on a busy machine */

static _Atomic unsigned int n_failed, n_success, n_stuck;
static atomic_bool is_held, is_inside;
static volatile unsigned int *heap;     /* of EAL: unmapped when EAL ends */
static struct hotplug_event last;

static int
on_port_event(uint16_t port, enum rte_eth_event_type type, void *arg, void *result)
{
	(void)port;
	(void)arg;
	(void)result;
	n_failed += type == RTE_ETH_EVENT_RECOVERY_FAILED;
	n_success += type == RTE_ETH_EVENT_RECOVERY_SUCCESS;
	return 0;
}

static void
on_event(const struct hotplug_event *event, void *arg)
{
	(void)arg;
	if (event->type != HOTPLUG_EVENT_STUCK)
		return;
	last = *event;
	n_stuck++;
}

/* As a driver that polls a bit that never comes. */
static void
hold(struct test_pmd *pmd)
{
	(void)pmd;
	atomic_store(&is_inside, true);
	while (atomic_load(&is_held)) {
		++*heap;
		rte_pause();
	}
	atomic_store(&is_inside, false);
}

static uint64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ull + ts.tv_nsec / 1000000;
}

/* A started port, torn out; its driver holds where the test said. */
static struct test_pmd *
lose(const char *name)
{
	const struct rte_eth_conf conf = { 0 };
	struct test_pmd *pmd = mock_plug(name);

	assert_int_equal(rte_eth_dev_configure(pmd->port, 1, 0, &conf), 0);
	assert_int_equal(rte_eth_dev_start(pmd->port), 0);
	rte_eth_dev_callback_register(pmd->port, RTE_ETH_EVENT_RECOVERY_FAILED, on_port_event,
				      NULL);
	rte_eth_dev_callback_register(pmd->port, RTE_ETH_EVENT_RECOVERY_SUCCESS, on_port_event,
				      NULL);
	n_failed = n_success = n_stuck = 0;
	pmd->n_closes = 0;
	atomic_store(&is_held, true);
	mock_sysfs_remove(pmd->name);
	close(pmd->sign[1]);
	assert_true(WAIT_FOR(atomic_load(&is_inside)));
	return pmd;
}

static void
check_others_work(const char *name)
{
	char detached[HOTPLUG_NAME_LEN];
	uint64_t start = now_ms();
	uint16_t port;

	mock_sysfs_add(name, "hotplug_mock");
	assert_int_equal(hotplug_port_attach(name, &port), 0);
	test_pmd_in_close = NULL;
	test_pmd_in_remove = NULL;
	assert_int_equal(hotplug_port_remove(port, detached, sizeof(detached)), 0);
	assert_true(now_ms() - start < SOON_MS);
}

static void
check_is_stuck(const struct test_pmd *pmd, uint16_t port)
{
	struct hotplug_stats stats = { .size = sizeof(stats) };
	char name[HOTPLUG_NAME_LEN] = "untouched";
	uint64_t start;

	assert_true(WAIT_FOR(n_stuck == 1));
	assert_string_equal(last.device, pmd->name);
	assert_int_equal(last.n_ports, 1);
	assert_int_equal(last.port[0], port);
	assert_true(WAIT_FOR(n_failed == 1));
	assert_int_equal(hotplug_stats_get(&stats), 0);
	assert_true(stats.stuck >= 1);
	start = now_ms();
	assert_int_equal(rte_eth_dev_stop(port), 0);
	assert_int_equal(rte_eth_dev_close(port), -EBUSY);
	assert_int_equal(hotplug_port_detach(port, name, sizeof(name)), -EBUSY);
	assert_int_equal(hotplug_port_remove(port, name, sizeof(name)), -EBUSY);
	assert_string_equal(name, "untouched");
	assert_true(now_ms() - start < SOON_MS);
	assert_true(rte_eth_dev_is_valid_port(port));
}

static void
let_go(void)
{
	atomic_store(&is_held, false);
	assert_true(WAIT_FOR(!atomic_load(&is_inside)));
}

static void
test_driver_stuck_in_close(void **state)
{
	struct test_pmd *pmd;
	uint16_t port;

	(void)state;
	test_pmd_in_close = hold;
	pmd = lose("0000:51:00.0");
	port = pmd->port;
	check_is_stuck(pmd, port);
	check_others_work("0000:52:00.0");
	let_go();
	assert_true(WAIT_FOR(mock_find(pmd->name) == NULL));
	test_sleep_ms(50);
	assert_int_equal(rte_eth_dev_close(port), 0);
	assert_int_equal(pmd->n_closes, 1);
	assert_false(rte_eth_dev_is_valid_port(port));
	assert_int_equal(n_stuck, 1);
	assert_int_equal(n_success, 0);
}

/* EAL's remove is one at a time; a driver that is stuck in it does not keep it. */
static void
test_driver_stuck_in_remove(void **state)
{
	struct test_pmd *pmd;
	uint16_t port;

	(void)state;
	test_pmd_in_remove = hold;
	pmd = lose("0000:53:00.0");
	port = pmd->port;
	check_is_stuck(pmd, port);
	check_others_work("0000:54:00.0");
	let_go();
	assert_true(WAIT_FOR(mock_find(pmd->name) == NULL));
	test_sleep_ms(50);
	assert_int_equal(rte_eth_dev_close(port), 0);
	assert_int_equal(pmd->n_closes, 1);
}

/* The card is back before its driver is: given up is given up, until it comes anew. */
static void
test_card_comes_back_while_stuck(void **state)
{
	char name[HOTPLUG_NAME_LEN];
	struct test_pmd *pmd;
	uint16_t port;

	(void)state;
	test_pmd_in_close = hold;
	pmd = lose("0000:55:00.0");
	port = pmd->port;
	assert_true(WAIT_FOR(n_stuck == 1));
	mock_sysfs_add(pmd->name, "hotplug_mock");
	hotplug_scan();
	test_sleep_ms(100);
	let_go();
	test_pmd_in_close = NULL;
	assert_true(WAIT_FOR(mock_find(pmd->name) == NULL));
	test_sleep_ms(300);
	assert_int_equal(n_success, 0);
	mock_sysfs_remove(pmd->name);
	hotplug_scan();
	mock_sysfs_add(pmd->name, "hotplug_mock");
	hotplug_scan();
	assert_true(WAIT_FOR(n_success == 1));
	assert_int_equal(hotplug_port_remove(port, name, sizeof(name)), 0);
}

/* A driver that takes a third of the time it has; what the machine makes of it, in ms. */
static uint64_t
be_slow(const char *name)
{
	uint64_t start = now_ms(), took;
	uint16_t port = lose(name)->port;

	test_sleep_ms(STUCK_MS / 3);
	let_go();
	assert_int_equal(rte_eth_dev_stop(port), 0);
	assert_true(WAIT_FOR(rte_eth_dev_close(port) != -EBUSY));
	assert_false(rte_eth_dev_is_valid_port(port));
	took = now_ms() - start;
	test_sleep_ms(STUCK_MS);
	return took;
}

/* In time: nobody hears of it.  A busy machine may make it late: then once more. */
static void
test_slow_driver_is_not_stuck(void **state)
{
	char name[] = "0000:60:00.0";

	(void)state;
	test_pmd_in_close = hold;
	while (be_slow(name) >= STUCK_MS && name[6] < '9')
		name[6]++;
	assert_int_not_equal(name[6], '9');
	assert_int_equal(n_stuck, 0);
	test_pmd_in_close = NULL;
}

/* Last: it writes EAL's memory while rte_eal_cleanup() gives that back (stop()). */
static void
test_process_ends_while_a_driver_is_stuck(void **state)
{
	struct test_pmd *pmd;

	(void)state;
	test_pmd_in_close = hold;
	pmd = lose("0000:57:00.0");
	assert_true(WAIT_FOR(n_stuck == 1));
	assert_int_equal(pmd->n_closes, 0);
	pmd->n_removes = 0;
}

static int
start(void **state)
{
	struct hotplug_config config;

	hotplug_config_init(&config);
	config.policy = HOTPLUG_POLICY_HEAL;
	config.liveness_ms = 50;
	config.stuck_ms = STUCK_MS;
	if (mock_eal_start(state) != 0 || hotplug_enable(&config) != 0)
		return -1;
	heap = rte_zmalloc(NULL, sizeof(*heap), 0);
	return hotplug_event_subscribe(NULL, on_event, NULL) < 0;
}

static int
stop(void **state)
{
	uint64_t begin = now_ms();
	int ret;

	(void)state;
	test_pmd_in_close = NULL;
	test_pmd_in_remove = NULL;
	ret = rte_eal_cleanup();
	test_sleep_ms(100);     /* it would fault now */
	mock_eal_remove_files();
	return ret != 0 || !atomic_load(&is_inside) || now_ms() - begin > 2 * SOON_MS ||
		test_pmd_of("0000:57:00.0")->n_removes != 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_driver_stuck_in_close),
		cmocka_unit_test(test_driver_stuck_in_remove),
		cmocka_unit_test(test_card_comes_back_while_stuck),
		cmocka_unit_test(test_slow_driver_is_not_stuck),
		cmocka_unit_test(test_process_ends_while_a_driver_is_stuck),
	};

	return cmocka_run_group_tests_name("stuck", tests, start, stop);
}
