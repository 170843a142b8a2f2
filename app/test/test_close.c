/* SPDX-License-Identifier: BSD-3-Clause */

/* test_close: a port that the application has closed is closed, at whatever step of a
 * teardown or a heal it did that; and nothing that a driver is at is freed under it.
 * In:  mock functions and a PMD for them; the library with a hook before each step
 *      (lib/port/steps.h), in which another thread stops and closes the port.
 * Context: app; the library's own threads do the work. */

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_log.h>

#include <ethdev_driver.h>
#include <hotplug.h>

#include "../../lib/core/device.h"
#include "../../lib/port/port.h"
#include "../../lib/port/shared.h"
#include "../../lib/port/steps.h"
#include "mock_port.h"
#include "test.h"

#define LATE_MS 250             /* for who is to be late */
#define STUCK_MS 60000          /* for the others (mock_port.h) */

#define NAME(step) #step,
static const char *const names[] = { STEPS(NAME) };

static void
enable_again(unsigned int stuck_ms)
{
	struct hotplug_config config;
	char options[64];

	(void)hotplug_disable();
	snprintf(options, sizeof(options), "flaps=0,stuck_ms=%u", stuck_ms);
	mock_port_config(&config, options);
	assert_int_equal(hotplug_enable(&config), 0);
}

/* The application's thread that stops and closes a port. */
static struct {
	pthread_t thread;
	uint16_t port;
	bool is_to_attach;      /* another card, under the id that it has given back */
	atomic_bool is_begun, is_done;
	int stopped, closed;
} closer;

static char card[32];           /* the one that the steps are of */
static char other_card[32];     /* it comes for the first time */
static enum step close_at;
static atomic_bool is_armed, is_complete;       /* is_complete: nothing is half in sysfs */
static _Atomic unsigned int n_over, n_claims;

static void
name_cards(unsigned int number)
{
	snprintf(card, sizeof(card), "0000:%02x:00.0", 0x10 + number);
	snprintf(other_card, sizeof(other_card), "0000:%02x:00.0", 0x80 + number);
	n_over = 0;
}

static void take_id(void);
static void wait_in_close(void);

static void *
close_it(void *arg)
{
	(void)arg;
	atomic_store(&closer.is_begun, true);
	closer.stopped = rte_eth_dev_stop(closer.port);
	closer.closed = rte_eth_dev_close(closer.port);
	if (closer.is_to_attach)
		start_port(mock_plug(other_card)->port);
	atomic_store(&closer.is_done, true);
	return NULL;
}

static void
begin_to_close(uint16_t port)
{
	atomic_store(&closer.is_begun, false);
	closer.port = port;
	closer.stopped = closer.closed = 77;
	assert_int_equal(pthread_create(&closer.thread, NULL, close_it, NULL), 0);
}

/* Until then the port is the application's, which waits for nobody. */
static bool
is_applications(enum step step)
{
	return step == STEP_END_CLAIM || (step >= STEP_HEAL_TURN && step <= STEP_HEAL_CLAIM);
}

/* Where the port is ours the closer has time to wait for us: it must not matter. */
static void
on_step(enum step step, const char *device)
{
	if (strcmp(device, card) != 0)
		return;
	if (step == STEP_GIVEN_BACK)
		take_id();
	if (step == STEP_CLOSE)
		wait_in_close();
	n_over += step == STEP_END_OVER || step == STEP_HEAL_OVER;
	n_claims += step == STEP_HEAL_CLAIM;
	if (step != close_at || !atomic_exchange(&is_armed, false))
		return;
	assert_true(WAIT_FOR(atomic_load(&is_complete)));
	begin_to_close(closer.port);
	assert_true(WAIT_FOR(atomic_load(&closer.is_begun)));
	if (is_applications(step))
		assert_true(WAIT_FOR(atomic_load(&closer.is_done)));
	else
		test_sleep_ms(10);
}

static void
join_closer(void)
{
	assert_true(WAIT_FOR(atomic_load(&closer.is_done)));
	pthread_join(closer.thread, NULL);
}

/* Its id is another card's, which lives, is lost, and heals; nobody hears of the first. */
static void
check_is_closed(uint16_t port)
{
	struct test_pmd *other;

	assert_int_equal(closer.closed, 0);
	if (!closer.is_to_attach) {
		assert_false(rte_eth_dev_is_valid_port(port));
		start_port(mock_plug(other_card)->port);
	}
	other = test_pmd_of(other_card);
	assert_int_equal(other->port, port);
	assert_int_equal(rte_eth_dev_is_removed(port), 0);
	assert_int_equal(rte_eth_devices[port].data->dev_started, 1);
	n_success = 0;
	other->n_starts = 0;
	lose_for_good(other);
	come_back(other);
	assert_true(WAIT_FOR(n_success == 1 && other->n_starts == 1));
	assert_int_equal(other->port, port);
	assert_true(hotplug_port_list(card, NULL, 0) == -ENODEV);
	remove_port(port);
	if (mock_find(card) != NULL)
		assert_int_equal(rte_dev_remove(mock_find(card)), 0);
}

static void
close_at_step(enum step step, unsigned int number)
{
	struct test_pmd *pmd;
	uint16_t port;

	name_cards(number);
	pmd = plug(card);
	port = closer.port = pmd->port;
	start_port(port);
	closer.is_to_attach = is_applications(step) && step != STEP_END_CLAIM;
	close_at = step;
	n_over = 0;
	atomic_store(&closer.is_done, false);
	atomic_store(&is_complete, false);
	atomic_store(&is_armed, true);
	if (step <= STEP_END_OVER) {
		lose(pmd);
		atomic_store(&is_complete, true);
		assert_true(WAIT_FOR(!atomic_load(&is_armed)));
	} else {
		lose_for_good(pmd);
		assert_true(WAIT_FOR(n_over >= 1));
		come_back(pmd);
		atomic_store(&is_complete, true);
		assert_true(WAIT_FOR(!atomic_load(&is_armed)));
	}
	join_closer();
	assert_true(WAIT_FOR(n_over >= (step <= STEP_END_OVER ? 1 : 2)));
	if (step <= STEP_END_OVER)
		come_back(pmd);
	check_is_closed(port);
}

static void
close_at_each(enum step first, enum step last)
{
	enum step step;

	for (step = first; step <= last; step++) {
		print_message("# close at %s\n", names[step]);
		close_at_step(step, step);
	}
}

static void
test_closed_at_each_step_of_a_teardown(void **state)
{
	(void)state;
	close_at_each(STEP_END_CLAIM, STEP_END_OVER);
}

static void
test_closed_at_each_step_of_a_heal(void **state)
{
	(void)state;
	close_at_each(STEP_HEAL_TURN, STEP_HEAL_OVER);
}

/* What is remembered of a device stands in its first port.  Closed when its heal had begun and
 * had not asked for its turn yet, it took the heal of the others with it (storm, seed 601). */
static void
test_first_of_two_is_closed_before_a_heal_has_its_turn(void **state)
{
	struct test_pmd *pmd;
	uint16_t port2;

	(void)state;
	name_cards(0x5e);
	test_pmd_n_ports = 2;
	pmd = plug(card);
	closer.port = pmd->port;
	port2 = pmd->port2;
	start_port(port2);
	lose_for_good(pmd);
	assert_true(WAIT_FOR(n_over >= 1));
	closer.is_to_attach = false;
	close_at = STEP_HEAL_TURN;
	atomic_store(&closer.is_done, false);
	atomic_store(&is_complete, true);
	atomic_store(&is_armed, true);
	come_back(pmd);
	join_closer();
	assert_int_equal(closer.closed, 0);
	assert_true(WAIT_FOR(port_of(&rte_eth_devices[port2])->state == PORT_LIVE));
	test_pmd_n_ports = 1;
	assert_int_equal(rte_eth_devices[port2].data->dev_started, 1);
	remove_port(port2);
}

/* --- a driver that is somewhere when the port is closed ------------------------------- */

static atomic_bool is_held, is_inside;

static void
hold(struct test_pmd *pmd)
{
	(void)pmd;
	atomic_store(&is_inside, true);
	assert_true(WAIT_FOR(!atomic_load(&is_held)));
	atomic_store(&is_inside, false);
}

/* The next that comes into hold() stays there; the closer has not closed anything yet. */
static void
begin_to_hold(void)
{
	atomic_store(&closer.is_done, false);
	atomic_store(&is_inside, false);
	atomic_store(&is_held, true);
}

static struct test_pmd *
lose_started(unsigned int number)
{
	struct test_pmd *pmd;

	name_cards(number);
	atomic_store(&closer.is_done, false);
	pmd = plug(card);
	start_port(pmd->port);
	lose_for_good(pmd);
	closer.is_to_attach = false;
	return pmd;
}

/* As e1000's, which reads its EEPROM for seconds: what it is at stays (R5). */
static void
test_closed_in_the_middle_of_a_probe(void **state)
{
	struct test_pmd *pmd = lose_started(0x40);
	uint16_t port = pmd->port;

	(void)state;
	atomic_store(&is_held, true);
	test_pmd_in_init = hold;
	come_back(pmd);
	assert_true(WAIT_FOR(atomic_load(&is_inside)));
	begin_to_close(port);
	test_sleep_ms(100);
	assert_false(atomic_load(&closer.is_done));
	atomic_store(&is_held, false);
	join_closer();
	test_pmd_in_init = NULL;
	assert_int_equal(pmd->n_starts, 1);
	check_is_closed(port);
}

/* It is not waited for for ever, and then the port is the application's as before: it is not
 * closed, and that it was stopped holds. */
static void
test_probe_does_not_return(void **state)
{
	struct test_pmd *pmd;
	uint16_t port;

	(void)state;
	enable_again(LATE_MS);
	pmd = lose_started(0x41);
	port = pmd->port;
	atomic_store(&is_held, true);
	test_pmd_in_init = hold;
	come_back(pmd);
	assert_true(WAIT_FOR(atomic_load(&is_inside)));
	begin_to_close(port);
	join_closer();
	assert_int_equal(closer.stopped, 0);
	assert_int_equal(closer.closed, -EBUSY);
	assert_true(atomic_load(&is_inside));
	assert_true(WAIT_FOR(port_of(&rte_eth_devices[port])->state == PORT_STUCK));
	assert_int_equal(rte_eth_dev_stop(port), 0);
	assert_int_equal(rte_eth_dev_close(port), -EBUSY);
	assert_null(rte_eth_devices[port].data->mac_addrs);     /* the driver is about to */
	atomic_store(&is_held, false);
	test_pmd_in_init = NULL;
	assert_true(WAIT_FOR(n_success == 1));
	assert_int_equal(pmd->n_starts, 1);     /* it has been stopped, though not closed */
	assert_int_equal(port_of(&rte_eth_devices[port])->state, PORT_LIVE);
	remove_port(port);
	enable_again(STUCK_MS);
}

/* Its heal waits until it may probe: the port is the application's meanwhile. */
static void
test_closed_while_another_card_is_probed(void **state)
{
	struct test_pmd *pmd = lose_started(0x46);
	uint16_t port = pmd->port;
	unsigned int n_probes = pmd->n_probes;

	(void)state;
	assert_true(WAIT_FOR(n_over >= 1));
	port_probe_lock();              /* as whoever probes another one */
	atomic_store(&n_claims, 0);
	come_back(pmd);
	assert_true(WAIT_FOR(atomic_load(&n_claims) == 1));
	n_over = 0;
	test_sleep_ms(20);
	assert_int_equal(rte_eth_dev_close(port), 0);
	port_probe_unlock();
	assert_true(WAIT_FOR(n_over >= 1));
	assert_int_equal(pmd->n_probes, n_probes);
	closer.closed = 0;
	check_is_closed(port);
}

/* A stop that has returned 0 stays: the port heals, and is not started. */
static void
test_stopped_while_it_is_kept(void **state)
{
	struct test_pmd *pmd = lose_started(0x42);
	uint16_t port = pmd->port;

	(void)state;
	assert_int_equal(rte_eth_dev_stop(port), 0);
	come_back(pmd);
	assert_true(WAIT_FOR(n_success == 1));
	assert_int_equal(pmd->n_starts, 1);
	assert_int_equal(rte_eth_dev_start(port), 0);
	n_success = 0;
	lose_for_good(pmd);
	come_back(pmd);
	assert_true(WAIT_FOR(n_success == 1));
	assert_int_equal(pmd->n_starts, 3);
	remove_port(port);
}

static unsigned int n_closes_then;

static void
hold_and_count(struct test_pmd *pmd)
{
	if (atomic_exchange(&is_inside, true))
		return;
	assert_true(WAIT_FOR(!atomic_load(&is_held)));
	n_closes_then = pmd->n_closes + pmd->n_removes;
}

static void *
stop_it(void *arg)
{
	(void)arg;
	assert_int_equal(rte_eth_dev_stop(closer.port), 0);
	atomic_store(&closer.is_done, true);
	return NULL;
}

/* It is in the driver's stop, on a port that is dead already: no close beside it. */
static void
test_stop_of_a_dead_port_is_waited_for(void **state)
{
	struct test_pmd *pmd = plug("0000:53:00.0");
	uint16_t port = pmd->port;

	(void)state;
	snprintf(card, sizeof(card), "%s", pmd->name);
	start_port(port);
	pmd->n_removes = pmd->n_closes = 0;
	closer.port = port;
	atomic_store(&closer.is_done, false);
	atomic_store(&is_held, true);
	atomic_store(&is_inside, false);
	test_pmd_in_stop = hold_and_count;
	lose(pmd);
	assert_true(WAIT_FOR(rte_eth_dev_is_removed(port) == 1));
	assert_int_equal(pthread_create(&closer.thread, NULL, stop_it, NULL), 0);
	assert_true(WAIT_FOR(atomic_load(&is_inside)));
	test_sleep_ms(100);
	atomic_store(&is_held, false);
	join_closer();
	assert_int_equal(n_closes_then, 0);
	assert_true(WAIT_FOR(mock_find(pmd->name) == NULL));
	test_pmd_in_stop = NULL;
	remove_port(port);
}

static struct {
	bool is_other_thread;
	_Atomic bool is_armed;          /* they stay registered with the id */
	_Atomic int told;               /* -1: nobody */
} in_callback;

/* Of heal's thread: the application closes the port in here, or meanwhile. */
static int
close_in_callback(uint16_t port, enum rte_eth_event_type type, void *arg, void *result)
{
	(void)type;
	(void)arg;
	(void)result;
	if (!atomic_load(&in_callback.is_armed))
		return 0;
	atomic_store(&closer.is_done, false);
	closer.is_to_attach = false;
	if (in_callback.is_other_thread) {
		begin_to_close(port);
	} else {
		closer.port = port;
		(void)close_it(NULL);
	}
	(void)WAIT_FOR(atomic_load(&closer.is_done));
	return 0;
}

static int
note_told(uint16_t port, enum rte_eth_event_type type, void *arg, void *result)
{
	(void)type;
	(void)arg;
	(void)result;
	if (atomic_exchange(&in_callback.is_armed, false))
		atomic_store(&in_callback.told, port);
	return 0;
}

static struct {
	bool is_armed;
	char name[RTE_ETH_NAME_MAX_LEN], name_then[RTE_ETH_NAME_MAX_LEN];
	uint16_t id;
} next;

/* Whoever attaches a device takes the id that is free again. */
static void
take_id(void)
{
	struct rte_eth_dev *eth;

	if (!next.is_armed)
		return;
	next.is_armed = false;
	eth = rte_eth_dev_allocate(next.name);
	assert_non_null(eth);
	next.id = eth - rte_eth_devices;
}

static void
give_id_back(void)
{
	struct rte_eth_dev *eth = &rte_eth_devices[next.id];

	snprintf(next.name_then, sizeof(next.name_then), "%s", eth->data->name);
	(void)rte_eth_dev_release_port(rte_eth_dev_allocated(next.name));
}

static void
close_in(unsigned int number, bool is_other_thread)
{
	struct test_pmd *pmd = lose_started(number);
	uint16_t port = pmd->port;

	rte_eth_dev_callback_register(port, RTE_ETH_EVENT_RECOVERY_SUCCESS, close_in_callback,
				      NULL);
	rte_eth_dev_callback_register(port, RTE_ETH_EVENT_RECOVERY_SUCCESS, note_told, NULL);
	in_callback.is_other_thread = is_other_thread;
	atomic_store(&in_callback.told, -1);
	atomic_store(&in_callback.is_armed, true);
	come_back(pmd);
	assert_true(WAIT_FOR(atomic_load(&in_callback.told) != -1));
	assert_int_equal(atomic_load(&in_callback.told), port);
	if (is_other_thread)
		pthread_join(closer.thread, NULL);
	assert_int_equal(closer.closed, 0);
	assert_false(rte_eth_dev_is_valid_port(port));
	assert_int_equal(rte_dev_remove(mock_find(pmd->name)), 0);
}

/* ethdev reads a port's number before each callback, in data that a close has cleared: the next
 * one was told of port 0 (22.11), or the process died (24.11). */
static void
test_closed_in_a_callback_of_its_heal(void **state)
{
	(void)state;
	close_in(0x8a, false);
	close_in(0x8b, true);
}

/* The data that is left for those callbacks was laid over that of the id's next port. */
static void
test_id_is_anothers_before_a_callback_is_over(void **state)
{
	(void)state;
	snprintf(next.name, sizeof(next.name), "%s", "next");
	next.is_armed = true;
	close_in(0x8c, false);
	assert_false(next.is_armed);
	give_id_back();
	assert_string_equal(next.name_then, next.name);
}

static void *
close_only(void *arg)
{
	(void)arg;
	closer.closed = rte_eth_dev_close(closer.port);
	atomic_store(&closer.is_done, true);
	return NULL;
}

static void
hold_first_close(struct test_pmd *pmd)
{
	if (atomic_exchange(&is_inside, true))
		return;
	assert_true(WAIT_FOR(!atomic_load(&is_held)));
	n_closes_then = pmd->n_removes;
}

/* One of a device's two ports is being closed when the device goes: it is not removed
 * under that close. */
static void
test_other_port_is_in_its_close(void **state)
{
	struct test_pmd *pmd;
	uint16_t port, port2;

	(void)state;
	test_pmd_n_ports = 2;
	pmd = plug("0000:54:00.0");
	test_pmd_n_ports = 1;
	snprintf(card, sizeof(card), "%s", pmd->name);
	port = pmd->port;
	port2 = pmd->port2;
	pmd->n_removes = 0;
	atomic_store(&is_held, true);
	atomic_store(&is_inside, false);
	atomic_store(&closer.is_done, false);
	test_pmd_in_close = hold_first_close;
	closer.port = port2;
	assert_int_equal(pthread_create(&closer.thread, NULL, close_only, NULL), 0);
	assert_true(WAIT_FOR(atomic_load(&is_inside)));
	lose(pmd);
	assert_true(WAIT_FOR(pmd->n_closes == 1));
	test_sleep_ms(50);
	atomic_store(&is_held, false);
	join_closer();
	assert_int_equal(closer.closed, 0);
	assert_int_equal(n_closes_then, 0);
	assert_true(WAIT_FOR(mock_find(pmd->name) == NULL));
	test_pmd_in_close = NULL;
	remove_port(port);
}

static atomic_bool is_to_wait;

/* For the heal that is to come. */
static void
wait_in_close(void)
{
	if (!atomic_exchange(&is_to_wait, false))
		return;
	atomic_store(&is_inside, true);
	assert_true(WAIT_FOR(!atomic_load(&is_held)));
}

/* One of two ports is about to be closed when its device heals: the driver's probe met its name,
 * gave up, and released it, whose application heard -ENODEV (storm, TSan, seed 701). */
static void
test_second_of_two_is_about_to_be_closed_when_they_heal(void **state)
{
	struct test_pmd *pmd;
	uint16_t port, port2;

	(void)state;
	name_cards(0x5f);
	test_pmd_n_ports = 2;
	pmd = plug(card);
	port = pmd->port;
	port2 = pmd->port2;
	start_port(port);
	lose_for_good(pmd);
	assert_true(WAIT_FOR(n_over >= 1));
	atomic_store(&is_held, true);
	atomic_store(&is_inside, false);
	atomic_store(&closer.is_done, false);
	atomic_store(&is_to_wait, true);
	closer.port = port2;
	assert_int_equal(pthread_create(&closer.thread, NULL, close_only, NULL), 0);
	assert_true(WAIT_FOR(atomic_load(&is_inside)));
	n_claims = 0;
	come_back(pmd);
	assert_true(WAIT_FOR(n_claims > 0));
	test_sleep_ms(50);
	atomic_store(&is_held, false);
	join_closer();
	assert_int_equal(closer.closed, 0);
	assert_true(WAIT_FOR(port_of(&rte_eth_devices[port])->state == PORT_LIVE));
	assert_int_equal(rte_eth_devices[port].data->dev_started, 1);
	assert_false(rte_eth_dev_is_valid_port(port2));
	test_pmd_n_ports = 1;
	remove_port(port);
}

/* --- a close that has been begun, and a heal ------------------------------------------ */

static atomic_bool is_first_destroy;
static _Atomic unsigned int n_destroys;

/* The application hears of its port's end, and takes a while. */
static int
wait_in_destroy(uint16_t port, enum rte_eth_event_type type, void *arg, void *result)
{
	(void)port;
	(void)type;
	(void)arg;
	(void)result;
	n_destroys++;
	if (!atomic_exchange(&is_first_destroy, false))
		return 0;
	atomic_store(&is_inside, true);
	(void)WAIT_FOR(!atomic_load(&is_held));
	return 0;
}

/* One of two ports was closed, and not released yet, when its device healed: the driver's probe met
 * its name, and released it.  Its id became another card's, whose port the close then wiped. */
static void
test_second_of_two_is_being_closed_when_they_heal(void **state)
{
	struct test_pmd *pmd, *other;
	unsigned int n_probes;
	uint16_t port, port2;

	(void)state;
	name_cards(0x6f);
	test_pmd_n_ports = 2;
	pmd = plug(card);
	port = pmd->port;
	port2 = pmd->port2;
	start_port(port);
	lose_for_good(pmd);
	assert_true(WAIT_FOR(n_over >= 1));
	rte_eth_dev_callback_register(port2, RTE_ETH_EVENT_DESTROY, wait_in_destroy, NULL);
	atomic_store(&is_first_destroy, true);
	begin_to_hold();
	closer.port = port2;
	assert_int_equal(pthread_create(&closer.thread, NULL, close_only, NULL), 0);
	assert_true(WAIT_FOR(atomic_load(&is_inside)));
	assert_int_equal(port_of(&rte_eth_devices[port2])->state, PORT_CLOSING);
	n_claims = 0;
	n_probes = pmd->n_probes;
	come_back(pmd);
	assert_true(WAIT_FOR(n_claims > 0));
	test_sleep_ms(100);
	assert_int_equal(pmd->n_probes, n_probes);
	assert_int_equal(n_destroys, 1);
	test_pmd_n_ports = 1;
	other = mock_plug(other_card);
	test_pmd_n_ports = 2;
	atomic_store(&is_held, false);
	join_closer();
	assert_int_equal(closer.closed, 0);
	assert_true(rte_eth_dev_is_valid_port(other->port));
	assert_true(WAIT_FOR(port_of(&rte_eth_devices[port])->state == PORT_LIVE));
	assert_int_equal(rte_eth_devices[port].data->dev_started, 1);
	assert_true(rte_eth_dev_is_valid_port(other->port));
	test_pmd_n_ports = 1;
	remove_port(other->port);
	remove_port(port);
}

/* The first of two is closed when they are about to be set up. */
static void
close_at_configure(enum step step, const char *device)
{
	on_step(step, device);
	if (step != STEP_HEAL_CONFIGURE || strcmp(device, card) != 0 ||
	    !atomic_exchange(&is_armed, false))
		return;
	assert_int_equal(pthread_create(&closer.thread, NULL, close_only, NULL), 0);
	assert_true(WAIT_FOR(port_of(&rte_eth_devices[closer.port])->n_unwanted > 0));
}

/* A heal had stepped aside for its close, and did not return from the start of the other port: the
 * close waited without end. */
static void
test_first_of_two_is_closed_and_the_seconds_start_does_not_return(void **state)
{
	unsigned int waited_ms;
	struct test_pmd *pmd;
	uint16_t port, port2;
	bool is_in_time;

	(void)state;
	name_cards(0x6e);
	test_pmd_n_ports = 2;
	pmd = plug(card);
	port = pmd->port;
	port2 = pmd->port2;
	start_port(port);
	start_port(port2);
	lose_for_good(pmd);
	assert_true(WAIT_FOR(n_over >= 1));
	enable_again(LATE_MS);
	closer.port = port;
	begin_to_hold();
	test_pmd_in_start = hold;
	close_at = STEP_COUNT;
	step_hook = close_at_configure;
	atomic_store(&is_armed, true);
	come_back(pmd);
	assert_true(WAIT_FOR(atomic_load(&is_inside)));
	for (waited_ms = 0; waited_ms < 5000 && !atomic_load(&closer.is_done); waited_ms += 10)
		test_sleep_ms(10);
	is_in_time = atomic_load(&closer.is_done);
	atomic_store(&is_held, false);
	join_closer();
	test_pmd_in_start = NULL;
	step_hook = on_step;
	test_pmd_n_ports = 1;
	assert_true(is_in_time);
	assert_int_equal(closer.closed, -EBUSY);
	assert_true(WAIT_FOR(port_of(&rte_eth_devices[port2])->state == PORT_LIVE));
	enable_again(STUCK_MS);
	(void)rte_eth_dev_stop(port);
	assert_int_equal(rte_eth_dev_close(port), 0);
	remove_port(port2);
}

static atomic_bool is_to_close_new;

/* Who hears of new ports has another thread close the first one when it is valid: at the second. */
static int
close_new(uint16_t port, enum rte_eth_event_type type, void *arg, void *result)
{
	(void)type;
	(void)arg;
	(void)result;
	if (!atomic_load(&is_to_close_new))
		return 0;
	if (closer.port == RTE_MAX_ETHPORTS) {
		closer.port = port;
		return 0;
	}
	atomic_store(&is_to_close_new, false);
	assert_int_equal(pthread_create(&closer.thread, NULL, close_only, NULL), 0);
	(void)WAIT_FOR(atomic_load(&is_inside));
	return 0;
}

/* A heal closes the ports that came with the card and that nobody had.  One whose application was
 * closing it, and for longer than stuck_ms, was closed a second time beside that. */
static void
test_new_port_is_being_closed_in_its_heal(void **state)
{
	unsigned int n_closes;
	struct test_pmd *pmd;
	uint16_t port;

	(void)state;
	name_cards(0x6b);
	test_pmd_n_ports = 3;
	pmd = plug(card);
	port = pmd->port;
	start_port(port);
	lose_for_good(pmd);
	assert_true(WAIT_FOR(n_over >= 1));
	assert_int_equal(rte_eth_dev_close(pmd->ports[1]), 0);
	assert_int_equal(rte_eth_dev_close(pmd->ports[2]), 0);
	enable_again(LATE_MS);
	closer.port = RTE_MAX_ETHPORTS;
	rte_eth_dev_callback_register(RTE_ETH_ALL, RTE_ETH_EVENT_NEW, close_new, NULL);
	begin_to_hold();
	test_pmd_in_close = hold_first_close;
	n_closes = pmd->n_closes;
	atomic_store(&is_to_close_new, true);
	come_back(pmd);
	assert_true(WAIT_FOR(atomic_load(&is_inside)));
	test_sleep_ms(2 * LATE_MS);
	n_closes = pmd->n_closes - n_closes;
	atomic_store(&is_held, false);
	join_closer();
	test_pmd_in_close = NULL;
	test_pmd_n_ports = 1;
	rte_eth_dev_callback_unregister(RTE_ETH_ALL, RTE_ETH_EVENT_NEW, close_new, NULL);
	assert_int_equal(n_closes, 0);
	assert_true(WAIT_FOR(port_of(&rte_eth_devices[port])->state == PORT_LIVE));
	enable_again(STUCK_MS);
	remove_port(port);
}

/* --- who asks a port's driver when it is closed --------------------------------------- */

static void
hold_once_in_info(struct test_pmd *pmd)
{
	test_pmd_in_info = NULL;
	hold(pmd);
}

/* As telemetry's /ethdev/info. */
static void *
read_info(void *arg)
{
	struct rte_eth_dev_info info;
	const uint16_t *port = arg;

	(void)rte_eth_dev_info_get(*port, &info);
	return NULL;
}

static struct hotplug_device *flipping;
static atomic_bool has_flipped;

static void
look_whether_it_flips(struct test_pmd *pmd)
{
	(void)pmd;
	atomic_store(&has_flipped, atomic_load(&flipping->flip) != NULL);
}

/* Who had come into the driver of the port that had the id before left the device of the one that
 * has it now: that one's registers did not flip when it was lost with its driver at work. */
static void
test_id_is_anothers_before_its_reader_leaves(void **state)
{
	struct test_pmd *pmd, *other;
	struct hotplug_device *dev;
	pthread_t reader;
	uint16_t port;

	(void)state;
	name_cards(0x6d);
	pmd = plug(card);
	port = pmd->port;
	begin_to_hold();
	test_pmd_in_info = hold_once_in_info;
	assert_int_equal(pthread_create(&reader, NULL, read_info, &port), 0);
	assert_true(WAIT_FOR(atomic_load(&is_inside)));
	assert_int_equal(rte_eth_dev_close(port), 0);
	other = mock_plug(other_card);          /* waits for the reader, a second at most */
	assert_int_equal(other->port, port);
	atomic_store(&is_held, false);
	pthread_join(reader, NULL);
	dev = device_find(NULL, card);
	flipping = device_find(NULL, other_card);
	assert_int_equal(atomic_load(&dev->n_at_work), 0);
	assert_int_equal(atomic_load(&flipping->n_at_work), 0);
	start_port(port);
	atomic_store(&has_flipped, false);
	test_pmd_in_stop = look_whether_it_flips;
	lose_for_good(other);
	test_pmd_in_stop = NULL;
	assert_true(atomic_load(&has_flipped));
	remove_port(port);
	assert_int_equal(rte_dev_remove(mock_find(pmd->name)), 0);
}

static void
hold_once_in_stats(struct test_pmd *pmd)
{
	test_pmd_in_stats = NULL;
	hold(pmd);
}

/* As telemetry's /ethdev/stats. */
static void *
read_stats(void *arg)
{
	struct rte_eth_stats stats;
	const uint16_t *port = arg;

	(void)rte_eth_stats_get(*port, &stats);
	return NULL;
}

/* An owner that was told of the loss closed its port, and its driver freed what a call that was in
 * it since before was at. */
static void
test_dead_port_is_closed_while_its_driver_is_asked(void **state)
{
	struct rte_eth_dev_owner owner = { .name = "fail-safe" };
	struct test_pmd *pmd;
	unsigned int n_closes;
	pthread_t reader;
	uint16_t port;

	(void)state;
	name_cards(0x69);
	pmd = plug(card);
	port = pmd->port;
	start_port(port);
	assert_int_equal(rte_eth_dev_owner_new(&owner.id), 0);
	assert_int_equal(rte_eth_dev_owner_set(port, &owner), 0);
	begin_to_hold();
	test_pmd_in_stats = hold_once_in_stats;
	assert_int_equal(pthread_create(&reader, NULL, read_stats, &port), 0);
	assert_true(WAIT_FOR(atomic_load(&is_inside)));
	lose(pmd);
	assert_true(WAIT_FOR(n_removed == 1));
	assert_int_equal(port_of(&rte_eth_devices[port])->state, PORT_DEAD);
	n_closes = pmd->n_closes;
	closer.is_to_attach = false;
	begin_to_close(port);
	test_sleep_ms(100);
	n_closes = pmd->n_closes - n_closes;
	atomic_store(&is_held, false);
	pthread_join(reader, NULL);
	join_closer();
	assert_int_equal(n_closes, 0);
	assert_int_equal(closer.stopped, 0);
	assert_int_equal(closer.closed, 0);
	assert_int_equal(rte_dev_remove(mock_find(pmd->name)), 0);
}

static int
start(void **state)
{
	if (mock_port_start(state, "flaps=0") != 0)
		return -1;
	(void)rte_log_set_level_pattern("lib.ethdev", RTE_LOG_CRIT);
	step_hook = on_step;
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_closed_at_each_step_of_a_teardown),
		cmocka_unit_test(test_closed_at_each_step_of_a_heal),
		cmocka_unit_test(test_first_of_two_is_closed_before_a_heal_has_its_turn),
		cmocka_unit_test(test_closed_in_the_middle_of_a_probe),
		cmocka_unit_test(test_closed_in_a_callback_of_its_heal),
		cmocka_unit_test(test_id_is_anothers_before_a_callback_is_over),
		cmocka_unit_test(test_probe_does_not_return),
		cmocka_unit_test(test_closed_while_another_card_is_probed),
		cmocka_unit_test(test_stopped_while_it_is_kept),
		cmocka_unit_test(test_stop_of_a_dead_port_is_waited_for),
		cmocka_unit_test(test_other_port_is_in_its_close),
		cmocka_unit_test(test_second_of_two_is_about_to_be_closed_when_they_heal),
		cmocka_unit_test(test_second_of_two_is_being_closed_when_they_heal),
		cmocka_unit_test(test_first_of_two_is_closed_and_the_seconds_start_does_not_return),
		cmocka_unit_test(test_new_port_is_being_closed_in_its_heal),
		cmocka_unit_test(test_id_is_anothers_before_its_reader_leaves),
		cmocka_unit_test(test_dead_port_is_closed_while_its_driver_is_asked),
	};

	return cmocka_run_group_tests_name("close", tests, start, mock_port_stop);
}
