/* SPDX-License-Identifier: BSD-3-Clause */

/* test_healing: what a thread of the application meets that calls ethdev while its port heals,
 * at each step of the heal.
 * In:  mock functions and a PMD for them; the library with a hook before each step
 *      (lib/port/steps.h), in which the call is made, on a thread of the application's.
 * Context: app; the library's own threads do the work. */

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_log.h>

#include <ethdev_driver.h>
#include <hotplug.h>

#include "core/duty.h"
#include "mock_eal.h"
#include "mock_port.h"
#include "port/port.h"
#include "port/shared.h"
#include "port/steps.h"
#include "test.h"

static char card[32];
static uint16_t card_port;
static void *(*_Atomic call_made)(void *arg);
static _Atomic unsigned int n_calls, n_given_up;

static void
on_step(enum step step, const char *device)
{
	void *(*call)(void *arg) = call_made;
	pthread_t thread;

	if (step == STEP_HEAL_OVER && strcmp(device, card) == 0)
		n_given_up += port_of(&rte_eth_devices[card_port])->is_hopeless;
	if (call == NULL || step < STEP_HEAL_LOOK || step > STEP_HEAL_TELL ||
	    strcmp(device, card) != 0)
		return;
	assert_int_equal(pthread_create(&thread, NULL, call, NULL), 0);
	pthread_join(thread, NULL);
	n_calls++;
}

static struct test_pmd *
plug_started(const char *name)
{
	const struct rte_eth_conf conf = { 0 };
	struct test_pmd *pmd = plug(name);

	memmove(card, name, strlen(name) + 1);
	card_port = pmd->port;
	assert_int_equal(rte_eth_dev_configure(pmd->port, 0, 1, &conf), 0);
	assert_int_equal(rte_eth_tx_queue_setup(pmd->port, 0, 64, 0, NULL), 0);
	assert_int_equal(rte_eth_dev_start(pmd->port), 0);
	return pmd;
}

static void
heal_with_calls(struct test_pmd *pmd, void *(*call)(void *arg))
{
	n_calls = 0;
	lose_for_good(pmd);
	call_made = call;
	come_back(pmd);
	assert_true(WAIT_FOR(n_success == 1));
	call_made = NULL;
	assert_true(n_calls >= STEP_HEAL_TELL - STEP_HEAL_LOOK);
}

static void *
clean_up(void *arg)
{
	int ret = rte_eth_tx_done_cleanup(card_port, 0, 0);

	(void)arg;
	assert_true(ret == 0 || ret == -EIO || ret == -ENODEV);
	return NULL;
}

/* ethdev reads the queue without a look whether there is one: SIGSEGV from the probe until
 * the port was configured. */
static void
test_sent_packets_are_asked_for(void **state)
{
	struct test_pmd *pmd = plug_started("0000:61:00.0");

	(void)state;
	assert_int_equal(rte_eth_tx_done_cleanup(card_port, 0, 0), 0);
	heal_with_calls(pmd, clean_up);
	assert_int_equal(rte_eth_tx_done_cleanup(card_port, 0, 0), 0);
	remove_port(card_port);
}

/* Where a heal has failed, too. */
static void
test_sent_packets_are_asked_for_after_a_failure(void **state)
{
	struct test_pmd *pmd = plug_started("0000:62:00.0");

	(void)state;
	lose_for_good(pmd);
	pmd->n_probes = 0;
	test_pmd_probe_answer = -EIO;
	come_back(pmd);
	assert_true(WAIT_FOR(pmd->n_probes >= 2 && rte_eth_dev_is_valid_port(card_port)));
	(void)clean_up(NULL);
	test_pmd_probe_answer = 0;
	assert_true(WAIT_FOR(n_success == 1));
	remove_port(card_port);
}

static void *
switch_on(void *arg)
{
	(void)arg;
	(void)rte_eth_dev_set_link_up(card_port);
	return NULL;
}

/* Refused with -EIO, ethdev asks whether the port is removed, and remembers a yes for good:
 * "the card has another number of ports", and it was not healed. */
static void
test_call_that_is_refused_leaves_no_mark(void **state)
{
	struct test_pmd *pmd = plug_started("0000:63:00.0");

	(void)state;
	heal_with_calls(pmd, switch_on);
	assert_int_equal(rte_eth_dev_is_removed(card_port), 0);
	remove_port(card_port);
}

/* --- another port is closed meanwhile -------------------------------------------------- */

static uint16_t other_port;

static void *
close_other(void *arg)
{
	(void)arg;
	if (rte_eth_dev_is_valid_port(other_port))
		assert_int_equal(rte_eth_dev_close(other_port), 0);
	return NULL;
}

static void
close_in_probe(struct test_pmd *pmd)
{
	pthread_t thread;

	if (strcmp(pmd->name, card) != 0)
		return;
	assert_int_equal(pthread_create(&thread, NULL, close_other, NULL), 0);
	pthread_join(thread, NULL);
}

/* Its id is lower, and free from then on: the probe was given it, and the card was taken for
 * another one. */
static void
test_other_port_is_closed_during_the_probe(void **state)
{
	struct test_pmd *other = plug("0000:64:00.0"), *pmd;

	(void)state;
	other_port = other->port;
	pmd = plug_started("0000:65:00.0");
	assert_true(card_port > other_port);
	lose_for_good(pmd);
	test_pmd_in_probe = close_in_probe;
	n_given_up = 0;
	come_back(pmd);
	assert_true(WAIT_FOR(n_success == 1));
	assert_int_equal(n_given_up, 0);
	test_pmd_in_probe = NULL;
	assert_int_equal(pmd->port, card_port);
	remove_port(card_port);
	assert_int_equal(rte_dev_remove(mock_find(other->name)), 0);
}

/* --- it is lost again, unseen --------------------------------------------------------- */

static void
vanish_in_probe(struct test_pmd *pmd)
{
	test_pmd_in_finish = NULL;
	mock_sysfs_remove(pmd->name);   /* no sign of that: a look finds out */
}

/* Nothing of it can be read when it is published: neither which card it is, nor by which
 * kernel driver.  It was bound to none from then on ("is not ours to use yet"), for good. */
static void
test_loss_in_the_probe(void **state)
{
	struct test_pmd *pmd = plug_started("0000:66:00.0");

	(void)state;
	remove_port(card_port);
	mock_sysfs_remove(card);
	test_pmd_in_finish = vanish_in_probe;
	pmd = plug(card);       /* and may be dead by now */
	card_port = pmd->port;
	assert_null(test_pmd_in_finish);
	assert_true(WAIT_FOR(port_of(&rte_eth_devices[card_port])->state == PORT_HELD));
	come_back(pmd);
	assert_true(WAIT_FOR(n_success == 1));
	remove_port(card_port);
}

static struct test_pmd *lost_unseen_now;
static _Atomic unsigned int n_told;

static void
vanish_when_published(struct hotplug_bus *bus, const void *key)
{
	struct test_pmd *pmd = lost_unseen_now;

	(void)bus;
	(void)key;
	if (pmd == NULL)
		return;
	lost_unseen_now = NULL;
	lose(pmd);
	assert_true(WAIT_FOR(hotplug_device_state(pmd->name) == HOTPLUG_STATE_GONE));
	test_sleep_ms(20);      /* and it has been told of */
}

static const struct duty vanish = { .published = vanish_when_published };

static int
on_removal(uint16_t port, enum rte_eth_event_type type, void *arg, void *result)
{
	(void)port;
	(void)type;
	(void)arg;
	(void)result;
	n_told++;
	return 0;
}

/* Between its publication and the look at its ports: nobody found one, and the port lived
 * for ever on a card that was gone.  At its first probe, then in the one that heals. */
static void
test_loss_before_its_ports_are_known(void **state)
{
	struct test_pmd *pmd;

	(void)state;
	assert_int_equal(rte_eth_dev_callback_register(RTE_ETH_ALL, RTE_ETH_EVENT_INTR_LSC,
						       on_removal, NULL), 0);
	snprintf(card, sizeof(card), "0000:67:00.0");
	lost_unseen_now = test_pmd_of(card);
	pmd = plug(card);
	card_port = pmd->port;
	assert_true(WAIT_FOR(port_of(&rte_eth_devices[card_port])->state == PORT_HELD));
	assert_int_equal(n_told, 1);
	lost_unseen_now = pmd;
	come_back(pmd);
	assert_true(WAIT_FOR(lost_unseen_now == NULL && mock_find(card) == NULL));
	come_back(pmd);
	assert_true(WAIT_FOR(n_success == 1));
	assert_int_equal(rte_eth_dev_callback_unregister(RTE_ETH_ALL, RTE_ETH_EVENT_INTR_LSC,
							 on_removal, NULL), 0);
	remove_port(card_port);
}

static int
start(void **state)
{
	if (duty_take(&vanish) != 0 || mock_port_start(state, "flaps=0") != 0)
		return -1;
	(void)rte_log_set_level_pattern("lib.ethdev", RTE_LOG_CRIT);
	step_hook = on_step;
	return 0;
}

/* --- two at once ----------------------------------------------------------------------------- */

static struct test_pmd *slow, *quick;
static _Atomic bool slow_is_in, quick_is_in, slow_has_port;

/* Before it asks for its port; it is past what it shares with others, who go on after 1 s. */
static void
wait_for_the_other(struct test_pmd *pmd)
{
	atomic_store(pmd == slow ? &slow_is_in : &quick_is_in, true);
	(void)WAIT_FOR(atomic_load(pmd == slow ? &quick_is_in : &slow_has_port));
}

static void
note_port(struct test_pmd *pmd)
{
	if (pmd == slow)
		atomic_store(&slow_has_port, true);
}

/* What the other one found free was the slow one's: its port came under another id, and its
 * device stayed probed, without a port, for good. */
static void
test_heal_beside_a_slow_probe_takes_none_of_its_ids(void **state)
{
	uint16_t id;

	(void)state;
	slow = plug_started("0000:69:00.0");
	quick = plug_started("0000:6a:00.0");
	lose_for_good(slow);
	lose_for_good(quick);
	n_success = 0;
	test_pmd_in_probe = wait_for_the_other;
	test_pmd_in_init = note_port;
	come_back(slow);
	assert_true(WAIT_FOR(atomic_load(&slow_is_in)));
	come_back(quick);
	assert_true(WAIT_FOR(n_success == 2));
	test_pmd_in_probe = NULL;
	test_pmd_in_init = NULL;
	assert_int_equal(slow->n_probes, 2);
	assert_int_equal(quick->n_probes, 2);
	assert_int_equal(rte_eth_dev_get_port_by_name(slow->name, &id), 0);
	assert_int_equal(id, slow->port);
	remove_port(quick->port);
	remove_port(slow->port);
}

static void
wait_for_the_attach(struct test_pmd *pmd)
{
	if (pmd != slow)
		return;
	atomic_store(&slow_is_in, true);
	(void)WAIT_FOR(atomic_load(&quick_is_in));
}

/* Nor does what the application attaches meanwhile. */
static void
test_attach_beside_a_slow_probe_takes_none_of_its_ids(void **state)
{
	struct test_pmd *other;
	uint16_t id;

	(void)state;
	slow = plug_started("0000:6b:00.0");
	id = slow->port;
	lose_for_good(slow);
	n_success = 0;
	slow_is_in = quick_is_in = false;
	test_pmd_in_probe = wait_for_the_attach;
	come_back(slow);
	assert_true(WAIT_FOR(atomic_load(&slow_is_in)));
	other = plug("0000:6c:00.0");
	atomic_store(&quick_is_in, true);
	assert_true(WAIT_FOR(n_success == 1));
	test_pmd_in_probe = NULL;
	assert_int_equal(slow->n_probes, 2);
	assert_int_equal(slow->port, id);
	assert_int_not_equal(other->port, id);
	remove_port(other->port);
	remove_port(slow->port);
}

/* --- what ethdev restores behind the start is refused ------------------------------------- */

static _Atomic unsigned int n_refused, n_not_ready;

static bool
refuse_mode_once(const char *op)
{
	return strcmp(op, "clear_promiscuous") == 0 && n_refused++ == 0;
}

static void
lose_in_mode(struct test_pmd *pmd)
{
	test_pmd_in_start = NULL;
	lose(pmd);
	(void)WAIT_FOR(LOAD(rte_eth_devices[card_port].dev_ops) == &dead_ops);
}

/* Ethdev's own functions of a port that is not ready: it has written the fast path. */
static void
look_at_fast_path(enum step step, const char *device)
{
	if (step >= STEP_HEAL_RELEASE && step <= STEP_HEAL_SETTLE && strcmp(device, card) == 0)
		n_not_ready += rte_eth_fp_ops[card_port].rx_pkt_burst ==
			rte_eth_fp_ops[RTE_MAX_ETHPORTS - 1].rx_pkt_burst;
}

/* It stopped the port then, and wrote its fast path, zeros first, under those who poll: SIGSEGV
 * within 20 to 60 heals beside one thread. */
static void
test_mode_that_is_refused_under_pollers(void **state)
{
	struct test_pmd *pmd = plug_started("0000:68:00.0");

	(void)state;
	step_hook = look_at_fast_path;
	lose_for_good(pmd);
	test_pmd_refuses = refuse_mode_once;    /* by its driver */
	come_back(pmd);
	assert_true(WAIT_FOR(n_success == 1));
	test_pmd_refuses = NULL;
	assert_int_equal(n_refused, 2);         /* healed at the second try */
	lose_for_good(pmd);
	test_pmd_in_start = lose_in_mode;       /* or since it is lost again */
	come_back(pmd);
	assert_true(WAIT_FOR(port_of(&rte_eth_devices[card_port])->state == PORT_HELD &&
			     test_pmd_in_start == NULL));
	come_back(pmd);
	assert_true(WAIT_FOR(n_success == 2));
	step_hook = on_step;
	assert_int_equal(n_not_ready, 0);
	remove_port(card_port);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sent_packets_are_asked_for),
		cmocka_unit_test(test_sent_packets_are_asked_for_after_a_failure),
		cmocka_unit_test(test_call_that_is_refused_leaves_no_mark),
		cmocka_unit_test(test_other_port_is_closed_during_the_probe),
		cmocka_unit_test(test_loss_in_the_probe),
		cmocka_unit_test(test_loss_before_its_ports_are_known),
		cmocka_unit_test(test_heal_beside_a_slow_probe_takes_none_of_its_ids),
		cmocka_unit_test(test_attach_beside_a_slow_probe_takes_none_of_its_ids),
		cmocka_unit_test(test_mode_that_is_refused_under_pollers),
	};

	return cmocka_run_group_tests_name("healing", tests, start, mock_port_stop);
}
