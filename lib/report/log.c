/* SPDX-License-Identifier: BSD-3-Clause */

/* log: each event as one line that a person and a script can read.
 * In:  events, after the subscribers.  Out: the host's log.
 * Context: events. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../core/bus.h"
#include "../core/host.h"
#include "log.h"

#define NS_PER_US 1000u
#define NS_PER_MS 1000000u
#define US_PER_S 1000000u

/* " key=1.000001", or nothing for a time that is none. */
static void
append_time(char *line, size_t len, size_t *at, const char *key, uint64_t ns)
{
	uint64_t us = ns / NS_PER_US;

	if (ns != 0 && *at < len)
		*at += snprintf(line + *at, len - *at, " %s=%" PRIu64 ".%06" PRIu64, key,
				us / US_PER_S, us % US_PER_S);
}

static void
log_request(const struct hotplug_event *event)
{
	host_log(HOST_NOTICE, "%s: the kernel waits until its port is closed and its device "
		 "detached; so does all PCI hotplug of this machine", event->device);
}

/* Who keeps it, after the deadline. */
static void
log_holders(const struct hotplug_event *event)
{
	char holders[256] = "";
	struct hotplug_bus *bus;

	for (bus = bus_next(NULL); bus != NULL; bus = bus_next(bus))
		if (strcmp(bus->name, event->bus) == 0 && bus->ops->holders != NULL)
			bus->ops->holders(event->device, holders, sizeof(holders));
	host_log(HOST_WARN, "%s: asked for %" PRIu64 " ms ago and still held%s%s", event->device,
		 (event->event_ns - event->sign_ns) / NS_PER_MS,
		 holders[0] != '\0' ? " by " : "", holders);
}

static void
append_words(const struct hotplug_event *event, char *line, size_t len, size_t *at)
{
	if (event->cause != HOTPLUG_CAUSE_NONE)
		*at += snprintf(line + *at, len - *at, " cause=%s",
				hotplug_cause_name(event->cause));
	if (event->sign != HOTPLUG_SIGN_NONE)
		*at += snprintf(line + *at, len - *at, " sign=%s",
				hotplug_sign_name(event->sign));
	if (event->kernel_driver[0] != '\0')
		*at += snprintf(line + *at, len - *at, " driver=%s", event->kernel_driver);
	if (event->type == HOTPLUG_EVENT_READY)
		*at += snprintf(line + *at, len - *at, " card=%s", hotplug_card_name(event->card));
}

void
log_event(const struct hotplug_event *event, void *arg)
{
	char line[320];
	size_t at;

	(void)arg;
	at = snprintf(line, sizeof(line), "%s%s%s", event->device,
		      event->device[0] != '\0' ? " " : "", hotplug_event_name(event->type));
	append_words(event, line, sizeof(line), &at);
	append_time(line, sizeof(line), &at, "t_sign", event->sign_ns);
	append_time(line, sizeof(line), &at, "t_cut", event->cut_ns);
	append_time(line, sizeof(line), &at, "t_event", event->event_ns);
	host_log(HOST_NOTICE, "%s", line);
	if (event->type == HOTPLUG_EVENT_REQUESTED)
		log_request(event);
	if (event->type == HOTPLUG_EVENT_HELD)
		log_holders(event);
}
