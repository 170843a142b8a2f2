/* SPDX-License-Identifier: BSD-3-Clause */

/* stats: numbers and states, for whoever asks.
 * In:  the counters (core/stats.h), the table.  Out: hotplug_stats_get(),
 *      hotplug_device_state().
 * Context: any but signal. */

#include <errno.h>
#include <string.h>

#include "../core/device.h"
#include "../core/enable.h"
#include "../core/stats.h"
#include "../survive/seat.h"
#include "../watch/news.h"

int
hotplug_stats_get(struct hotplug_stats *out)
{
	struct hotplug_stats now;

	if (out == NULL || out->size < sizeof(out->size) || out->size > sizeof(*out))
		return -EINVAL;
	if (!enable_is_on())
		return -EPERM;
	now = (struct hotplug_stats){
		.size = out->size,
		.guarded = device_count_published(),
		.cut_offs = stats.cut_offs,
		.restored = stats.restored,
		.faults = stats.faults,
		.faults_foreign = stats.faults_foreign,
		.events = stats.events,
		.events_lost = stats.events_lost,
		.uevents = stats.uevents,
		.uevent_losses = stats.uevent_losses,
		.cut_failures = stats.cut_failures,
		.scans = stats.scans,
		.differences = stats.differences,
		.stuck = stats.stuck,
		.simulated = stats.simulated,
		.zombies = device_count_zombies(),
		.has_monitor = news_have_monitor(),
		.has_handler = seat_is_on_top(),
	};
	memcpy(out, &now, now.size);
	return 0;
}

int
hotplug_device_state(const char *name)
{
	struct hotplug_device *dev;
	int state = -ENOENT;

	if (name == NULL)
		return -EINVAL;
	if (!enable_is_on())
		return -EPERM;
	device_lock();
	dev = device_find(NULL, name);
	if (dev != NULL)
		state = dev->state;
	device_unlock();
	return state;
}
