/* SPDX-License-Identifier: BSD-3-Clause */

/* ask: a thread of this process wants something of the primary.
 * In:  a wish (sync.c).  Out: the answer, or why there is none: the primary has ended, or
 *      makes no step for as long as its deadlines allow.
 * The thread never does the work itself, so it may be a subscriber's.
 * Lock: `lock` guards the row of threads that ask; not held while one waits for its answer.
 * Context: app, events. */

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../core/device.h"
#include "../eal/clock.h"
#include "ask.h"
#include "sync.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* next, serving */
static pthread_cond_t turn = PTHREAD_COND_INITIALIZER;
static uint64_t next, serving;  /* threads that ask, in their row */
static const struct asker *asker;
static bool is_off;             /* whose turn it is: the primary may have our last request */

int
ask_refuse(struct hotplug_outcome *outcome, int pid, enum reason reason, int error)
{
	char text[HOTPLUG_REASON_LEN];

	error = reason_say(reason, error, NULL, text, sizeof(text));
	return ask_conclude(outcome, error, pid, text);
}

int
ask_conclude(struct hotplug_outcome *outcome, int error, int pid, const char *text)
{
	if (outcome != NULL) {
		outcome->error = error;
		outcome->pid = pid;
		snprintf(outcome->reason, sizeof(outcome->reason), "%s", text);
	}
	return error;
}

/* How long may the primary go without a step? */
static uint64_t
patience_ns(const struct asker *a)
{
	const struct sync_slot *slot = sync_slot(a->share->table, SYNC_PRIMARY);

	return (2 * a->config->sync_deadline_ms +
		(slot->busy[0] != '\0' ? 2ull * a->config->sync_probe_ms : 0)) * MS;
}

/* Nobody will answer: take the request back.  False: it has been decided. */
static bool
withdraw(struct sync_request *request)
{
	uint32_t posted = SYNC_REQUEST_POSTED, taken = SYNC_REQUEST_TAKEN;

	return atomic_compare_exchange_strong(&request->state, &posted, SYNC_REQUEST_NONE) ||
		atomic_compare_exchange_strong(&request->state, &taken, SYNC_REQUEST_DROPPED);
}

/* While we wait nobody but the primary may write it. */
static bool
is_damaged(uint32_t state)
{
	return state == SYNC_REQUEST_NONE || state >= SYNC_REQUEST_DROPPED;
}

/* 0: it stands in the request. */
static int
wait_for_answer(const struct asker *a, struct sync_request *request)
{
	uint64_t progress = sync_table_progress(a->share->table), since = device_now_ns(), now;
	uint32_t state;

	while ((state = atomic_load(&request->state)) != SYNC_REQUEST_DONE) {
		share_sleep(&request->state, state, 50);
		if (atomic_load(a->is_stopping))
			return -ESHUTDOWN;
		if (!share_is_alive(a->share, SYNC_PRIMARY)) {
			atomic_store(&request->state, SYNC_REQUEST_NONE);
			return -EHOSTDOWN;
		}
		if (is_damaged(atomic_load(&request->state)))
			return -EBADMSG;
		now = sync_table_progress(a->share->table);
		if (now != progress) {
			progress = now;
			since = device_now_ns();
		} else if (device_now_ns() - since > patience_ns(a) &&
			   (withdraw(request) || device_now_ns() - since > 2 * patience_ns(a))) {
			return -ETIMEDOUT;
		}
	}
	return 0;
}

static int
explain(const struct asker *a, int error, struct hotplug_outcome *outcome)
{
	const struct sync_slot *slot = sync_slot(a->share->table, SYNC_PRIMARY);

	switch (error) {
	case -EHOSTDOWN:
		return ask_refuse(outcome, slot->pid, REASON_PRIMARY_ENDED, error);
	case -EBADMSG:
		return ask_refuse(outcome, slot->pid, REASON_WRITTEN_OVER, error);
	case -ESHUTDOWN:
		return ask_refuse(outcome, getpid(), REASON_STOPPING, error);
	default:
		return ask_refuse(outcome, slot->pid, REASON_PRIMARY_SILENT, error);
	}
}

static void
post(const struct asker *a, const struct sync_wish *wish, struct sync_request *request)
{
	char *text = sync_request_text(a->share->table, a->share->slot);

	request->op = wish->op;
	request->probe_ns = wish->probe_ns;
	memcpy(request->name, wish->name, sizeof(request->name));
	snprintf(text, a->share->table->text_len, "%s", wish->text);
	request->ticket = atomic_fetch_add(&a->share->table->head->next_ticket, 1);
	request->sum = sync_request_sum(a->share->table, request, text);
	atomic_store(&request->state, SYNC_REQUEST_POSTED);
	share_wake_slot(a->share, SYNC_PRIMARY);
}

/* The answer that stands there, for as long as it is ours. */
static int
take_answer(const struct asker *a, struct sync_request *request, struct hotplug_outcome *outcome)
{
	struct sync_answer answer = request->answer;
	bool is_whole = answer.sum == sync_answer_sum(&answer, request->ticket) &&
		memchr(answer.reason, '\0', sizeof(answer.reason)) != NULL;

	request->sum = 0;
	atomic_store(&request->state, SYNC_REQUEST_NONE);
	return is_whole ? ask_conclude(outcome, answer.error, answer.pid, answer.reason) :
		explain(a, -EBADMSG, outcome);
}

/* One request of this process at a time: it is our turn.  What is neither dropped nor being
 * answered is no request of ours, whatever stands there. */
static int
ask(const struct asker *a, const struct sync_wish *wish, struct hotplug_outcome *outcome)
{
	struct sync_request *request = &sync_slot(a->share->table, a->share->slot)->request;
	uint32_t state = atomic_load(&request->state);
	int ret;

	if (!share_is_alive(a->share, SYNC_PRIMARY))
		return explain(a, -EHOSTDOWN, outcome);
	if (is_off && (state == SYNC_REQUEST_FINAL || state == SYNC_REQUEST_DROPPED))
		return explain(a, -ETIMEDOUT, outcome);    /* not even our last one is off */
	post(a, wish, request);
	ret = wait_for_answer(a, request);
	is_off = ret == -ETIMEDOUT;
	return ret != 0 ? explain(a, ret, outcome) : take_answer(a, request, outcome);
}

/* In the order in which this process's threads came. */
static int
ask_in_turn(const struct asker *a, const struct sync_wish *wish,
	    struct hotplug_outcome *outcome)
{
	uint64_t mine;
	int ret;

	pthread_mutex_lock(&lock);
	for (mine = next++; mine != serving;)
		pthread_cond_wait(&turn, &lock);
	pthread_mutex_unlock(&lock);
	if (atomic_load(a->is_on))
		ret = ask(a, wish, outcome);
	else
		ret = ask_refuse(outcome, getpid(), REASON_STOPPING, 0);
	pthread_mutex_lock(&lock);
	serving++;
	pthread_cond_broadcast(&turn);
	pthread_mutex_unlock(&lock);
	return ret;
}

void
ask_as(const struct asker *whose)
{
	asker = whose;
}

void
ask_wait_for_all(unsigned int ms)
{
	struct timespec until;
	int ret = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * (long)MS;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&lock);
	while (next != serving && ret == 0)
		ret = ms != 0 ? pthread_cond_clockwait(&turn, &lock, CLOCK_MONOTONIC, &until) :
			pthread_cond_wait(&turn, &lock);
	pthread_mutex_unlock(&lock);
}

static bool
is_own_thread(void)
{
	return (*asker->process)->is_hand() || pthread_equal(pthread_self(), asker->thread->id);
}

static int
request(struct sync_wish wish, struct hotplug_outcome *outcome)
{
	int ret;

	if (strlen(wish.text) >= SYNC_TEXT_LEN)
		return ask_refuse(outcome, getpid(), REASON_TOO_LONG, 0);
	ret = (*asker->process)->name_of(wish.text, wish.name);
	if (ret != 0)
		return ask_refuse(outcome, getpid(), REASON_NO_NAME, ret);
	if (is_own_thread())
		return ask_refuse(outcome, getpid(), REASON_NESTED, 0);
	return ask_in_turn(asker, &wish, outcome);
}

int
sync_attach(const char *devargs, struct hotplug_outcome *outcome)
{
	return request((struct sync_wish){ .op = SYNC_OP_ATTACH, .text = devargs }, outcome);
}

int
sync_detach(const char *name, struct hotplug_outcome *outcome)
{
	return request((struct sync_wish){ .op = SYNC_OP_DETACH, .text = name }, outcome);
}

int
sync_clear(const char *name, struct hotplug_outcome *outcome)
{
	return request((struct sync_wish){ .op = SYNC_OP_CLEAR, .text = name }, outcome);
}

int
sync_share(const char *devargs, uint64_t probe_ns, struct hotplug_outcome *outcome)
{
	return request((struct sync_wish){ .op = SYNC_OP_SHARE, .text = devargs,
				      .probe_ns = probe_ns }, outcome);
}
