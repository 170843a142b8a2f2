/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_TEST_STORM_H
#define HOTPLUG_TEST_STORM_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "bad_pmd.h"
#include "storm_calls.h"        /* made from this DPDK's rte_ethdev.h (list-calls) */

/* The storm: an application whose threads do everything at once, and its cards.
 *
 * What is kept apart is what stock ethdev itself demands to be kept apart, by locks of the
 * application, as DPDK's rules have it:
 * - two threads do not set up, start, stop or close the same port at once (`settings`);
 * - nobody asks a port anything while the application itself configures or closes it
 *   (`life`; stock frees what is asked for): telemetry's clients neither;
 * - nobody polls a port that the application has stopped (`is_polled`, `n_polling`).
 * All else is nothing to the library: it knows none of these locks, its teardowns and
 * heals come in the middle of whatever is done.  Not kept apart: statistics, link, info and all
 * else that asks, telemetry, bursts, callbacks, settings of other ports, settings beside
 * questions. */

#define STORM_MAX_CARDS 13

/* One thing at a time is drawn from it: each thread has its own. */
struct dice {
	uint64_t state;
};

struct storm_port {
	_Atomic uint16_t id;
	_Atomic bool is_open;           /* the application has not closed it */
	bool is_started;                /* what it has said last */
	int said[3];                    /* by configure and set-up, start, stop */
	bool is_set_up;                 /* all queues; who starts one that is not breaks its driver */
	_Atomic bool is_polled;
	_Atomic unsigned int n_polling;
};

/* How a card must have been told of, since the last quiet point (storm_judge.c). */
struct storm_told {
	_Atomic unsigned int n_gone, n_must, n_may;
	unsigned int life_lost;         /* under the card's `weather` */
};

struct storm_card {
	char name[32];
	struct bad_card *bad;
	pthread_mutex_t settings;
	pthread_rwlock_t life;
	pthread_mutex_t weather;        /* losses and returns */
	struct storm_port port[BAD_MAX_PORTS];
	_Atomic bool is_leaving;        /* the application is closing or detaching it */
	struct storm_told told;
};

extern struct storm_card storm_cards[STORM_MAX_CARDS];
extern unsigned int storm_n_cards;
struct storm_card *storm_card_of(const char *device);   /* NULL: none of them */
extern struct rte_mempool *storm_pool;
extern _Atomic bool storm_is_quiet;     /* no tricks, no calls */
extern _Atomic bool storm_is_off;       /* the library is, or is about to be */
extern _Atomic unsigned long storm_n_losses, storm_n_calls, storm_n_answers, storm_n_polls,
			     storm_n_wakes, storm_n_closes, storm_n_tricks, storm_n_backs,
			     storm_n_switches;

/* storm.c */
struct dice dice_of(unsigned int number);       /* from the seed */
uint64_t dice_roll(struct dice *dice);
unsigned int dice_below(struct dice *dice, unsigned int n);
bool dice_is(struct dice *dice, unsigned int percent);
/* Asked by each thread of the storm in each round: it waits there while it is to be quiet. */
bool storm_goes_on(void);
void storm_fail(const char *what, const char *name, long is, long should);
extern _Atomic unsigned int storm_n_failures;

/* storm_log.c: the library's last lines, and those of them that are about a card. */
void storm_log_begin(void);
void storm_log_show(const char *card);

/* storm_app.c: under the card's `life`, written */
void app_attach(struct storm_card *card);
void app_leave(struct storm_card *card, bool is_whole);  /* its first port, or all and the device */
bool app_set_up(struct storm_card *card, struct storm_port *port);       /* and started */
bool app_start(struct storm_port *port);
bool app_stop(struct storm_port *port);
void app_polls_end(struct storm_port *port);
struct storm_port *app_pick(struct storm_card *card, struct dice *dice);        /* open; NULL */
/* In a callback, which may be of the thread that has it: not closed then. */
void app_close_one(struct storm_card *card);
extern _Thread_local bool app_is_calling;       /* start, stop, close: with the card's locks */

/* storm_reads.c, storm_sets.c, storm_polls.c: what a call is, and does. */
enum call_kind { CALL_ASKS, CALL_SETS, CALL_IS_HEAVY, CALL_POLLS, CALL_IS_LEFT_OUT };
struct call {
	const char *name;
	const enum call_kind *kind;
	void (*fn)(uint16_t port, uint16_t queue, struct dice *dice);
	_Atomic unsigned long n;
};
extern struct call storm_calls[];
extern const unsigned int storm_n_kinds;
#define ENTRY(name, what) \
	extern const enum call_kind kind_##name; \
	void call_##name(uint16_t port, uint16_t queue, struct dice *dice); \
	const enum call_kind kind_##name = what; \
	void \
	call_##name(__rte_unused uint16_t port, __rte_unused uint16_t queue, \
		    __rte_unused struct dice *dice)
/* On a card that the caller has locked as its kind demands. */
void storm_call(struct call *call, uint16_t port, uint16_t queue, struct dice *dice);

struct call *storm_any_call(enum call_kind kind, struct dice *dice);    /* storm_threads.c */

/* storm_back.c */
void back_start(void);
void back_hush(void);   /* storm_is_quiet: until no callback is at anything */

/* storm_switch.c */
void switch_on(void);
int storm_switch(unsigned int number);

/* storm_threads.c, storm_telemetry.c, storm_weather.c */
int storm_caller(unsigned int number);
int storm_poller(unsigned int number);
int storm_sleeper(unsigned int number);
int storm_listener(unsigned int number);
int storm_client(unsigned int number);
int storm_accomplice(unsigned int number);
bool weather_lose(struct storm_card *card);
bool weather_return(struct storm_card *card);
void weather_reset(struct storm_card *card, struct dice *dice);
void weather_blow(unsigned int n_losses, struct dice *dice);
/* A loss that has not been told yet need not be told any more; so many may be told again. */
void weather_forgive(struct storm_card *card, unsigned int n_again);
void weather_start(void);       /* a hook before each step */
unsigned int weather_missing(void);     /* says which step has met no such trick */

/* storm_judge.c: at a quiet point */
void judge_subscribe(void);
void judge(bool with_costs);

#endif /* HOTPLUG_TEST_STORM_H */
