/* SPDX-License-Identifier: BSD-3-Clause */

/* storm_weather: cards are lost and come back, and are reset, at random moments and at each step.
 * In:  dice.  Out: losses and returns; what must be told of them (storm_judge.c).
 * Before a step of a teardown or a heal (lib/port/steps.h) the accomplice may do something to
 * that very card: close a port, all of them and detach, attach, stop, start, lose it, bring it
 * back, reset it.  The step waits a moment for that: "closed just before revive" is so a case
 * that comes again and again, and each pair of a step and a trick is counted.
 * Lock: a card's `weather`: losses, returns, and what is expected of them.
 * Context: the main thread; the hook: teardown, work; the accomplice: a thread of its own. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_ethdev.h>

#include <hotplug.h>

#include "port/steps.h"
#include "storm.h"
#include "test.h"

#define TRICK_PERCENT 25
#define TRICK_MS 20             /* that a step waits for its trick */

enum trick { TRICK_CLOSE, TRICK_LEAVE, TRICK_ATTACH, TRICK_STOP, TRICK_START, TRICK_LOSE,
	     TRICK_RETURN, TRICK_RESET, TRICK_SET, TRICK_SLEEP, TRICK_COUNT };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* the one order, and its dice */
static struct {
	struct storm_card *card;        /* NULL: none */
	enum trick trick;
	unsigned int number;
} order;
static struct dice order_dice;
static _Atomic unsigned int n_ordered, n_done;
static _Atomic unsigned int n_seen[STEP_COUNT], n_tricks[STEP_COUNT][TRICK_COUNT];

/* Once in each life that somebody has. */
static bool
is_due(const struct storm_card *card)
{
	return !atomic_load(&storm_is_off) &&
		hotplug_device_state(card->name) == HOTPLUG_STATE_ATTACHED &&
		!atomic_load(&card->is_leaving) &&
		card->told.life_lost != atomic_load(&card->bad->life);
}

static void
expect_loss(struct storm_card *card, unsigned int life, bool is_sure)
{
	if (is_sure) {
		card->told.n_must++;
		card->told.life_lost = life;
	} else {
		card->told.n_may++;
	}
	atomic_fetch_add(&storm_n_losses, 1);
}

void
weather_forgive(struct storm_card *card, unsigned int n_again)
{
	unsigned int n_gone;

	pthread_mutex_lock(&card->weather);
	n_gone = card->told.n_gone;
	if (card->told.n_must > n_gone) {
		card->told.n_may += card->told.n_must - n_gone;
		card->told.n_must = n_gone;
	}
	card->told.n_may += n_again;
	pthread_mutex_unlock(&card->weather);
}

bool
weather_lose(struct storm_card *card)
{
	unsigned int life;
	bool is_lost, is_sure;

	pthread_mutex_lock(&card->weather);
	life = atomic_load(&card->bad->life);
	is_sure = is_due(card);
	is_lost = bad_card_lose(card->bad);
	if (is_lost)
		expect_loss(card, life, is_sure);
	pthread_mutex_unlock(&card->weather);
	return is_lost;
}

/* One that only its registers show may be over before anybody looks. */
void
weather_reset(struct storm_card *card, struct dice *dice)
{
	bool is_counted = dice_is(dice, 70), is_sure;
	unsigned int life;

	pthread_mutex_lock(&card->weather);
	life = atomic_load(&card->bad->life);
	is_sure = is_due(card) && is_counted;
	if (bad_card_reset(card->bad, is_counted))
		expect_loss(card, life, is_sure);
	pthread_mutex_unlock(&card->weather);
}

bool
weather_return(struct storm_card *card)
{
	bool is_back;

	pthread_mutex_lock(&card->weather);
	is_back = bad_card_return(card->bad);
	pthread_mutex_unlock(&card->weather);
	if (is_back)
		(void)hotplug_scan();
	return is_back;
}

/* --- tricks ---------------------------------------------------------------------------- */

static void
play_on_port(struct storm_card *card, enum trick trick, struct dice *dice)
{
	struct storm_port *port = app_pick(card, dice);

	if (port != NULL && trick == TRICK_STOP)
		(void)app_stop(port);
	else if (port != NULL && trick == TRICK_START)
		(void)app_start(port);
	else if (port != NULL)
		(void)rte_eth_dev_set_mtu(port->id, 1400);
}

static void
play(struct storm_card *card, enum trick trick, struct dice *dice)
{
	if (trick == TRICK_LOSE || trick == TRICK_RETURN) {
		(void)(trick == TRICK_LOSE ? weather_lose(card) : weather_return(card));
		return;
	}
	if (trick == TRICK_RESET) {
		weather_reset(card, dice);
		return;
	}
	pthread_mutex_lock(&card->settings);
	pthread_rwlock_wrlock(&card->life);
	if (trick == TRICK_CLOSE || trick == TRICK_LEAVE)
		app_leave(card, trick == TRICK_LEAVE);
	else if (trick == TRICK_ATTACH && app_pick(card, dice) == NULL)
		app_attach(card);
	else
		play_on_port(card, trick, dice);
	pthread_rwlock_unlock(&card->life);
	pthread_mutex_unlock(&card->settings);
}

int
storm_accomplice(unsigned int number)
{
	struct dice dice = dice_of(500 + number);
	struct storm_card *card;
	enum trick trick;

	while (storm_goes_on()) {
		pthread_mutex_lock(&lock);
		card = order.card;
		trick = order.trick;
		order.card = NULL;
		pthread_mutex_unlock(&lock);
		if (card == NULL) {
			test_sleep_ms(1);
			continue;
		}
		play(card, trick, &dice);
		atomic_fetch_add(&storm_n_tricks, 1);
		atomic_fetch_add(&n_done, 1);
	}
	return 0;
}

/* False: none, or another one is played just now.  Done when n_done is *number. */
static bool
give_order(enum step step, struct storm_card *card, unsigned int *number, unsigned int *sleep_ms)
{
	bool is_given = false;
	enum trick trick;

	pthread_mutex_lock(&lock);
	*sleep_ms = 0;
	trick = dice_below(&order_dice, TRICK_COUNT);
	if (!dice_is(&order_dice, TRICK_PERCENT) || order.card != NULL || n_ordered != n_done) {
		pthread_mutex_unlock(&lock);
		return false;
	}
	atomic_fetch_add(&n_tricks[step][trick], 1);
	if (trick == TRICK_SLEEP) {
		*sleep_ms = dice_below(&order_dice, 20);
	} else {
		order.card = card;
		order.trick = trick;
		*number = atomic_fetch_add(&n_ordered, 1) + 1;
		is_given = true;
	}
	pthread_mutex_unlock(&lock);
	return is_given;
}

static void
on_step(enum step step, const char *device)
{
	struct storm_card *card = storm_card_of(device);
	unsigned int number, sleep_ms, i;

	atomic_fetch_add(&n_seen[step], 1);
	if (card == NULL)
		return;
	if (atomic_load(&storm_is_quiet))
		return;
	if (give_order(step, card, &number, &sleep_ms))
		for (i = 0; i < TRICK_MS && atomic_load(&n_done) < number; i++)
			test_sleep_ms(1);
	else if (sleep_ms > 0)
		test_sleep_ms(sleep_ms);
}

void
weather_start(void)
{
	order_dice = dice_of(600);
	step_hook = on_step;
}

/* Pairs of a step and a trick that have not met; names the steps that were not even taken. */
unsigned int
weather_missing(void)
{
	static const char *const names[] = {
#define NAME(step) #step,
		STEPS(NAME)
	};
	unsigned int step, trick, n = 0;

	for (step = 0; step < STEP_COUNT; step++) {
		if (n_seen[step] == 0)
			printf("# never taken: step %s\n", names[step]);
		for (trick = 0; trick < TRICK_COUNT; trick++)
			n += n_tricks[step][trick] == 0;
	}
	return n;
}

/* --- losses ---------------------------------------------------------------------------- */

/* As fast as can be, after a while, or when its loss has been told. */
static void
return_sometime(struct storm_card *card, struct dice *dice)
{
	unsigned int roll = dice_below(dice, 100);

	if (roll < 20)
		test_sleep_ms(dice_below(dice, 30));
	else if (roll < 60)
		(void)WAIT_FOR(!atomic_load(&card->bad->is_probed) ||
			       !atomic_load(&card->bad->is_lost) || atomic_load(&card->is_leaving));
	if (roll < 80)
		(void)weather_return(card);
}

/* Until the application is whole again, or a second has passed: a card that is still away
 * cannot be lost. */
static bool
lose_some(struct dice *dice)
{
	unsigned int i, n = dice_is(dice, 30) ? 1 + dice_below(dice, 4) : 1;
	struct storm_card *lost[5];
	bool is_any = false;

	for (i = 0; i < n; i++) {
		lost[i] = &storm_cards[dice_below(dice, storm_n_cards)];
		if (dice_is(dice, 30))
			weather_reset(lost[i], dice);
		is_any |= dice_is(dice, 80) && weather_lose(lost[i]);
	}
	for (i = 0; i < n; i++)
		return_sometime(lost[i], dice);
	return is_any;
}

void
weather_blow(unsigned int n_losses, struct dice *dice)
{
	unsigned long until = storm_n_losses + n_losses;
	unsigned int i;

	while (atomic_load(&storm_n_losses) < until && storm_n_failures == 0) {
		if (!lose_some(dice))
			for (i = 0; i < storm_n_cards; i++)
				(void)weather_return(&storm_cards[i]);
		test_sleep_ms(dice_below(dice, 10));
	}
}
