/* SPDX-License-Identifier: BSD-3-Clause */

/* probe: whose turn is it to probe or to remove?
 * EAL's probe and remove are not thread-safe, so ours are one at a time, and EAL's lists are
 * walked and its devices followed by its holder alone (others: whose.c, local.c).  A driver
 * that probes for longer than a second is past what it shares with others, and waits for its
 * hardware: then others go on.
 * In:  who wants to (app, work, teardown).  Out: he has the turn, which can be taken from one
 *      who does not come back.
 * Lock: `lock` guards all below; not held while the turn is.
 * Context: app, work, teardown; blocks as long as the driver does. */

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../core/device.h"
#include "../eal/clock.h"
#include "probe.h"

#define LENT_NS 1000000000ull   /* a driver probes that long alone */
#define LOOK_AGAIN_NS 50000000

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;        /* all below */

/* Not a mutex: it can be taken away from a thread that is stuck in a driver, and from one
 * whose driver takes its time to probe.  That one gets it back before it goes on in EAL. */
static pthread_cond_t freed = PTHREAD_COND_INITIALIZER;
/* First come, first served: heal is not kept out, nor who disables the library. */
struct waiter {
	struct waiter *next;
};
static struct waiter *waiters;
static unsigned int holder;             /* 0: free; else the number of a holding */
static unsigned int last_holder;
static char holder_device[HOTPLUG_NAME_LEN];
static uint64_t lent_ns;                /* since when its driver probes; 0: it does not */
static const void *lent_dev;
static bool (*lent_may_be_taken)(const void *dev);
static unsigned int n_away;             /* probe without it */
static _Thread_local unsigned int my_holding;
static _Thread_local bool was_alone;

/* With `lock` held, as all up to wait_and_take(). */
static bool
is_to_be_had(void)
{
	return holder == 0 || (lent_ns != 0 && device_now_ns() - lent_ns >= LENT_NS &&
			       lent_may_be_taken(lent_dev));
}

static void
take(void)
{
	n_away += holder != 0;
	was_alone = n_away == 0;
	holder = my_holding = ++last_holder != 0 ? last_holder : ++last_holder;
	holder_device[0] = '\0';
	lent_ns = 0;
}

static struct waiter **
place_of(const struct waiter *waiter)
{
	struct waiter **at;

	for (at = &waiters; *at != waiter; at = &(*at)->next)
		;
	return at;
}

/* 0: for as long as it takes. */
static bool
wait_and_take(uint64_t until_ns)
{
	struct waiter here = { NULL };
	struct timespec until;
	bool is_late = false;

	*place_of(NULL) = &here;
	while ((waiters != &here || !is_to_be_had()) && !is_late) {
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += LOOK_AGAIN_NS;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		pthread_cond_clockwait(&freed, &lock, CLOCK_MONOTONIC, &until);
		is_late = until_ns != 0 && device_now_ns() >= until_ns;
	}
	is_late = is_late && (waiters != &here || !is_to_be_had());
	*place_of(&here) = here.next;
	if (is_late)
		pthread_cond_broadcast(&freed);         /* who is behind may be the first now */
	else
		take();
	return !is_late;
}

/* --- a forked child has none of those who have it, or wait ------------------------------ */

static void
begin_fork(void)
{
	pthread_mutex_lock(&lock);
}

static void
end_fork(void)
{
	pthread_mutex_unlock(&lock);
}

/* Its one thread may have it, or probe without. */
static void
begin_child(void)
{
	waiters = NULL;
	n_away = my_holding != 0 && my_holding != holder;
	if (my_holding != holder)
		holder = 0;
	if (holder == 0)
		lent_ns = 0;
	freed = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
	pthread_mutex_unlock(&lock);
}

static void
watch_forks(void)
{
	(void)pthread_atfork(begin_fork, end_fork, begin_child);
}

static void
lock_turn(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, watch_forks);
	pthread_mutex_lock(&lock);
}

/* ---------------------------------------------------------------------------------------- */

void
port_probe_lock(void)
{
	lock_turn();
	(void)wait_and_take(0);
	pthread_mutex_unlock(&lock);
}

bool
port_probe_trylock(void)
{
	bool is_free;

	lock_turn();
	is_free = is_to_be_had() && waiters == NULL;
	if (is_free)
		take();
	pthread_mutex_unlock(&lock);
	return is_free;
}

bool
port_probe_lock_for(unsigned int ms)
{
	bool is_taken;

	lock_turn();
	is_taken = wait_and_take(device_now_ns() + ms * MS);
	pthread_mutex_unlock(&lock);
	return is_taken;
}

static void
set_free(void)
{
	holder = 0;
	lent_ns = 0;
	pthread_cond_broadcast(&freed);
}

void
port_probe_unlock(void)
{
	pthread_mutex_lock(&lock);
	if (holder == my_holding)       /* else it was taken away */
		set_free();
	my_holding = 0;
	pthread_mutex_unlock(&lock);
}

bool
port_probe_is_mine(void)
{
	return my_holding != 0;
}

void
port_probe_lend(const void *dev, bool (*may_be_taken)(const void *dev))
{
	pthread_mutex_lock(&lock);
	if (my_holding != 0 && holder == my_holding) {
		lent_ns = device_now_ns();
		lent_dev = dev;
		lent_may_be_taken = may_be_taken;
	}
	pthread_mutex_unlock(&lock);
}

void
port_probe_return(void)
{
	pthread_mutex_lock(&lock);
	if (my_holding != 0 && holder == my_holding) {
		lent_ns = 0;
	} else if (my_holding != 0) {
		(void)wait_and_take(0);
		n_away--;
		was_alone = false;
	}
	pthread_mutex_unlock(&lock);
}

bool
port_probe_was_alone(void)
{
	return was_alone;
}

void
port_probe_own(const char *device)
{
	pthread_mutex_lock(&lock);
	snprintf(holder_device, sizeof(holder_device), "%s", device);
	pthread_mutex_unlock(&lock);
}

void
port_probe_abandon(const char *device)
{
	pthread_mutex_lock(&lock);
	if (holder != 0 && strcmp(holder_device, device) == 0)
		set_free();
	pthread_mutex_unlock(&lock);
}
