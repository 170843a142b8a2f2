/* SPDX-License-Identifier: BSD-3-Clause */

/* test_off: what becomes of cards and ports between hotplug_disable() and hotplug_enable(), and
 * of who is at work on them just then.
 * In:  mock functions and a PMD for them.
 * Context: app. */

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <ethdev_driver.h>
#include <hotplug.h>

#include "core/device.h"
#include "mock_eal.h"
#include "mock_port.h"
#include "port/calls.h"
#include "port/port.h"
#include "port/probe.h"
#include "test.h"

static void
enable(void)
{
	struct hotplug_config config;

	hotplug_config_init(&config);
	config.policy = HOTPLUG_POLICY_HEAL;
	config.liveness_ms = 50;
	config.flaps = 0;
	assert_int_equal(hotplug_enable(&config), 0);
}

static void *
disable(void *arg)
{
	(void)arg;
	assert_int_equal(hotplug_disable(), 0);
	return NULL;
}

static enum port_state
state_of(uint16_t port)
{
	return port_of(&rte_eth_devices[port])->state;
}

/* Lost when nobody tears it down any more, and dead. */
static struct test_pmd *
lose_while_disabling(const char *name)
{
	struct test_pmd *pmd = plug(name);
	pthread_t disabler;

	start_port(pmd->port);
	port_probe_lock();      /* waited for, behind the duties */
	assert_int_equal(pthread_create(&disabler, NULL, disable, NULL), 0);
	test_sleep_ms(50);
	lose(pmd);
	assert_true(WAIT_FOR(state_of(pmd->port) == PORT_DEAD));
	port_probe_unlock();
	pthread_join(disabler, NULL);
	assert_int_equal(state_of(pmd->port), PORT_DEAD);
	return pmd;
}

/* It was dead for ever: its device was published anew, answered, and nobody saw to the port. */
static void
test_loss_in_the_middle_of_disable(void **state)
{
	struct test_pmd *pmd = lose_while_disabling("0000:70:00.0");

	(void)state;
	mock_sysfs_add(pmd->name, "hotplug_mock");      /* back before we are */
	enable();
	assert_true(WAIT_FOR(n_success == 1));
	assert_int_equal(state_of(pmd->port), PORT_LIVE);
	remove_port(pmd->port);
	pmd = lose_while_disabling("0000:71:00.0");
	enable();
	assert_true(WAIT_FOR(state_of(pmd->port) == PORT_HELD));
	come_back(pmd);
	assert_true(WAIT_FOR(n_success == 1));
	remove_port(pmd->port);
}

/* --- who attaches meanwhile --- */

static const char attached[] = "0000:72:00.0";
static _Atomic bool is_in_driver, may_return;

static void
wait_in_driver(struct test_pmd *pmd)
{
	(void)pmd;
	test_pmd_in_finish = NULL;
	atomic_store(&is_in_driver, true);
	(void)WAIT_FOR(may_return);
}

/* As an attach that has begun while we were enabled, and comes to its probe now. */
static void *
probe(void *arg)
{
	(void)arg;
	port_probe_lock();
	assert_int_equal(rte_dev_probe(attached), 0);
	port_probe_unlock();
	return NULL;
}

static void *
let_return(void *arg)
{
	(void)arg;
	test_sleep_ms(100);
	atomic_store(&may_return, true);
	return NULL;
}

/* The buses had been looked through when its probe was over: nobody guarded it, ever, and its
 * ports were none of its device's. */
static void
test_attach_beside_enable(void **state)
{
	struct test_pmd *pmd;
	pthread_t attacher, waker;
	uint16_t port;

	(void)state;
	assert_int_equal(hotplug_disable(), 0);
	mock_sysfs_add(attached, "hotplug_mock");
	test_pmd_in_finish = wait_in_driver;
	assert_int_equal(pthread_create(&attacher, NULL, probe, NULL), 0);
	assert_true(WAIT_FOR(is_in_driver));
	assert_int_equal(pthread_create(&waker, NULL, let_return, NULL), 0);
	enable();
	pthread_join(attacher, NULL);
	pthread_join(waker, NULL);
	pmd = test_pmd_of(attached);
	assert_int_equal(hotplug_device_state(attached), HOTPLUG_STATE_ATTACHED);
	assert_int_equal(hotplug_port_list(attached, &port, 1), 1);
	assert_int_equal(port, pmd->port);
	assert_int_equal(state_of(port), PORT_LIVE);
	remove_port(port);
}

/* A list of ports is EAL's own while we keep none. */
static void
test_ports_of_what_is_attached_while_off(void **state)
{
	uint16_t port;

	(void)state;
	assert_int_equal(hotplug_disable(), 0);
	mock_sysfs_add("0000:73:00.0", "hotplug_mock");
	assert_int_equal(rte_dev_probe("0000:73:00.0"), 0);
	assert_int_equal(hotplug_port_list("0000:73:00.0", &port, 1), 1);
	enable();
	assert_int_equal(hotplug_port_list("0000:73:00.0", &port, 1), 1);
	remove_port(port);
	assert_int_equal(hotplug_port_list("0000:73:00.0", &port, 1), -ENODEV);
}

/* --- queues that are set up meanwhile --- */

static const struct rte_eth_conf no_conf;
static struct rte_mempool *pool;
static _Atomic unsigned int n_failed;

static int
on_failed(uint16_t port, enum rte_eth_event_type type, void *arg, void *result)
{
	(void)port;
	(void)type;
	(void)arg;
	(void)result;
	n_failed++;
	return 0;
}

static void
set_up(uint16_t port, bool is_seen)
{
	assert_int_equal(rte_eth_dev_configure(port, 1, 1, &no_conf), 0);
	assert_int_equal(is_seen ? rte_eth_rx_queue_setup(port, 0, 64, 0, NULL, pool) :
			 WAY_ON(rte_eth_rx_queue_setup)(port, 0, 64, 0, NULL, pool), 0);
	assert_int_equal(is_seen ? rte_eth_tx_queue_setup(port, 0, 64, 0, NULL) :
			 WAY_ON(rte_eth_tx_queue_setup)(port, 0, 64, 0, NULL), 0);
	assert_int_equal(rte_eth_dev_start(port), 0);
}

static void
check_queues(uint16_t port)
{
	struct rte_eth_rxq_info info;

	assert_non_null(rte_eth_devices[port].data->rx_queues[0]);
	assert_non_null(rte_eth_devices[port].data->tx_queues[0]);
	assert_int_equal(rte_eth_rx_queue_info_get(port, 0, &info), 0);
	assert_int_equal(info.nb_desc, 64);
	assert_ptr_equal(info.mp, pool);
}

/* Its driver was started without a queue when it healed: what had been set up while the library
 * was off was on no record. */
static void
heal_with_queues(const char *name, bool is_seen)
{
	struct test_pmd *pmd = plug(name);

	assert_int_equal(hotplug_disable(), 0);
	set_up(pmd->port, is_seen);
	enable();
	lose_for_good(pmd);
	come_back(pmd);
	assert_true(WAIT_FOR(n_success == 1));
	test_pmd_tells_queues = true;
	check_queues(pmd->port);
	test_pmd_tells_queues = false;
	remove_port(pmd->port);
}

static void
test_queues_that_are_set_up_while_off(void **state)
{
	(void)state;
	heal_with_queues("0000:74:00.0", true);
}

/* As in a program whose calls were not ours to see: the driver tells. */
static void
test_queues_that_were_set_up_unseen(void **state)
{
	(void)state;
	test_pmd_tells_queues = true;
	heal_with_queues("0000:75:00.0", false);
}

/* Or it does not, as virtio: no life without its queues. */
static void
test_queues_that_nobody_knows(void **state)
{
	struct test_pmd *pmd = plug("0000:76:00.0");

	(void)state;
	assert_int_equal(hotplug_disable(), 0);
	set_up(pmd->port, false);
	enable();
	rte_eth_dev_callback_register(pmd->port, RTE_ETH_EVENT_RECOVERY_FAILED, on_failed, NULL);
	lose_for_good(pmd);
	come_back(pmd);
	assert_true(WAIT_FOR(n_failed == 1));
	assert_int_equal(state_of(pmd->port), PORT_HELD);
	assert_int_equal(pmd->n_probes, 1);
	remove_port(pmd->port);
}

static int
start(void **state)
{
	if (mock_port_start(state, "flaps=0") != 0)
		return -1;
	pool = rte_pktmbuf_pool_create("off", 255, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	return pool != NULL ? 0 : -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_loss_in_the_middle_of_disable),
		cmocka_unit_test(test_attach_beside_enable),
		cmocka_unit_test(test_ports_of_what_is_attached_while_off),
		cmocka_unit_test(test_queues_that_are_set_up_while_off),
		cmocka_unit_test(test_queues_that_were_set_up_unseen),
		cmocka_unit_test(test_queues_that_nobody_knows),
	};

	return cmocka_run_group_tests_name("off", tests, start, mock_port_stop);
}
