/* SPDX-License-Identifier: BSD-3-Clause */

/* together: a card that is back is everybody's.
 * In:  heal, before it touches the card, and when its ports work here.
 * Out: not before every process that lives has acknowledged that the card was gone: a
 *      BAR that is not cut off there reaches the one that came.  Then the device in
 *      every process, or heal's undoing in this one.
 * A process that is stopped keeps the card waiting, and is named.  It does not where the
 * kernel itself has cut all processes off (our igb_uio) or takes nothing away that is
 * still open (vfio), nor with heal_forced.
 * Context: work; each blocks for twice sync_deadline_ms at most. */

#include <errno.h>

#include "../core/enable.h"
#include "../core/work.h"
#include "../eal/host.h"
#include "../sync/sync.h"
#include "together.h"

#define AGAIN_MS 500

static bool
is_revoked(const struct lost_card *card)
{
	return card->bus->ops->revokes != NULL && card->bus->ops->revokes(card->kernel_driver);
}

bool
together_wait(const struct lost_card *card)
{
	struct hotplug_outcome outcome = { .size = sizeof(outcome) };
	int ret = sync_is_on() ? sync_clear(card->device, &outcome) : 0;
	bool may_go_on = ret == 0 || ret == -EEXIST || enable_config()->heal_forced ||
		is_revoked(card);

	if (ret != 0 && !card->is_waiting)
		host_log(HOST_WARN, "%s is back, %s process %d: %s%s", card->device,
			 may_go_on ? "and healed beside" : "but not healed before", outcome.pid,
			 outcome.reason, may_go_on ? "" : " (heal_forced=on would)");
	if (!may_go_on)
		work_push(heal_run, card->device, AGAIN_MS);
	return !may_go_on;
}

int
together_share(const char *device, const char *devargs, uint64_t took_ns)
{
	struct hotplug_outcome outcome = { .size = sizeof(outcome) };
	int ret = sync_is_on() ? sync_share(devargs, took_ns, &outcome) : 0;

	if (ret != 0)
		host_log(HOST_ERR, "%s is back, but process %d: %s", device, outcome.pid,
			 outcome.reason);
	return ret;
}
