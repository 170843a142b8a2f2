/* SPDX-License-Identifier: BSD-3-Clause */

/* work: what may block, so that watch and events need not, and no device waits for
 * another.
 * In:  jobs: a function and a device's name (any room).  Out: it is run, not before its
 *      time; the jobs of one device one at a time.
 * What is to be done is marked in the device (marks.c).
 * Jobs beside are those that see to who waits already (rings.c, stuck.c, sign.c): they go on
 * while what is under way is waited for at the end.
 * Threads: one keeps the time and never blocks.  Others do the jobs, and end when nothing
 *      is due.  One more begins for each millisecond in which a job is due and none is
 *      taken: while jobs are quick there is one, and each that blocks has its own.
 * Lock: `lock` guards all below and the marks in devices; not held while a job runs.
 * Context: push: any but signal; jobs: work. */

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../eal/clock.h"
#include "../eal/host.h"
#include "device.h"
#include "enable.h"
#include "marks.h"
#include "work.h"

#define GROW_NS (1 * MS)        /* so long nobody takes what is due: one thread more */
#define AGAIN_NS (10 * MS)      /* when there was no thread to be had */

struct worker {
	struct worker *next;
	struct host_thread thread;
	struct hotplug_device *dev;     /* whose job it does; NULL: between two */
	uint64_t since_ns;
	bool is_beside;
	_Atomic bool is_left;           /* nobody waits for it any more */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* all below */
static pthread_cond_t changed;
static struct worker *workers;
static uint64_t taken_ns;               /* when a job was last taken, or a thread refused */
static bool is_running, is_closing, has_clock;
static struct host_thread keeper;
static _Thread_local struct worker *self;

/* --- threads */

static void
take_out(const struct worker *worker)
{
	struct worker **at;

	for (at = &workers; *at != worker; at = &(*at)->next)
		;
	*at = worker->next;
}

/* With the lock held, but while the job runs. */
static void
do_job(struct hotplug_device *dev, struct work_mark *mark)
{
	void (*fn)(const char *) = mark->fn;

	self->is_beside = mark->is_beside;
	mark->fn = NULL;
	dev->is_at_work = dev->is_at_work || !self->is_beside;
	self->dev = dev;
	self->since_ns = taken_ns = device_now_ns();
	pthread_mutex_unlock(&lock);
	fn(dev->name);
	pthread_mutex_lock(&lock);
	self->dev = NULL;
	dev->is_at_work = dev->is_at_work && self->is_beside;
	pthread_cond_broadcast(&changed);
}

static void
run(void *arg)
{
	struct hotplug_device *dev;
	struct work_mark *mark;

	self = arg;
	pthread_mutex_lock(&lock);
	while (!atomic_load(&self->is_left) && is_running) {
		mark = marks_earliest(&dev);
		if (mark == NULL || mark->due_ns > device_now_ns())
			break;
		do_job(dev, mark);
	}
	take_out(self);
	free(self);             /* before anybody thinks that it is over */
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

/* With the lock held. */
static void
start_worker(void)
{
	struct worker *worker = calloc(1, sizeof(*worker));
	int ret = -ENOMEM;

	if (worker != NULL)
		ret = host_thread_start(&worker->thread, "hotplug-work", run, worker);
	taken_ns = device_now_ns();
	if (ret != 0) {
		free(worker);
		taken_ns += AGAIN_NS;
		return;
	}
	pthread_detach(worker->thread.id);
	worker->next = workers;
	workers = worker;
}

static void
wait_until(uint64_t due_ns)
{
	uint64_t now = device_now_ns(), left = due_ns > now ? due_ns - now : 0;
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_sec += (ts.tv_nsec + left) / 1000000000;
	ts.tv_nsec = (ts.tv_nsec + left) % 1000000000;
	pthread_cond_timedwait(&changed, &lock, &ts);
}

static void
keep_time(void *arg)
{
	struct hotplug_device *dev;
	struct work_mark *mark;
	uint64_t due_ns;

	(void)arg;
	pthread_mutex_lock(&lock);
	while (is_running) {
		mark = marks_earliest(&dev);
		if (mark == NULL) {
			pthread_cond_wait(&changed, &lock);
			continue;
		}
		due_ns = mark->due_ns;
		if (workers != NULL || taken_ns > device_now_ns())
			due_ns = (due_ns > taken_ns ? due_ns : taken_ns) + GROW_NS;
		if (due_ns > device_now_ns())
			wait_until(due_ns);
		else
			start_worker();
	}
	pthread_mutex_unlock(&lock);
}

/* --- start and stop */

int
work_start(void)
{
	int ret;

	pthread_mutex_lock(&lock);
	clock_make_cond(&changed, &has_clock);
	marks_drop(true);
	taken_ns = 0;
	is_closing = false;
	is_running = true;
	ret = host_thread_start(&keeper, "hotplug-time", keep_time, NULL);
	is_running = ret == 0;
	pthread_mutex_unlock(&lock);
	return ret;
}

/* With the lock held: is it waited for at this stage?  One between two jobs may take either. */
static bool
is_waited_for(const struct worker *worker)
{
	return !atomic_load(&worker->is_left) &&
		(worker->dev == NULL || !worker->is_beside || !is_running);
}

/* With the lock held: when is nobody to be waited for any more?  0: now. */
static uint64_t
patience_ends_ns(void)
{
	uint64_t now = device_now_ns(), until, last = 0;
	const struct worker *worker;

	for (worker = workers; worker != NULL; worker = worker->next) {
		if (!is_waited_for(worker))
			continue;
		until = worker->dev == NULL ? now + MS :
			worker->since_ns + enable_config()->stuck_ms * MS;
		if (until > now && until > last)
			last = until;
	}
	return last;
}

/* With the lock held. */
static void
leave_behind(void)
{
	struct worker *worker;

	for (worker = workers; worker != NULL; worker = worker->next) {
		if (!is_waited_for(worker))
			continue;
		atomic_store(&worker->is_left, true);
		host_log(HOST_ERR, "%s: what was begun about it does not return: its thread is left "
			 "behind", worker->dev->name);
	}
}

static bool
end(bool ends_beside)
{
	bool was_running;
	uint64_t until_ns;

	pthread_mutex_lock(&lock);
	was_running = is_running;
	is_closing = true;
	is_running = is_running && !ends_beside;
	if (was_running) {
		marks_drop(ends_beside);
		pthread_cond_broadcast(&changed);
		while ((until_ns = patience_ends_ns()) != 0)
			wait_until(until_ns);
		leave_behind();
	}
	pthread_mutex_unlock(&lock);
	return was_running;
}

void
work_close(void)
{
	(void)end(false);
}

void
work_stop(void)
{
	if (end(true))
		host_thread_join(&keeper);
}

bool
work_is_left(void)
{
	return self != NULL && atomic_load(&self->is_left);
}

unsigned int
work_signal(int number)
{
	const struct worker *worker;
	unsigned int n = 0;

	pthread_mutex_lock(&lock);
	for (worker = workers; worker != NULL; worker = worker->next)
		n += worker != self && worker->dev != NULL &&
			pthread_kill(worker->thread.id, number) == 0;
	pthread_mutex_unlock(&lock);
	return n;
}

static int
push_in(void (*fn)(const char *), const char *device, unsigned int delay_ms, bool is_beside)
{
	int ret = -EPERM;

	pthread_mutex_lock(&lock);
	if (is_running && (is_beside || !is_closing))
		ret = marks_set(device, (struct work_mark){ fn, device_now_ns() + delay_ms * MS,
							    is_beside });
	if (ret > 0)
		pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	return ret < 0 ? ret : 0;
}

int
work_push(void (*fn)(const char *device), const char *device, unsigned int delay_ms)
{
	return push_in(fn, device, delay_ms, false);
}

int
work_push_beside(void (*fn)(const char *device), const char *device, unsigned int delay_ms)
{
	return push_in(fn, device, delay_ms, true);
}
