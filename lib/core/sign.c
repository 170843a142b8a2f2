/* SPDX-License-Identifier: BSD-3-Clause */

/* sign: a bus slot says that a device goes; or somebody wants it cut off.
 * In:  EAL's handlers, through a backend (EAL's interrupt thread), or the application.
 * Out: cut off at once, if it is so or cannot be told; the sign posted to watch, which
 *      judges it; our subscribers told before EAL's.
 * Lock: device_lock(), never while a backend looks.
 * Context: app, EAL's interrupt thread. */

#include <errno.h>
#include <string.h>
#include <time.h>

#include "../report/events.h"
#include "../survive/cutoff.h"
#include "device.h"

#define TELL_MS 50              /* EAL's interrupt thread waits no longer */

/* Cut off before anybody else runs, unless it works until it is let go. */
static int
cut_off_now(struct hotplug_device *dev)
{
	if (dev->works_on_request)
		return 0;
	if (dev->bus->ops->handle_hot_unplug != NULL)
		return dev->bus->ops->handle_hot_unplug(dev);
	return hotplug_device_cut_off(dev);
}

/* Not under the lock. */
static enum hotplug_look
look_at(struct hotplug_device *dev)
{
	char kernel_driver[HOTPLUG_NAME_LEN];
	struct hotplug_identity id;

	device_lock();
	id = dev->id;
	memcpy(kernel_driver, dev->kernel_driver, sizeof(kernel_driver));
	device_unlock();
	return device_look(dev, kernel_driver, &id);
}

/* Seen now, not when watch comes to it. */
static void
date_sign(struct hotplug_device *dev, enum hotplug_sign sign)
{
	device_lock();
	if (dev->state == HOTPLUG_STATE_ATTACHED && dev->first_sign == HOTPLUG_SIGN_NONE) {
		dev->first_sign = sign;
		dev->sign_ns = device_now_ns();
	}
	device_unlock();
}

/* Under the lock, under which disable closes what wakes watch. */
static void
post(struct hotplug_device *dev, unsigned int bits)
{
	device_lock();
	device_post(dev, bits);
	device_unlock();
}

static bool
is_told(struct hotplug_device *dev)
{
	bool is_over;

	device_lock();
	is_over = dev->state != HOTPLUG_STATE_ATTACHED && dev->state != HOTPLUG_STATE_SUSPECT &&
		!dev->owes_gone;
	device_unlock();
	return is_over && events_are_told();
}

/* EAL calls its own subscribers when we return: ours, who are told the cause, come
 * first, unless they take their time. */
static void
let_be_told(struct hotplug_device *dev)
{
	const struct timespec pause = { .tv_nsec = 500000 };
	unsigned int i;

	for (i = 0; i < 2 * TELL_MS && !events_is_self() && !is_told(dev); i++)
		nanosleep(&pause, NULL);
}

int
hotplug_bus_report(struct hotplug_bus *bus, const void *key, enum hotplug_sign sign)
{
	enum hotplug_look found = HOTPLUG_LOOK_ABSENT;
	struct hotplug_device *dev;

	if (sign != HOTPLUG_SIGN_EAL && sign != HOTPLUG_SIGN_VFIO && sign != HOTPLUG_SIGN_CALLER)
		return -EINVAL;
	device_lock();
	dev = device_find_key(bus, key);
	device_unlock();
	if (dev == NULL)
		return -ENOENT;
	if (dev->works_on_request)
		sign = HOTPLUG_SIGN_VFIO;       /* asked for, not gone */
	if (sign == HOTPLUG_SIGN_EAL)
		found = look_at(dev);
	if (found == HOTPLUG_LOOK_PRESENT) {
		post(dev, DEVICE_LOOK);         /* it believes everybody's uevents */
		return 0;
	}
	date_sign(dev, sign);
	(void)cut_off_now(dev);         /* logged where it failed */
	post(dev, DEVICE_SIGN(sign));
	if (sign == HOTPLUG_SIGN_EAL && found == HOTPLUG_LOOK_ABSENT)
		let_be_told(dev);
	return 0;
}

int
hotplug_device_cut_off(struct hotplug_device *dev)
{
	int ret;

	device_lock();
	ret = dev->key != NULL ? cutoff_device(dev) : 0;
	device_unlock();
	return ret;
}
