/* SPDX-License-Identifier: BSD-3-Clause */

/* watch: one thread that takes every sign.
 * In:  uevents (news.c), hang-ups of descriptors, signs posted to devices (SIGBUS handler,
 *      bus slots), timers, scans that are asked for (scan.c).  Out: judge (what becomes of the device)
 *      and reconcile (what is there now).
 * Descriptors and faults are served before uevents: they are earlier.
 * Lock: device_lock() where a device's own fields are read.
 * Context: watch.  It never blocks, never probes, never runs subscribers; what asks a
 *      card may block, and is asked on another thread (look.c). */

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "../core/enable.h"
#include "../core/pollset.h"
#include "../core/stats.h"
#include "../eal/clock.h"
#include "../eal/host.h"
#include "../eal/uevent.h"
#include "../report/trace.h"
#include "judge.h"
#include "look.h"
#include "lookers.h"
#include "news.h"
#include "reconcile.h"
#include "scan.h"
#include "watch.h"

#define TICK_NS (1000 * MS)

static struct host_thread thread;
static _Atomic bool is_stopping = true; /* there is no thread */
static void (*tick)(void);
static uint64_t next_tick_ns, next_liveness_ns, next_look_ns;

/* Once: a look that is still unclear says when the next one is due. */
static bool
is_look_due(struct hotplug_device *dev)
{
	bool is_due;

	device_lock();
	is_due = dev->look_ns != 0 && dev->look_ns <= device_now_ns();
	if (is_due)
		dev->look_ns = 0;
	device_unlock();
	return is_due;
}

/* Everything that is to be done for one device now. */
static void
serve(struct hotplug_device *dev)
{
	static const struct {
		enum hotplug_sign sign;
		enum state_input input;
	} map[] = {
		{ HOTPLUG_SIGN_UIO, STATE_IN_HANGUP },
		{ HOTPLUG_SIGN_EAL, STATE_IN_REPORT },
		{ HOTPLUG_SIGN_CALLER, STATE_IN_REPORT },
		{ HOTPLUG_SIGN_FAULT, STATE_IN_FAULT },
	};
	unsigned int signs = atomic_exchange(&dev->signs, 0), i;

	for (i = 0; i < sizeof(map) / sizeof(map[0]); i++)
		if (signs & DEVICE_SIGN(map[i].sign))
			judge_sign(dev, map[i].sign, map[i].input);
	if (signs & DEVICE_SIGN(HOTPLUG_SIGN_FAULT))
		trace(TRACE_FAULT, dev->name, stats.faults);
	if (signs & DEVICE_SIGN(HOTPLUG_SIGN_VFIO))
		judge_request(dev);
	if ((signs & DEVICE_FOUND) && judge_found(dev))
		reconcile_one(dev);
	if ((signs & DEVICE_LOOK) || is_look_due(dev)) {
		if (judge_is_attached(dev)) {
			judge_look(dev);
		} else {
			reconcile_one(dev);
			news_expect(dev);
		}
	}
	judge_overdue(dev);
}

/* All devices, when there is anything to do for one. */
static void
serve_signs(void)
{
	struct hotplug_device *dev;

	if (!pollset_was_woken() && device_now_ns() < next_look_ns)
		return;
	for (dev = device_first(); dev != NULL; dev = dev->next)
		serve(dev);
}

/* Devices that stop answering without a word. */
static void
look_for_silent(void)
{
	struct hotplug_device *dev;

	for (dev = device_first(); dev != NULL; dev = dev->next)
		if (judge_is_attached(dev))
			judge_look(dev);
}

static void
run_timers(void)
{
	uint64_t now = device_now_ns();
	uint32_t liveness_ms = enable_config()->liveness_ms;

	if (liveness_ms != 0 && now >= next_liveness_ns) {
		next_liveness_ns = now + liveness_ms * MS;
		look_for_silent();
	}
	if (now >= next_tick_ns) {
		next_tick_ns = now + TICK_NS;
		if (!news_have_monitor())
			reconcile_all();
		tick();
	}
}

/* Sets next_look_ns too; deadlines of devices can wait for the tick. */
static int
timeout_ms(void)
{
	uint64_t now = device_now_ns(), due = next_tick_ns, look_ns;
	struct hotplug_device *dev;

	next_look_ns = next_tick_ns;
	device_lock();
	for (dev = device_first(); dev != NULL; dev = dev->next)
		if (dev->look_ns != 0 && dev->look_ns < next_look_ns)
			next_look_ns = dev->look_ns;
	device_unlock();
	if (enable_config()->liveness_ms != 0 && next_liveness_ns < due)
		due = next_liveness_ns;
	if (next_look_ns < due)
		due = next_look_ns;
	look_ns = lookers_keep();
	if (look_ns < due)
		due = look_ns;
	if (scan_is_under_way() && now + SCAN_NS < due)
		due = now + SCAN_NS;
	return due <= now ? 0 : (int)((due - now + MS - 1) / MS);
}

/* It may have been given up since, and taken again with a descriptor that lives. */
static bool
has_news(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	return fd >= 0 && poll(&p, 1, 0) > 0;
}

static void
take_hangup(struct hotplug_device *dev)
{
	bool is_so;

	device_lock();
	is_so = has_news(dev->sign_fd, 0);
	if (is_so) {
		pollset_forget_dup(dev->sign_fd);  /* it has said all it can */
		dev->sign_fd = -1;
	}
	device_unlock();
	if (is_so)
		device_post(dev, DEVICE_SIGN(HOTPLUG_SIGN_UIO));
}

/* Reading it makes it silent until the next time; one that cannot be read never is. */
static void
take_notice(struct hotplug_device *dev)
{
	char text[32];
	bool is_so;

	device_lock();
	is_so = has_news(dev->notice_fd, POLLPRI);
	if (is_so && pread(dev->notice_fd, text, sizeof(text), 0) < 0) {
		pollset_forget_dup(dev->notice_fd);
		dev->notice_fd = -1;
	}
	device_unlock();
	if (is_so)
		device_post(dev, DEVICE_LOOK);
}

static void
take_descriptor(struct hotplug_device *dev)
{
	take_hangup(dev);
	take_notice(dev);
}

static void
run(void *arg)
{
	void *tokens[POLLSET_MAX_AT_ONCE];
	unsigned int i, n;

	(void)arg;
	reconcile_begin();
	while (!atomic_load(&is_stopping)) {
		n = pollset_wait(tokens, timeout_ms());
		for (i = 0; i < n; i++)
			if (tokens[i] != NEWS_TOKEN)
				take_descriptor(tokens[i]);
		serve_signs();
		news_read();
		serve_signs();
		run_timers();
		scan_serve();
	}
	scan_refuse_all();
}

static void
close_all(void)
{
	news_close();
	pollset_close();
}

int
watch_start(void (*on_tick)(void))
{
	int ret;

	tick = on_tick;
	atomic_store(&is_stopping, false);
	scan_open();
	next_tick_ns = next_liveness_ns = device_now_ns() + TICK_NS;
	ret = pollset_open();
	if (ret == 0)
		ret = look_start();
	if (ret == 0) {
		news_open();
		ret = host_thread_start(&thread, "hotplug-watch", run, NULL);
		if (ret != 0)
			lookers_stop();
	}
	if (ret != 0) {
		scan_close();
		atomic_store(&is_stopping, true);
		close_all();
	}
	return ret;
}

void
watch_stop(void)
{
	scan_close();           /* nobody asks from now on */
	atomic_store(&is_stopping, true);
	pollset_wake();
	host_thread_join(&thread);
	lookers_stop();
}

void
watch_close(void)
{
	close_all();
}
