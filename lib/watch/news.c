/* SPDX-License-Identifier: BSD-3-Clause */

/* news: uevents, and what one means for the device that it is about.
 * In:  the kernel's (eal/uevent.c), as a backend classifies them; or that some are lost.
 * Out: a sign (judge.c) for a device that is attached, a look (reconcile.c) at any
 *      other; what is synthetic or older than our own last look is only a reason to
 *      look.
 * Context: watch; who starts it. */

#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>

#include "../core/bus.h"
#include "../core/enable.h"
#include "../core/pollset.h"
#include "../core/stats.h"
#include "../eal/host.h"
#include "../eal/uevent.h"
#include "judge.h"
#include "news.h"
#include "reconcile.h"

#define REMOVED_NS 100000000ull
#define EXPECTED_NS 5000000000ull       /* of a machine that does much else */
#define SOON_NS 20000000ull
#define UEVENTS_AT_ONCE 64

static _Atomic bool has_monitor;
static int monitor_fd = -1;
static bool has_said_loss;

/* A driver came to an attached device: its old one went before, whether we were
 * told or not. */
static void
take_bind(struct hotplug_device *dev)
{
	if (judge_is_attached(dev))
		judge_bound(dev);
	else
		reconcile_one(dev);
}

/* The kernel says `remove` before the folder is gone: a glance may come too early. */
static void
look_again(struct hotplug_device *dev)
{
	device_lock();
	if (dev->glance.generation != 0 && dev->look_ns == 0)
		dev->look_ns = device_now_ns() + REMOVED_NS;
	device_unlock();
}

/* The kernel announces a network interface before it can be found by its name. */
static void
expect(struct hotplug_device *dev)
{
	device_lock();
	dev->expected_ns = device_now_ns() + EXPECTED_NS;
	device_unlock();
	news_expect(dev);
}

void
news_expect(struct hotplug_device *dev)
{
	uint64_t now = device_now_ns();

	device_lock();
	if (dev->glance.generation != 0 || now >= dev->expected_ns)
		dev->expected_ns = 0;
	else if (dev->look_ns == 0)
		dev->look_ns = now + SOON_NS;
	device_unlock();
}

/* An attached device: act at once.  Any other: look. */
static void
take_change(struct hotplug_device *dev, enum hotplug_uevent_kind kind)
{
	static const enum state_input input[] = {
		[HOTPLUG_UEVENT_ADD] = STATE_IN_ADD,
		[HOTPLUG_UEVENT_CLAIM] = STATE_IN_CLAIM,
		[HOTPLUG_UEVENT_UNBIND] = STATE_IN_UNBIND,
		[HOTPLUG_UEVENT_REMOVE] = STATE_IN_REMOVE,
	};

	if (judge_is_attached(dev))
		judge_sign(dev, HOTPLUG_SIGN_UEVENT, input[kind]);
	else
		reconcile_one(dev);
	if (kind != HOTPLUG_UEVENT_UNBIND)
		return;
	device_lock();          /* so that the same driver, bound again, is a change */
	dev->glance.kernel_driver[0] = '\0';
	device_unlock();
}

/* Was it sent before we last looked for ourselves?  In a backlog it may speak of
 * what was there before. */
static bool
is_old_news(struct hotplug_device *dev, const struct uevent_origin *origin)
{
	bool is_old;

	device_lock();
	is_old = origin->seqnum != 0 && origin->seqnum <= dev->known_seqnum;
	device_unlock();
	return is_old;
}

/* What it says of one device. */
static void
take_kind(struct hotplug_bus *bus, const struct hotplug_uevent *uevent,
	  const struct uevent_origin *origin, enum hotplug_uevent_kind kind, const char *name)
{
	struct hotplug_device *dev;

	dev = origin->is_synthetic ? device_find(bus, name) : device_know(bus, name);
	if (dev == NULL)
		return;
	host_log(HOST_DEBUG, "%s: uevent %s %s", name, uevent->subsystem, uevent->action);
	if (kind == HOTPLUG_UEVENT_CHANGE || origin->is_synthetic || is_old_news(dev, origin))
		device_post(dev, DEVICE_LOOK);  /* sysfs knows */
	else if (kind == HOTPLUG_UEVENT_BIND)
		take_bind(dev);
	else
		take_change(dev, kind);
	if (kind == HOTPLUG_UEVENT_REMOVE)
		look_again(dev);
	if (kind == HOTPLUG_UEVENT_BIND || kind == HOTPLUG_UEVENT_ADD)
		expect(dev);
}

static void
take_uevent(struct hotplug_bus *bus, const struct hotplug_uevent *uevent,
	    const struct uevent_origin *origin)
{
	const struct hotplug_bus_ops *ops = bus->ops;
	enum hotplug_uevent_kind kind;
	char name[HOTPLUG_NAME_LEN];

	kind = ops->classify(uevent, name);
	while (kind != HOTPLUG_UEVENT_NONE) {
		take_kind(bus, uevent, origin, kind, name);
		kind = ops->classify_next != NULL ? ops->classify_next(uevent, name) :
			HOTPLUG_UEVENT_NONE;
	}
}

/* 1 taken, 0 none is waiting, -errno: one or more are lost. */
static int
take_next(void)
{
	struct hotplug_uevent uevent;
	struct uevent_origin origin;
	struct hotplug_bus *bus;
	int ret = uevent_next(&uevent, &origin);

	if (ret <= 0)
		return ret;
	STATS_ADD(uevents, 1);
	if (uevent.action == NULL || uevent.subsystem == NULL || uevent.devpath == NULL)
		return ret;
	for (bus = bus_next(NULL); bus != NULL; bus = bus_next(bus))
		if (bus->ops->classify != NULL)
			take_uevent(bus, &uevent, &origin);
	return ret;
}

/* Whatever happened shows in sysfs. */
static void
look_at_all(void)
{
	unsigned int n;

	STATS_ADD(uevent_losses, 1);
	n = reconcile_all();
	/* in a burst it happens many times a second, and matters seldom */
	host_log(n > 0 || !has_said_loss ? HOST_WARN : HOST_DEBUG,
		 "uevents were lost; %u device(s) differed", n);
	has_said_loss = true;
}

bool
news_have_monitor(void)
{
	return atomic_load(&has_monitor);
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
void
news_read(void)
{
	int ret = 1, err = 0, n, n_errors = 0;

	if (!news_have_monitor())
		return;
	for (n = 0; n < UEVENTS_AT_ONCE && ret != 0; n++) {
		ret = take_next();
		if (ret < 0)
			err = ret;
		n_errors += ret < 0;
	}
	if (n_errors > 0)
		look_at_all();
	if (n_errors == UEVENTS_AT_ONCE)
		lose_monitor(monitor_fd, strerror(-err));
}

/* Without uevents what changes is found by comparing, once a second. */
void
news_open(void)
{
	const char *obstacle = uevent_obstacle();
	int fd = -1;

	has_said_loss = false;
	if (obstacle == NULL) {
		fd = uevent_open(enable_config()->uevent_buffer_kb);
		if (fd < 0)
			obstacle = strerror(-fd);
		else if (pollset_add(fd, EPOLLIN, NEWS_TOKEN) != 0)
			obstacle = "epoll refuses it";
	}
	monitor_fd = fd;
	atomic_store(&has_monitor, obstacle == NULL);
	if (obstacle != NULL)
		host_log(HOST_WARN, "no uevents: %s; removals show by descriptors, faults and "
			 "looks, returns by a scan every second", obstacle);
}

void
news_close(void)
{
	uevent_close();
	atomic_store(&has_monitor, false);
	monitor_fd = -1;
}
