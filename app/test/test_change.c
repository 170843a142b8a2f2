/* SPDX-License-Identifier: BSD-3-Clause */

/* test_change: the application sets a port up while it is torn down, or heals.
 * In:  mock functions and a PMD for them; the library with a hook before each step
 *      (lib/port/steps.h), at which a thread of the application's begins a call.
 * Out: the call ends, with what its documentation says; the port heals, whole.
 * Context: app; the library's own threads do the work. */

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <rte_ethdev.h>
#include <rte_log.h>

#include <ethdev_driver.h>
#include <hotplug.h>

#include "mock_port.h"
#include "port/port.h"
#include "port/steps.h"
#include "test.h"

static char card[32];
static uint16_t card_port;
static enum step step_wanted;
static int (*_Atomic change)(void);     /* made once, at that step; NULL: none */
static _Atomic int answer;
static _Atomic bool has_begun, has_ended;
static pthread_t caller;

static void *
call(void *arg)
{
	int (*fn)(void) = (int (*)(void))(uintptr_t)arg;

	atomic_store(&has_begun, true);
	atomic_store(&answer, fn());
	atomic_store(&has_ended, true);
	return NULL;
}

static void
begin_call(int (*fn)(void))
{
	atomic_store(&has_begun, false);
	atomic_store(&has_ended, false);
	assert_int_equal(pthread_create(&caller, NULL, call, (void *)(uintptr_t)fn), 0);
	assert_true(WAIT_FOR(atomic_load(&has_begun)));
}

static void
on_step(enum step step, const char *device)
{
	if (step != step_wanted || strcmp(device, card) != 0 || change == NULL)
		return;
	begin_call(change);
	change = NULL;
	test_sleep_ms(50);      /* it would be in the middle of ethdev by now */
}

/* Two queues for sending, none for receiving. */
static int
set_up(void)
{
	const struct rte_eth_conf conf = { 0 };
	int ret = rte_eth_dev_configure(card_port, 0, 2, &conf);

	if (ret == 0)
		ret = rte_eth_tx_queue_setup(card_port, 0, 64, 0, NULL);
	return ret != 0 ? ret : rte_eth_tx_queue_setup(card_port, 1, 64, 0, NULL);
}

static int
stop_and_set_up(void)
{
	int ret = rte_eth_dev_stop(card_port);

	return ret != 0 ? ret : set_up();
}

static struct test_pmd *
plug_started(const char *name)
{
	struct test_pmd *pmd = plug(name);

	snprintf(card, sizeof(card), "%s", name);
	card_port = pmd->port;
	assert_int_equal(set_up(), 0);
	assert_int_equal(rte_eth_dev_start(card_port), 0);
	return pmd;
}

static void
check_whole(void)
{
	const struct rte_eth_dev_data *data = rte_eth_devices[card_port].data;

	assert_int_equal(data->nb_tx_queues, 2);
	assert_non_null(data->tx_queues[0]);
	assert_non_null(data->tx_queues[1]);
	assert_int_equal(rte_eth_dev_is_removed(card_port), 0);
}

/* Each step of a heal.  Ethdev took the queues away that the heal had just set up. */
static void
test_setup_beside_each_step_of_a_heal(void **state)
{
	struct test_pmd *pmd = plug_started("0000:71:00.0");
	enum step step;

	(void)state;
	for (step = STEP_HEAL_LOOK; step <= STEP_HEAL_TELL; step++) {
		n_success = 0;
		lose_for_good(pmd);
		step_wanted = step;
		change = stop_and_set_up;
		come_back(pmd);
		assert_true(WAIT_FOR(n_success == 1 && atomic_load(&has_ended)));
		pthread_join(caller, NULL);
		if (atomic_load(&answer) != 0)  /* it was dead still: once more */
			assert_int_equal(stop_and_set_up(), 0);
		check_whole();
		assert_int_equal(rte_eth_dev_start(card_port), 0);
	}
	remove_port(card_port);
}

/* Of a teardown, whose driver reads the queues that ethdev frees. */
static void
test_setup_beside_each_step_of_a_teardown(void **state)
{
	struct test_pmd *pmd = plug_started("0000:72:00.0");
	enum step step;

	(void)state;
	for (step = STEP_END_CLAIM; step <= STEP_END_OVER; step++) {
		if (step == STEP_END_OTHERS)
			continue;       /* of one process alone it is taken all the same */
		n_success = 0;
		step_wanted = step;
		change = stop_and_set_up;
		lose(pmd);
		assert_true(WAIT_FOR(change == NULL && atomic_load(&has_ended)));
		pthread_join(caller, NULL);
		assert_true(WAIT_FOR(port_of(&rte_eth_devices[card_port])->state == PORT_HELD));
		come_back(pmd);
		assert_true(WAIT_FOR(n_success == 1));
		assert_int_equal(stop_and_set_up(), 0);
		check_whole();
		assert_int_equal(rte_eth_dev_start(card_port), 0);
	}
	remove_port(card_port);
}

/* --- a heal waits ------------------------------------------------------------------------ */

static _Atomic bool is_inside, is_held;

static int
hold_configure(struct test_pmd *pmd)
{
	(void)pmd;
	atomic_store(&is_inside, true);
	while (atomic_load(&is_held))
		test_sleep_ms(1);
	return 0;
}

/* The card is lost and back while its driver is in the application's configure: the teardown
 * waits for that, and so does the heal. */
static void
test_loss_inside_configure(void **state)
{
	struct test_pmd *pmd = plug_started("0000:73:00.0");

	(void)state;
	assert_int_equal(rte_eth_dev_stop(card_port), 0);
	atomic_store(&is_held, true);
	test_pmd_in_configure = hold_configure;
	begin_call(set_up);
	assert_true(WAIT_FOR(atomic_load(&is_inside)));
	lose(pmd);
	assert_true(WAIT_FOR(port_of(&rte_eth_devices[card_port])->state == PORT_DYING));
	test_sleep_ms(50);
	assert_int_equal(pmd->n_closes, 0);
	atomic_store(&is_held, false);
	assert_true(WAIT_FOR(atomic_load(&has_ended)));
	pthread_join(caller, NULL);
	test_pmd_in_configure = NULL;
	assert_true(WAIT_FOR(port_of(&rte_eth_devices[card_port])->state == PORT_HELD));
	come_back(pmd);
	assert_true(WAIT_FOR(n_success == 1));
	assert_int_equal(rte_eth_devices[card_port].data->dev_configured, 1);   /* it had said 0 */
	check_whole();
	assert_int_equal(stop_and_set_up(), 0);
	check_whole();
	remove_port(card_port);
}

static struct rte_ether_addr wanted_mac = { { 2, 0, 0, 0, 0, 0x42 } };

static int
set_mac(void)
{
	return rte_eth_dev_default_mac_addr_set(card_port, &wanted_mac);
}

static void
die_in_mac(struct test_pmd *pmd)
{
	test_pmd_in_mac = NULL;
	lose(pmd);
	(void)WAIT_FOR(port_of(&rte_eth_devices[card_port])->state == PORT_DYING);
}

static void
check_mac(bool is_set)
{
	struct rte_ether_addr mac;

	assert_int_equal(rte_eth_macaddr_get(card_port, &mac), 0);
	assert_int_equal(rte_is_same_ether_addr(&mac, &wanted_mac), is_set);
}

/* A call that has said 0 has set it, and one that is refused has not: at each step of a
 * teardown, the driver's close included, and in the middle of the loss. */
static void
test_address_is_set_beside_a_loss(void **state)
{
	struct test_pmd *pmd = plug_started("0000:79:00.0");
	enum step step;

	(void)state;
	test_pmd_takes_macs = true;
	for (step = STEP_END_QUIET; step <= STEP_END_OVER; step++) {
		if (step == STEP_END_OTHERS)
			continue;
		n_success = 0;
		wanted_mac.addr_bytes[4]++;
		step_wanted = step;
		change = set_mac;
		lose(pmd);
		assert_true(WAIT_FOR(change == NULL && atomic_load(&has_ended)));
		pthread_join(caller, NULL);
		assert_int_equal(atomic_load(&answer), -EIO);
		check_mac(false);
		come_back(pmd);
		assert_true(WAIT_FOR(n_success == 1));
		check_mac(false);
	}
	n_success = 0;
	test_pmd_in_mac = die_in_mac;
	assert_int_equal(set_mac(), 0);
	assert_true(WAIT_FOR(port_of(&rte_eth_devices[card_port])->state == PORT_HELD));
	check_mac(true);
	come_back(pmd);
	assert_true(WAIT_FOR(n_success == 1));
	check_mac(true);
	test_pmd_takes_macs = false;
	remove_port(card_port);
}

/* --- a driver refuses ---------------------------------------------------------------------- */

static int
refuse_once(struct test_pmd *pmd)
{
	(void)pmd;
	test_pmd_in_configure = NULL;
	return -EIO;
}

static _Atomic bool is_over;

static void *
clean_up(void *arg)
{
	unsigned long n = 0;

	(void)arg;
	while (!atomic_load(&is_over)) {
		(void)rte_eth_tx_done_cleanup(card_port, 0, 0);
		n++;
	}
	assert_true(n > 0);
	return NULL;
}

/* The card is lost again before heal has configured it: ethdev freed the array of queues that
 * rte_eth_tx_done_cleanup() reads (SIGSEGV).  And ethdev asks after each call that failed
 * whether the port is removed, and stores that when it comes back: the id was valid while its
 * driver was probed, with no array. */
static void
test_configure_that_fails_beside_a_reader(void **state)
{
	struct test_pmd *pmd = plug_started("0000:74:00.0");
	pthread_t reader;
	unsigned int i;

	(void)state;
	atomic_store(&is_over, false);
	assert_int_equal(pthread_create(&reader, NULL, clean_up, NULL), 0);
	for (i = 0; i < 30; i++) {
		n_success = 0;
		lose_for_good(pmd);
		test_pmd_in_configure = refuse_once;
		come_back(pmd);
		assert_true(WAIT_FOR(n_success == 1));
		assert_null(test_pmd_in_configure);
		assert_non_null(rte_eth_devices[card_port].data->tx_queues);
	}
	atomic_store(&is_over, true);
	pthread_join(reader, NULL);
	remove_port(card_port);
}

/* --- ethdev stops what it has just started -------------------------------------------------- */

static void
die_in_start(struct test_pmd *pmd)
{
	test_pmd_in_start = NULL;
	lose(pmd);
	(void)WAIT_FOR(port_of(&rte_eth_devices[card_port])->state == PORT_DYING);
}

static int
start(void)
{
	return rte_eth_dev_start(card_port);
}

/* What ethdev restores after the start is refused by then, and it stops the port itself; the
 * teardown waits for the call that this is in. */
static void
test_loss_inside_start(void **state)
{
	struct test_pmd *pmd = plug_started("0000:75:00.0");

	(void)state;
	assert_int_equal(rte_eth_promiscuous_enable(card_port), 0);
	assert_int_equal(rte_eth_dev_stop(card_port), 0);
	test_pmd_in_start = die_in_start;
	begin_call(start);
	assert_true(WAIT_FOR(atomic_load(&has_ended)));
	pthread_join(caller, NULL);
	assert_true(WAIT_FOR(port_of(&rte_eth_devices[card_port])->state == PORT_HELD));
	come_back(pmd);
	assert_true(WAIT_FOR(n_success == 1));
	remove_port(card_port);
}

static _Atomic bool may_return, is_waited_for, is_led_on;
static enum step release_at;

/* Ethdev asks for the link last, and lays the fast path then. */
static void
die_and_wait(struct test_pmd *pmd)
{
	test_pmd_in_link = NULL;
	die_in_start(pmd);
	(void)WAIT_FOR(atomic_load(&may_return) || atomic_load(&is_waited_for));
}

/* Who polls a port whose driver is about to be closed finds none of its queues. */
static void
look_at_fast_path(enum step step, const char *device)
{
	if (strcmp(device, card) != 0 || step > STEP_END_OTHERS)
		return;
	if (step == STEP_END_INSIDE)
		atomic_store(&is_waited_for, true);
	if (step == release_at && !atomic_load(&has_ended)) {
		atomic_store(&may_return, true);
		(void)WAIT_FOR(atomic_load(&has_ended));
	}
	if (step == STEP_END_OTHERS && rte_eth_fp_ops[card_port].txq.data ==
	    rte_eth_devices[card_port].data->tx_queues)
		atomic_store(&is_led_on, true);
}

/* One that ended when the queues had been taken out of the fast path put them back there. */
static void
test_start_ends_beside_each_step_of_a_teardown(void **state)
{
	static const enum step at[] = { STEP_END_QUIET, STEP_END_INSIDE, STEP_END_QUEUES };
	struct test_pmd *pmd = plug_started("0000:76:00.0");
	unsigned int i;

	(void)state;
	step_hook = look_at_fast_path;
	for (i = 0; i < RTE_DIM(at); i++) {
		n_success = 0;
		release_at = at[i];
		atomic_store(&may_return, false);
		atomic_store(&is_waited_for, false);
		assert_int_equal(rte_eth_dev_stop(card_port), 0);
		test_pmd_in_link = die_and_wait;
		begin_call(start);
		assert_true(WAIT_FOR(atomic_load(&has_ended)));
		pthread_join(caller, NULL);
		assert_true(WAIT_FOR(port_of(&rte_eth_devices[card_port])->state == PORT_HELD));
		assert_int_equal(atomic_load(&answer), 0);
		assert_false(atomic_load(&is_led_on));
		come_back(pmd);
		assert_true(WAIT_FOR(n_success == 1));
	}
	step_hook = on_step;
	remove_port(card_port);
}

/* --- a stop ------------------------------------------------------------------------------- */

static struct test_pmd *dying;

/* A teardown that does not wait for the stop is over by then. */
static void
die_before_stop(enum step step, const char *device)
{
	struct test_pmd *pmd = dying;
	unsigned int i;

	if (step != STEP_STOP || pmd == NULL || strcmp(device, card) != 0)
		return;
	dying = NULL;
	lose(pmd);
	for (i = 0; i < 300 && port_of(&rte_eth_devices[card_port])->state != PORT_HELD; i++)
		test_sleep_ms(1);
}

/* Ethdev would say that it is stopped already, and the heal would start it. */
static void
test_stop_beside_a_teardown_is_a_stop(void **state)
{
	struct test_pmd *pmd = plug_started("0000:7a:00.0");

	(void)state;
	dying = pmd;
	step_hook = die_before_stop;
	assert_int_equal(rte_eth_dev_stop(card_port), 0);
	assert_true(WAIT_FOR(port_of(&rte_eth_devices[card_port])->state == PORT_HELD));
	come_back(pmd);
	assert_true(WAIT_FOR(n_success == 1));
	assert_int_equal(rte_eth_devices[card_port].data->dev_started, 0);
	assert_int_equal(rte_eth_dev_start(card_port), 0);
	step_hook = on_step;
	remove_port(card_port);
}

/* --- a driver that lays its ops anew ------------------------------------------------------- */

static int
reset(void)
{
	return rte_eth_dev_reset(card_port);
}

static void
die_in_reset(struct test_pmd *pmd)
{
	test_pmd_in_reset = NULL;
	lose(pmd);
	(void)WAIT_FOR(port_of(&rte_eth_devices[card_port])->state == PORT_DYING);
}

/* As ixgbevf's, iavf's, hns3vf's reset: from then on nothing was counted or recorded, and the
 * port whose card was lost inside it had a driver that was closed (SIGSEGV). */
static void
test_driver_that_makes_its_port_anew(void **state)
{
	struct test_pmd *pmd = plug_started("0000:77:00.0");
	const struct port *port = port_of(&rte_eth_devices[card_port]);
	struct rte_eth_stats stats;

	(void)state;
	assert_int_equal(reset(), 0);
	assert_ptr_equal(rte_eth_devices[card_port].dev_ops, port->ops);
	assert_int_equal(set_up(), 0);
	assert_int_equal(rte_eth_dev_start(card_port), 0);
	test_pmd_in_reset = die_in_reset;
	begin_call(reset);
	assert_true(WAIT_FOR(atomic_load(&has_ended)));
	pthread_join(caller, NULL);
	assert_true(WAIT_FOR(port->state == PORT_HELD));
	assert_ptr_equal(rte_eth_devices[card_port].dev_ops, &dead_ops);
	assert_int_equal(rte_eth_stats_get(card_port, &stats), 0);
	come_back(pmd);
	assert_true(WAIT_FOR(n_success == 1));
	remove_port(card_port);
}

static int
relay_ops(struct test_pmd *pmd)
{
	test_pmd_in_configure = NULL;
	rte_eth_devices[card_port].dev_ops = pmd->ops;
	return 0;
}

/* As mlx5's, of a port whose rules are isolated: another table, before it is set up. */
static void
test_driver_that_lays_another_table(void **state)
{
	struct test_pmd *pmd = plug_started("0000:78:00.0");

	(void)state;
	assert_int_equal(rte_eth_dev_stop(card_port), 0);
	test_pmd_in_configure = relay_ops;
	assert_int_equal(set_up(), 0);
	assert_ptr_equal(rte_eth_devices[card_port].dev_ops,
			 port_of(&rte_eth_devices[card_port])->ops);
	lose_for_good(pmd);
	remove_port(card_port);
}

static int
begin(void **state)
{
	if (mock_port_start(state, "flaps=0") != 0)
		return -1;
	test_pmd_max_queues = 2;
	(void)rte_log_set_level_pattern("lib.ethdev", RTE_LOG_EMERG);
	step_hook = on_step;
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_setup_beside_each_step_of_a_heal),
		cmocka_unit_test(test_setup_beside_each_step_of_a_teardown),
		cmocka_unit_test(test_loss_inside_configure),
		cmocka_unit_test(test_address_is_set_beside_a_loss),
		cmocka_unit_test(test_configure_that_fails_beside_a_reader),
		cmocka_unit_test(test_loss_inside_start),
		cmocka_unit_test(test_start_ends_beside_each_step_of_a_teardown),
		cmocka_unit_test(test_stop_beside_a_teardown_is_a_stop),
		cmocka_unit_test(test_driver_that_makes_its_port_anew),
		cmocka_unit_test(test_driver_that_lays_another_table),
	};

	return cmocka_run_group_tests_name("change", tests, begin, mock_port_stop);
}
