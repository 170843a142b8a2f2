/* SPDX-License-Identifier: BSD-3-Clause */

/* scan: look at everything now, because somebody asks for it.
 * In:  hotplug_scan() (app).  Out: what reconcile has found, when the looks that it has
 *      begun are answered too.
 * Lock: `lock` guards the requests; not held while one waits, or while reconcile runs.
 * Context: app; serve, refuse: watch. */

#include <errno.h>
#include <pthread.h>
#include <stddef.h>

#include "../core/enable.h"
#include "../core/pollset.h"
#include "look.h"
#include "reconcile.h"
#include "scan.h"

/* hotplug_scan(): each caller waits for a scan that began after it asked, and is
 * told what that one found. */
struct scan_request {
	struct scan_request *next;
	bool is_done;
	int answer;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* is_open, requests, what is in them */
static pthread_cond_t done = PTHREAD_COND_INITIALIZER;
static struct scan_request *requests;
static bool is_open;

static struct scan_request *scanned;    /* whose looks are under way; watch's own */
static uint64_t scan_looks;             /* those */
static int scan_answer;

static struct scan_request *
take_requests(void)
{
	struct scan_request *taken;

	pthread_mutex_lock(&lock);
	taken = requests;
	requests = NULL;
	pthread_mutex_unlock(&lock);
	return taken;
}

static void
answer_requests(struct scan_request *taken, int answer)
{
	pthread_mutex_lock(&lock);
	for (; taken != NULL; taken = taken->next) {
		taken->answer = answer;
		taken->is_done = true;
	}
	pthread_cond_broadcast(&done);
	pthread_mutex_unlock(&lock);
}

/* When what it has found is known too, but for looks that block. */
void
scan_serve(void)
{
	if (scanned == NULL) {
		scanned = take_requests();
		if (scanned != NULL)
			scan_answer = reconcile_all();
		scan_looks = look_n_begun();
	}
	if (scanned == NULL || look_is_any_before(scan_looks))
		return;
	answer_requests(scanned, scan_answer);
	scanned = NULL;
}

bool
scan_is_under_way(void)
{
	return scanned != NULL;
}

void
scan_refuse_all(void)
{
	answer_requests(scanned, -EPERM);
	scanned = NULL;
	answer_requests(take_requests(), -EPERM);
}

static void
set_open(bool opens)
{
	pthread_mutex_lock(&lock);
	is_open = opens;
	pthread_mutex_unlock(&lock);
}

void
scan_open(void)
{
	set_open(true);
}

void
scan_close(void)
{
	set_open(false);
}

int
hotplug_scan(void)
{
	struct scan_request mine = { .answer = -EPERM };

	if (!enable_is_on())
		return -EPERM;
	pthread_mutex_lock(&lock);
	if (is_open) {
		mine.next = requests;
		requests = &mine;
		pollset_wake();
		while (!mine.is_done)
			pthread_cond_wait(&done, &lock);
	}
	pthread_mutex_unlock(&lock);
	return mine.answer;
}
