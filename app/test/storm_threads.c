/* SPDX-License-Identifier: BSD-3-Clause */

/* storm_threads: the application's threads, each with dice of its own.
 * In:  cards whose ports are alive, dead, closed or just between.
 * Out: calls: callers ask, set, configure, stop, start, close and attach; pollers poll (an
 *      lcore, registered threads, others); sleepers wait for rx interrupts; listeners
 *      register what is called back, and take it away.
 * Context: app. */

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include <rte_epoll.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>

#include <hotplug.h>

#include "storm.h"
#include "test.h"

struct call *
storm_any_call(enum call_kind kind, struct dice *dice)
{
	struct call *call;

	do
		call = &storm_calls[dice_below(dice, storm_n_kinds)];
	while (*call->kind != kind);
	return call;
}

static uint16_t
any_queue(const struct storm_card *card, struct dice *dice)
{
	return dice_below(dice, card->bad->is->n_queues);
}

static void
ask(struct storm_card *card, struct dice *dice)
{
	struct storm_port *port;

	pthread_rwlock_rdlock(&card->life);
	port = app_pick(card, dice);
	if (port != NULL)
		storm_call(storm_any_call(CALL_ASKS, dice), port->id, any_queue(card, dice), dice);
	pthread_rwlock_unlock(&card->life);
}

static void
set(struct storm_card *card, struct dice *dice)
{
	struct storm_port *port;

	pthread_mutex_lock(&card->settings);
	pthread_rwlock_rdlock(&card->life);
	port = app_pick(card, dice);
	if (port != NULL)
		storm_call(storm_any_call(CALL_SETS, dice), port->id, any_queue(card, dice), dice);
	pthread_rwlock_unlock(&card->life);
	pthread_mutex_unlock(&card->settings);
}

static void
start_or_stop(struct storm_card *card, struct dice *dice)
{
	struct storm_port *port;

	pthread_mutex_lock(&card->settings);
	pthread_rwlock_rdlock(&card->life);
	port = app_pick(card, dice);
	if (port != NULL && port->is_started)
		(void)app_stop(port);
	else if (port != NULL)
		(void)app_start(port);
	pthread_rwlock_unlock(&card->life);
	pthread_mutex_unlock(&card->settings);
}

static void
call_heavy(struct storm_card *card, struct dice *dice)
{
	struct storm_port *port = app_pick(card, dice);

	if (port == NULL)
		return;
	app_polls_end(port);
	storm_call(storm_any_call(CALL_IS_HEAVY, dice), port->id, any_queue(card, dice), dice);
	atomic_store(&port->is_polled, port->is_started);
}

static void
set_up_again(struct storm_card *card, struct dice *dice)
{
	struct storm_port *port = app_pick(card, dice);

	if (port == NULL || !app_stop(port))
		return;
	if (dice_is(dice, 20))
		(void)rte_eth_dev_reset(port->id);
	(void)app_set_up(card, port);
}

static void
change(struct storm_card *card, struct dice *dice)
{
	unsigned int roll = dice_below(dice, 100);

	pthread_mutex_lock(&card->settings);
	pthread_rwlock_wrlock(&card->life);
	if (roll < 50)
		call_heavy(card, dice);
	else if (roll < 80)
		set_up_again(card, dice);
	else if (app_pick(card, dice) == NULL)
		app_attach(card);
	else if (roll < 90)
		app_leave(card, roll % 2 == 0);
	pthread_rwlock_unlock(&card->life);
	pthread_mutex_unlock(&card->settings);
}

int
storm_caller(unsigned int number)
{
	struct dice dice = dice_of(number);
	struct storm_card *card;
	unsigned int roll;

	while (storm_goes_on()) {
		card = &storm_cards[dice_below(&dice, storm_n_cards)];
		roll = dice_below(&dice, 1000);
		if (roll < 700)
			ask(card, &dice);
		else if (roll < 960)
			set(card, &dice);
		else if (roll < 985)
			start_or_stop(card, &dice);
		else
			change(card, &dice);
	}
	return 0;
}

/* --- who polls ------------------------------------------------------------------------- */

/* Two pollers share a card's queues, one each: DPDK has a queue for one thread. */
static void
poll_port(struct storm_card *card, struct storm_port *port, unsigned int number, struct dice *dice)
{
	uint16_t queue = number % 2;
	struct call *call;

	if (queue >= card->bad->is->n_queues || !atomic_load(&port->is_polled))
		return;
	atomic_fetch_add(&port->n_polling, 1);
	if (atomic_load(&port->is_polled)) {
		call = storm_any_call(CALL_POLLS, dice);
		storm_call(call, port->id, queue, dice);
		atomic_fetch_add(&storm_n_polls, 1);
	}
	atomic_fetch_sub(&port->n_polling, 1);
}

int
storm_poller(unsigned int number)
{
	struct dice dice = dice_of(100 + number);
	struct timespec a_while = { .tv_nsec = 50000 };
	struct storm_card *card;
	unsigned int i, j;

	if (number % 4 == 2)
		rte_thread_register();
	while (storm_goes_on()) {
		for (i = number / 2 % 2; i < storm_n_cards; i += 2) {
			card = &storm_cards[i];
			for (j = 0; j < card->bad->is->n_ports; j++)
				poll_port(card, &card->port[j], number, &dice);
		}
		if (rte_lcore_id() != 1)        /* the lcore never sleeps */
			nanosleep(&a_while, NULL);
	}
	if (number % 4 == 2)
		rte_thread_unregister();
	return 0;
}

/* --- who sleeps ------------------------------------------------------------------------ */

static int
sleep_on(struct storm_card *card, struct storm_port *port, int op, struct dice *dice)
{
	uint16_t queue = any_queue(card, dice);
	int ret;

	(void)rte_eth_dev_rx_intr_enable(port->id, queue);
	ret = rte_eth_dev_rx_intr_ctl_q(port->id, queue, RTE_EPOLL_PER_THREAD, op, NULL);
	(void)rte_eth_dev_rx_intr_disable(port->id, queue);
	return ret;
}

static void
change_set(struct storm_card *card, int op, struct dice *dice)
{
	struct storm_port *port;

	pthread_mutex_lock(&card->settings);
	pthread_rwlock_rdlock(&card->life);
	port = app_pick(card, dice);
	if (port != NULL)
		(void)sleep_on(card, port, op, dice);
	pthread_rwlock_unlock(&card->life);
	pthread_mutex_unlock(&card->settings);
}

int
storm_sleeper(unsigned int number)
{
	struct dice dice = dice_of(200 + number);
	struct rte_epoll_event events[4];
	struct storm_card *card;

	rte_thread_register();
	while (storm_goes_on()) {
		card = &storm_cards[dice_below(&dice, storm_n_cards)];
		if ((card->bad->is->ways & BAD_HAS_RX_INTR) == 0)
			continue;
		change_set(card, RTE_INTR_EVENT_ADD, &dice);
		if (rte_epoll_wait(RTE_EPOLL_PER_THREAD, events, 4, 5) > 0)
			atomic_fetch_add(&storm_n_wakes, 1);
		change_set(card, RTE_INTR_EVENT_DEL, &dice);
	}
	rte_thread_unregister();
	return 0;
}

/* --- who listens ----------------------------------------------------------------------- */

static int
on_port_event(uint16_t port, enum rte_eth_event_type type, void *arg, void *result)
{
	(void)port;
	(void)type;
	(void)arg;
	(void)result;
	return 0;
}

static void
on_device_event(const struct hotplug_event *event, void *arg)
{
	(void)event;
	(void)arg;
}

/* A subscriber on one device that asks while it is told. */
int
storm_listener(unsigned int number)
{
	struct dice dice = dice_of(300 + number);
	struct hotplug_stats stats = { .size = sizeof(stats) };
	unsigned long n_switches;
	const char *device;
	bool was_on;
	int id;

	while (storm_goes_on()) {
		device = storm_cards[dice_below(&dice, storm_n_cards)].name;
		n_switches = atomic_load(&storm_n_switches);
		was_on = !atomic_load(&storm_is_off);
		id = hotplug_event_subscribe(dice_is(&dice, 50) ? device : NULL, on_device_event, NULL);
		(void)rte_eth_dev_callback_register(RTE_ETH_ALL, RTE_ETH_EVENT_INTR_RMV,
						    on_port_event, NULL);
		(void)rte_eth_dev_callback_register(RTE_ETH_ALL, RTE_ETH_EVENT_RECOVERY_SUCCESS,
						    on_port_event, NULL);
		(void)hotplug_device_state(device);
		(void)hotplug_stats_get(&stats);
		(void)hotplug_port_list(device, NULL, 0);
		test_sleep_ms(dice_below(&dice, 3));
		(void)rte_eth_dev_callback_unregister(RTE_ETH_ALL, RTE_ETH_EVENT_INTR_RMV,
						      on_port_event, NULL);
		(void)rte_eth_dev_callback_unregister(RTE_ETH_ALL, RTE_ETH_EVENT_RECOVERY_SUCCESS,
						      on_port_event, NULL);
		if (id > 0 && hotplug_event_unsubscribe(id) != 0 && was_on &&
		    !atomic_load(&storm_is_off) && atomic_load(&storm_n_switches) == n_switches)
			storm_fail("hotplug_event_unsubscribe()", device, -1, 0);
	}
	return 0;
}
