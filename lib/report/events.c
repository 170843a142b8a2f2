/* SPDX-License-Identifier: BSD-3-Clause */

/* events: tell subscribers, in order, on a thread of their own.
 * In:  events by value (watch).  Out: subscribers' functions; what has been (history.c).
 * Lock: `lock` guards the queue and the list of subscribers; it is not held
 *      while a subscriber runs, so that it may subscribe, unsubscribe, attach.
 * Loss: a full queue drops the event, counts it, and says RESCAN as soon as
 *      there is room: overflow is a state.
 * Context: push: watch; the thread: events; subscribe: any but signal. */

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../core/device.h"
#include "../core/enable.h"
#include "../core/stats.h"
#include "../eal/clock.h"
#include "../eal/host.h"
#include "events.h"
#include "history.h"

#define QUEUE_LEN 1024

struct subscriber {
	struct subscriber *next;
	int id;
	char device[HOTPLUG_NAME_LEN];  /* "": all */
	hotplug_event_fn fn;
	void *arg;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* all below */
static pthread_cond_t changed;
static struct hotplug_event queue[QUEUE_LEN];
static unsigned int n_queued, first_queued;
static bool has_overflown, is_stopping, is_running, has_ended, has_clock;
static struct subscriber *subscribers;  /* by growing id */
static int last_id, running_id;
static hotplug_event_fn last_fn;
static struct host_thread thread;
static uintptr_t life;          /* counts starts; a thread of another one is nobody's */
static _Thread_local uintptr_t own_life;

bool
events_is_self(void)
{
	bool is_self;

	pthread_mutex_lock(&lock);
	is_self = own_life != 0;
	pthread_mutex_unlock(&lock);
	return is_self;
}

bool
events_are_told(void)
{
	bool are_told;

	pthread_mutex_lock(&lock);
	are_told = n_queued == 0 && running_id == 0;
	pthread_mutex_unlock(&lock);
	return are_told;
}

/* With the lock held. */
static bool
enqueue(const struct hotplug_event *event)
{
	if (n_queued == QUEUE_LEN)
		return false;
	queue[(first_queued + n_queued++) % QUEUE_LEN] = *event;
	pthread_cond_broadcast(&changed);
	return true;
}

void
events_push(const struct hotplug_event *event)
{
	pthread_mutex_lock(&lock);
	if (has_overflown || !enqueue(event)) {
		has_overflown = true;
		STATS_ADD(events_lost, 1);
	}
	pthread_mutex_unlock(&lock);
}

/* With the lock held. */
static struct subscriber *
next_subscriber(int after, const struct hotplug_event *event)
{
	struct subscriber *s;

	for (s = subscribers; s != NULL; s = s->next)
		if (s->id > after &&
		    (s->device[0] == '\0' || strcmp(s->device, event->device) == 0))
			return s;
	return NULL;
}

/* With the lock held: this thread was left behind in a subscriber. */
static bool
is_left(void)
{
	return own_life != life;
}

/* With the lock held, but for each subscriber's run. */
static void
deliver(struct hotplug_event *event)
{
	struct subscriber *s;
	hotplug_event_fn fn;
	void *arg;

	history_note(event);
	running_id = 0;
	while (!is_stopping && (s = next_subscriber(running_id, event)) != NULL) {
		running_id = s->id;
		fn = s->fn;
		arg = s->arg;
		pthread_mutex_unlock(&lock);
		fn(event, arg);
		pthread_mutex_lock(&lock);
		if (is_left())
			return;
		pthread_cond_broadcast(&changed);       /* somebody may wait for it */
	}
	running_id = 0;
	pthread_cond_broadcast(&changed);
	STATS_ADD(events, 1);
	pthread_mutex_unlock(&lock);
	last_fn(event, NULL);
	pthread_mutex_lock(&lock);
}

/* With the lock held. */
static void
say_rescan(void)
{
	struct hotplug_event event = { .size = sizeof(event), .type = HOTPLUG_EVENT_RESCAN };

	has_overflown = false;
	enqueue(&event);
}

static void
run(void *arg)
{
	struct hotplug_event event;

	own_life = (uintptr_t)arg;
	pthread_mutex_lock(&lock);
	while (!is_left() && !is_stopping) {
		if (n_queued == 0) {
			pthread_cond_wait(&changed, &lock);
			continue;
		}
		event = queue[first_queued];
		first_queued = (first_queued + 1) % QUEUE_LEN;
		n_queued--;
		if (has_overflown)
			say_rescan();
		deliver(&event);
	}
	if (!is_left()) {
		has_ended = true;
		pthread_cond_broadcast(&changed);
	}
	pthread_mutex_unlock(&lock);
}

int
events_start(hotplug_event_fn last)
{
	int ret;

	pthread_mutex_lock(&lock);
	clock_make_cond(&changed, &has_clock);
	last_fn = last;
	running_id = 0;
	life++;
	is_stopping = has_ended = false;
	has_overflown = false;
	n_queued = 0;
	history_begin();
	ret = host_thread_start(&thread, "hotplug-events", run, (void *)life);
	is_running = ret == 0;
	if (is_running)
		pthread_detach(thread.id);
	pthread_mutex_unlock(&lock);
	return ret;
}

/* With the lock held: it ends, or is left behind in its subscriber. */
static void
end_thread(unsigned int patience_ms)
{
	struct timespec until;
	int ret = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += patience_ms / 1000;
	until.tv_nsec += patience_ms % 1000 * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	is_stopping = true;
	pthread_cond_broadcast(&changed);
	while (!has_ended && ret == 0)
		ret = pthread_cond_timedwait(&changed, &lock, &until);
	if (!has_ended)
		host_log(HOST_ERR, "a subscriber does not return: its thread is left behind");
	life++;
	running_id = 0;
}

void
events_stop(unsigned int patience_ms)
{
	struct subscriber *s;

	pthread_mutex_lock(&lock);
	end_thread(patience_ms);
	is_running = false;
	while ((s = subscribers) != NULL) {
		subscribers = s->next;
		free(s);
	}
	pthread_mutex_unlock(&lock);
}

int
hotplug_event_subscribe(const char *device, hotplug_event_fn fn, void *arg)
{
	struct subscriber *s, **end;
	int id;

	if (fn == NULL || (device != NULL && strlen(device) >= HOTPLUG_NAME_LEN))
		return -EINVAL;
	if (enable_is_child())
		return -EPERM;
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return -ENOMEM;
	if (device != NULL)
		strcpy(s->device, device);
	s->fn = fn;
	s->arg = arg;
	pthread_mutex_lock(&lock);
	if (!is_running) {
		pthread_mutex_unlock(&lock);
		free(s);
		return -EPERM;
	}
	s->id = id = ++last_id;
	for (end = &subscribers; *end != NULL; end = &(*end)->next)
		;
	*end = s;
	pthread_mutex_unlock(&lock);
	return id;
}

/* With the lock held. */
static struct subscriber *
take_out(int id)
{
	struct subscriber **at, *s;

	for (at = &subscribers; *at != NULL && (*at)->id != id; at = &(*at)->next)
		;
	s = *at;
	if (s != NULL)
		*at = s->next;
	return s;
}

int
hotplug_event_unsubscribe(int id)
{
	struct subscriber *s;
	bool is_self;

	if (id <= 0 || enable_is_child())
		return -ENOENT; /* running_id is 0 while nobody runs */
	is_self = events_is_self();
	pthread_mutex_lock(&lock);
	s = take_out(id);
	while (!is_self && running_id == id)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
	if (s == NULL)
		return -ENOENT;
	free(s);
	return 0;
}
