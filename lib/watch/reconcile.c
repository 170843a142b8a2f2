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
#include "../core/host.h"
#include "../survive/stats.h"
#include "judge.h"
#include "reconcile.h"

static unsigned int pass;       /* counts scans */

static struct hotplug_glance
glance_at(const struct hotplug_device *dev)
{
	struct hotplug_glance now;

	memset(&now, 0, sizeof(now));
	if (dev->bus->ops->glance(dev->name, &now) != 0)
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
update(struct hotplug_device *dev, const struct hotplug_glance *now)
{
	bool is_changed;

	device_lock();
	is_changed = !is_equal(&dev->glance, now);
	dev->glance = *now;
	device_unlock();
	return is_changed;
}

static void
tell(struct hotplug_device *dev, const struct hotplug_glance *now)
{
	if (now->generation == 0)
		judge_sign(dev, HOTPLUG_SIGN_LIVENESS, STATE_IN_REMOVE);
	else if (now->is_user_space)
		judge_ready(dev);
	else if (now->kernel_driver[0] != '\0')
		judge_sign(dev, HOTPLUG_SIGN_LIVENESS, STATE_IN_CLAIM);
	else
		judge_sign(dev, HOTPLUG_SIGN_LIVENESS, STATE_IN_ADD);
}

bool
reconcile_one(struct hotplug_device *dev)
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
	differs = update(dev, &now);
	if (differs)
		tell(dev, &now);
	return differs;
}

struct scan {
	struct hotplug_bus *bus;
	bool (*visit)(struct hotplug_device *dev);
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
	scan->n_different += scan->visit(dev);
}

/* Those that are listed, then those that are not any more. */
static unsigned int
scan_bus(struct hotplug_bus *bus, bool (*visit)(struct hotplug_device *dev))
{
	struct scan scan = { .bus = bus, .visit = visit };
	struct hotplug_device *dev;
	int ret;

	if (bus->ops->enumerate == NULL || bus->ops->glance == NULL)
		return 0;
	pass++;
	ret = bus->ops->enumerate(visit_name, &scan);
	if (ret != 0) {
		host_log(HOST_WARN, "%s: cannot list its devices: %s", bus->name, strerror(-ret));
		return scan.n_different;
	}
	for (dev = device_first(); dev != NULL; dev = dev->next)
		if (dev->bus == bus && dev->pass != pass)
			scan.n_different += visit(dev);
	return scan.n_different;
}

unsigned int
reconcile_all(void)
{
	struct hotplug_bus *bus;
	unsigned int n = 0;

	for (bus = bus_next(NULL); bus != NULL; bus = bus_next(bus))
		n += scan_bus(bus, reconcile_one);
	STATS_ADD(scans, 1);
	STATS_ADD(differences, n);
	return n;
}

static bool
learn(struct hotplug_device *dev)
{
	struct hotplug_glance now = glance_at(dev);

	device_lock();
	if (dev->key == NULL) { /* else it was published meanwhile, and is known */
		dev->glance = now;
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
