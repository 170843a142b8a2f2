/* SPDX-License-Identifier: BSD-3-Clause */

/* hand: one thread that drivers may keep waiting.
 * In:  one job at a time (the sync thread).  Out: what became of it, done().
 * A job whose driver does not return is abandoned: nobody asks for its result, and
 * when the driver returns after all, what it has attached is detached again.
 * Lock: `lock` guards all below; not held while a driver runs.
 * Context: the hand's own thread. */

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../core/device.h"
#include "../core/enable.h"
#include "../eal/clock.h"
#include "../eal/host.h"
#include "hand.h"
#include "here.h"
#include "hotplug.h"
#include "why.h"

enum job { JOB_NONE, JOB_ATTACH, JOB_DETACH };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* all below */
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct host_thread thread;
static bool is_running, is_abandoned, has_thread;
static enum job job;            /* until it has been polled */
static uint64_t since_ns;
static bool is_begun;           /* the thread has taken it up */
static bool is_over;            /* its driver has returned */
static int result;
static char result_text[HOTPLUG_REASON_LEN];    /* where it has failed */
static char name[HOTPLUG_NAME_LEN];
static char *text;
static bool is_broadcast;       /* by EAL's own call, which tells every process */
static void (*tell_done)(void);
static _Thread_local bool is_self;      /* also when it is left behind */

static int
do_job(enum job what, bool by_broadcast)
{
	if (by_broadcast)
		return what == JOB_ATTACH ? here_attach_all(name, text) : here_detach_all(name);
	return what == JOB_ATTACH ? here_attach(name, text) : here_detach(name);
}

/* With the lock held; it is released while the driver runs. */
static void
run_job(void)
{
	enum job what = job;
	int ret;

	is_begun = true;
	pthread_mutex_unlock(&lock);
	ret = do_job(what, is_broadcast);       /* what it reads stays until it is over */
	result_text[0] = '\0';
	if (ret < 0)
		ret = why(what == JOB_ATTACH, name, ret, result_text, sizeof(result_text));
	pthread_mutex_lock(&lock);
	if (is_abandoned && what == JOB_ATTACH && ret > 0) {
		pthread_mutex_unlock(&lock);
		host_log(HOST_WARN, "%s: its driver has returned at last: detached again", name);
		here_detach(name);
		pthread_mutex_lock(&lock);
	}
	result = ret;
	is_over = true;
	if (is_abandoned)
		job = JOB_NONE;
	is_abandoned = false;
	free(text);
	text = NULL;
}

static void
run(void *arg)
{
	(void)arg;
	is_self = true;
	pthread_mutex_lock(&lock);
	while (is_running) {
		if (job == JOB_NONE || is_over) {
			pthread_cond_wait(&changed, &lock);
			continue;
		}
		run_job();
		pthread_cond_broadcast(&changed);
		if (!is_running)
			break;
		pthread_mutex_unlock(&lock);
		tell_done();
		pthread_mutex_lock(&lock);
	}
	pthread_mutex_unlock(&lock);
}

int
hand_start(void (*done)(void))
{
	int ret;

	pthread_mutex_lock(&lock);
	if (job != JOB_NONE && !is_over) {
		pthread_mutex_unlock(&lock);
		return -EBUSY;          /* since before we were disabled */
	}
	tell_done = done;
	job = JOB_NONE;
	is_running = true;
	ret = host_thread_start(&thread, "hotplug-hand", run, NULL);
	is_running = has_thread = ret == 0;
	pthread_mutex_unlock(&lock);
	return ret;
}

/* With the lock held: the thread takes nothing up any more. */
static void
drop_what_is_not_begun(void)
{
	if (job == JOB_NONE || is_begun)
		return;
	job = JOB_NONE;
	free(text);
	text = NULL;
}

void
hand_stop(void)
{
	struct timespec until;
	uint64_t until_ns;
	bool is_stuck;

	pthread_mutex_lock(&lock);
	is_running = false;
	drop_what_is_not_begun();
	pthread_cond_broadcast(&changed);
	until_ns = since_ns + enable_config()->stuck_ms * MS;
	until = (struct timespec){ until_ns / 1000000000, until_ns % 1000000000 };
	while (job != JOB_NONE && !is_over)
		if (pthread_cond_clockwait(&changed, &lock, CLOCK_MONOTONIC, &until) != 0)
			break;
	is_stuck = job != JOB_NONE && !is_over;
	is_abandoned |= is_stuck;
	pthread_mutex_unlock(&lock);
	if (is_stuck)
		host_log(HOST_ERR, "%s: its driver does not return: its thread is left behind", name);
	else if (has_thread)
		host_thread_join(&thread);
	has_thread = false;
}

/* One that was left behind in its driver: it has not been joined. */
unsigned int
hand_signal(int number)
{
	unsigned int n;

	pthread_mutex_lock(&lock);
	n = !is_running && job != JOB_NONE && !is_over && pthread_kill(thread.id, number) == 0;
	pthread_mutex_unlock(&lock);
	return n;
}

bool
hand_is_self(void)
{
	return is_self;
}

static int
give(enum job what, const char *device, const char *devargs, bool by_broadcast)
{
	char *copy = strdup(devargs);
	int ret = -EINPROGRESS;

	if (copy == NULL)
		return -ENOMEM;
	pthread_mutex_lock(&lock);
	if (job != JOB_NONE && !is_over) {
		ret = -EALREADY;
		free(copy);
	} else {
		job = what;
		since_ns = device_now_ns();
		is_begun = is_over = is_abandoned = false;
		text = copy;
		is_broadcast = by_broadcast;
		snprintf(name, sizeof(name), "%s", device);
	}
	pthread_mutex_unlock(&lock);
	if (ret == -EINPROGRESS)
		pthread_cond_broadcast(&changed);       /* it need not wait for the lock then */
	return ret;
}

int
hand_attach(const char *device, const char *devargs, bool by_broadcast)
{
	return give(JOB_ATTACH, device, devargs, by_broadcast);
}

int
hand_detach(const char *device, bool by_broadcast)
{
	return give(JOB_DETACH, device, "", by_broadcast);
}

int
hand_poll(void)
{
	int ret;

	pthread_mutex_lock(&lock);
	ret = is_over ? result : -EINPROGRESS;
	if (is_over)
		job = JOB_NONE;
	pthread_mutex_unlock(&lock);
	return ret;
}

/* What it has been polled of is over, and the next one is given by the same thread. */
void
hand_why(char *said, size_t len)
{
	snprintf(said, len, "%s", result_text);
}

void
hand_abandon(void)
{
	pthread_mutex_lock(&lock);
	if (job != JOB_NONE && !is_over)
		is_abandoned = true;
	else
		job = JOB_NONE;
	pthread_mutex_unlock(&lock);
}
