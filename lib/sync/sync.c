/* SPDX-License-Identifier: BSD-3-Clause */

/* sync: this process's part in what all processes attach and detach: it comes and goes.
 * In:  enable and disable.  Out: the share is open, and the sync thread works on it (engine.c)
 *      for those that ask (ask.c); or why not.
 * The thread that asks never does the work itself, so it may be a subscriber's.
 * Lock: `lock` guards start against stop; the threads that ask do not take it.
 * Context: app, events, watch. */

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <rte_eal.h>

#include "../core/device.h"
#include "../core/enable.h"
#include "../eal/clock.h"
#include "../eal/host.h"
#include "../eal/stock_bus.h"
#include "ask.h"
#include "engine.h"
#include "machine.h"
#include "share.h"
#include "sync.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* start against stop */
static _Atomic bool is_on, is_stopping;
static _Atomic bool is_wanted;          /* by the configuration */
static _Atomic bool is_early;           /* EAL's first probe is not over: nobody joins yet */

static const struct sync_process *process;
static struct share share;
static struct hotplug_config config;

static const struct asker asker = {
	.share = &share, .config = &config, .is_on = &is_on, .is_stopping = &is_stopping,
	.process = &process, .thread = &engine_thread,
};

/* With the lock held. */
static void
leave(void)
{
	gates_stop();
	if (!share.is_primary && share.table != NULL)
		process->follow_gates();        /* there are none */
	share_close(&share);
	engine_free();
}

/* A secondary follows before it is asked: its ports are as EAL's start has left them. */
static void
start_gates(void)
{
	gates_start(&share);
	if (!share.is_primary)
		engine_follow_gates();
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
	ret = engine_init(&share, process, &config);
	if (ret == 0)
		start_gates();
	if (ret == 0)
		ret = engine_start();
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
	int ret = 0;

	atomic_store(&is_early, false);
	if (!enable_is_on())
		return;
	pthread_mutex_lock(&lock);
	atomic_store(&is_stopping, false);
	if (atomic_load(&is_wanted) && !atomic_load(&is_on))    /* else a heal has asked just now */
		ret = join();
	pthread_mutex_unlock(&lock);
	if (ret != 0)
		host_log(HOST_WARN, "sync: %s: devices are not attached and detached together",
			 share.why[0] != '\0' ? share.why : strerror(-ret));
}

/* As a plugin we are in EAL's first probe, which is not to be met by another: a
 * newcomer learns the devargs of what is there, and becomes a member after it.  Who asks
 * meanwhile (a driver, telemetry, a teardown) finds no sync: it would be joined twice. */
void
sync_start(const struct hotplug_config *wanted, const struct sync_process *ours,
	   bool is_in_first_probe)
{
	pthread_mutex_lock(&lock);
	config = *wanted;
	process = ours;
	ask_as(&asker);
	pthread_mutex_unlock(&lock);
	atomic_store(&is_wanted, wanted->sync != 0);
	if (wanted->sync == 0 || !share_is_possible())
		return;
	if (!is_in_first_probe) {
		start_now();
		return;
	}
	atomic_store(&is_early, true);
	if (rte_eal_process_type() == RTE_PROC_SECONDARY)
		share_peek(process->expect);
	bus_after_first_probe(start_now);
}

/* Who asks from now on does without us.  Who has asked already is answered: he would not know what
 * has become of his device.  Not for a driver, or a process, that is stuck. */
void
sync_stop(void)
{
	bool was_on;

	atomic_store(&is_wanted, false);
	pthread_mutex_lock(&lock);
	was_on = atomic_exchange(&is_on, false);
	pthread_mutex_unlock(&lock);
	if (!was_on)
		return;
	ask_wait_for_all(enable_config()->stuck_ms);
	pthread_mutex_lock(&lock);
	atomic_store(&is_stopping, true);
	engine_end();
	pthread_mutex_unlock(&lock);
	engine_join();
	pthread_mutex_lock(&lock);
	ask_wait_for_all(0);            /* who asks finds that we stop */
	leave();
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

	if (atomic_load(&is_early))
		return reason_say(REASON_EARLY, 0, NULL, text, len);
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

/* A secondary may have come before its primary enabled the library.  In a forked child it is off:
 * the place in the table is its parent's, who would do there what the child asks for. */
bool
sync_is_on(void)
{
	if (enable_is_child())
		return false;
	if (atomic_load(&is_on) || !enable_is_on() || !atomic_load(&is_wanted))
		return atomic_load(&is_on);
	if (atomic_load(&is_early) || !share_is_possible())
		return false;
	pthread_mutex_lock(&lock);      /* under which stop finds it on, or it stays off */
	if (atomic_load(&is_wanted) && !atomic_load(&is_on) && !atomic_load(&is_stopping) &&
	    !atomic_load(&is_early))
		(void)join();
	pthread_mutex_unlock(&lock);
	return atomic_load(&is_on);
}
