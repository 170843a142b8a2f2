/* SPDX-License-Identifier: BSD-3-Clause */

/* judge: carry out what the state machine says of one device.
 * In:  a sign, what a look has found (look.c), the time (watch, reconcile).
 * Out: cut-off or restoration, the new state; what others are told of it (say.c).
 * Lock: device_lock() around a step; released while others are told.
 * Context: watch. */

#include <errno.h>
#include <string.h>

#include "../core/duty.h"
#include "../core/enable.h"
#include "../eal/clock.h"
#include "../report/log.h"
#include "../report/trace.h"
#include "../survive/cutoff.h"
#include "judge.h"
#include "look.h"
#include "patience.h"
#include "say.h"
#include "spare.h"

#define RESTORE_NS (1500 * MS)
#define ASKS_NS (1000 * MS)
#define AGAIN_NS (500 * MS)

/* With the lock held; a bus's own handler is called without. */
static void
cut(struct hotplug_device *dev)
{
	if (dev->bus->ops->handle_hot_unplug == NULL) {
		cutoff_device(dev);
		return;
	}
	device_unlock();
	dev->bus->ops->handle_hot_unplug(dev);
	device_lock();
}

static void
forget_suspicion(struct hotplug_device *dev)
{
	dev->look_ns = dev->claimed_ns = dev->dark_ns = dev->muted_ns = 0;
	if (dev->state == HOTPLUG_STATE_ATTACHED) {
		dev->first_sign = HOTPLUG_SIGN_NONE;
		dev->sign_ns = 0;
	}
}

static void step(struct hotplug_device *dev, enum state_input input);

/* Map it again.  Where that fails it stays suspect and is looked at again, until it
 * is lost for the fault that it then is; while its driver is at work, it waits. */
static bool
restore(struct hotplug_device *dev)
{
	int ret = cutoff_restore(dev);

	if (ret == 0)
		return true;
	dev->state = HOTPLUG_STATE_SUSPECT;
	dev->look_ns = device_now_ns() + 100 * MS;
	if (ret == -EBUSY || device_now_ns() - dev->sign_ns < RESTORE_NS)
		return false;
	log_device(dev, HOST_WARN, " lives, but cannot be mapped again: %s", strerror(-ret));
	step(dev, STATE_IN_MUTED);
	return false;
}

/* One input through the machine; with the lock held. */
static void
step(struct hotplug_device *dev, enum state_input input)
{
	struct state_step s = state_step(dev->state, input);

	dev->state = s.next;
	dev->owes_gone = (s.actions & STATE_DO_GONE) != 0;
	if (s.actions & STATE_DO_CUT)
		cut(dev);
	atomic_store(&dev->is_gone, s.next == HOTPLUG_STATE_GONE);
	if ((s.actions & STATE_DO_RESTORE) && !restore(dev))
		return;
	if (s.actions & STATE_DO_LOOK)
		dev->look_ns = 1;       /* now */
	if (s.actions & STATE_DO_GONE)
		say_gone(dev, input);
	if (s.actions & STATE_DO_REQUESTED)
		say_requested(dev);
	if ((s.actions & STATE_DO_RESTORED) || dev->was_reset)
		say_restored(dev);
	if (dev->state != HOTPLUG_STATE_SUSPECT && !(s.actions & STATE_DO_LOOK))
		forget_suspicion(dev);
}

/* With the lock held: the first sign of a suspicion is the one that events name. */
static void
note_sign(struct hotplug_device *dev, enum hotplug_sign sign)
{
	if (dev->state != HOTPLUG_STATE_ATTACHED || dev->first_sign != HOTPLUG_SIGN_NONE)
		return;
	dev->first_sign = sign;
	dev->sign_ns = device_now_ns();
}

void
judge_sign(struct hotplug_device *dev, enum hotplug_sign sign, enum state_input input)
{
	trace(TRACE_SIGN, dev->name, sign);
	device_lock();
	look_outdate(dev);
	note_sign(dev, sign);
	if (input == STATE_IN_HANGUP)
		dev->has_hung_up = true;
	step(dev, input);
	device_unlock();
}

/* With the lock held: the kernel asks, as a look has shown. */
static void
take_request(struct hotplug_device *dev)
{
	note_sign(dev, HOTPLUG_SIGN_LIVENESS);
	step(dev, STATE_IN_REQUEST);
}

void
judge_look(struct hotplug_device *dev)
{
	look_begin(dev, LOOK_AT);
}

void
judge_request(struct hotplug_device *dev)
{
	device_lock();
	look_outdate(dev);
	note_sign(dev, HOTPLUG_SIGN_VFIO);
	dev->asks = true;
	dev->asks_ns = device_now_ns();
	device_unlock();
	judge_look(dev);
}

void
judge_bound(struct hotplug_device *dev)
{
	device_lock();
	look_outdate(dev);
	dev->was_bound = true;
	device_unlock();
	judge_look(dev);
}

/* With the lock held.  The kernel takes a driver's link away first.  It then waits for
 * vfio, which goes on working until it is let go: "no driver" is the kernel's request. */
static void
take_look(struct hotplug_device *dev, enum hotplug_look found)
{
	bool is_asked = found == HOTPLUG_LOOK_CLAIMED && dev->works_on_request;
	enum state_input input;

	if (dev->stays_lost) {
		note_sign(dev, HOTPLUG_SIGN_LIVENESS);
		step(dev, STATE_IN_CLAIMED);
		return;
	}
	if (is_asked)
		found = HOTPLUG_LOOK_PRESENT;
	if (is_asked && !dev->is_requested)
		take_request(dev);
	dev->look_ns = 0;
	if (!patience_is_over(dev, found, device_now_ns(), &input))
		return;
	if (input != STATE_IN_RESET || spare(dev, found, &input))
		step(dev, input);
}

/* With the lock held: what waited for that look.  A device that is dark is not asked for
 * any more: the second look says so. */
static void
follow_up(struct hotplug_device *dev)
{
	bool asks = dev->asks && dev->dark_ns == 0;
	bool is_other = dev->was_bound && dev->state == HOTPLUG_STATE_SUSPECT;

	dev->asks = dev->was_bound = false;
	if (is_other) {
		note_sign(dev, HOTPLUG_SIGN_UEVENT);
		step(dev, STATE_IN_CLAIMED);
	}
	if (asks) {
		note_sign(dev, HOTPLUG_SIGN_VFIO);
		step(dev, STATE_IN_REQUEST);
	}
}

void
judge_ready(struct hotplug_device *dev)
{
	const struct hotplug_identity nobody = { .vendor = 0 };

	if (dev->bus->ops->identify != NULL) {
		look_begin(dev, LOOK_WHO);
		return;
	}
	device_lock();
	say_ready(dev, &nobody);
	device_unlock();
}

/* With the lock held: the card did not say who it is, or no descriptor was left to ask it.
 * As if nobody had bound it yet: the next look finds a driver there, or that it is gone. */
static void
ask_again_later(struct hotplug_device *dev)
{
	dev->glance.is_user_space = false;
	dev->glance.kernel_driver[0] = '\0';
	dev->look_ns = device_now_ns() + AGAIN_NS;
}

/* What is to be looked at next, as kinds of looks. */
static unsigned int
take_found(struct hotplug_device *dev, bool *was_bound)
{
	struct look_result result;
	unsigned int wants;

	device_lock();
	if (look_take(dev, &result)) {
		if (result.kind == LOOK_AT) {
			*was_bound = dev->was_bound;
			take_look(dev, result.found);
			follow_up(dev);
		} else if (result.error == 0) {
			say_ready(dev, &result.id);
		} else {
			ask_again_later(dev);
		}
	}
	wants = dev->look.wants;
	dev->look.wants = 0;
	if (!dev->glance.is_user_space || dev->state == HOTPLUG_STATE_ATTACHED ||
	    dev->state == HOTPLUG_STATE_SUSPECT)
		wants &= ~(1u << LOOK_WHO);
	device_unlock();
	return wants;
}

bool
judge_found(struct hotplug_device *dev)
{
	bool was_bound = false;
	unsigned int wants = take_found(dev, &was_bound);

	if ((wants & 1u << LOOK_AT) && judge_is_attached(dev))
		look_begin(dev, LOOK_AT);
	if (wants & 1u << LOOK_WHO)
		look_begin(dev, LOOK_WHO);
	return was_bound;
}

void
judge_overdue(struct hotplug_device *dev)
{
	uint64_t now = device_now_ns(), deadline_ns = enable_config()->deadline_ms * MS;
	bool is_calm, is_owed = false, is_unbound = false, is_kept = false;

	device_lock();
	if (dev->asks && now - dev->asks_ns >= ASKS_NS)
		follow_up(dev); /* nobody knows, and the kernel waits */
	if (dev->is_requested && !dev->is_held && deadline_ns != 0 &&
	    now - dev->requested_ns >= deadline_ns)
		say_held(dev);
	is_calm = dev->is_flapping && say_is_quiet(dev, now);
	if (is_calm) {
		dev->is_flapping = false;
		is_owed = dev->owes_ready && dev->glance.is_user_space;
		is_unbound = dev->state == HOTPLUG_STATE_PRESENT;       /* who binds it? */
		is_kept = dev->key == NULL && dev->glance.is_user_space; /* it never went */
		dev->owes_ready = false;
		memset(dev->change_ns, 0, sizeof(dev->change_ns));
	}
	device_unlock();
	if (is_owed)
		judge_ready(dev);
	else if (is_kept)
		duty_returned(dev->name);
	if (is_unbound)
		judge_present(dev);
}

void
judge_present(struct hotplug_device *dev)
{
	bool is_of_interest;

	device_lock();
	is_of_interest = dev->was_attached && !dev->is_flapping;
	device_unlock();
	if (is_of_interest && dev->bus->ops->unbound != NULL)
		dev->bus->ops->unbound(dev->name);
	if (is_of_interest)
		duty_returned(dev->name);
}

bool
judge_is_attached(struct hotplug_device *dev)
{
	bool is_attached;

	device_lock();
	is_attached = dev->state == HOTPLUG_STATE_ATTACHED ||
		dev->state == HOTPLUG_STATE_SUSPECT;
	device_unlock();
	return is_attached;
}
