/* SPDX-License-Identifier: BSD-3-Clause */

/* sync: this process's part in what all processes attach and detach.
 * In:  requests of any thread (app, events), the table.  Out: the machine's steps on
 *      the sync thread, asleep on its slot's futex; answers.
 * The thread that asks never does the work itself, so it may be a subscriber's.
 * Lock: `lock` guards start against stop; the threads that ask do not take it (ask.c).
 * Context: app, events; the sync thread (which never waits for a driver: the hand does). */

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>

#include "../core/device.h"
#include "../core/enable.h"
#include "../eal/clock.h"
#include "../eal/host.h"
#include "../eal/stock_bus.h"
#include "ask.h"
#include "machine.h"
#include "share.h"
#include "sync.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* start against stop */
static _Atomic bool is_on, is_stopping;

static const struct sync_process *process;
static struct share share;
static struct sync_member member;
static struct sync_primary primary;
static void *extra;
static uint32_t *signs_seen;    /* by slot */
static struct host_thread thread;
static struct hotplug_config config;

static const struct asker asker = {
	.share = &share, .config = &config, .is_on = &is_on, .is_stopping = &is_stopping,
	.process = &process, .thread = &thread,
};

static void
follow_gates(void)
{
	uint32_t turn;

	if (!gates_are_new(&turn))
		return;
	process->follow_gates();
	gates_follow(turn);
}

/* A call that did not come to us, and what another process has written. */
static void
look_after(void)
{
	bool is_mended = sync_primary_mend(&primary);

	if (process->note_ports() == 0)
		is_mended |= gates_mend();
	if (is_mended)
		say_mended();
}

/* Steps until there is nothing to do; how long to sleep then (0: until woken). */
static unsigned int
step_all(void)
{
	int ret = 0;

	sync_table_look(share.table);
	sync_signs_take(share.table, share.slot, signs_seen);
	if (!share.is_primary) {
		if (sync_member_mend(&member)) {
			say_mended();
			share_wake_slot(&share, SYNC_PRIMARY);
		}
		while (sync_member_step(&member))
			;
		follow_gates();
		say_if_left(&share);
		return 1000;
	}
	do
		ret = sync_primary_step(&primary);
	while (ret == 1);
	if (ret == 0)
		look_after();
	if (ret == -EAGAIN)
		return 2;               /* that others die wakes nobody */
	return share_has_members(&share) ? 1000 : 0;
}

static void
run(void *arg)
{
	struct sync_slot *slot = sync_slot(share.table, share.slot);
	unsigned int timeout_ms;
	uint32_t seen;

	(void)arg;
	while (!atomic_load(&is_stopping)) {
		seen = atomic_load(&slot->wake);
		timeout_ms = step_all();
		if (!atomic_load(&is_stopping))
			share_sleep(&slot->wake, seen, timeout_ms);
	}
}

static void
on_hand_done(void)
{
	share_wake_slot(&share, share.slot);
}

/* --- start and stop */

static int
init_machine(void)
{
	member = (struct sync_member){ .table = share.table, .slot = share.slot, .pid = getpid(),
					.ops = process->ops, .arg = &share };
	primary = (struct sync_primary){
		.table = share.table, .ops = process->ops, .arg = &share,
		.pid = getpid(), .deadline_ms = config.sync_deadline_ms,
		.probe_ms = config.sync_probe_ms, .accepts_late = config.sync_late != 0,
		.ignores_strangers = config.sync_ignore_strangers != 0 ||
			config.sync_tell_strangers != 0,
	};
	extra = calloc(1, share.is_primary ? sync_primary_extra(share.table) :
		       sync_member_extra(share.table));
	signs_seen = calloc(share.table->n_slots, sizeof(*signs_seen));
	if (extra == NULL || signs_seen == NULL)
		return -ENOMEM;
	sync_signs_begin(share.table, signs_seen);
	if (share.is_primary)
		sync_primary_init(&primary, extra);
	else
		sync_member_init(&member, extra);
	return 0;
}

static int
start_threads(void)
{
	int ret = process->start_hand(on_hand_done);

	if (ret != 0)
		return ret;
	atomic_store(&is_stopping, false);
	ret = host_thread_start(&thread, "hotplug-sync", run, NULL);
	if (ret != 0)
		process->stop_hand();
	return ret;
}

/* With the lock held. */
static void
leave(void)
{
	gates_stop();
	if (!share.is_primary && share.table != NULL)
		process->follow_gates();        /* there are none */
	share_close(&share);
	free(extra);
	free(signs_seen);
	extra = NULL;
	signs_seen = NULL;
}

/* A secondary follows before it is asked: its ports are as EAL's start has left them. */
static void
start_gates(void)
{
	gates_start(&share);
	if (!share.is_primary)
		follow_gates();
	else if (process->note_ports() == 0)
		gates_publish();
	if (share.is_primary)
		(void)process->note_ports();
}

/* With the lock held. */
static int
join(void)
{
	int ret = share_open(&share);

	if (ret != 0)
		return ret;
	ret = init_machine();
	if (ret == 0)
		start_gates();
	if (ret == 0)
		ret = start_threads();
	if (ret != 0 && share.why[0] == '\0')
		ret = share_fail(&share, REASON_NO_FOLDER, strerror(-ret));
	if (ret != 0)
		leave();
	atomic_store(&is_on, ret == 0);
	if (ret == 0 && !share.is_primary && share.table->may_grow != 0)
		host_log(HOST_WARN, "sync: the primary's memory may grow while it runs: EAL then "
			 "asks every process, and waits 5 s for one that is stopped "
			 "(--legacy-mem prevents it, or a --socket-limit that equals "
			 "--socket-mem)");
	return ret;
}

static void
start_now(void)
{
	int ret;

	if (!enable_is_on())
		return;
	pthread_mutex_lock(&lock);
	atomic_store(&is_stopping, false);
	ret = join();
	pthread_mutex_unlock(&lock);
	if (ret != 0)
		host_log(HOST_WARN, "sync: %s: devices are not attached and detached together",
			 share.why[0] != '\0' ? share.why : strerror(-ret));
}

/* As a plugin we are in EAL's first probe, which is not to be met by another: a
 * newcomer learns the devargs of what is there, and becomes a member after it. */
void
sync_start(const struct hotplug_config *wanted, const struct sync_process *ours,
	   bool is_in_first_probe)
{
	config = *wanted;
	process = ours;
	ask_as(&asker);
	if (config.sync == 0 || !share_is_possible())
		return;
	if (!is_in_first_probe) {
		start_now();
		return;
	}
	if (rte_eal_process_type() == RTE_PROC_SECONDARY)
		share_peek(process->expect);
	bus_after_first_probe(start_now);
}

void
sync_stop(void)
{
	pthread_mutex_lock(&lock);
	if (atomic_exchange(&is_on, false)) {
		atomic_store(&is_stopping, true);
		share_wake_slot(&share, share.slot);
		pthread_mutex_unlock(&lock);
		host_thread_join(&thread);
		process->stop_hand();
		pthread_mutex_lock(&lock);
		ask_wait_for_all();     /* who asks finds that we stop */
		leave();
	}
	pthread_mutex_unlock(&lock);
}

/* Where this process is just starting or stopping, the others have signs of their own,
 * or none: nobody waits here. */
void
sync_tell_sign(const char *device, uint64_t generation)
{
	uint32_t i;

	if (!atomic_load(&is_on) || pthread_mutex_trylock(&lock) != 0)
		return;
	if (atomic_load(&is_on)) {
		sync_signs_add(share.table, share.slot, device, generation);
		sync_table_look(share.table);
		for (i = 0; i < share.table->n_used; i++)
			if (i != share.slot && atomic_load(&sync_slot(share.table, i)->is_member))
				share_wake_slot(&share, i);
	}
	pthread_mutex_unlock(&lock);
}

int
sync_why_not(char *text, size_t len)
{
	int error;

	pthread_mutex_lock(&lock);
	error = share.why[0] != '\0' ? share.why_error :
		reason_say(REASON_NO_PRIMARY, 0, NULL, share.why, sizeof(share.why));
	snprintf(text, len, "%s", share.why);
	pthread_mutex_unlock(&lock);
	return error;
}

bool
sync_has_others(void)
{
	bool has_others = false;

	pthread_mutex_lock(&lock);
	if (atomic_load(&is_on))
		has_others = share_has_members(&share);
	pthread_mutex_unlock(&lock);
	return has_others;
}

/* A secondary may have come before its primary enabled the library. */
bool
sync_is_on(void)
{
	if (atomic_load(&is_on) || !enable_is_on() || config.sync == 0)
		return atomic_load(&is_on);
	if (!share_is_possible())
		return false;
	pthread_mutex_lock(&lock);
	if (!atomic_load(&is_on) && !atomic_load(&is_stopping))
		(void)join();
	pthread_mutex_unlock(&lock);
	return atomic_load(&is_on);
}
