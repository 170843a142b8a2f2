/* SPDX-License-Identifier: BSD-3-Clause */

/* rooms: bring the rooms up in order, and take them down in reverse.
 * In:  hotplug_enable/disable (app), the plugin.  Out: everything else.
 * Lock: `lock`, so that two callers do not meet; no room is entered that takes
 *      it again.
 * Context: app. */

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "../core/bus.h"
#include "../core/config.h"
#include "../core/device.h"
#include "../core/duty.h"
#include "../core/enable.h"
#include "../core/stats.h"
#include "../core/work.h"
#include "../eal/host.h"
#include "../eal/monitor.h"
#include "../report/events.h"
#include "../report/keep.h"
#include "../report/log.h"
#include "../survive/cutoff.h"
#include "../survive/pages.h"
#include "../survive/publish.h"
#include "../survive/seat.h"
#include "../telemetry/survey.h"
#include "../telemetry/telemetry.h"
#include "../watch/drill.h"
#include "../watch/news.h"
#include "../watch/watch.h"
#include "diagnose.h"
#include "eal.h"
#include "ethdev.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* enable against disable */

/* In the child, before anything else of it runs.  Faults are answered further. */
static void
begin_child(void)
{
	enable_begin_child();
	device_unlock();
}

/* A child finds the table whole. */
static int
watch_forks(void)
{
	static bool is_watching;

	if (!is_watching && pthread_atfork(device_lock, device_unlock, begin_child) != 0)
		return -ENOMEM;
	is_watching = true;
	return 0;
}

static unsigned int n_ticks;    /* since enable; the watch thread's then */

static void
on_tick(void)
{
	if (enable_config()->sigbus == HOTPLUG_SIGBUS_OWN)
		seat_check();
	(void)eal_has_monitor();        /* asked in good time */
	cutoff_retry();
	if (n_ticks < 10 || n_ticks % 60 == 0)
		diagnose();
	roll_call();
	n_ticks++;
}

/* After the subscribers: what takes time. */
static void
write_down(const struct hotplug_event *event, void *arg)
{
	log_event(event, arg);
	keep_event(event);
}

static int
start_threads(void)
{
	int ret;

	keep_begin();
	ret = events_start(write_down);
	if (ret != 0)
		return ret;
	ret = work_start();
	if (ret != 0)
		goto stop_events;
	ret = watch_start(on_tick);
	if (ret == 0)
		return 0;
	work_stop();
stop_events:
	events_stop(enable_config()->stuck_ms);
	return ret;
}

static void
stop_threads(void)
{
	watch_stop();
	events_stop(enable_config()->stuck_ms);
	work_stop();
}

/* From here on devices may be published. */
static int
open_doors(void)
{
	int ret;

	enable_set(true);
	ret = duty_take(&eal_duty);
	if (ret != 0)
		return ret;
	ret = enable_config()->sigbus == HOTPLUG_SIGBUS_OWN ? seat_start() : 0;
	if (ret == 0)
		ret = ethdev_start();
	if (ret != 0)
		return ret;
	ret = bus_enable_all();
	if (ret == 0) {
		ethdev_go_on();
	} else {
		ethdev_stop();
		ethdev_let_go();
	}
	return ret;
}

/* Faults are answered until nothing is guarded any more. */
static void
close_doors(void)
{
	device_lock();          /* whoever publishes is in before, or stays out */
	enable_set(false);
	device_unlock();
	duty_leave(&eal_duty);
	device_withdraw_all(NULL);
	if (enable_config()->sigbus == HOTPLUG_SIGBUS_OWN)
		seat_stop();
	device_lock();          /* somebody may be reporting a sign just now */
	pages_stop();
	watch_close();
	device_unlock();
}

static int
start(void)
{
	int ret;

	memset(&stats, 0, sizeof(stats));
	n_ticks = 0;
	roll_begin();
	device_set_fills(enable_config()->fill, enable_config()->driver_fill);
	device_lock();
	pages_start(enable_config()->sigbus != HOTPLUG_SIGBUS_NONE);
	device_unlock();
	ret = start_threads();
	if (ret != 0) {
		pages_stop();
		return ret;
	}
	ret = open_doors();
	if (ret != 0) {
		stop_threads();
		close_doors();
	}
	return ret;
}

static int
enable(const struct hotplug_config *asked)
{
	struct hotplug_config wanted;
	const char *fault = config_read(&wanted, asked);
	int ret;

	if (fault != NULL) {
		host_log(HOST_ERR, "configuration: %s", fault);
		return -EINVAL;
	}
	if (enable_is_on())
		return -EALREADY;
	ret = eal_check();
	if (ret == 0)
		ret = watch_forks();
	if (ret != 0)
		return ret;
	device_lock();          /* telemetry may be reading the last one */
	enable_configure(&wanted);
	device_unlock();
	ret = start();
	if (ret != 0) {
		host_log(HOST_ERR, "not enabled: %s", strerror(-ret));
		return ret;
	}
	telemetry_offer();
	drill_plan();
	diagnose_reset();
	diagnose();
	host_log(HOST_NOTICE, "enabled: %u device(s) guarded, uevents %s, SIGBUS %s",
		 device_count_published(), news_have_monitor() ? "on" : "off",
		 wanted.sigbus == HOTPLUG_SIGBUS_OWN ? "ours" :
		 wanted.sigbus == HOTPLUG_SIGBUS_DISPATCH ? "dispatched by the application" :
		 "not handled");
	return 0;
}

int
hotplug_enable(const struct hotplug_config *wanted)
{
	struct hotplug_config defaults;
	int ret;

	if (host_thread_is_own())
		return -EDEADLK;
	if (enable_is_child())
		return -ENOTSUP;
	hotplug_config_init(&defaults);
	pthread_mutex_lock(&lock);
	ret = enable(wanted != NULL ? wanted : &defaults);
	pthread_mutex_unlock(&lock);
	return ret;
}

int
hotplug_disable(void)
{
	int ret = -EALREADY;

	if (host_thread_is_own())
		return -EDEADLK;
	if (enable_is_child())
		return -EALREADY;
	pthread_mutex_lock(&lock);
	if (enable_is_on()) {
		work_close();           /* no new life any more */
		ethdev_stop();
		bus_disable_all();
		ethdev_let_go();
		stop_threads();
		close_doors();
		ret = 0;
	}
	pthread_mutex_unlock(&lock);
	return ret;
}
