/* SPDX-License-Identifier: BSD-3-Clause */

/* heal: a card is back; do its ports get a new life, and when?
 * In:  a device whose ports are HELD (work; pushed by events and teardown).
 * Out: if it is the card that was lost, it answers, and nobody may still write to it:
 *      kernel driver bound, its ports revived (revive.c), the application told.  Else
 *      it is tried again (again.c).
 * While it looks, waits and binds, the ports are the application's: it may close them.
 * Who is told in the end are those that live, in the life that they have begun with.
 * Context: work. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_dev.h>

#include "../core/device.h"
#include "../core/work.h"
#include "../eal/host.h"
#include "../report/trace.h"
#include "again.h"
#include "steps.h"
#include "together.h"

#define DARK_MS 1000            /* between two looks at a card that does not answer */

/* Has the kernel asked for it while it was healing?  It asks once. */
static bool
is_asked_for(const struct lost_card *card)
{
	const struct hotplug_device *dev;
	bool is_asked;

	device_lock();
	dev = device_find(card->bus, card->device);
	is_asked = dev != NULL && dev->is_requested;
	device_unlock();
	return is_asked;
}

/* It would be lost again at once; watch sends us when it has been quiet for a while. */
static bool
is_flapping(const struct lost_card *card)
{
	const struct hotplug_device *dev;
	bool is;

	device_lock();
	dev = device_find(card->bus, card->device);
	is = dev != NULL && dev->is_flapping;
	device_unlock();
	return is;
}

/* Somebody may still write to it. */
static bool
waits_for_others(const struct ports *ports, struct lost_card *card)
{
	bool is_waiting = together_wait(card);

	again_keep_waiting(ports, is_waiting);
	return is_waiting;
}

/* Bound, and open to us. */
static int
bind_and_open(const struct ports *ports, struct lost_card *card)
{
	char text[512];
	int ret = card_bind(card), obstacle;

	if (ret == -ENODEV || work_is_left())
		return -EAGAIN;         /* gone again, or taken away; or disabled meanwhile */
	obstacle = card_obstacle(card, text, sizeof(text));
	if (ret == 0 && obstacle == 0)
		return 0;
	again_after_refusal(ports, card, ret != 0 ? ret : obstacle, text);
	return -EAGAIN;
}

/* 0: bound.  -EAGAIN: not now; whatever it waits for, somebody tells, or sends us again. */
static int
prepare(const struct ports *ports, struct lost_card *card)
{
	step_before(STEP_HEAL_LOOK, card->device);
	if (!card_is_there(card) || is_flapping(card))
		return -EAGAIN;         /* not yet: an event tells, or watch */
	if (card_is_dark(card)) {
		work_push(heal_run, card->device, DARK_MS);
		return -EAGAIN;         /* no event tells */
	}
	if (!card_is_acceptable(card))
		return -EAGAIN;
	step_before(STEP_HEAL_OTHERS, card->device);
	if (waits_for_others(ports, card))
		return -EAGAIN;
	step_before(STEP_HEAL_BIND, card->device);
	return bind_and_open(ports, card);
}

static void
tell(const char *device, struct ports *ports, const struct lost_card *card, uint64_t start_ns)
{
	step_before(STEP_HEAL_TELL, device);
	if (ports_keep(ports, PORT_LIVE) == 0)
		return;                 /* closed, every one */
	again_begin_anew(ports);
	host_log(HOST_NOTICE, "%s healed: port %u works again after %u ms", device, ports->id[0],
		 (unsigned int)((device_now_ns() - start_ns) / 1000000));
	ports_tell(ports, HOTPLUG_EVENT_HEALED);
	ports_raise(ports, RTE_ETH_EVENT_RECOVERY_SUCCESS);
	if (ports_keep(ports, PORT_LIVE) > 0)   /* nobody has closed it in there */
		ports_raise(ports, RTE_ETH_EVENT_INTR_LSC);
	if (is_asked_for(card))
		port_asked_for(device);
}

static void
run(const char *device)
{
	uint64_t start = device_now_ns();
	struct lost_card card;
	struct ports ports;
	int ret;

	if (ports_find(&ports, device, PORT_HELD) == 0)
		return;
	step_before(STEP_HEAL_TURN, device);
	if (!again_is_turn(&ports, &card)) {
		again_in_turn(&ports, device);
		return;
	}
	if (prepare(&ports, &card) != 0)
		return;
	if (work_is_left())
		return;         /* disabled meanwhile */
	ret = revive(device, &ports);
	trace(TRACE_HEAL, device, ret);
	if (work_is_left())
		return;
	if (ret == 0)
		tell(device, &ports, &card, start);
	else if (ret == -EACCES)
		again_after_refusal(&ports, &card, ret, "its driver may not open it");
	else if (ret != -ECANCELED)     /* closed, every one */
		again_after_failure(&card, &ports, ret);
}

void
heal_run(const char *device)
{
	run(device);
	step_before(STEP_HEAL_OVER, device);
}
