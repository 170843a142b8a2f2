/* SPDX-License-Identifier: BSD-3-Clause */

/* lookers: the threads that look at devices.
 * In:  devices in a row (look.c).  Out: each is looked at, the first of the row first.
 * One thread, while looks are quick; one more for each millisecond in which looks wait and
 *      none is taken, so a look that blocks has its thread to itself.  All but one end when
 *      there has been nothing to do for some seconds.
 * Lock: `lock` guards all below; not held while a thread looks.
 * Context: watch; the threads: look. */

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "../eal/clock.h"
#include "../eal/host.h"
#include "lookers.h"

#define GROW_NS (1 * MS)
#define AGAIN_NS (10 * MS)      /* when there was no thread to be had */
#define LINGER_MS 3000
#define STOP_MS 100

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* all below */
static pthread_cond_t changed;
static void (*look)(struct hotplug_device *dev);
static struct hotplug_device *first, **end = &first;    /* the row */
static unsigned int n_threads, n_idle;
static unsigned int life;       /* counts starts: who belongs to another is not ours */
static uint64_t taken_ns;       /* when a look was last taken, or a thread refused */
static bool is_running, has_clock;

struct looker {
	struct host_thread thread;
	unsigned int life;
};

/* With the lock held; NULL: for so long there was none, or there are others who wait. */
static struct hotplug_device *
next(const struct looker *looker)
{
	struct hotplug_device *dev;
	struct timespec until;
	int ret = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += LINGER_MS / 1000;
	while (first == NULL && is_running && looker->life == life && n_idle == 0 && ret == 0) {
		n_idle++;
		ret = n_threads > 1 ? pthread_cond_timedwait(&changed, &lock, &until) :
			pthread_cond_wait(&changed, &lock);
		if (looker->life == life)
			n_idle--;
	}
	if (first == NULL || !is_running || looker->life != life)
		return NULL;
	dev = first;
	first = dev->look.next;
	if (first == NULL)
		end = &first;
	dev->look.is_queued = false;
	taken_ns = device_now_ns();
	return dev;
}

static void
run(void *arg)
{
	struct looker *looker = arg;
	struct hotplug_device *dev;

	pthread_mutex_lock(&lock);
	while ((dev = next(looker)) != NULL) {
		pthread_mutex_unlock(&lock);
		look(dev);
		pthread_mutex_lock(&lock);
	}
	if (looker->life == life)
		n_threads--;
	free(looker);           /* before anybody thinks that it is over */
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

/* With the lock held. */
static int
start_thread(void)
{
	struct looker *looker = calloc(1, sizeof(*looker));
	int ret = -ENOMEM;

	taken_ns = device_now_ns();
	if (looker != NULL) {
		looker->life = life;
		ret = host_thread_start(&looker->thread, "hotplug-look", run, looker);
	}
	if (ret != 0) {
		free(looker);
		taken_ns += AGAIN_NS;
		return ret;
	}
	pthread_detach(looker->thread.id);
	n_threads++;
	return 0;
}

uint64_t
lookers_keep(void)
{
	uint64_t due_ns = UINT64_MAX, now = device_now_ns();

	pthread_mutex_lock(&lock);
	if (first != NULL && is_running) {
		if ((n_threads == 0 && taken_ns <= now) || now >= taken_ns + GROW_NS)
			(void)start_thread();   /* else again soon */
		due_ns = taken_ns + GROW_NS;
	}
	pthread_mutex_unlock(&lock);
	return due_ns;
}

void
lookers_put(struct hotplug_device *dev)
{
	pthread_mutex_lock(&lock);
	if (!dev->look.is_queued) {
		if (first == NULL && taken_ns + GROW_NS < device_now_ns())
			taken_ns = device_now_ns();     /* nobody had anything to take */
		dev->look.is_queued = true;
		dev->look.next = NULL;
		*end = dev;
		end = &dev->look.next;
	}
	pthread_cond_signal(&changed);
	pthread_mutex_unlock(&lock);
}

int
lookers_start(void (*fn)(struct hotplug_device *dev))
{
	int ret;

	pthread_mutex_lock(&lock);
	clock_make_cond(&changed, &has_clock);
	look = fn;
	life++;
	n_threads = n_idle = 0;
	taken_ns = 0;
	is_running = true;
	ret = start_thread();
	pthread_mutex_unlock(&lock);
	return ret;
}

void
lookers_stop(void)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += STOP_MS * MS;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&lock);
	is_running = false;
	pthread_cond_broadcast(&changed);
	while (n_threads > 0 && pthread_cond_timedwait(&changed, &lock, &until) == 0)
		;
	for (; first != NULL; first = first->look.next)
		first->look.is_queued = false;
	end = &first;
	if (n_threads > 0)
		host_log(HOST_WARN, "%u look(s) at devices do not return: their threads are left "
			 "behind", n_threads);
	life++;
	n_threads = 0;
	pthread_mutex_unlock(&lock);
}
