/* SPDX-License-Identifier: BSD-3-Clause */

/* watch: one thread that takes every sign.
 * In:  uevents (news.c), hang-ups of descriptors, signs posted to devices (SIGBUS handler,
 *      bus slots), timers, hotplug_scan().  Out: judge (what becomes of the device)
 *      and reconcile (what is there now).
 * Descriptors and faults are served before uevents: they are earlier.
 * Lock: scan_lock guards the scans that callers wait for; device_lock() where a
 *      device's own fields are read.
 * Context: watch.  It never blocks, never probes, never runs subscribers; what asks a
 *      card may block, and is asked on another thread (look.c). */

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>

#include "../core/enable.h"
#include "../core/pollset.h"
#include "../core/stats.h"
#include "../eal/host.h"
#include "../eal/uevent.h"
#include "../report/trace.h"
#include "judge.h"
#include "look.h"
#include "news.h"
#include "reconcile.h"
#include "watch.h"

#define MS 1000000ull
#define TICK_NS (1000 * MS)
#define SCAN_NS (10 * MS)
#define UEVENTS_AT_ONCE 64

/* What an epoll event is about; else it is a device. */
#define TOKEN_MONITOR ((void *)1)

struct scan_request;

static struct scan_request *scanned;    /* whose looks are under way; watch's own */
static uint64_t scan_looks;             /* those */
static int scan_answer;
static struct host_thread thread;
static _Atomic bool is_stopping = true; /* there is no thread */
static _Atomic bool has_monitor;
static int monitor_fd = -1;
static void (*tick)(void);
static uint64_t next_tick_ns, next_liveness_ns, next_look_ns;

bool
watch_has_monitor(void)
{
	return atomic_load(&has_monitor);
}

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
		if (judge_is_attached(dev))
			judge_look(dev);
		else
			reconcile_one(dev);
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

/* Deaf from now on: descriptors, faults and looks remain. */
static void
lose_monitor(int fd, const char *why)
{
	host_log(HOST_ERR, "no uevents any more (%s): removals show by descriptors, faults and "
		 "looks, returns by a scan every second", why);
	atomic_store(&has_monitor, false);
	pollset_remove(fd);
}

/* Some of what is waiting: in a burst, descriptors and faults are not to wait.
 * A message that cannot be read is a lost one; a descriptor that has nothing but
 * errors is dead. */
static void
read_monitor(void)
{
	int ret = 1, err = 0, n, n_errors = 0;

	for (n = 0; n < UEVENTS_AT_ONCE && ret != 0; n++) {
		ret = news_take();
		if (ret < 0)
			err = ret;
		n_errors += ret < 0;
	}
	if (n_errors > 0)
		news_lost();
	if (n_errors == UEVENTS_AT_ONCE)
		lose_monitor(monitor_fd, strerror(-err));
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
		if (!watch_has_monitor())
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
	look_ns = look_keep();
	if (look_ns < due)
		due = look_ns;
	if (scanned != NULL && now + SCAN_NS < due)
		due = now + SCAN_NS;
	return due <= now ? 0 : (int)((due - now + MS - 1) / MS);
}

/* It may have been given up since, and taken again with a descriptor that lives. */
static bool
has_hung_up(int fd)
{
	struct pollfd p = { .fd = fd };

	return fd >= 0 && poll(&p, 1, 0) > 0;
}

static void
take_hangup(struct hotplug_device *dev)
{
	bool is_so;

	device_lock();
	is_so = has_hung_up(dev->sign_fd);
	if (is_so) {
		pollset_forget_dup(dev->sign_fd);  /* it has said all it can */
		dev->sign_fd = -1;
	}
	device_unlock();
	if (is_so)
		device_post(dev, DEVICE_SIGN(HOTPLUG_SIGN_UIO));
}

/* hotplug_scan(): each caller waits for a scan that began after it asked, and is
 * told what that one found. */
struct scan_request {
	struct scan_request *next;
	bool is_done;
	int answer;
};

static pthread_mutex_t scan_lock = PTHREAD_MUTEX_INITIALIZER; /* requests, and what is in them */
static pthread_cond_t scan_done = PTHREAD_COND_INITIALIZER;
static struct scan_request *requests;

static struct scan_request *
take_requests(void)
{
	struct scan_request *taken;

	pthread_mutex_lock(&scan_lock);
	taken = requests;
	requests = NULL;
	pthread_mutex_unlock(&scan_lock);
	return taken;
}

static void
answer_requests(struct scan_request *taken, int answer)
{
	pthread_mutex_lock(&scan_lock);
	for (; taken != NULL; taken = taken->next) {
		taken->answer = answer;
		taken->is_done = true;
	}
	pthread_cond_broadcast(&scan_done);
	pthread_mutex_unlock(&scan_lock);
}

/* When what it has found is known too, but for looks that block. */
static void
answer_scans(void)
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

int
hotplug_scan(void)
{
	struct scan_request mine = { .answer = -EPERM };

	if (!enable_is_on())
		return -EPERM;
	pthread_mutex_lock(&scan_lock);
	if (!atomic_load(&is_stopping)) {
		mine.next = requests;
		requests = &mine;
		pollset_wake();
		while (!mine.is_done)
			pthread_cond_wait(&scan_done, &scan_lock);
	}
	pthread_mutex_unlock(&scan_lock);
	return mine.answer;
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
			if (tokens[i] != TOKEN_MONITOR)
				take_hangup(tokens[i]);
		serve_signs();
		if (watch_has_monitor())
			read_monitor();
		serve_signs();
		run_timers();
		answer_scans();
	}
	answer_requests(scanned, -EPERM);
	scanned = NULL;
	answer_requests(take_requests(), -EPERM);
}

/* Without uevents what changes is found by comparing, once a second. */
static void
start_monitor(void)
{
	const char *obstacle = uevent_obstacle();
	int fd = -1;

	if (obstacle == NULL) {
		fd = uevent_open(enable_config()->uevent_buffer_kb);
		if (fd < 0)
			obstacle = strerror(-fd);
		else if (pollset_add(fd, EPOLLIN, TOKEN_MONITOR) != 0)
			obstacle = "epoll refuses it";
	}
	monitor_fd = fd;
	atomic_store(&has_monitor, obstacle == NULL);
	if (obstacle != NULL)
		host_log(HOST_WARN, "no uevents: %s; removals show by descriptors, faults and "
			 "looks, returns by a scan every second", obstacle);
}

static void
close_all(void)
{
	uevent_close();
	atomic_store(&has_monitor, false);
	monitor_fd = -1;
	pollset_close();
}

int
watch_start(void (*on_tick)(void))
{
	int ret;

	tick = on_tick;
	news_start();
	atomic_store(&is_stopping, false);
	next_tick_ns = next_liveness_ns = device_now_ns() + TICK_NS;
	ret = pollset_open();
	if (ret == 0)
		ret = look_start();
	if (ret == 0) {
		start_monitor();
		ret = host_thread_start(&thread, "hotplug-watch", run, NULL);
		if (ret != 0)
			look_stop();
	}
	if (ret != 0) {
		atomic_store(&is_stopping, true);
		close_all();
	}
	return ret;
}

void
watch_stop(void)
{
	pthread_mutex_lock(&scan_lock);
	atomic_store(&is_stopping, true);       /* nobody asks from now on */
	pthread_mutex_unlock(&scan_lock);
	pollset_wake();
	host_thread_join(&thread);
	look_stop();
}

void
watch_close(void)
{
	close_all();
}
