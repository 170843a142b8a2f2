/* SPDX-License-Identifier: BSD-3-Clause */

/* watch: one thread that takes every sign and decides what it means.
 * In:  uevents, hang-ups of descriptors, signs posted to devices (SIGBUS handler,
 *      bus slots), a timer.  Out: cut-offs, state changes, events (report).
 * Order on a loss: cut off, then raise the event; nothing else happens between.
 * Lock: device_lock() around one step of one device; never around look().
 * Context: watch.  It never blocks, never probes, never runs subscribers.
 *      add/forget: any thread; wake: signal. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../core/bus.h"
#include "../core/enable.h"
#include "../core/host.h"
#include "../report/events.h"
#include "../survive/cutoff.h"
#include "../survive/stats.h"
#include "patience.h"
#include "state.h"
#include "uevent.h"
#include "watch.h"

#define MS 1000000ull
#define TICK_NS (1000 * MS)

/* What an epoll event is about; else it is a device. */
#define TOKEN_MONITOR ((void *)1)
#define TOKEN_WAKE ((void *)2)

static struct host_thread thread;
static _Atomic int wake_fd = -1;
static _Atomic bool is_stopping, has_monitor;
static int epoll_fd = -1, monitor_fd = -1;
static void (*tick)(void);
static uint64_t next_tick_ns, next_liveness_ns;

void
watch_wake(void)
{
	const uint64_t one = 1;
	int fd = atomic_load(&wake_fd);

	if (fd >= 0 && write(fd, &one, sizeof(one)) < 0)
		return; /* EAGAIN: it is awake already */
}

bool
watch_has_monitor(void)
{
	return atomic_load(&has_monitor);
}

static int
epoll_add(int fd, unsigned int events, void *token)
{
	struct epoll_event ev = { .events = events, .data.ptr = token };

	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : 0;
}

int
watch_add_fd(int fd, struct hotplug_device *dev)
{
	int own_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0), ret;

	if (own_fd < 0)
		return -errno;
	ret = epoll_add(own_fd, 0, dev);        /* no events: hang-up and error only */
	if (ret == 0)
		return own_fd;
	close(own_fd);
	return ret;
}

void
watch_forget_fd(int own_fd)
{
	epoll_ctl(epoll_fd, EPOLL_CTL_DEL, own_fd, NULL);
	close(own_fd);
}

/* With the lock held: the event, by value. */
static struct hotplug_event
describe(const struct hotplug_device *dev, enum hotplug_event_type type, enum hotplug_cause cause)
{
	struct hotplug_event event = {
		.size = sizeof(event), .type = type, .cause = cause,
		.sign = dev->first_sign, .was_requested = dev->is_requested, .id = dev->id,
		.sign_ns = dev->sign_ns, .cut_ns = dev->is_cut ? dev->cut_ns : 0,
	};

	snprintf(event.device, sizeof(event.device), "%s", dev->name);
	snprintf(event.bus, sizeof(event.bus), "%s", dev->bus->name);
	snprintf(event.kernel_driver, sizeof(event.kernel_driver), "%s", dev->kernel_driver);
	return event;
}

static int
cut(struct hotplug_device *dev)
{
	if (dev->bus->ops->handle_hot_unplug == NULL)
		return cutoff_device(dev);
	device_unlock();
	dev->bus->ops->handle_hot_unplug(dev);
	device_lock();
	return 0;
}

static void
forget_suspicion(struct hotplug_device *dev)
{
	dev->look_ns = dev->claimed_ns = 0;
	dev->dark_looks = 0;
	if (dev->state == HOTPLUG_STATE_ATTACHED) {
		dev->first_sign = HOTPLUG_SIGN_NONE;
		dev->sign_ns = 0;
	}
}

/* Map it again; where that fails it stays suspect, and is looked at again. */
static void
restore(struct hotplug_device *dev)
{
	int ret = cutoff_restore(dev);

	if (ret == 0)
		return;
	host_log(HOST_WARN, "%s lives, but cannot be mapped again: %s", dev->name, strerror(-ret));
	dev->state = HOTPLUG_STATE_SUSPECT;
	dev->look_ns = device_now_ns() + 100 * MS;
}

static void
raise_event(struct hotplug_device *dev, unsigned int actions, enum hotplug_cause cause)
{
	static const struct {
		unsigned int action;
		enum hotplug_event_type type;
	} map[] = {
		{ STATE_DO_GONE, HOTPLUG_EVENT_GONE },
		{ STATE_DO_REQUESTED, HOTPLUG_EVENT_REQUESTED },
		{ STATE_DO_RESTORED, HOTPLUG_EVENT_RESTORED },
		{ STATE_DO_READY, HOTPLUG_EVENT_READY },
	};
	struct hotplug_event event;
	unsigned int i;

	for (i = 0; i < sizeof(map) / sizeof(map[0]); i++) {
		if (!(actions & map[i].action))
			continue;
		event = describe(dev, map[i].type, cause);
		device_unlock();
		events_push(&event);
		device_lock();
	}
}

/* One input through the machine; with the lock held. */
static void
step(struct hotplug_device *dev, enum state_input input)
{
	struct state_step s = state_step(dev->state, input);
	enum hotplug_cause cause = HOTPLUG_CAUSE_NONE;

	if (s.actions & STATE_DO_GONE)
		cause = state_cause(input, dev->first_sign);
	if (s.actions & STATE_DO_REQUESTED) {
		cause = HOTPLUG_CAUSE_REQUESTED;
		if (dev->is_requested)  /* the kernel repeats it */
			s.actions &= ~STATE_DO_REQUESTED;
	}
	dev->state = s.next;
	if (s.actions & STATE_DO_CUT)
		cut(dev);
	atomic_store(&dev->is_gone, s.next == HOTPLUG_STATE_GONE);
	if (s.actions & STATE_DO_RESTORE)
		restore(dev);
	if (dev->state == HOTPLUG_STATE_SUSPECT && (s.actions & STATE_DO_RESTORE))
		return;
	if (s.actions & STATE_DO_LOOK)
		dev->look_ns = 1;       /* now */
	raise_event(dev, s.actions, cause);
	if (s.actions & STATE_DO_REQUESTED)
		dev->is_requested = true;
	if (dev->state != HOTPLUG_STATE_SUSPECT && !(s.actions & STATE_DO_LOOK))
		forget_suspicion(dev);
}

/* The first sign of a suspicion is the one that events name. */
static void
note_sign(struct hotplug_device *dev, enum hotplug_sign sign)
{
	if (dev->state != HOTPLUG_STATE_ATTACHED || dev->first_sign != HOTPLUG_SIGN_NONE)
		return;
	dev->first_sign = sign;
	dev->sign_ns = device_now_ns();
}

/* Ask the bus, without the lock, then feed what is clear into the machine. */
static void
look(struct hotplug_device *dev)
{
	char kernel_driver[HOTPLUG_NAME_LEN];
	struct hotplug_identity id;
	enum hotplug_look found;
	enum state_input input;
	const void *key;

	device_lock();
	key = dev->key;
	id = dev->id;
	memcpy(kernel_driver, dev->kernel_driver, sizeof(kernel_driver));
	device_unlock();
	found = dev->bus->ops->look(dev->name, kernel_driver, &id);
	device_lock();
	if (dev->key == key) {  /* else it has been attached or detached meanwhile */
		dev->look_ns = 0;
		if (patience_is_over(dev, found, device_now_ns(), &input))
			step(dev, input);
	}
	device_unlock();
}

/* A request: does it still work?  A device that is dark is gone. */
static void
take_request(struct hotplug_device *dev)
{
	look(dev);
	device_lock();
	step(dev, STATE_IN_REQUEST);
	device_unlock();
}

static void
take(struct hotplug_device *dev, enum hotplug_sign sign, enum state_input input)
{
	device_lock();
	note_sign(dev, sign);
	step(dev, input);
	device_unlock();
}

static bool
is_look_due(struct hotplug_device *dev)
{
	bool is_due;

	device_lock();
	is_due = dev->look_ns != 0 && dev->look_ns <= device_now_ns();
	device_unlock();
	return is_due;
}

/* Everything that is to be done for one device now. */
static void
serve(struct hotplug_device *dev)
{
	unsigned int signs = atomic_exchange(&dev->signs, 0);

	if (signs & DEVICE_SIGN(HOTPLUG_SIGN_UIO))
		take(dev, HOTPLUG_SIGN_UIO, STATE_IN_HANGUP);
	if (signs & DEVICE_SIGN(HOTPLUG_SIGN_EAL))
		take(dev, HOTPLUG_SIGN_EAL, STATE_IN_REPORT);
	if (signs & DEVICE_SIGN(HOTPLUG_SIGN_CALLER))
		take(dev, HOTPLUG_SIGN_CALLER, STATE_IN_REPORT);
	if (signs & DEVICE_SIGN(HOTPLUG_SIGN_FAULT))
		take(dev, HOTPLUG_SIGN_FAULT, STATE_IN_FAULT);
	if (signs & DEVICE_SIGN(HOTPLUG_SIGN_VFIO)) {
		device_lock();
		note_sign(dev, HOTPLUG_SIGN_VFIO);
		device_unlock();
		take_request(dev);
	}
	if ((signs & DEVICE_LOOK) || is_look_due(dev))
		look(dev);
}

static void
serve_all(void)
{
	struct hotplug_device *dev;

	for (dev = device_first(); dev != NULL; dev = dev->next)
		serve(dev);
}

/* A card came with a user-space driver: which one is it? */
static void
take_bind(struct hotplug_device *dev, const char *driver)
{
	struct hotplug_identity id;
	bool is_known;

	look(dev);      /* it may have gone and come before we were told */
	is_known = dev->bus->ops->identify != NULL &&
		dev->bus->ops->identify(dev->name, &id) == 0;
	device_lock();
	if (dev->state == HOTPLUG_STATE_SUSPECT)
		step(dev, STATE_IN_CLAIMED);    /* bound anew: not ours any more */
	if (dev->state != HOTPLUG_STATE_ATTACHED) {
		if (is_known)
			dev->id = id;
		snprintf(dev->kernel_driver, sizeof(dev->kernel_driver), "%s",
			 driver != NULL ? driver : "");
	}
	step(dev, STATE_IN_BIND);
	device_unlock();
}

static void
take_uevent(struct hotplug_bus *bus, const struct hotplug_uevent *uevent, bool is_synthetic)
{
	static const enum state_input input[] = {
		[HOTPLUG_UEVENT_ADD] = STATE_IN_ADD,
		[HOTPLUG_UEVENT_CLAIM] = STATE_IN_CLAIM,
		[HOTPLUG_UEVENT_UNBIND] = STATE_IN_UNBIND,
		[HOTPLUG_UEVENT_REMOVE] = STATE_IN_REMOVE,
	};
	enum hotplug_uevent_kind kind;
	struct hotplug_device *dev;
	char name[HOTPLUG_NAME_LEN];

	kind = bus->ops->classify(uevent, name);
	if (kind == HOTPLUG_UEVENT_NONE)
		return;
	dev = kind == HOTPLUG_UEVENT_BIND && !is_synthetic ? device_know(bus, name) :
		device_find(bus, name);
	if (dev == NULL)
		return;
	host_log(HOST_DEBUG, "%s: uevent %s %s", name, uevent->subsystem, uevent->action);
	if (is_synthetic)       /* somebody's word; sysfs knows */
		look(dev);
	else if (kind == HOTPLUG_UEVENT_BIND)
		take_bind(dev, uevent->driver);
	else
		take(dev, HOTPLUG_SIGN_UEVENT, input[kind]);
}

static void
look_at_all(void)
{
	struct hotplug_device *dev;

	for (dev = device_first(); dev != NULL; dev = dev->next)
		look(dev);
}

/* Uevents were lost: whatever happened shows in sysfs. */
static void
take_loss(void)
{
	struct hotplug_event event = { .size = sizeof(event), .type = HOTPLUG_EVENT_RESCAN };

	STATS_ADD(uevent_losses, 1);
	host_log(HOST_WARN, "the kernel dropped uevents: looking at every device");
	look_at_all();
	events_push(&event);
}

/* Deaf from now on: descriptors, faults and looks remain. */
static void
lose_monitor(int fd, const char *why)
{
	host_log(HOST_ERR, "no uevents any more (%s): removals show by descriptors, faults and "
		 "liveness looks only", why);
	atomic_store(&has_monitor, false);
	epoll_ctl(epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

static void
drain_monitor(void)
{
	struct hotplug_uevent uevent;
	struct hotplug_bus *bus;
	bool is_synthetic;
	int ret;

	while ((ret = uevent_next(&uevent, &is_synthetic)) != 0) {
		if (ret == -ENOBUFS) {
			take_loss();
			continue;
		}
		if (ret < 0) {
			lose_monitor(monitor_fd, strerror(-ret));
			return;
		}
		STATS_ADD(uevents, 1);
		if (uevent.action == NULL || uevent.subsystem == NULL || uevent.devpath == NULL)
			continue;
		for (bus = bus_next(NULL); bus != NULL; bus = bus_next(bus))
			if (bus->ops->classify != NULL)
				take_uevent(bus, &uevent, is_synthetic);
	}
}

/* Devices that stop answering without a word. */
static void
look_for_silent(void)
{
	struct hotplug_device *dev;
	bool is_attached;

	for (dev = device_first(); dev != NULL; dev = dev->next) {
		device_lock();
		is_attached = dev->state == HOTPLUG_STATE_ATTACHED;
		device_unlock();
		if (is_attached)
			look(dev);
	}
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
		tick();
	}
}

static int
timeout_ms(void)
{
	uint64_t now = device_now_ns(), due = next_tick_ns;
	struct hotplug_device *dev;

	if (enable_config()->liveness_ms != 0 && next_liveness_ns < due)
		due = next_liveness_ns;
	device_lock();
	for (dev = device_first(); dev != NULL; dev = dev->next)
		if (dev->look_ns != 0 && dev->look_ns < due)
			due = dev->look_ns;
	device_unlock();
	return due <= now ? 0 : (int)((due - now + MS - 1) / MS);
}

static void
take_hangup(struct hotplug_device *dev)
{
	device_lock();
	if (dev->sign_fd >= 0)
		watch_forget_fd(dev->sign_fd);  /* it has said all it can */
	dev->sign_fd = -1;
	device_unlock();
	device_post(dev, DEVICE_SIGN(HOTPLUG_SIGN_UIO));
}

static void
run(void *arg)
{
	struct epoll_event ev[16];
	uint64_t count;
	int i, n;

	(void)arg;
	while (!atomic_load(&is_stopping)) {
		n = epoll_wait(epoll_fd, ev, 16, timeout_ms());
		for (i = 0; i < n; i++) {
			if (ev[i].data.ptr == TOKEN_WAKE)
				(void)!read(wake_fd, &count, sizeof(count));
			else if (ev[i].data.ptr != TOKEN_MONITOR)
				take_hangup(ev[i].data.ptr);
		}
		serve_all();    /* descriptors and faults are earlier than uevents */
		if (watch_has_monitor())
			drain_monitor();
		serve_all();
		run_timers();
	}
}

static void
start_monitor(void)
{
	const char *obstacle = uevent_obstacle();
	int fd = uevent_open();

	if (fd >= 0 && epoll_add(fd, EPOLLIN, TOKEN_MONITOR) == 0) {
		monitor_fd = fd;
		atomic_store(&has_monitor, true);
	} else if (obstacle == NULL) {
		obstacle = fd < 0 ? strerror(-fd) : "epoll refuses it";
	}
	if (obstacle != NULL)
		host_log(HOST_WARN, "no uevents: %s; survival rests on descriptors, faults and "
			 "liveness looks", obstacle);
}

static void
close_all(void)
{
	int fd = atomic_exchange(&wake_fd, -1);

	uevent_close();
	atomic_store(&has_monitor, false);
	monitor_fd = -1;
	if (fd >= 0)
		close(fd);
	if (epoll_fd >= 0)
		close(epoll_fd);
	epoll_fd = -1;
}

int
watch_start(void (*on_tick)(void))
{
	int ret;

	tick = on_tick;
	atomic_store(&is_stopping, false);
	next_tick_ns = next_liveness_ns = device_now_ns() + TICK_NS;
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (epoll_fd < 0 || wake_fd < 0)
		ret = -errno;
	else
		ret = epoll_add(wake_fd, EPOLLIN, TOKEN_WAKE);
	if (ret == 0) {
		start_monitor();
		ret = host_thread_start(&thread, "hotplug-watch", run, NULL);
	}
	if (ret != 0)
		close_all();
	return ret;
}

void
watch_stop(void)
{
	atomic_store(&is_stopping, true);
	watch_wake();
	host_thread_join(&thread);
}

void
watch_close(void)
{
	close_all();
}
