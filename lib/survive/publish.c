/* SPDX-License-Identifier: BSD-3-Clause */

/* publish: a driver has a device, or has it no more.
 * In:  what a backend tells: the BARs that are mapped, a descriptor that tells of the
 *      device's end.
 * Out: the device is guarded (guard.c), its descriptor watched, its mappings recorded;
 *      or nothing of that any more.
 * Lock: device_lock(), for each call as a whole.
 * Context: app, work. */

#include <errno.h>
#include <string.h>

#include "../core/bus.h"
#include "../core/device.h"
#include "../core/duty.h"
#include "../core/enable.h"
#include "../eal/host.h"
#include "../eal/uevent.h"
#include "../report/trace.h"
#include "cutoff.h"
#include "descriptors.h"
#include "guard.h"
#include "intact.h"
#include "publish.h"
#include "regions.h"
#include "sigbus.h"

static void
copy_name(char *to, const char *from)
{
	to[0] = '\0';
	if (from != NULL)
		strncat(to, from, HOTPLUG_NAME_LEN - 1);
}

/* A device that was not published: what it is from now on. */
static void
start_anew(struct hotplug_device *dev, const struct hotplug_device_info *info)
{
	dev->key = info->key;
	dev->life++;
	dev->was_attached = true;
	copy_name(dev->driver, info->driver);
	if (info->kernel_driver != NULL && info->kernel_driver[0] != '\0')
		copy_name(dev->kernel_driver, info->kernel_driver);     /* else gone: as before */
	dev->id = info->id;
	dev->n_ports = info->n_ports;
	memcpy(dev->port, info->port, sizeof(dev->port));
	dev->glance.generation = info->id.generation;
	copy_name(dev->glance.kernel_driver, info->kernel_driver);
	dev->glance.is_user_space = true;
	dev->known_seqnum = uevent_last();
	dev->owes_ready = false;
	dev->fill = regions_fill_of(dev->driver);
	dev->works_on_request = info->works_on_request;
	dev->is_cut = dev->has_open_bar = dev->has_hung_up = dev->was_reset = false;
	dev->stays_lost = false;
	dev->is_requested = dev->is_held = dev->is_simulated = false;
	atomic_store(&dev->is_hidden, false);
	dev->former_cause = dev->cause;
	dev->cause = HOTPLUG_CAUSE_NONE;
	dev->first_sign = HOTPLUG_SIGN_NONE;
	dev->sign_ns = dev->cut_ns = dev->look_ns = dev->claimed_ns = dev->dark_ns = 0;
	dev->muted_ns = 0;
	dev->state = HOTPLUG_STATE_ATTACHED;
	device_forget_look(dev);
	atomic_store(&dev->signs, 0);
	atomic_store(&dev->is_gone, false);
}

/* Its drivers have unmapped what they do. */
static void
settle_all(struct hotplug_device *dev)
{
	atomic_fetch_sub(&dev->n_at_work, atomic_exchange(&dev->n_unsettled, 0));
	cutoff_check_flip(dev);
}

/* Undoes all of publish(); with the lock held. */
static void
withdraw(struct hotplug_device *dev)
{
	settle_all(dev);
	guard_withdraw(dev);
	descriptors_close(dev);
	dev->key = NULL;
	device_forget_look(dev);
	dev->n_regions = 0;
	dev->is_requested = dev->is_held = dev->stays_lost = false;
	dev->look_ns = dev->claimed_ns = dev->dark_ns = 0;
	dev->muted_ns = 0;
	if (dev->state != HOTPLUG_STATE_GONE)
		dev->state = HOTPLUG_STATE_READY;
	else if (dev->glance.generation == 0)
		dev->state = HOTPLUG_STATE_ABSENT;
	else
		dev->state = dev->glance.is_user_space ? HOTPLUG_STATE_READY :
			HOTPLUG_STATE_PRESENT;
	device_post(dev, DEVICE_LOOK | DEVICE_FOUND);
}

/* An unplug on another thread may have freed its device already, and ends its publication
 * only then: the key may be this one's by now, and what is mapped where its regions were. */
static void
make_way(const struct hotplug_device *dev, const void *key)
{
	struct hotplug_device *other;

	for (other = device_first(); other != NULL; other = other->next) {
		if (other == dev || other->key == NULL)
			continue;
		if (other->bus == dev->bus && other->key == key)
			withdraw(other);
		else if (atomic_load(&other->n_unsettled) > 0)
			cutoff_drop_unmapped(other);
	}
}

/* With the lock held: what its driver has mapped is what we had laid there. */
static bool
was_left(const struct hotplug_device *dev)
{
	return dev->n_regions > 0 && dev->region[0].n_vmas > 0 &&
		intact_was_laid(dev, &dev->region[0].vma[0]);
}

/* With the lock held: nobody answers its faults any more, and its driver has it still. */
static void
leave_cut(struct hotplug_device *dev)
{
	cutoff_fill_device(dev);
	sigbus_leave();
	if (intact_record(dev) == 0 && dev->n_regions > 0 && dev->region[0].n_vmas > 0)
		dev->left = dev->region[0].vma[0];
}

/* What is mapped where another device's was, which has been unmapped unheard. */
static void
drop_unmapped_of_others(const struct hotplug_device *dev)
{
	struct hotplug_device *other;

	for (other = device_first(); other != NULL; other = other->next)
		if (other != dev && other->key != NULL)
			cutoff_drop_unmapped(other);
}

static int
publish(struct hotplug_bus *bus, const struct hotplug_device_info *info)
{
	struct hotplug_device *dev = device_make(bus, info->name);
	int ret;

	if (dev == NULL)
		return -ENOMEM;
	if (dev->key == info->key) {    /* again: only what is mapped may change */
		if (!dev->is_cut && atomic_load(&dev->n_unsettled) == 0)
			cutoff_drop_unmapped(dev);
		return 0;
	}
	if (dev->key != NULL)
		withdraw(dev);
	make_way(dev, info->key);
	start_anew(dev, info);
	ret = regions_take(dev, info);
	dev->stays_lost = ret == 0 && was_left(dev);
	dev->left.end = 0;
	if (ret == 0)
		ret = guard_publish(dev);
	if (ret == -EINVAL && dev->n_regions > 0) {
		drop_unmapped_of_others(dev);
		ret = guard_publish(dev);
	}
	if (ret == 0)
		descriptors_watch(dev, info);
	dev->unguarded = ret;
	if (ret != 0) {
		withdraw(dev);
		return ret;
	}
	trace(TRACE_ATTACH, dev->name, dev->n_regions);
	device_post(dev, DEVICE_LOOK);  /* it may have gone while it was probed */
	return 0;
}

int
hotplug_device_publish(struct hotplug_bus *bus, const struct hotplug_device_info *info)
{
	int ret;

	if (bus == NULL || info == NULL || info->key == NULL || info->name == NULL ||
	    info->name[0] == '\0' || strlen(info->name) >= HOTPLUG_NAME_LEN ||
	    info->n_regions > HOTPLUG_MAX_REGIONS || info->n_ports > HOTPLUG_MAX_PORTS)
		return -EINVAL;
	if (enable_is_on() && !bus_is_registered(bus))
		return -EINVAL;
	device_lock();          /* under which disable closes the door */
	ret = enable_is_on() ? publish(bus, info) : -EPERM;
	device_unlock();
	if (ret != -EPERM)   /* its ports are ours also where it cannot be guarded */
		duty_published(bus, info->key);
	return ret;
}

int
hotplug_device_withdraw(struct hotplug_bus *bus, const void *key)
{
	struct hotplug_device *dev;

	device_lock();
	dev = device_find_key(bus, key);
	if (dev != NULL) {
		withdraw(dev);
		trace(TRACE_DETACH, dev->name, 0);
	}
	device_unlock();
	return dev != NULL ? 0 : -ENOENT;
}

struct publication
device_publication(const struct hotplug_bus *bus, const void *key)
{
	struct publication now = { NULL, 0 };

	device_lock();
	now.dev = device_find_key(bus, key);
	if (now.dev != NULL)
		now.life = now.dev->life;
	device_unlock();
	return now;
}

/* With the lock held. */
static bool
is_current(const struct publication *was)
{
	return was->dev != NULL && was->dev->key != NULL && was->dev->life == was->life;
}

void
device_end(const struct publication *was)
{
	device_lock();
	if (is_current(was)) {
		withdraw(was->dev);
		trace(TRACE_DETACH, was->dev->name, 0);
	}
	device_unlock();
}

void
device_unmap(const struct publication *was)
{
	device_lock();
	if (is_current(was))
		cutoff_unmap(was->dev);
	device_unlock();
}

bool
device_stays_lost(struct hotplug_device *dev, const void *key)
{
	bool is_published;

	device_lock();
	is_published = dev->key != NULL && dev->key == key;
	if (is_published)
		dev->stays_lost = true;
	device_unlock();
	device_post(dev, DEVICE_LOOK);
	return is_published;
}

void
device_withdraw_all(const struct hotplug_bus *bus)
{
	struct hotplug_device *dev;

	device_lock();
	for (dev = device_first(); dev != NULL; dev = dev->next) {
		if (bus == NULL)
			atomic_store(&dev->is_hidden, false);   /* drills end with us */
		if (dev->key != NULL && (bus == NULL || dev->bus == bus)) {
			settle_all(dev);
			if (bus == NULL && dev->is_cut)
				leave_cut(dev);
			withdraw(dev);
		}
	}
	device_unlock();
}
