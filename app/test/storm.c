/* SPDX-License-Identifier: BSD-3-Clause */

/* storm: an application whose threads do everything at once, while its cards are lost and come
 * back; reproducible by its seed as far as threads are.
 * usage: storm [--seed N] [--losses N | --seconds N] [--quiet-every N]
 * In:  mock functions with drivers of bad character (characters.c); the library with a hook
 *      before each step.  Out: TAP; at each quiet point the judge (storm_judge.c).
 * What is left to the application's own locks is said in storm.h.
 * Context: the main thread is the weather and the judge. */

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_launch.h>
#include <rte_log.h>
#include <rte_mbuf.h>
#include <rte_version.h>

#include <hotplug.h>

#include "mock_eal.h"
#include "storm.h"
#include "test.h"

#define MAX_THREADS 32

struct storm_card storm_cards[STORM_MAX_CARDS];
unsigned int storm_n_cards;
struct rte_mempool *storm_pool;
_Atomic bool storm_is_quiet;
_Atomic unsigned long storm_n_losses, storm_n_calls, storm_n_answers, storm_n_polls,
		      storm_n_wakes, storm_n_closes, storm_n_tricks;
_Atomic unsigned int storm_n_failures;

static struct {
	uint64_t seed;
	unsigned int losses, seconds, quiet_every;
} options = { .seed = 1, .losses = 100, .quiet_every = 25 };

static struct storm_thread {
	pthread_t id;
	int (*fn)(unsigned int number);
	unsigned int number;
} threads[MAX_THREADS];
static unsigned int n_threads;
static _Atomic bool is_over;

/* --- dice ------------------------------------------------------------------------------ */

struct dice
dice_of(unsigned int number)
{
	return (struct dice){ options.seed * 0x9e3779b97f4a7c15 + number * 0xbf58476d1ce4e5b9 };
}

/* splitmix64, as Steele, Lea and Flood describe it. */
uint64_t
dice_roll(struct dice *dice)
{
	uint64_t x = dice->state += 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

unsigned int
dice_below(struct dice *dice, unsigned int n)
{
	return dice_roll(dice) % n;
}

bool
dice_is(struct dice *dice, unsigned int percent)
{
	return dice_below(dice, 100) < percent;
}

/* --- threads, which are quiet at times -------------------------------------------------- */

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER; /* n_quiet, n_running */
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned int n_quiet, n_running;

bool
storm_goes_on(void)
{
	if (!atomic_load(&storm_is_quiet))
		return !atomic_load(&is_over);
	pthread_mutex_lock(&gate);
	n_quiet++;
	pthread_cond_broadcast(&changed);
	while (atomic_load(&storm_is_quiet))
		pthread_cond_wait(&changed, &gate);
	n_quiet--;
	pthread_mutex_unlock(&gate);
	return !atomic_load(&is_over);
}

static void
hush(void)
{
	pthread_mutex_lock(&gate);
	atomic_store(&storm_is_quiet, true);
	while (n_quiet < n_running)
		pthread_cond_wait(&changed, &gate);
	pthread_mutex_unlock(&gate);
	back_hush();
}

static void
resume(void)
{
	pthread_mutex_lock(&gate);
	atomic_store(&storm_is_quiet, false);
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&gate);
}

static int
run_here(void *arg)
{
	const struct storm_thread *thread = arg;

	(void)thread->fn(thread->number);
	pthread_mutex_lock(&gate);
	n_running--;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&gate);
	return 0;
}

static void *
run(void *arg)
{
	(void)run_here(arg);
	return NULL;
}

static struct storm_thread *
make_thread(int (*fn)(unsigned int number), unsigned int number)
{
	struct storm_thread *thread = &threads[n_threads++];

	*thread = (struct storm_thread){ .fn = fn, .number = number };
	n_running++;
	return thread;
}

static void
begin(int (*fn)(unsigned int number), unsigned int n)
{
	struct storm_thread *thread;
	unsigned int i;

	for (i = 0; i < n; i++) {
		thread = make_thread(fn, i);
		assert_int_equal(pthread_create(&thread->id, NULL, run, thread), 0);
	}
}

static void
begin_all(void)
{
	unsigned int i;

	assert_int_equal(rte_eal_remote_launch(run_here, make_thread(storm_poller, 0), 1), 0);
	for (i = 1; i < 4; i++) {
		struct storm_thread *thread = make_thread(storm_poller, i);

		assert_int_equal(pthread_create(&thread->id, NULL, run, thread), 0);
	}
	begin(storm_caller, 3);
	begin(storm_client, 2);
	begin(storm_sleeper, 1);
	begin(storm_listener, 1);
	begin(storm_accomplice, 1);
	begin(storm_switch, 1);
}

static void
end_all(void)
{
	unsigned int i;

	atomic_store(&is_over, true);
	resume();
	for (i = 1; i < n_threads; i++)         /* the first is an lcore */
		pthread_join(threads[i].id, NULL);
	rte_eal_mp_wait_lcore();
}

/* --- the program ------------------------------------------------------------------------ */

void
storm_fail(const char *what, const char *name, long is, long should)
{
	atomic_fetch_add(&storm_n_failures, 1);
	printf("# FAILED %s: %s: is %ld, should be %ld (seed %" PRIu64 ", loss %lu)\n", name, what,
	       is, should, options.seed, storm_n_losses);
	storm_log_show(name);
	fflush(stdout);
	if (getenv("STORM_ABORT") != NULL)      /* a core, to look at */
		abort();
}

static void
make_card(unsigned int i)
{
	struct storm_card *card = &storm_cards[i];
	pthread_rwlockattr_t attr;

	snprintf(card->name, sizeof(card->name), "0000:%02x:00.0", 0x10 + i);
	pthread_mutex_init(&card->settings, NULL);
	pthread_mutex_init(&card->weather, NULL);
	pthread_rwlockattr_init(&attr);
	pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&card->life, &attr);
	card->bad = bad_card_of(card->name);
	bad_card_is(card->bad, &characters[i % n_characters]);
	mock_sysfs_add(card->name, "hotplug_mock");
	app_attach(card);
}

static void
start(void)
{
	void *state = NULL;
	unsigned int i;

	mock_eal_lcores = "0,1";
	mock_eal_has_telemetry = true;
	mock_sysfs_extra = "igb_uio/resets";
	mock_sysfs_folder = "/dev/shm";         /* where an inode's number is not used again */
	assert_int_equal(mock_eal_start(&state), 0);
	storm_log_begin();
	storm_pool = rte_pktmbuf_pool_create("storm", 8191, 0, 0, 256, 0);
	assert_non_null(storm_pool);
	switch_on();
	back_start();
	for (i = 0; i < STORM_MAX_CARDS; i++)
		make_card(i);
	storm_n_cards = STORM_MAX_CARDS;
	weather_start();
}

static void
parse(int argc, char **argv)
{
	int i;

	for (i = 1; i + 1 < argc; i += 2) {
		unsigned long value = strtoul(argv[i + 1], NULL, 0);

		if (strcmp(argv[i], "--seed") == 0)
			options.seed = value;
		else if (strcmp(argv[i], "--losses") == 0)
			options.losses = value;
		else if (strcmp(argv[i], "--seconds") == 0)
			options.seconds = value;
		else if (strcmp(argv[i], "--quiet-every") == 0)
			options.quiet_every = value;
		else
			exit(2);
	}
}

static bool
is_enough(time_t start)
{
	if (storm_n_failures != 0)
		return true;
	return options.seconds > 0 ? time(NULL) - start >= (time_t)options.seconds :
		storm_n_losses >= options.losses;
}

static unsigned int
list_uncalled(void)
{
	unsigned int i, n = 0;

	for (i = 0; i < storm_n_kinds; i++)
		if (storm_calls[i].n == 0 && *storm_calls[i].kind != CALL_IS_LEFT_OUT) {
			printf("# never called: %s\n", storm_calls[i].name);
			n++;
		}
	return n;
}

static bool
run_storm(void)
{
	struct dice dice = dice_of(700);
	time_t begun = time(NULL);
	unsigned int n_quiet_points = 0;

	start();
	judge(false);
	begin_all();
	while (!is_enough(begun)) {
		weather_blow(options.quiet_every, &dice);
		hush();
		judge(true);
		n_quiet_points++;
		resume();
	}
	end_all();
	printf("# seed %" PRIu64 ": %lu losses, %u quiet points, %lu calls, %lu polls, %lu telemetry "
	       "answers, %lu closes, %lu tricks, %lu wakes, %lu callbacks, %lu switches, %lu s\n", options.seed, storm_n_losses,
	       n_quiet_points, storm_n_calls, storm_n_polls, storm_n_answers, storm_n_closes,
	       storm_n_tricks, storm_n_wakes, storm_n_backs,
	       storm_n_switches, (unsigned long)(time(NULL) - begun));
	printf("# calls never made: %u; pairs of step and trick never met: %u\n", list_uncalled(),
	       weather_missing());
	return storm_n_failures == 0;
}

/* EAL ends its threads in the middle of recvmsg(), which ThreadSanitizer dies of. */
static int
clean_up(void)
{
#ifdef __SANITIZE_THREAD__
	return 0;
#else
	return rte_eal_cleanup();
#endif
}

/* Not a test of cmocka's: that would take a fault of any thread for the main one's, and go on. */
int
main(int argc, char **argv)
{
	bool is_good;

	parse(argc, argv);
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("1..2\n");
	is_good = run_storm();
	printf("%s 1 - storm\n", is_good ? "ok" : "not ok");
	if (is_good)
		is_good = hotplug_disable() == 0 && clean_up() == 0;
	printf("%s 2 - the end\n", is_good ? "ok" : "not ok");
	mock_eal_remove_files();
	return !is_good;
}
