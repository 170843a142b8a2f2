/* SPDX-License-Identifier: BSD-3-Clause */

/* work: one thread that may block, so that watch and events need not.
 * In:  jobs, by device name (events, teardown).  Out: their functions, one at a
 *      time, each not before its time.
 * Lock: `lock` guards the list of jobs; not held while a job runs.
 * Context: push: any but signal; jobs: work. */

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "device.h"
#include "host.h"
#include "work.h"

#define N_SPARES 16             /* for when there is no memory: a healing is not forgotten */

struct job {
	struct job *next;
	void (*fn)(const char *device);
	char device[HOTPLUG_NAME_LEN];
	uint64_t due_ns;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* all below */
static pthread_cond_t changed;
static struct job *jobs;
static struct job spares[N_SPARES];     /* fn is NULL: free */
static bool is_running;
static struct host_thread thread;

static struct job *
earliest(void)
{
	struct job *job, *first = jobs;

	for (job = jobs; job != NULL; job = job->next)
		if (job->due_ns < first->due_ns)
			first = job;
	return first;
}

static void
take_out(struct job *job)
{
	struct job **at;

	for (at = &jobs; *at != job; at = &(*at)->next)
		;
	*at = job->next;
}

/* With the lock held; NULL: not even a spare one. */
static struct job *
make(void)
{
	struct job *job = calloc(1, sizeof(*job));
	unsigned int i;

	for (i = 0; i < N_SPARES && job == NULL; i++)
		if (spares[i].fn == NULL)
			job = &spares[i];
	return job;
}

static void
dispose(struct job *job)
{
	if (job >= spares && job < spares + N_SPARES)
		memset(job, 0, sizeof(*job));
	else
		free(job);
}

static void
wait_until(uint64_t due_ns)
{
	struct timespec ts = { due_ns / 1000000000, due_ns % 1000000000 };

	pthread_cond_timedwait(&changed, &lock, &ts);
}

static void
run(void *arg)
{
	struct job *job;

	(void)arg;
	pthread_mutex_lock(&lock);
	while (is_running) {
		job = earliest();
		if (job == NULL) {
			pthread_cond_wait(&changed, &lock);
		} else if (job->due_ns > device_now_ns()) {
			wait_until(job->due_ns);
		} else {
			take_out(job);
			pthread_mutex_unlock(&lock);
			job->fn(job->device);
			pthread_mutex_lock(&lock);
			dispose(job);
		}
	}
	pthread_mutex_unlock(&lock);
}

int
work_start(void)
{
	pthread_condattr_t attr;
	int ret;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&changed, &attr);
	pthread_condattr_destroy(&attr);
	pthread_mutex_lock(&lock);
	is_running = true;
	ret = host_thread_start(&thread, "hotplug-work", run, NULL);
	is_running = ret == 0;
	pthread_mutex_unlock(&lock);
	return ret;
}

void
work_stop(void)
{
	struct job *job;

	bool was_running;

	pthread_mutex_lock(&lock);
	was_running = is_running;
	is_running = false;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	if (!was_running)
		return;
	host_thread_join(&thread);
	while ((job = jobs) != NULL) {
		jobs = job->next;
		dispose(job);
	}
}

/* With the lock held. */
static struct job *
find(void (*fn)(const char *), const char *device)
{
	struct job *job;

	for (job = jobs; job != NULL; job = job->next)
		if (job->fn == fn && strcmp(job->device, device) == 0)
			break;
	return job;
}

static int
push(void (*fn)(const char *), const char *device, uint64_t due_ns)
{
	struct job *job = find(fn, device);

	if (!is_running)
		return -EPERM;
	if (job != NULL) {
		if (due_ns < job->due_ns)
			job->due_ns = due_ns;
		return 0;
	}
	job = make();
	if (job == NULL)
		return -ENOMEM;
	job->fn = fn;
	strncat(job->device, device, HOTPLUG_NAME_LEN - 1);
	job->due_ns = due_ns;
	job->next = jobs;
	jobs = job;
	return 0;
}

int
work_push(void (*fn)(const char *device), const char *device, unsigned int delay_ms)
{
	int ret;

	pthread_mutex_lock(&lock);
	ret = push(fn, device, device_now_ns() + delay_ms * 1000000ull);
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	return ret;
}
