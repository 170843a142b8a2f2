/* SPDX-License-Identifier: BSD-3-Clause */

/* patience: a look in the middle of a removal shows half of it.
 * In:  what look() found, and since when the device is under suspicion (watch).
 * Out: believe it, or look again in some milliseconds; resolved within 2 s.
 * The kernel says "hang up", "unbind" and "remove" in this order, 10 to 20 ms
 * apart (measured in the guest, TCG): between them the device looks present,
 * then without a driver, and only then is it gone.
 * Context: watch, device_lock() held. */

#include "../eal/clock.h"
#include "patience.h"

#define PRESENT_NS (500 * MS)   /* after a sign that the kernel gave */
#define CLAIMED_NS (100 * MS)   /* driverless: about to go, or just unbound */
#define MUTED_NS (2000 * MS)    /* a reset switches memory decoding off and on */
#define DARK_NS (20 * MS)       /* when the kernel is at it */
#define SILENT_NS (1000 * MS)   /* else: a reset may take that long (PCIe r6 6.6.1) */
#define SOON_NS (2 * MS)

static bool
wait_until(struct hotplug_device *dev, uint64_t over_ns, uint64_t now)
{
	if (now >= over_ns)
		return true;
	dev->look_ns = now + SOON_NS;
	return false;
}

static void
note_liveness(struct hotplug_device *dev, uint64_t now)
{
	if (dev->first_sign != HOTPLUG_SIGN_NONE)
		return;
	dev->first_sign = HOTPLUG_SIGN_LIVENESS;
	dev->sign_ns = now;
}

static bool
is_signed_by_kernel(const struct hotplug_device *dev)
{
	return dev->first_sign == HOTPLUG_SIGN_UIO || dev->first_sign == HOTPLUG_SIGN_UEVENT ||
		dev->first_sign == HOTPLUG_SIGN_EAL || dev->first_sign == HOTPLUG_SIGN_VFIO;
}

static bool
is_present_for_good(struct hotplug_device *dev, uint64_t now)
{
	return dev->first_sign == HOTPLUG_SIGN_VFIO || !is_signed_by_kernel(dev) ||
		wait_until(dev, dev->sign_ns + PRESENT_NS, now);
}

static bool
is_dark_for_good(struct hotplug_device *dev, uint64_t now)
{
	if (dev->dark_ns == 0)
		dev->dark_ns = now;
	note_liveness(dev, now);
	if (dev->has_hung_up)   /* two ways of saying it */
		return true;
	if (wait_until(dev, dev->dark_ns + (is_signed_by_kernel(dev) ? DARK_NS : SILENT_NS), now))
		return true;
	dev->look_ns = now + DARK_NS;
	return false;
}

/* Registers that were switched off are what a reset leaves, or passes through.  Those that
 * fault meanwhile are lost for that. */
static bool
is_muted_for_good(struct hotplug_device *dev, uint64_t now, enum state_input *input)
{
	uint64_t since = dev->state == HOTPLUG_STATE_ATTACHED ? now : dev->sign_ns;

	if (dev->muted_ns == 0)
		dev->muted_ns = since;
	note_liveness(dev, now);
	if (dev->first_sign != HOTPLUG_SIGN_FAULT)
		*input = STATE_IN_RESET;
	if (wait_until(dev, dev->muted_ns + MUTED_NS, now))
		return true;
	dev->look_ns = now + DARK_NS;
	return false;
}

/* Where it was muted before, what its driver had set is not to be trusted. */
static bool
is_present_as_before(struct hotplug_device *dev, uint64_t now, enum state_input *input)
{
	if (dev->muted_ns != 0)
		*input = STATE_IN_RESET;
	if (dev->has_hung_up)           /* that uio device is dead, whatever is bound now */
		*input = STATE_IN_CLAIMED;
	if (*input == STATE_IN_RESET)
		note_liveness(dev, now);
	return *input == STATE_IN_RESET || is_present_for_good(dev, now);
}

static bool
is_claimed_for_good(struct hotplug_device *dev, uint64_t now)
{
	if (dev->claimed_ns == 0)
		dev->claimed_ns = now;
	note_liveness(dev, now);
	return wait_until(dev, dev->claimed_ns + CLAIMED_NS, now);
}

static bool
is_attached(const struct hotplug_device *dev)
{
	return dev->state == HOTPLUG_STATE_ATTACHED || dev->state == HOTPLUG_STATE_SUSPECT;
}

bool
patience_is_over(struct hotplug_device *dev, enum hotplug_look found, uint64_t now,
		 enum state_input *input)
{
	static const enum state_input meaning[] = {
		[HOTPLUG_LOOK_PRESENT] = STATE_IN_PRESENT,
		[HOTPLUG_LOOK_MUTED] = STATE_IN_MUTED,
		[HOTPLUG_LOOK_DARK] = STATE_IN_DARK,
		[HOTPLUG_LOOK_CLAIMED] = STATE_IN_CLAIMED,
		[HOTPLUG_LOOK_OTHER] = STATE_IN_OTHER,
		[HOTPLUG_LOOK_ABSENT] = STATE_IN_ABSENT,
		[HOTPLUG_LOOK_RESET] = STATE_IN_RESET,
	};

	*input = meaning[found];
	if (!is_attached(dev))
		return true;
	if (found != HOTPLUG_LOOK_DARK)
		dev->dark_ns = 0;
	if (found != HOTPLUG_LOOK_CLAIMED)
		dev->claimed_ns = 0;
	switch (found) {
	case HOTPLUG_LOOK_PRESENT:
	case HOTPLUG_LOOK_RESET:
		return is_present_as_before(dev, now, input);
	case HOTPLUG_LOOK_MUTED:
		return is_muted_for_good(dev, now, input);
	case HOTPLUG_LOOK_DARK:
		return is_dark_for_good(dev, now);
	case HOTPLUG_LOOK_CLAIMED:
		return is_claimed_for_good(dev, now);
	default:
		if (dev->state == HOTPLUG_STATE_ATTACHED)
			note_liveness(dev, now);
		return true;
	}
}
