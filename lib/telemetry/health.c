/* SPDX-License-Identifier: BSD-3-Clause */

/* health: is everything that protects this process at work, and does anything wait
 * for it?
 * In:  the rooms' own states.  Out: numbers that are 0 or 1, counts and ages; who
 *      keeps the kernel from taking a device away.
 * It looks for holders in /proc, which may take a while.
 * Lock: device_lock() while devices are counted; not while buses are asked.
 * Context: any but signal (telemetry's own threads). */

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../core/bus.h"
#include "../core/device.h"
#include "../core/enable.h"
#include "../core/holders.h"
#include "../eal/clock.h"
#include "../eal/monitor.h"
#include "../eal/uevent.h"
#include "../survive/seat.h"
#include "../watch/news.h"
#include "answers.h"

#define MAX_WAITING 8   /* devices that are named with their holders */

/* A device that the kernel waits for. */
struct waiting {
	struct hotplug_device *dev;
	uint64_t age_ms;
};

struct census {
	unsigned int n_suspect, n_gone, n_simulated, n_flapping, n_requested, n_held, n_waiting;
	uint64_t oldest_ms;
	enum hotplug_sigbus sigbus;
	enum hotplug_policy policy;
	struct waiting waiting[MAX_WAITING];
};

/* With the lock held. */
static void
note_waiting(struct census *c, struct hotplug_device *dev, uint64_t now)
{
	uint64_t age_ms = (now - dev->requested_ns) / MS;

	c->n_requested++;
	c->n_held += dev->is_held;
	if (age_ms > c->oldest_ms)
		c->oldest_ms = age_ms;
	if (c->n_waiting < MAX_WAITING)
		c->waiting[c->n_waiting++] = (struct waiting){ dev, age_ms };
}

static void
count(struct census *c)
{
	uint64_t now = device_now_ns();
	struct hotplug_device *dev;

	memset(c, 0, sizeof(*c));
	device_lock();
	c->sigbus = enable_config()->sigbus;
	c->policy = enable_config()->policy;
	for (dev = device_first(); dev != NULL; dev = dev->next) {
		c->n_suspect += dev->state == HOTPLUG_STATE_SUSPECT;
		c->n_gone += dev->state == HOTPLUG_STATE_GONE;
		c->n_simulated += atomic_load(&dev->is_hidden);
		c->n_flapping += dev->is_flapping;
		if (dev->is_requested && dev->key != NULL)
			note_waiting(c, dev, now);
	}
	device_unlock();
}

static void
write_waiting(const struct answer *answer, const struct waiting *waiting, unsigned int i)
{
	char holders[128];
	void *part = answer->ops->open(ANSWER_DICT);
	char key[16];

	if (part == NULL)
		return;
	holders_text(waiting->dev->bus, waiting->dev->name, NULL, holders, sizeof(holders));
	answer->ops->text(part, "device", waiting->dev->name);
	answer->ops->number(part, "age_ms", waiting->age_ms);
	answer->ops->text(part, "holders", holders);
	snprintf(key, sizeof(key), "%u", i);
	answer->ops->close(answer->to, key, part);
}

static void
write_census(const struct answer *answer, const struct census *c)
{
	struct answer all = { .ops = answer->ops };
	unsigned int i;

	answer->ops->number(answer->to, "suspect", c->n_suspect);
	answer->ops->number(answer->to, "gone", c->n_gone);
	answer->ops->number(answer->to, "simulated", c->n_simulated);
	answer->ops->number(answer->to, "flapping", c->n_flapping);
	answer->ops->number(answer->to, "requested", c->n_requested);
	answer->ops->number(answer->to, "held", c->n_held);
	answer->ops->number(answer->to, "oldest_request_ms", c->oldest_ms);
	all.to = answer->ops->open(ANSWER_DICT);
	if (all.to == NULL)
		return;
	for (i = 0; i < c->n_waiting; i++)
		write_waiting(&all, &c->waiting[i], i);
	answer->ops->close(answer->to, "waiting", all.to);
}

int
answer_health(const struct answer *answer, const char *params)
{
	bool is_on = enable_is_on();
	struct census census;

	(void)params;
	answer->ops->number(answer->to, "enabled", is_on);
	answer->ops->number(answer->to, "pid", getpid());
	answer->ops->text(answer->to, "version", hotplug_version());
	if (!is_on)
		return 0;
	count(&census);
	answer->ops->number(answer->to, "sigbus", census.sigbus);
	answer->ops->number(answer->to, "policy", census.policy);
	answer->ops->number(answer->to, "has_monitor", news_have_monitor());
	answer->ops->text(answer->to, "monitor_group", "kernel");
	answer->ops->number(answer->to, "is_netns_ok", uevent_obstacle() == NULL);
	answer->ops->number(answer->to, "has_handler", seat_is_on_top());
	answer->ops->number(answer->to, "has_eal_monitor", eal_has_monitor());
	answer->ops->number(answer->to, "guarded", device_count_published());
	answer->ops->number(answer->to, "zombies", device_count_zombies());
	write_census(answer, &census);
	return 0;
}
