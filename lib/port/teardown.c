/* SPDX-License-Identifier: BSD-3-Clause */

/* teardown: the ports of a lost device are torn down, on a thread of its own.
 * In:  a device whose ports are DOOMED (events, heal).  Out: they are HELD (end.c);
 *      meanwhile STUCK, when the PMD takes too long (stuck.c).
 * Nobody waits for it but an application that closes the port itself, and exit.
 * Lock: `lock` guards the list of running teardowns; never held in a PMD.
 * Context: teardown (one thread for each dying device). */

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../core/device.h"
#include "../core/enable.h"
#include "../core/work.h"
#include "../eal/clock.h"
#include "../eal/host.h"
#include "stuck.h"

#define AGAIN_MS 100        /* when there was no thread to be had */

struct teardown {
	struct teardown *next;
	struct host_thread thread;
	char device[HOTPLUG_NAME_LEN];
	uint64_t due_ns;        /* its deadline */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* running */
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct teardown *running;

/* With the lock held; NULL: any. */
static struct teardown *
find(const char *device, uint64_t due_after_ns)
{
	struct teardown *t;

	for (t = running; t != NULL; t = t->next)
		if ((device == NULL || strcmp(t->device, device) == 0) && t->due_ns > due_after_ns)
			return t;
	return NULL;
}

/* NULL: all.  Those that have passed their deadline are waited for by nobody. */
static void
wait_for(const char *device)
{
	struct timespec until;

	pthread_mutex_lock(&lock);
	while (find(device, device_now_ns()) != NULL) {
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += (until.tv_nsec + 50 * MS) / 1000000000;
		until.tv_nsec = (until.tv_nsec + 50 * MS) % 1000000000;
		pthread_cond_clockwait(&changed, &lock, CLOCK_MONOTONIC, &until);
	}
	pthread_mutex_unlock(&lock);
}

void
teardown_wait(const char *device)
{
	wait_for(device);
}

void
teardown_wait_all(void)
{
	wait_for(NULL);
}

bool
teardown_is_running(const char *device)
{
	bool is_running;

	pthread_mutex_lock(&lock);
	is_running = find(device, 0) != NULL;
	pthread_mutex_unlock(&lock);
	return is_running;
}

unsigned int
teardown_left_ms(const char *device)
{
	uint64_t now = device_now_ns();
	struct teardown *t;
	unsigned int left_ms = TEARDOWN_NONE;

	pthread_mutex_lock(&lock);
	t = find(device, 0);
	if (t != NULL)
		left_ms = t->due_ns > now ? (t->due_ns - now) / MS + 1 : 0;
	pthread_mutex_unlock(&lock);
	return left_ms;
}

unsigned int
teardown_signal(int number)
{
	struct teardown *t;
	unsigned int n = 0;

	pthread_mutex_lock(&lock);
	for (t = running; t != NULL; t = t->next)
		n += pthread_kill(t->thread.id, number) == 0;
	pthread_mutex_unlock(&lock);
	return n;
}

/* A card that was reset, or only muted, may have its rings still: it writes to memory no more
 * before that is given back. */
static void
silence(const char *device)
{
	struct hotplug_device *dev = device_find(NULL, device);
	struct hotplug_bus *bus = NULL;
	struct hotplug_identity id;

	device_lock();
	if (dev != NULL && dev->cause == HOTPLUG_CAUSE_RESET) {
		bus = dev->bus;
		id = dev->id;
	}
	device_unlock();
	if (bus != NULL && bus->ops->silence != NULL)
		bus->ops->silence(device, &id);
}

static void
run(void *arg)
{
	struct teardown *t = arg, **at;

	silence(t->device);
	end_run(t->device);
	if (device_now_ns() < t->due_ns)
		heal_soon(t->device);   /* the card may be back already */
	pthread_mutex_lock(&lock);
	for (at = &running; *at != t; at = &(*at)->next)
		;
	*at = t->next;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	free(t);
}

static int
start(const char *device)
{
	struct teardown *t = calloc(1, sizeof(*t));
	int ret;

	if (t == NULL)
		return -ENOMEM;
	snprintf(t->device, sizeof(t->device), "%s", device);
	t->due_ns = device_now_ns() + enable_config()->stuck_ms * MS;
	pthread_mutex_lock(&lock);
	t->next = running;
	running = t;
	ret = host_thread_start(&t->thread, "hotplug-end", run, t);
	if (ret == 0)
		pthread_detach(t->thread.id);
	else
		running = t->next;
	pthread_mutex_unlock(&lock);
	if (ret != 0) {
		free(t);
	} else {
		work_push_beside(stuck_check, device, enable_config()->stuck_ms);
	}
	return ret;
}

static void
start_again(const char *device)
{
	if (start(device) != 0)
		work_push(start_again, device, AGAIN_MS);
}

void
teardown_start(const char *device)
{
	int ret = start(device);

	if (ret == 0)
		return;
	host_log(HOST_ERR, "%s: no thread to tear it down, tried again: %s", device,
		 strerror(-ret));
	work_push(start_again, device, AGAIN_MS);
}
