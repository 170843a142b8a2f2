/* SPDX-License-Identifier: BSD-3-Clause */

/* sign: a bus slot says that a device goes; or somebody wants it cut off.
 * In:  EAL's handlers, through a backend (EAL's interrupt thread), or the application.
 * Out: cut off at once, if it is so or cannot be told; the sign posted to watch, which
 *      judges it; our subscribers told before EAL's.
 * EAL's thread waits for a look, which may block, and for subscribers, but not long.
 * Lock: device_lock(), never while a backend looks.
 * Context: app, EAL's interrupt thread; the look: work. */

#include <errno.h>
#include <string.h>
#include <time.h>

#include "../core/device.h"
#include "../core/work.h"
#include "../eal/host.h"
#include "../report/events.h"
#include "cutoff.h"

/* EAL's interrupt thread is kept for 50 ms in a burst of reports, be it of 100 devices: those
 * come one right after the other.  When it has been in here for so long it waits no more, and
 * has the rest for the cut-offs that are left.  One that comes by itself is worth a look of its
 * own, since a device that lives is not cut off for a word of EAL's. */
#define WAIT_NS 28000000ull
#define BURST_NS 100000000ull
#define STEP_NS 100000

/* All with device_lock(). */
static uint64_t burst_ns;       /* the end of its last report */
static uint64_t kept_ns;        /* how long it has been in here in this burst */

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

static void
begin_report(uint64_t now)
{
	device_lock();
	if (now - burst_ns > BURST_NS)
		kept_ns = 0;
	device_unlock();
}

static void
end_report(uint64_t begin)
{
	device_lock();
	burst_ns = device_now_ns();
	kept_ns += burst_ns - begin;
	device_unlock();
}

/* Some of what is left; false: nothing is. */
static bool
wait_a_little(uint64_t begin)
{
	const struct timespec pause = { .tv_nsec = STEP_NS };
	bool is_left;

	device_lock();
	is_left = kept_ns + (device_now_ns() - begin) < WAIT_NS;
	device_unlock();
	if (is_left)
		nanosleep(&pause, NULL);
	return is_left;
}

/* Job: the look may block, and EAL's thread is not to. */
static void
look(const char *device)
{
	struct hotplug_device *dev = device_find(NULL, device);
	char kernel_driver[HOTPLUG_NAME_LEN];
	struct hotplug_identity id;
	enum hotplug_look found;
	unsigned int number;

	device_lock();
	number = dev->eal_asks;
	id = dev->id;
	memcpy(kernel_driver, dev->kernel_driver, sizeof(kernel_driver));
	device_unlock();
	found = device_look(dev, kernel_driver, &id);
	device_lock();
	if (number == dev->eal_asks) {
		dev->eal_found = found;
		dev->eal_answered = number;
	}
	device_unlock();
}

static bool
is_answered(struct hotplug_device *dev, unsigned int number, enum hotplug_look *found)
{
	bool is;

	device_lock();
	is = dev->eal_answered == number;
	if (is)
		*found = dev->eal_found;
	device_unlock();
	return is;
}

/* What there is; nobody knows in time: then it is taken for gone, and watch restores it
 * when it is not. */
static enum hotplug_look
look_at(struct hotplug_device *dev, uint64_t begin)
{
	enum hotplug_look found = HOTPLUG_LOOK_ABSENT;
	unsigned int number;

	device_lock();
	number = ++dev->eal_asks;
	device_unlock();
	if (work_push_beside(look, dev->name, 0) != 0)
		return found;
	while (!is_answered(dev, number, &found) && wait_a_little(begin))
		;
	return found;
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
let_be_told(struct hotplug_device *dev, uint64_t begin)
{
	while (!host_thread_is_own() && !is_told(dev) && wait_a_little(begin))
		;
}

static void
report(struct hotplug_device *dev, enum hotplug_sign sign)
{
	date_sign(dev, sign);
	(void)cut_off_now(dev);         /* logged where it failed */
	post(dev, DEVICE_SIGN(sign));
}

/* A device that answers in time is only looked at. */
static void
report_of_eal(struct hotplug_device *dev)
{
	uint64_t begin = device_now_ns();
	enum hotplug_look found;

	begin_report(begin);
	found = look_at(dev, begin);
	if (found == HOTPLUG_LOOK_PRESENT)
		post(dev, DEVICE_LOOK);         /* it believes everybody's uevents */
	else
		report(dev, HOTPLUG_SIGN_EAL);
	if (found == HOTPLUG_LOOK_ABSENT)
		let_be_told(dev, begin);
	end_report(begin);
}

int
hotplug_bus_report(struct hotplug_bus *bus, const void *key, enum hotplug_sign sign)
{
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
		report_of_eal(dev);
	else
		report(dev, sign);
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
