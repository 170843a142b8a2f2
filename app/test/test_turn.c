/* SPDX-License-Identifier: BSD-3-Clause */

/* test_turn: nobody waits for himself.  A driver calls back in its stop (bnxt, which works off
 * its notifications there), in its start (vmxnet3) or in its close (vhost), in the thread that
 * has the port, and the application does something to that port in there, or to one whose own
 * thread is in such a callback just then.
 * In:  mock functions and a PMD for them.
 * Context: app; the library's own threads call back. */

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <rte_dev.h>
#include <rte_ethdev.h>
#include <rte_log.h>

#include <ethdev_driver.h>
#include <hotplug.h>

#include "../../lib/core/device.h"
#include "../../lib/port/port.h"
#include "mock_port.h"
#include "test.h"

#define STUCK_MS 4000
#define AT_ONCE_NS 2000000000ull        /* on a busy machine; less than STUCK_MS */

static _Atomic unsigned int n_stuck;
/* What the application does in a callback, once for each order. */
static struct {
	void (*_Atomic what)(uint16_t port);
	_Atomic int answer, second;
	_Atomic uint64_t took_ns;
} order;
static _Thread_local bool is_in_driver; /* all else is told by the library */

static int
on_link(uint16_t port, enum rte_eth_event_type type, void *arg, void *result)
{
	uint64_t begun = device_now_ns();
	void (*what)(uint16_t port);

	(void)type;
	(void)arg;
	(void)result;
	what = is_in_driver ? atomic_exchange(&order.what, NULL) : NULL;
	if (what == NULL)
		return 0;
	what(port);
	atomic_store(&order.took_ns, device_now_ns() - begun);
	return 0;
}

static void
tell(struct test_pmd *pmd)
{
	is_in_driver = true;
	rte_eth_dev_callback_process(&rte_eth_devices[pmd->port], RTE_ETH_EVENT_INTR_LSC, NULL);
	is_in_driver = false;
}

static void
on_device(const struct hotplug_event *event, void *arg)
{
	(void)arg;
	n_stuck += event->type == HOTPLUG_EVENT_STUCK;
}

static struct test_pmd *
plug_and_start(const char *name)
{
	struct test_pmd *pmd = plug(name);

	rte_eth_dev_callback_register(pmd->port, RTE_ETH_EVENT_INTR_LSC, on_link, NULL);
	start_port(pmd->port);
	pmd->n_starts = pmd->n_stops = pmd->n_closes = 0;
	order.answer = order.second = 77;
	n_stuck = 0;
	return pmd;
}

static void
end(struct test_pmd *pmd)
{
	uint16_t port = pmd->port;

	rte_eth_dev_callback_unregister(port, RTE_ETH_EVENT_INTR_LSC, on_link, NULL);
	remove_port(port);
}

static void
check_order(int answer)
{
	assert_true(WAIT_FOR(order.took_ns != 0));
	assert_int_equal(order.answer, answer);
	assert_true(order.took_ns < AT_ONCE_NS);
	order.took_ns = 0;
	assert_int_equal(n_stuck, 0);
}

static void
heal(struct test_pmd *pmd)
{
	n_success = 0;
	come_back(pmd);
	assert_true(WAIT_FOR(n_success == 1));
}

/* --- its own port, in its teardown --------------------------------------------------------- */

static void
stop_it(uint16_t port)
{
	order.answer = rte_eth_dev_stop(port);
}

static void
close_it(uint16_t port)
{
	order.answer = rte_eth_dev_close(port);
}

static void
configure_it(uint16_t port)
{
	const struct rte_eth_conf conf = { 0 };

	order.answer = rte_eth_dev_configure(port, 1, 0, &conf);
}

static void
start_it(uint16_t port)
{
	order.answer = rte_eth_dev_start(port);
}

static void
lose_with(const char *name, void (*what)(uint16_t port), int answer, unsigned int n_starts)
{
	struct test_pmd *pmd = plug_and_start(name);

	test_pmd_in_stop = tell;
	order.what = what;
	lose_for_good(pmd);
	test_pmd_in_stop = NULL;
	check_order(answer);
	heal(pmd);
	assert_int_equal(pmd->n_starts, n_starts);
	end(pmd);
}

/* Each waited for the teardown that it is in, for stuck_ms: the port was said to be stuck. */
static void
test_own_port_in_its_teardown(void **state)
{
	(void)state;
	lose_with("0000:61:00.0", stop_it, 0, 0);
	lose_with("0000:62:00.0", close_it, -EBUSY, 1);
	lose_with("0000:63:00.0", configure_it, -EBUSY, 1);
	lose_with("0000:64:00.0", start_it, -EBUSY, 1);
}

/* --- its own port, in a stop of its own that a teardown waits for ---------------------------- */

static void
lose_and_tell(struct test_pmd *pmd)
{
	test_pmd_in_stop = NULL;
	lose(pmd);
	assert_true(WAIT_FOR(port_of(&rte_eth_devices[pmd->port])->state == PORT_DYING));
	tell(pmd);
}

static void
stop_with(const char *name, void (*what)(uint16_t port), int answer)
{
	struct test_pmd *pmd = plug_and_start(name);

	test_pmd_in_stop = lose_and_tell;
	order.what = what;
	assert_int_equal(rte_eth_dev_stop(pmd->port), 0);
	check_order(answer);
	assert_true(WAIT_FOR(mock_find(pmd->name) == NULL));
	heal(pmd);
	assert_int_equal(pmd->n_starts, 0);
	end(pmd);
}

/* The teardown waited for that stop, which waited for the teardown. */
static void
test_own_port_in_its_stop(void **state)
{
	(void)state;
	stop_with("0000:70:00.0", close_it, -EBUSY);
	stop_with("0000:71:00.0", configure_it, -EBUSY);
	stop_with("0000:72:00.0", start_it, -EBUSY);
}

/* --- its own port, while it is closed ------------------------------------------------------ */

static void
test_own_port_in_its_close(void **state)
{
	struct test_pmd *pmd = plug_and_start("0000:65:00.0");
	uint16_t port = pmd->port;

	(void)state;
	assert_int_equal(rte_eth_dev_stop(port), 0);
	test_pmd_in_close = tell;
	order.what = configure_it;
	assert_int_equal(rte_eth_dev_close(port), 0);
	test_pmd_in_close = NULL;
	check_order(-EBUSY);
	rte_eth_dev_callback_unregister(port, RTE_ETH_EVENT_INTR_LSC, on_link, NULL);
	assert_int_equal(rte_dev_remove(mock_find(pmd->name)), 0);
}

/* --- its own port, while it heals ---------------------------------------------------------- */

static void
stop_and_start_it(uint16_t port)
{
	stop_it(port);
	order.second = rte_eth_dev_start(port);
}

static void
heal_with(const char *name, void (*what)(uint16_t port), bool is_started)
{
	struct test_pmd *pmd = plug_and_start(name);

	lose_for_good(pmd);
	order.what = what;
	test_pmd_in_start = tell;
	heal(pmd);
	test_pmd_in_start = NULL;
	check_order(0);
	assert_int_equal(rte_eth_devices[pmd->port].data->dev_started, is_started);
	assert_int_equal(pmd->n_starts, 1);
	lose_for_good(pmd);
	heal(pmd);
	assert_int_equal(pmd->n_starts, is_started ? 2 : 1);
	end(pmd);
}

/* Ethdev has not started it yet, and called it stopped: it ran when it was healed. */
static void
test_own_port_in_its_heal(void **state)
{
	(void)state;
	heal_with("0000:66:00.0", stop_it, false);
	heal_with("0000:67:00.0", stop_and_start_it, true);
	assert_int_equal(order.second, 0);
}

static int
set_high_water(uint16_t port, uint32_t value)
{
	struct rte_eth_fc_conf conf = { .high_water = value };

	return rte_eth_dev_flow_ctrl_set(port, &conf);
}

static void
set_it(uint16_t port)
{
	order.answer = set_high_water(port, 9);
	order.second = rte_eth_dev_set_link_up(port);
}

/* As by the speed of its link.  What was set before the loss was set over it. */
static void
test_setting_in_its_heal(void **state)
{
	struct test_pmd *pmd = plug_and_start("0000:6e:00.0");
	unsigned int i;

	(void)state;
	assert_int_equal(set_high_water(pmd->port, 5), 0);
	assert_int_equal(rte_eth_dev_set_link_down(pmd->port), 0);
	lose_for_good(pmd);
	order.what = set_it;
	test_pmd_in_start = tell;
	heal(pmd);
	test_pmd_in_start = NULL;
	check_order(0);
	assert_int_equal(order.second, 0);
	for (i = 0; i < 2; i++) {
		assert_int_equal(pmd->told.high_water, 9);
		assert_false(pmd->told.is_link_down);
		lose_for_good(pmd);
		heal(pmd);
	}
	end(pmd);
}

/* --- two that do it to each other ---------------------------------------------------------- */

static struct test_pmd *pair[2];
static struct {
	void (*what)(uint16_t port);
	_Atomic unsigned int n_in;
	_Atomic int answer[2];
	_Atomic uint64_t took_ns[2];
} both;

static int
on_link_of_pair(uint16_t port, enum rte_eth_event_type type, void *arg, void *result)
{
	unsigned int i = port == pair[1]->port;
	uint64_t begun;

	(void)type;
	(void)arg;
	(void)result;
	if (!is_in_driver || both.took_ns[i] != 0)
		return 0;
	both.n_in++;
	(void)WAIT_FOR(both.n_in == 2); /* each has its own now */
	begun = device_now_ns();
	both.what(pair[!i]->port);
	both.took_ns[i] = device_now_ns() - begun;
	return 0;
}

static void
stop_other(uint16_t port)
{
	both.answer[port == pair[1]->port] = rte_eth_dev_stop(port);
}

static void
start_other(uint16_t port)
{
	both.answer[port == pair[1]->port] = rte_eth_dev_start(port);
}

static void
close_other(uint16_t port)
{
	both.answer[port == pair[1]->port] = rte_eth_dev_close(port);
}

static void
begin_pair(void (*what)(uint16_t port))
{
	unsigned int i;

	both.what = what;
	both.n_in = 0;
	for (i = 0; i < 2; i++) {
		both.took_ns[i] = 0;
		both.answer[i] = 77;
		rte_eth_dev_callback_register(pair[i]->port, RTE_ETH_EVENT_INTR_LSC,
					      on_link_of_pair, NULL);
	}
}

static void
end_pair(void)
{
	unsigned int i;

	assert_true(WAIT_FOR(both.took_ns[0] != 0 && both.took_ns[1] != 0));
	assert_true(both.took_ns[0] < AT_ONCE_NS && both.took_ns[1] < AT_ONCE_NS);
	assert_int_equal(n_stuck, 0);
	for (i = 0; i < 2; i++)
		rte_eth_dev_callback_unregister(pair[i]->port, RTE_ETH_EVENT_INTR_LSC,
						on_link_of_pair, NULL);
}

static bool
is_live(const struct test_pmd *pmd)
{
	return port_of(&rte_eth_devices[pmd->port])->state == PORT_LIVE;
}

static void *
stop_second(void *arg)
{
	*(int *)arg = rte_eth_dev_stop(pair[1]->port);
	return NULL;
}

static void
lose_at_stop(struct test_pmd *pmd)
{
	lose(pmd);
	assert_true(WAIT_FOR(port_of(&rte_eth_devices[pmd->port])->state == PORT_DYING));
	tell(pmd);
}

/* Each thread is in a stop that its card's teardown waits for, and would wait for the other's. */
static void
test_two_in_their_stops(void **state)
{
	pthread_t thread;
	int ret = 77;

	(void)state;
	pair[0] = plug_and_start("0000:73:00.0");
	pair[1] = plug_and_start("0000:74:00.0");
	begin_pair(start_other);
	test_pmd_in_stop = lose_at_stop;
	assert_int_equal(pthread_create(&thread, NULL, stop_second, &ret), 0);
	assert_int_equal(rte_eth_dev_stop(pair[0]->port), 0);
	pthread_join(thread, NULL);
	test_pmd_in_stop = NULL;
	assert_int_equal(ret, 0);
	end_pair();
	assert_true(both.answer[0] == -EBUSY || both.answer[1] == -EBUSY);
	assert_true(WAIT_FOR(mock_find(pair[0]->name) == NULL && mock_find(pair[1]->name) == NULL));
	end(pair[0]);
	end(pair[1]);
}

/* The two functions of one card are lost at once. */
static void
lose_both(void (*what)(uint16_t port))
{
	begin_pair(what);
	test_pmd_in_stop = tell;
	lose(pair[0]);
	lose(pair[1]);
	end_pair();
	assert_true(WAIT_FOR(mock_find(pair[0]->name) == NULL && mock_find(pair[1]->name) == NULL));
	test_pmd_in_stop = NULL;
}

static void
heal_both(void)
{
	come_back(pair[0]);
	come_back(pair[1]);
	assert_true(WAIT_FOR(is_live(pair[0]) && is_live(pair[1])));
}

/* Each waited for the other, whose driver waited for that one's callback. */
static void
test_two_in_their_teardowns(void **state)
{
	unsigned int i, n_closed = 0;

	(void)state;
	pair[0] = plug_and_start("0000:68:00.0");
	pair[1] = plug_and_start("0000:69:00.0");
	lose_both(stop_other);
	assert_true(both.answer[0] == 0 && both.answer[1] == 0);
	heal_both();
	assert_int_equal(pair[0]->n_starts + pair[1]->n_starts, 0);
	for (i = 0; i < 2; i++)
		assert_int_equal(rte_eth_dev_start(pair[i]->port), 0);
	lose_both(close_other);         /* the first to wait is let through by the second */
	for (i = 0; i < 2; i++) {
		assert_true(both.answer[i] == 0 || both.answer[i] == -EBUSY);
		n_closed += both.answer[i] == 0;
	}
	assert_true(n_closed <= 1);
	for (i = 0; i < 2; i++)
		if (both.answer[i] == 0)
			assert_false(rte_eth_dev_is_valid_port(pair[i]->port));
	for (i = 0; i < 2; i++)
		if (both.answer[i] != 0)
			end(pair[i]);
}

static void
heal_both_with(void (*what)(uint16_t port))
{
	lose_for_good(pair[0]);
	lose_for_good(pair[1]);
	pair[0]->n_stops = pair[1]->n_stops = 0;
	begin_pair(what);
	test_pmd_in_start = tell;
	heal_both();
	test_pmd_in_start = NULL;
	end_pair();
}

static void
test_two_in_their_heals(void **state)
{
	unsigned int i;

	(void)state;
	pair[0] = plug_and_start("0000:6a:00.0");
	pair[1] = plug_and_start("0000:6b:00.0");
	heal_both_with(stop_other);
	for (i = 0; i < 2; i++) {
		assert_int_equal(both.answer[i], 0);
		assert_int_equal(rte_eth_devices[pair[i]->port].data->dev_started, 0);
		assert_int_equal(pair[i]->n_stops, pair[i]->n_starts);
		end(pair[i]);
	}
}

/* --- a device, in a callback of another one's attach ---------------------------------------- */

static struct {
	_Atomic bool is_armed, is_done;
	_Atomic int answer[5];
} nested;

static int
on_device_of(uint16_t port, enum rte_eth_event_type type, void *arg, void *result)
{
	char name[HOTPLUG_NAME_LEN];
	uint16_t id;

	(void)type;
	(void)arg;
	(void)result;
	if (!atomic_exchange(&nested.is_armed, false))
		return 0;
	nested.answer[0] = hotplug_port_list("0000:01:00.0", &id, 1);
	nested.answer[1] = hotplug_device_attach("0000:6d:00.0", HOTPLUG_PRIVATE, NULL);
	nested.answer[2] = hotplug_device_attach("0000:6d:00.0", 0, NULL);
	nested.answer[3] = hotplug_port_attach("0000:6d:00.0", &id);
	nested.answer[4] = hotplug_port_remove(port, name, sizeof(name));
	return 0;
}

static int
attach_port(void)
{
	uint16_t id;

	return hotplug_port_attach("0000:6c:00.0", &id);
}

static int
attach_device(void)
{
	return hotplug_device_attach("0000:6c:00.0", HOTPLUG_PRIVATE, NULL);
}

static int
detach_device(void)
{
	return hotplug_device_detach("0000:6c:00.0", HOTPLUG_PRIVATE, NULL);
}

static void *
run_nested(void *arg)
{
	int (**what)(void) = arg;

	assert_int_equal((*what)(), 0);
	atomic_store(&nested.is_done, true);
	return NULL;
}

static void
nest_in(int (*what)(void), int answer)
{
	uint64_t begun = device_now_ns();
	pthread_t thread;
	unsigned int i;

	for (i = 0; i < N_ELEMENTS(nested.answer); i++)
		nested.answer[i] = 77;
	nested.is_done = false;
	nested.is_armed = true;
	assert_int_equal(pthread_create(&thread, NULL, run_nested, &what), 0);
	assert_true(WAIT_FOR(nested.is_done));
	pthread_join(thread, NULL);
	assert_true(device_now_ns() - begun < AT_ONCE_NS);
	assert_int_equal(nested.answer[0], 1);
	assert_int_equal(nested.answer[1], answer);
	assert_int_equal(nested.answer[2], answer);
	assert_int_equal(nested.answer[3], -EDEADLK);
	assert_int_equal(nested.answer[4], -EDEADLK);
}

/* Its caller has the turn to probe, and waited for it: in a detach for ever; in an attach for a
 * second, after which the turn was another's, and EAL was gone on in without it. */
static void
test_attach_in_a_callback_of_an_attach(void **state)
{
	struct hotplug_config config;

	(void)state;
	mock_sysfs_add("0000:6c:00.0", "hotplug_mock");
	mock_sysfs_add("0000:6d:00.0", "hotplug_mock");
	rte_eth_dev_callback_register(RTE_ETH_ALL, RTE_ETH_EVENT_NEW, on_device_of, NULL);
	rte_eth_dev_callback_register(RTE_ETH_ALL, RTE_ETH_EVENT_DESTROY, on_device_of, NULL);
	nest_in(attach_device, -EDEADLK);
	nest_in(detach_device, -EDEADLK);
	nest_in(attach_port, -EDEADLK);
	assert_int_equal(detach_device(), 0);
	assert_int_equal(hotplug_disable(), 0);
	nest_in(attach_port, -EPERM);
	rte_eth_dev_callback_unregister(RTE_ETH_ALL, RTE_ETH_EVENT_NEW, on_device_of, NULL);
	rte_eth_dev_callback_unregister(RTE_ETH_ALL, RTE_ETH_EVENT_DESTROY, on_device_of, NULL);
	mock_port_config(&config, NULL);
	assert_int_equal(hotplug_enable(&config), 0);
}

static int
start(void **state)
{
	char options[64];

	snprintf(options, sizeof(options), "flaps=0,stuck_ms=%d", STUCK_MS);
	if (mock_port_start(state, options) != 0)
		return -1;
	(void)rte_log_set_level_pattern("lib.ethdev", RTE_LOG_CRIT);
	return hotplug_event_subscribe(NULL, on_device, NULL) > 0 ? 0 : -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_port_in_its_teardown),
		cmocka_unit_test(test_own_port_in_its_stop),
		cmocka_unit_test(test_own_port_in_its_close),
		cmocka_unit_test(test_own_port_in_its_heal),
		cmocka_unit_test(test_setting_in_its_heal),
		cmocka_unit_test(test_two_in_their_teardowns),
		cmocka_unit_test(test_two_in_their_heals),
		cmocka_unit_test(test_two_in_their_stops),
		cmocka_unit_test(test_attach_in_a_callback_of_an_attach),
	};

	return cmocka_run_group_tests_name("turn", tests, start, mock_port_stop);
}
