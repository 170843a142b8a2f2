/* SPDX-License-Identifier: BSD-3-Clause */

/* history: the last events, for whoever asks later; they outlive events_stop().
 * In:  each event, when it is told (events.c).  Out: its number and its time; the newest.
 * Lock: `lock` guards all below.
 * Context: events; read: any but signal. */

#include <pthread.h>
#include <time.h>

#include "../core/device.h"
#include "../core/stats.h"
#include "history.h"
#include "trace.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* all below */
static uint64_t sequence;
static struct hotplug_event history[HISTORY_KEPT];      /* by sequence */

static uint64_t
wall_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

void
history_begin(void)
{
	pthread_mutex_lock(&lock);
	sequence = 0;
	pthread_mutex_unlock(&lock);
}

void
history_note(struct hotplug_event *event)
{
	pthread_mutex_lock(&lock);
	event->sequence = ++sequence;
	event->event_ns = device_now_ns();
	event->wall_ns = wall_now_ns();
	history[sequence % HISTORY_KEPT] = *event;
	pthread_mutex_unlock(&lock);
	if (event->type < STATS_N_TYPES)
		STATS_ADD(events_of[event->type], 1);
	trace(TRACE_EVENT, event->device, event->type);
}

unsigned int
history_read(uint64_t before, struct hotplug_event *out, unsigned int n_max)
{
	unsigned int n = 0;
	uint64_t at;

	pthread_mutex_lock(&lock);
	at = before != 0 && before <= sequence ? before - 1 : sequence;
	for (; n < n_max && at > 0 && sequence - at < HISTORY_KEPT; at--)
		out[n++] = history[at % HISTORY_KEPT];
	pthread_mutex_unlock(&lock);
	return n;
}
