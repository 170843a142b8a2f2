/* SPDX-License-Identifier: BSD-3-Clause */

/* storm_back: what the application does when it is called back about a link.
 * In:  callbacks of ethdev: a driver's, in its start or its stop (characters.c), in the
 *      application's thread or in one of the library's; the library's own.
 * Out: something is done to a port of that card, or of another one: asked, set, stopped, started,
 *      closed.
 * Lock: the application's own are not waited for in here: whoever has one may wait for the thread
 *      that calls back.  In a call of its own the thread has those of that card.
 * Context: app, work, teardown. */

#include <errno.h>

#include <rte_ethdev.h>

#include "storm.h"
#include "test.h"

_Atomic unsigned long storm_n_backs;
static _Atomic unsigned int n_in;       /* callbacks that are at something */
static _Thread_local bool is_in;

static struct storm_card *
card_of(uint16_t id)
{
	unsigned int i, j;

	for (i = 0; i < storm_n_cards; i++)
		for (j = 0; j < storm_cards[i].bad->is->n_ports; j++)
			if (storm_cards[i].port[j].id == id &&
			    atomic_load(&storm_cards[i].port[j].is_open))
				return &storm_cards[i];
	return NULL;
}

static void
ask_or_set(struct storm_card *card, struct dice *dice)
{
	enum call_kind kind = dice_is(dice, 50) ? CALL_ASKS : CALL_SETS;
	struct storm_port *port = app_pick(card, dice);

	if (port != NULL)
		storm_call(storm_any_call(kind, dice), port->id,
			   dice_below(dice, card->bad->is->n_queues), dice);
}

static void
stop_or_start(struct storm_card *card, struct dice *dice)
{
	struct storm_port *port = app_pick(card, dice);

	if (port != NULL && port->is_started)
		(void)app_stop(port);
	else if (port != NULL)
		(void)app_start(port);
}

static void
with_locks(struct storm_card *card, struct dice *dice)
{
	unsigned int roll = dice_below(dice, 100);
	bool is_close = roll < 15;

	if (pthread_mutex_trylock(&card->settings) != 0)
		return;
	if ((is_close ? pthread_rwlock_trywrlock(&card->life) :
	     pthread_rwlock_tryrdlock(&card->life)) == 0) {
		if (is_close)
			app_close_one(card);
		else if (roll < 55)
			stop_or_start(card, dice);
		else
			ask_or_set(card, dice);
		atomic_fetch_add(&storm_n_backs, 1);
		pthread_rwlock_unlock(&card->life);
	}
	pthread_mutex_unlock(&card->settings);
}

static void
react(struct storm_card *card, struct dice *dice)
{
	struct storm_card *other = &storm_cards[dice_below(dice, storm_n_cards)];

	if (other == card && app_is_calling)
		ask_or_set(card, dice);
	else if (other == card || dice_is(dice, 60))
		with_locks(other, dice);
	else if (!app_is_calling)
		with_locks(card, dice);
	else
		ask_or_set(card, dice);
}

/* What it does in here calls back again: that is enough. */
static int
on_link(uint16_t id, enum rte_eth_event_type type, void *arg, void *result)
{
	struct dice dice = dice_of(1000 + atomic_load(&storm_n_losses) * 16 +
				   atomic_load(&storm_n_backs));
	struct storm_card *card = card_of(id);

	(void)type;
	(void)arg;
	(void)result;
	if (is_in || card == NULL)
		return 0;
	is_in = true;
	atomic_fetch_add(&n_in, 1);
	if (!atomic_load(&storm_is_quiet))
		react(card, &dice);
	atomic_fetch_sub(&n_in, 1);
	is_in = false;
	return 0;
}

void
back_start(void)
{
	if (rte_eth_dev_callback_register(RTE_ETH_ALL, RTE_ETH_EVENT_INTR_LSC, on_link, NULL) != 0)
		storm_fail("rte_eth_dev_callback_register()", "", -1, 0);
}

void
back_hush(void)
{
	while (atomic_load(&n_in) != 0)
		test_sleep_ms(1);
}
