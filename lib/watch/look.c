/* SPDX-License-Identifier: BSD-3-Clause */

/* look: ask a bus what there is at a device, where asking may block: the kernel keeps who
 * reads a card's configuration for as long as the card is being reset.
 * In:  devices that watch wants to know of.  Out: what was found, in the device, and a
 *      sign for watch (DEVICE_FOUND).
 * Threads: one, while looks are quick; one more for each millisecond in which looks wait and
 *      none is taken, so a look that blocks has its thread to itself.  All but one end when
 *      there has been nothing to do for some seconds.
 * One look at a device at a time.  A device that has been attached or withdrawn meanwhile
 * has another number, and the answer is nobody's.
 * Lock: `lock` guards the row and the count of threads; a look's own fields in a device are
 *      device_lock()'s.  Neither is held while a bus is asked.
 * Context: watch; the threads: look. */

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../eal/host.h"
#include "look.h"
#include "watch.h"

#define MS 1000000ull
#define GROW_NS (1 * MS)
#define AGAIN_NS (10 * MS)      /* when there was no thread to be had */
#define LINGER_MS 3000
#define BLOCKED_NS (500 * MS)   /* a look that takes longer */
#define STOP_MS 100

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* all below */
static pthread_cond_t changed;
static struct hotplug_device *first, **end = &first;    /* the row */
static unsigned int n_threads, n_idle;
static unsigned int life;       /* counts starts: who belongs to another is not ours */
static uint64_t taken_ns;       /* when a look was last taken, or a thread refused */
static uint64_t n_begun;        /* watch's */
static bool is_running, has_clock;

struct looker {
	struct host_thread thread;
	unsigned int life;
};

/* --- a look */

/* What the bus is asked, and about whom; 0: nobody asks any more. */
struct question {
	uint64_t number;
	enum look_kind kind;
	const void *key;
	struct hotplug_identity id;
	char kernel_driver[HOTPLUG_NAME_LEN];
};

static struct question
read_question(struct hotplug_device *dev)
{
	struct question q;

	device_lock();
	q.number = dev->look.number;
	q.kind = dev->look.kind;
	q.key = dev->key;
	q.id = dev->id;
	memcpy(q.kernel_driver, dev->kernel_driver, sizeof(q.kernel_driver));
	device_unlock();
	return q;
}

static struct look_result
ask(struct hotplug_device *dev, const struct question *q)
{
	struct look_result result = { .kind = q->kind, .key = q->key };

	if (q->kind == LOOK_AT)
		result.found = device_look(dev, q->kernel_driver, &q->id);
	else
		result.error = dev->bus->ops->identify(dev->name, &result.id);
	return result;
}

static void
answer(struct hotplug_device *dev, uint64_t number, const struct look_result *result)
{
	device_lock();          /* under which disable closes what wakes watch */
	if (dev->look.number == number && dev->look.is_under_way) {
		dev->look.result = *result;
		dev->look.is_answered = true;
		device_post(dev, DEVICE_FOUND);
	}
	device_unlock();
}

static void
look_at(struct hotplug_device *dev)
{
	struct question q = read_question(dev);
	struct look_result result = ask(dev, &q);

	answer(dev, q.number, &result);
}

/* --- threads */

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
		look_at(dev);
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
look_keep(void)
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

/* --- what watch asks */

/* With device_lock() held. */
static void
begin(struct hotplug_device *dev, enum look_kind kind)
{
	struct look *look = &dev->look;

	look->is_under_way = true;
	look->is_answered = look->is_outdated = false;
	look->wants &= ~(1u << kind);
	look->kind = kind;
	look->number++;
	look->since_ns = device_now_ns();
	look->ticket = ++n_begun;
}

static void
put_in_row(struct hotplug_device *dev)
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

void
look_begin(struct hotplug_device *dev, enum look_kind kind)
{
	bool is_new;

	device_lock();
	is_new = !dev->look.is_under_way;
	if (is_new)
		begin(dev, kind);
	else
		dev->look.wants |= 1u << kind;
	device_unlock();
	if (is_new)
		put_in_row(dev);
}

bool
look_take(struct hotplug_device *dev, struct look_result *result)
{
	struct look *look = &dev->look;
	bool is_news = look->is_answered && !look->is_outdated && look->result.key == dev->key;

	if (!look->is_answered)
		return false;
	*result = look->result;
	if (look->is_outdated)
		look->wants |= 1u << look->kind;
	look->is_under_way = look->is_answered = look->is_outdated = false;
	return is_news;
}

void
look_outdate(struct hotplug_device *dev)
{
	dev->look.is_outdated = dev->look.is_under_way;
}

uint64_t
look_n_begun(void)
{
	return n_begun;
}

bool
look_is_any_before(uint64_t ticket)
{
	uint64_t now = device_now_ns();
	struct hotplug_device *dev;
	bool is_any = false;

	device_lock();
	for (dev = device_first(); dev != NULL && !is_any; dev = dev->next)
		is_any = dev->look.is_under_way && dev->look.ticket <= ticket &&
			now - dev->look.since_ns < BLOCKED_NS;
	device_unlock();
	return is_any;
}

/* --- start and stop */

static void
set_clock(void)
{
	pthread_condattr_t attr;

	if (has_clock)
		return;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&changed, &attr);
	pthread_condattr_destroy(&attr);
	has_clock = true;
}

/* Looks of a former life are nobody's. */
static void
forget_all(void)
{
	struct hotplug_device *dev;

	device_lock();
	for (dev = device_first(); dev != NULL; dev = dev->next)
		device_forget_look(dev);
	device_unlock();
}

int
look_start(void)
{
	int ret;

	forget_all();
	pthread_mutex_lock(&lock);
	set_clock();
	life++;
	n_threads = n_idle = 0;
	taken_ns = 0;
	is_running = true;
	ret = start_thread();
	pthread_mutex_unlock(&lock);
	return ret;
}

void
look_stop(void)
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
