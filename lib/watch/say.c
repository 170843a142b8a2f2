/* SPDX-License-Identifier: BSD-3-Clause */

/* say: tell what has become of a device.
 * In:  a step of judge's.  Out: the bus, our own rooms (duty.c), the event queue.
 * Order on a loss: it is cut off by then; first the bus, our rooms and the other processes,
 *      then the event.
 * Lock: device_lock() is held by the caller, and released while others are called.
 * Context: watch. */

#include <stdio.h>
#include <string.h>

#include "../core/duty.h"
#include "../core/enable.h"
#include "../eal/clock.h"
#include "../report/events.h"
#include "say.h"

#define FLAP_NS (60 * 1000 * MS)        /* so many changes (flaps) in this are flapping */
#define QUIET_NS (10 * 1000 * MS)       /* and this long without one is not */

/* With the lock held: the event, by value. */
static struct hotplug_event
describe(const struct hotplug_device *dev, enum hotplug_event_type type, enum hotplug_cause cause)
{
	struct hotplug_event event = {
		.size = sizeof(event), .type = type, .cause = cause,
		.sign = dev->first_sign, .was_requested = dev->is_requested,
		.is_simulated = dev->is_simulated, .id = dev->id,
		.n_ports = dev->n_ports, .sign_ns = dev->sign_ns,
		.cut_ns = dev->is_cut ? dev->cut_ns : 0,
	};

	memcpy(event.port, dev->port, sizeof(event.port));
	snprintf(event.device, sizeof(event.device), "%s", dev->name);
	snprintf(event.bus, sizeof(event.bus), "%s", dev->bus->name);
	snprintf(event.kernel_driver, sizeof(event.kernel_driver), "%s",
		 type == HOTPLUG_EVENT_READY ? dev->glance.kernel_driver : dev->kernel_driver);
	return event;
}

/* With the lock held; it is released for those of others.  What the library does about it
 * itself waits for no subscriber (duty.c). */
static void
push(const struct hotplug_event *event)
{
	device_unlock();
	duty_event(event);
	events_push(event);
	device_lock();
}

void
say_event(struct hotplug_device *dev, enum hotplug_event_type type, enum hotplug_cause cause)
{
	struct hotplug_event event = describe(dev, type, cause);

	push(&event);
}

/* With the lock held: a loss or a return.  Says so once when they are too many. */
static void
note_change(struct hotplug_device *dev)
{
	uint64_t now = device_now_ns(), oldest;
	uint32_t flaps = enable_config()->flaps;

	dev->change_ns[dev->n_changes++ % DEVICE_MAX_FLAPS] = now;
	oldest = dev->change_ns[(dev->n_changes - flaps) % DEVICE_MAX_FLAPS];   /* of so many */
	if (dev->is_flapping || flaps == 0 || oldest == 0 || now - oldest > FLAP_NS)
		return;
	dev->is_flapping = true;
	say_event(dev, HOTPLUG_EVENT_FLAPPING, HOTPLUG_CAUSE_NONE);
}

bool
say_is_quiet(const struct hotplug_device *dev, uint64_t now)
{
	uint64_t last = dev->change_ns[(dev->n_changes - 1) % DEVICE_MAX_FLAPS];

	return now - last >= QUIET_NS;
}

/* With the lock held; it is released. */
static void
tell_loss(struct hotplug_device *dev)
{
	const void *key = dev->key;

	if (key == NULL)
		return;
	device_unlock();
	if (dev->bus->ops->lost != NULL)
		dev->bus->ops->lost(key);
	duty_lost(dev->bus, key);
	device_lock();
}

/* With the lock held; what other processes have told is not told again. */
static void
tell_others(struct hotplug_device *dev)
{
	uint64_t generation = dev->id.generation;

	if (dev->first_sign == HOTPLUG_SIGN_CALLER)
		return;
	device_unlock();
	duty_seen(dev->name, generation);
	device_lock();
}

void
say_gone(struct hotplug_device *dev, enum state_input input)
{
	dev->cause = dev->stays_lost ? dev->former_cause : state_cause(input, dev->first_sign);
	tell_loss(dev);
	tell_others(dev);
	say_event(dev, HOTPLUG_EVENT_GONE, dev->cause);
	dev->owes_gone = false;
	note_change(dev);
	device_post(dev, DEVICE_LOOK);  /* something may be there already */
}

/* It lives; was it reset meanwhile? */
void
say_restored(struct hotplug_device *dev)
{
	bool was_reset = dev->was_reset;

	dev->was_reset = false;
	if (was_reset)
		note_change(dev);
	say_event(dev, HOTPLUG_EVENT_RESTORED,
		  was_reset ? HOTPLUG_CAUSE_RESET : HOTPLUG_CAUSE_NONE);
}

void
say_requested(struct hotplug_device *dev)
{
	struct hotplug_event event;

	if (dev->is_requested)          /* the kernel repeats it */
		return;
	event = describe(dev, HOTPLUG_EVENT_REQUESTED, HOTPLUG_CAUSE_REQUESTED);
	dev->is_requested = true;       /* before the lock is let go: it may be met at once */
	dev->requested_ns = device_now_ns();
	tell_others(dev);
	push(&event);
}

void
say_held(struct hotplug_device *dev)
{
	struct hotplug_event event = describe(dev, HOTPLUG_EVENT_HELD, HOTPLUG_CAUSE_REQUESTED);

	dev->is_held = true;
	event.sign = HOTPLUG_SIGN_VFIO;
	event.sign_ns = dev->requested_ns;
	push(&event);
}

void
say_ready(struct hotplug_device *dev, const struct hotplug_identity *id)
{
	struct hotplug_event event;

	dev->state = state_step(dev->state, STATE_IN_BIND).next;
	note_change(dev);
	dev->owes_ready = dev->is_flapping;
	if (dev->owes_ready)
		return;
	event = describe(dev, HOTPLUG_EVENT_READY, HOTPLUG_CAUSE_NONE);
	event.id = *id;
	event.card = device_compare_cards(&dev->id, id);
	event.sign = HOTPLUG_SIGN_NONE;
	event.sign_ns = event.cut_ns = 0;
	event.n_ports = 0;
	push(&event);
}
