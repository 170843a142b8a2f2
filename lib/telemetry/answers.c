/* SPDX-License-Identifier: BSD-3-Clause */

/* answers: what an operator may ask of devices, counters and past events.
 * In:  a question's parameters.  Out: keys and values, numbers wherever a number
 *      serves (collectors drop the rest); names that go with a number end in _name.
 * Before enable and after disable there are no devices; past events stay.
 * Lock: device_lock() while a device's facts are copied; not while they are written.
 * Context: any but signal (telemetry's own threads). */

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../core/device.h"
#include "../core/enable.h"
#include "../core/stats.h"
#include "../report/events.h"
#include "../report/history.h"
#include "answers.h"

/* What fits into one message of DPDK 22.11's telemetry (16 KiB). */
#define MAX_EVENTS 24
#define DEFAULT_EVENTS 16

static void
number(const struct answer *answer, const char *key, uint64_t value)
{
	answer->ops->number(answer->to, key, value);
}

static void
text(const struct answer *answer, const char *key, const char *value)
{
	answer->ops->text(answer->to, key, value);
}

static bool
was_attached(const struct hotplug_device *dev)
{
	bool was;

	device_lock();
	was = dev->was_attached;
	device_unlock();
	return was;
}

int
answer_list(const struct answer *answer, const char *params)
{
	struct hotplug_device *dev;

	(void)params;
	if (!enable_is_on())
		return 0;
	for (dev = device_first(); dev != NULL; dev = dev->next)
		if (was_attached(dev))
			text(answer, NULL, dev->name);
	return 0;
}

/* A device at one moment. */
struct facts {
	char name[HOTPLUG_NAME_LEN], driver[HOTPLUG_NAME_LEN], kernel_driver[HOTPLUG_NAME_LEN];
	const char *bus;
	enum hotplug_state state;
	enum hotplug_cause cause;
	enum hotplug_sign sign;
	struct hotplug_identity id;
	unsigned int n_ports, n_regions;
	uint16_t port[HOTPLUG_MAX_PORTS];
	uint64_t guarded_bytes, sign_ns, cut_ns, requested_ns, n_changes;
	bool is_simulated, is_guarded, is_cut, is_requested, is_held, is_flapping, is_present;
};

static void
copy_registers(const struct hotplug_device *dev, struct facts *facts)
{
	unsigned int i;

	facts->is_guarded = dev->key != NULL;
	facts->is_cut = dev->is_cut;
	facts->n_regions = dev->n_regions;
	for (i = 0; i < dev->n_regions; i++)
		facts->guarded_bytes += dev->region[i].end - dev->region[i].start;
}

/* With the lock held. */
static void
copy_facts(const struct hotplug_device *dev, struct facts *facts)
{
	*facts = (struct facts){
		.bus = dev->bus->name, .state = dev->state, .cause = dev->cause,
		.sign = dev->first_sign, .id = dev->id, .n_ports = dev->n_ports,
		.sign_ns = dev->sign_ns, .cut_ns = dev->is_cut ? dev->cut_ns : 0,
		.requested_ns = dev->requested_ns, .n_changes = dev->n_changes,
		.is_requested = dev->is_requested, .is_held = dev->is_held,
		.is_flapping = dev->is_flapping, .is_present = dev->glance.generation != 0,
		.is_simulated = dev->is_simulated,
	};
	memcpy(facts->name, dev->name, sizeof(facts->name));
	memcpy(facts->driver, dev->driver, sizeof(facts->driver));
	memcpy(facts->kernel_driver, dev->kernel_driver, sizeof(facts->kernel_driver));
	memcpy(facts->port, dev->port, sizeof(facts->port));
	copy_registers(dev, facts);
}

static void
write_identity(const struct answer *answer, const struct hotplug_identity *id)
{
	number(answer, "vendor", id->vendor);
	number(answer, "device_id", id->device);
	number(answer, "subsystem_vendor", id->subsystem_vendor);
	number(answer, "subsystem_device", id->subsystem_device);
	number(answer, "serial", id->serial);
	number(answer, "generation", id->generation);
}

static void
write_ports(const struct answer *answer, const uint16_t *port, unsigned int n)
{
	void *list = answer->ops->open(ANSWER_NUMBERS);
	unsigned int i;

	number(answer, "n_ports", n);
	if (list == NULL)
		return;
	for (i = 0; i < n; i++)
		answer->ops->number(list, NULL, port[i]);
	answer->ops->close(answer->to, "ports", list);
}

static void
write_facts(const struct answer *answer, const struct facts *facts)
{
	text(answer, "name", facts->name);
	text(answer, "bus", facts->bus);
	text(answer, "driver", facts->driver);
	text(answer, "kernel_driver", facts->kernel_driver);
	number(answer, "state", facts->state);
	text(answer, "state_name", hotplug_state_name(facts->state));
	number(answer, "cause", facts->cause);
	text(answer, "cause_name", hotplug_cause_name(facts->cause));
	number(answer, "sign", facts->sign);
	text(answer, "sign_name", hotplug_sign_name(facts->sign));
	number(answer, "is_present", facts->is_present);
	number(answer, "is_simulated", facts->is_simulated);
	number(answer, "is_guarded", facts->is_guarded);
	number(answer, "is_cut", facts->is_cut);
	number(answer, "is_requested", facts->is_requested);
	number(answer, "is_held", facts->is_held);
	number(answer, "is_flapping", facts->is_flapping);
	number(answer, "n_changes", facts->n_changes);
	number(answer, "sign_ns", facts->sign_ns);
	number(answer, "cut_ns", facts->cut_ns);
	number(answer, "requested_ns", facts->is_requested ? facts->requested_ns : 0);
	number(answer, "n_regions", facts->n_regions);
	number(answer, "guarded_bytes", facts->guarded_bytes);
	write_identity(answer, &facts->id);
	write_ports(answer, facts->port, facts->n_ports);
}

int
answer_info(const struct answer *answer, const char *params)
{
	struct hotplug_device *dev;
	struct facts facts;

	if (params == NULL || params[0] == '\0')
		return -EINVAL;
	if (!enable_is_on())
		return -ENOENT;
	device_lock();
	dev = device_find(NULL, params);
	if (dev != NULL)
		copy_facts(dev, &facts);
	device_unlock();
	if (dev == NULL)
		return -ENOENT;
	write_facts(answer, &facts);
	return 0;
}

/* "events_gone" and so on, for every type that has a name. */
static void
write_events_of(const struct answer *answer)
{
	unsigned int type;
	const char *name;
	char key[32];

	for (type = 0; type < STATS_N_TYPES; type++) {
		name = hotplug_event_name(type);
		if (name[0] == '?')
			return;
		snprintf(key, sizeof(key), "events_%s", name);
		number(answer, key, stats.events_of[type]);
	}
}

int
answer_stats(const struct answer *answer, const char *params)
{
	struct hotplug_stats now = { .size = sizeof(now) };

	(void)params;
	number(answer, "enabled", enable_is_on());
	if (hotplug_stats_get(&now) != 0)
		return 0;
	number(answer, "guarded", now.guarded);
	number(answer, "cut_offs", now.cut_offs);
	number(answer, "cut_failures", now.cut_failures);
	number(answer, "restored", now.restored);
	number(answer, "faults", now.faults);
	number(answer, "faults_foreign", now.faults_foreign);
	number(answer, "events", now.events);
	number(answer, "events_lost", now.events_lost);
	write_events_of(answer);
	number(answer, "uevents", now.uevents);
	number(answer, "uevent_losses", now.uevent_losses);
	number(answer, "scans", now.scans);
	number(answer, "differences", now.differences);
	number(answer, "zombies", now.zombies);
	number(answer, "stuck", now.stuck);
	number(answer, "simulated", now.simulated);
	number(answer, "has_monitor", now.has_monitor);
	number(answer, "has_handler", now.has_handler);
	return 0;
}

static void
write_event(const struct answer *answer, const struct hotplug_event *event)
{
	number(answer, "sequence", event->sequence);
	number(answer, "type", event->type);
	text(answer, "type_name", hotplug_event_name(event->type));
	text(answer, "device", event->device);
	text(answer, "kernel_driver", event->kernel_driver);
	number(answer, "cause", event->cause);
	text(answer, "cause_name", hotplug_cause_name(event->cause));
	number(answer, "sign", event->sign);
	text(answer, "sign_name", hotplug_sign_name(event->sign));
	number(answer, "card", event->card);
	number(answer, "was_requested", event->was_requested);
	number(answer, "is_simulated", event->is_simulated);
	number(answer, "sign_ns", event->sign_ns);
	number(answer, "cut_ns", event->cut_ns);
	number(answer, "event_ns", event->event_ns);
	number(answer, "wall_ns", event->wall_ns);
}

/* "", "N" or "N,BEFORE". */
static int
parse_range(const char *params, unsigned int *n, uint64_t *before)
{
	char *end;

	*n = DEFAULT_EVENTS;
	*before = 0;
	if (params == NULL || params[0] == '\0')
		return 0;
	if (params[0] < '0' || params[0] > '9')
		return -EINVAL;
	*n = strtoul(params, &end, 10);
	if (*end == ',' && end[1] >= '0' && end[1] <= '9')
		*before = strtoull(end + 1, &end, 10);
	return *end == '\0' ? 0 : -EINVAL;
}

int
answer_events(const struct answer *answer, const char *params)
{
	struct hotplug_event event[MAX_EVENTS];
	struct answer part = { .ops = answer->ops };
	unsigned int n, i;
	uint64_t before;
	char key[24];
	int ret = parse_range(params, &n, &before);

	if (ret != 0)
		return ret;
	n = history_read(before, event, n < MAX_EVENTS ? n : MAX_EVENTS);
	for (i = 0; i < n; i++) {
		part.to = answer->ops->open(ANSWER_DICT);
		if (part.to == NULL)
			return 0;
		write_event(&part, &event[i]);
		snprintf(key, sizeof(key), "%" PRIu64, event[i].sequence);
		answer->ops->close(answer->to, key, part.to);
	}
	return 0;
}
