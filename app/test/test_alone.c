/* SPDX-License-Identifier: BSD-3-Clause */

/* test_alone: no device waits for another, nor for a subscriber.
 * In:  mock functions and a PMD whose probe is held by us; subscribers that sleep;
 *      stuck_ms=300.
 * Context: app; the library's own threads do the work. */

#include <errno.h>
#include <linux/netlink.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_log.h>

#include <ethdev_driver.h>
#include <hotplug.h>

#include "eal/stock_bus.h"
#include "port/port.h"
#include "report/events.h"
#include "mock_port.h"
#include "test.h"

#define STUCK_MS 300
#define SOON_MS 3000            /* on a busy machine: a second beside it, and its own time */

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static _Atomic unsigned int n_inside, n_stuck;
static _Atomic bool is_held;
static struct test_pmd *held;
static struct hotplug_config config;

static uint64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ull + ts.tv_nsec / 1000000;
}

/* As a driver that waits for its card. */
static void
hold_bad(struct test_pmd *pmd)
{
	if (!atomic_load(&is_held) || pmd != held)
		return;
	atomic_fetch_add(&n_inside, 1);
	while (atomic_load(&is_held))
		test_sleep_ms(1);
	atomic_fetch_sub(&n_inside, 1);
}

static void
on_event(const struct hotplug_event *event, void *arg)
{
	(void)arg;
	n_stuck += event->type == HOTPLUG_EVENT_STUCK;
}

/* Two ports lost; the bad one's card is back, and its driver in its probe. */
static void
hold_in_probe(struct test_pmd *bad, struct test_pmd *good)
{
	start_port(bad->port);
	lose_for_good(bad);
	if (good != NULL) {
		start_port(good->port);
		lose_for_good(good);
	}
	n_stuck = 0;
	held = bad;
	atomic_store(&is_held, true);
	test_pmd_in_probe = hold_bad;
	come_back(bad);
	assert_true(WAIT_FOR(atomic_load(&n_inside) == 1));
}

static int
match_name(const struct rte_device *dev, const void *name)
{
	return strcmp(dev->name, name);
}

static bool
has_bar(const char *name)
{
	struct rte_device *dev = bus_find_device(mock_bus, match_name, name);

	assert_non_null(dev);
	return container_of(dev, struct rte_pci_device, device)->mem_resource[0].addr != NULL;
}

static void
test_probe_that_waits_keeps_no_other_card(void **state)
{
	struct test_pmd *bad = plug("0000:28:00.0"), *good = plug("0000:29:00.0");
	struct rte_eth_fc_conf flow_ctrl = { .high_water = 7 };
	uint16_t bad_id = bad->port, good_id = good->port;
	uint64_t start;

	(void)state;
	assert_int_equal(rte_eth_dev_flow_ctrl_set(bad_id, &flow_ctrl), 0);
	hold_in_probe(bad, good);
	start = now_ms();
	come_back(good);
	assert_true(WAIT_FOR(n_success == 1));
	assert_true(now_ms() - start < SOON_MS);
	assert_int_equal(atomic_load(&n_inside), 1);
	assert_int_equal(rte_eth_dev_is_removed(good_id), 0);
	assert_true(has_bar("0000:28:00.0"));      /* the other's scan has left it alone */
	assert_true(WAIT_FOR(n_stuck == 1));
	assert_int_equal(port_of(&rte_eth_devices[bad_id])->state, PORT_STUCK);
	atomic_store(&is_held, false);
	assert_true(WAIT_FOR(n_success == 2));  /* late, but well */
	assert_int_equal(bad->port, bad_id);
	assert_int_equal(good->port, good_id);
	assert_int_equal(rte_eth_dev_is_removed(bad_id), 0);
	assert_int_equal(bad->told.high_water, 7);      /* what is on record of it is still its own */
	remove_port(bad_id);
	remove_port(good_id);
}

/* Its driver gives the port back that it had got, late. */
static void
test_probe_that_fails_late_is_tried_again(void **state)
{
	struct test_pmd *bad = plug("0000:2a:00.0");
	uint16_t port = bad->port;

	(void)state;
	hold_in_probe(bad, NULL);
	assert_true(WAIT_FOR(n_stuck == 1));
	test_pmd_bad_inits = 1;
	atomic_store(&is_held, false);
	assert_true(WAIT_FOR(n_success == 1));
	assert_int_equal(test_pmd_bad_inits, 0);
	assert_int_equal(bad->port, port);
	assert_int_equal(port_of(&rte_eth_devices[port])->state, PORT_LIVE);
	remove_port(port);
}

static void
sleep_inside(const struct hotplug_event *event, void *arg)
{
	(void)event;
	(void)arg;
	atomic_fetch_add(&n_inside, 1);
	pthread_mutex_lock(&gate);
	pthread_mutex_unlock(&gate);
	atomic_fetch_sub(&n_inside, 1);
}

/* So many events that some are lost, before the card's own. */
static void
test_port_is_torn_down_and_healed_beside_a_subscriber_that_sleeps(void **state)
{
	struct hotplug_event noise = { .size = sizeof(noise), .type = HOTPLUG_EVENT_READY };
	struct hotplug_stats stats = { .size = sizeof(stats) };
	struct test_pmd *pmd = plug("0000:2c:00.0");
	uint16_t port = pmd->port;
	unsigned int i;
	int id;

	(void)state;
	start_port(port);
	pthread_mutex_lock(&gate);
	id = hotplug_event_subscribe(NULL, sleep_inside, NULL);
	rte_log_set_level_pattern("lib.hotplug", RTE_LOG_ERR);
	for (i = 0; i < 1100; i++)
		events_push(&noise);
	assert_true(WAIT_FOR(atomic_load(&n_inside) == 1));
	lose_for_good(pmd);
	assert_int_equal(n_recovering, 1);
	come_back(pmd);
	assert_true(WAIT_FOR(n_success == 1));
	assert_int_equal(atomic_load(&n_inside), 1);
	assert_int_equal(hotplug_stats_get(&stats), 0);
	assert_true(stats.events_lost > 0);
	pthread_mutex_unlock(&gate);
	assert_int_equal(hotplug_event_unsubscribe(id), 0);
	remove_port(port);
}

/* SPDK has one that is EAL's to the letter; its owner tears no port down. */
static void
test_port_heals_beside_a_foreign_uevent_socket(void **state)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_groups = 0xffffffff };
	struct test_pmd *pmd = plug("0000:2e:00.0");
	uint16_t port = pmd->port;
	int fd;

	(void)state;
	start_port(port);
	fd = socket(PF_NETLINK, SOCK_DGRAM, NETLINK_KOBJECT_UEVENT);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&addr, sizeof(addr)), 0);
	lose_for_good(pmd);
	come_back(pmd);
	assert_true(WAIT_FOR(n_success == 1));
	assert_int_equal(n_removed, 0);
	close(fd);
	remove_port(port);
}

static _Atomic int answers[2];

static int
try_to_stop(uint16_t port, enum rte_eth_event_type type, void *arg, void *result)
{
	(void)port;
	(void)type;
	(void)arg;
	(void)result;
	answers[0] = hotplug_disable();
	answers[1] = hotplug_enable(NULL);
	return 0;
}

/* The callback runs on the thread that disable would wait for. */
static void
test_disable_from_a_callback_is_refused(void **state)
{
	struct test_pmd *pmd = plug("0000:2d:00.0");
	uint16_t port = pmd->port;

	(void)state;
	answers[0] = answers[1] = 1;
	rte_eth_dev_callback_register(port, RTE_ETH_EVENT_RECOVERY_SUCCESS, try_to_stop, NULL);
	start_port(port);
	lose_for_good(pmd);
	come_back(pmd);
	assert_true(WAIT_FOR(answers[1] <= 0));
	assert_int_equal(answers[0], -EDEADLK);
	assert_int_equal(answers[1], -EDEADLK);
	remove_port(port);
}

static void
test_card_that_returns_while_disabled_is_healed(void **state)
{
	struct test_pmd *pmd = plug("0000:2f:00.0");
	uint16_t port = pmd->port;

	(void)state;
	start_port(port);
	lose_for_good(pmd);
	assert_true(WAIT_FOR(port_of(&rte_eth_devices[port])->state == PORT_HELD));
	assert_int_equal(hotplug_disable(), 0);
	mock_sysfs_add(pmd->name, "hotplug_mock");
	assert_int_equal(hotplug_enable(&config), 0);
	assert_true(WAIT_FOR(n_success == 1));
	assert_int_equal(rte_eth_dev_is_removed(port), 0);
	remove_port(port);
}

/* Last: its thread is left behind, and goes no further when the driver returns. */
static void
test_disable_waits_for_a_probe_no_longer_than_stuck_ms(void **state)
{
	struct test_pmd *bad = plug("0000:2b:00.0");
	uint64_t start;

	(void)state;
	hold_in_probe(bad, NULL);
	start = now_ms();
	assert_int_equal(hotplug_disable(), 0);
	assert_true(now_ms() - start < SOON_MS);
	assert_int_equal(atomic_load(&n_inside), 1);
	assert_int_equal(hotplug_enable(NULL), 0);
	atomic_store(&is_held, false);
	assert_true(WAIT_FOR(atomic_load(&n_inside) == 0));
	test_sleep_ms(100);             /* in which it would heal */
	assert_int_equal(n_success, 0);
	assert_int_equal(bad->n_starts, 1);
	remove_port(plug("0000:30:00.0")->port);        /* it holds nobody's lock */
}

static int
start(void **state)
{
	hotplug_config_init(&config);
	config.policy = HOTPLUG_POLICY_HEAL;
	config.liveness_ms = 50;
	config.stuck_ms = STUCK_MS;
	return mock_port_start(state, "stuck_ms=300") != 0 ||
		hotplug_event_subscribe(NULL, on_event, NULL) < 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_probe_that_waits_keeps_no_other_card),
		cmocka_unit_test(test_probe_that_fails_late_is_tried_again),
		cmocka_unit_test(test_port_is_torn_down_and_healed_beside_a_subscriber_that_sleeps),
		cmocka_unit_test(test_port_heals_beside_a_foreign_uevent_socket),
		cmocka_unit_test(test_disable_from_a_callback_is_refused),
		cmocka_unit_test(test_card_that_returns_while_disabled_is_healed),
		cmocka_unit_test(test_disable_waits_for_a_probe_no_longer_than_stuck_ms),
	};

	return cmocka_run_group_tests_name("alone", tests, start, mock_port_stop);
}
