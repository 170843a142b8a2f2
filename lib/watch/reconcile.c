/* SPDX-License-Identifier: BSD-3-Clause */

/* reconcile: make what we know equal to what is there.
 * In:  a device that something has happened to, or all (loss of uevents, no
 *      monitor, hotplug_scan()).  Out: the events that would have told of each
 *      difference: what vanished, came, was exchanged, changed its driver.
 * Uevents of devices that are not attached are hints to look here, no more; so a
 * lost, repeated or false one makes no difference.
 * A glance is a stat and a readlink: nothing is probed, no attribute is read that
 * takes the kernel's device lock, and EAL's bus scan is not used.
 * Context: watch. */

#include <string.h>

#include "../core/bus.h"
#include "../core/stats.h"
#include "../eal/host.h"
#include "../eal/uevent.h"
#include "judge.h"
#include "news.h"
#include "reconcile.h"

static unsigned int pass;       /* counts scans */
static int last_failure;        /* of listing; said when it changes: it may last */

/* Uevents up to this one were sent before the glances that follow. */
static uint64_t
seqnum_now(void)
{
	return news_have_monitor() ? uevent_last() : 0;
}

static struct hotplug_glance
glance_at(const struct hotplug_device *dev)
{
	struct hotplug_glance now;

	memset(&now, 0, sizeof(now));
	if (device_glance(dev->bus, dev->name, &now) != 0)
		memset(&now, 0, sizeof(now));   /* not there */
	return now;
}

static bool
is_equal(const struct hotplug_glance *a, const struct hotplug_glance *b)
{
	return a->generation == b->generation && strcmp(a->kernel_driver, b->kernel_driver) == 0;
}

/* Remember what is there; true: it is not what it was. */
static bool
update(struct hotplug_device *dev, const struct hotplug_glance *now, uint64_t seqnum)
{
	bool is_changed;

	device_lock();
	is_changed = !is_equal(&dev->glance, now);
	dev->glance = *now;
	dev->known_seqnum = seqnum;
	device_unlock();
	return is_changed;
}

static void
tell_present(struct hotplug_device *dev, const struct hotplug_glance *now)
{
	judge_sign(dev, HOTPLUG_SIGN_LIVENESS,
		   now->kernel_driver[0] != '\0' ? STATE_IN_CLAIM : STATE_IN_ADD);
	judge_present(dev);
}

static void
tell(struct hotplug_device *dev, const struct hotplug_glance *now)
{
	if (now->generation == 0)
		judge_sign(dev, HOTPLUG_SIGN_LIVENESS, STATE_IN_REMOVE);
	else if (now->is_user_space)
		judge_ready(dev);
	else
		tell_present(dev, now);
}

static bool
reconcile(struct hotplug_device *dev, uint64_t seqnum)
{
	struct hotplug_glance now;
	bool differs;

	if (dev->bus->ops->glance == NULL) {
		judge_look(dev);        /* a bus that can say no more than that */
		return false;
	}
	now = glance_at(dev);
	if (judge_is_attached(dev)) {
		device_lock();
		differs = !is_equal(&dev->glance, &now);
		device_unlock();
		if (differs)
			judge_look(dev);        /* when it is clear, we are called again */
		if (judge_is_attached(dev))
			return differs;
	}
	differs = update(dev, &now, seqnum);
	if (differs)
		tell(dev, &now);
	return differs;
}

bool
reconcile_one(struct hotplug_device *dev)
{
	return reconcile(dev, seqnum_now());
}

struct scan {
	struct hotplug_bus *bus;
	uint64_t seqnum;
	bool (*visit)(struct hotplug_device *dev, uint64_t seqnum);
	unsigned int n_different;
};

static void
visit_name(const char *name, void *arg)
{
	struct scan *scan = arg;
	struct hotplug_device *dev = device_know(scan->bus, name);

	if (dev == NULL) {
		host_log(HOST_ERR, "%s: no memory to remember it", name);
		return;
	}
	dev->pass = pass;
	scan->n_different += scan->visit(dev, scan->seqnum);
}

/* Those that are listed, then those that are not any more. */
static unsigned int
scan_bus(struct hotplug_bus *bus, bool (*visit)(struct hotplug_device *dev, uint64_t seqnum))
{
	struct scan scan = { .bus = bus, .visit = visit, .seqnum = seqnum_now() };
	struct hotplug_device *dev;
	int ret;

	if (bus->ops->enumerate == NULL || bus->ops->glance == NULL)
		return 0;
	pass++;
	ret = bus->ops->enumerate(visit_name, &scan);
	if (ret != 0 && ret != last_failure)
		host_log(HOST_WARN, "%s: cannot list its devices: %s", bus->name, strerror(-ret));
	last_failure = ret;
	if (ret != 0)
		return scan.n_different;
	for (dev = device_first(); dev != NULL; dev = dev->next)
		if (dev->bus == bus && dev->pass != pass)
			scan.n_different += visit(dev, scan.seqnum);
	return scan.n_different;
}

unsigned int
reconcile_all(void)
{
	struct hotplug_bus *bus;
	unsigned int n = 0;

	for (bus = bus_next(NULL); bus != NULL; bus = bus_next(bus))
		n += scan_bus(bus, reconcile);
	STATS_ADD(scans, 1);
	STATS_ADD(differences, n);
	return n;
}

/* What was before it was enabled is no history. */
static bool
learn(struct hotplug_device *dev, uint64_t seqnum)
{
	struct hotplug_glance now = glance_at(dev);

	device_lock();
	device_forget(dev);
	if (dev->key == NULL) { /* else it was published meanwhile, and is known */
		dev->glance = now;
		dev->known_seqnum = seqnum;
		if (now.generation == 0)
			dev->state = HOTPLUG_STATE_ABSENT;
		else
			dev->state = now.is_user_space ? HOTPLUG_STATE_READY :
				HOTPLUG_STATE_PRESENT;
	}
	device_unlock();
	return false;
}

void
reconcile_begin(void)
{
	struct hotplug_bus *bus;

	for (bus = bus_next(NULL); bus != NULL; bus = bus_next(bus))
		scan_bus(bus, learn);
}
