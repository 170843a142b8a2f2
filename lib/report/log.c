/* SPDX-License-Identifier: BSD-3-Clause */

/* log: each event as one line that a person and a script can read.
 * In:  events, after the subscribers; lines about a device.  Out: the host's log, so
 *      much of it as limit.h lets pass.
 * Context: events; log_device(): any but signal. */

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "../core/holders.h"
#include "log.h"

#define NS_PER_US 1000u
#define NS_PER_MS 1000000u
#define US_PER_S 1000000u

void
log_device(struct hotplug_device *dev, enum host_level level, const char *fmt, ...)
{
	unsigned int n_left_out;
	char line[448];
	va_list ap;

	if (!limit_passes(&dev->lines, device_now_ns(), &n_left_out))
		return;
	if (n_left_out > 0)
		host_log(HOST_WARN, "%s: %u more lines were left out", dev->name, n_left_out);
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	host_log(level, "%s%s", dev->name, line);
}

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
log_request(struct hotplug_device *dev)
{
	log_device(dev, HOST_NOTICE, ": the kernel waits until its port is closed and its device "
		   "detached; so does all PCI hotplug of this machine");
}

/* Who keeps it, after the deadline. */
static void
log_holders(struct hotplug_device *dev, const struct hotplug_event *event)
{
	char holders[256];

	holders_text(dev->bus, event->device, NULL, holders, sizeof(holders));
	log_device(dev, HOST_WARN, ": asked for %" PRIu64 " ms ago and still held%s%s",
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
	if (event->is_simulated)
		*at += snprintf(line + *at, len - *at, " simulated=1");
	if (event->type == HOTPLUG_EVENT_READY)
		*at += snprintf(line + *at, len - *at, " card=%s", hotplug_card_name(event->card));
}

void
log_event(const struct hotplug_event *event, void *arg)
{
	struct hotplug_device *dev = device_find(NULL, event->device);
	char line[320];
	size_t at;

	(void)arg;
	if (event->type == HOTPLUG_EVENT_HEALED || event->type == HOTPLUG_EVENT_GIVEN_UP)
		return;         /* heal has said so, in words */
	at = snprintf(line, sizeof(line), " %s", hotplug_event_name(event->type));
	append_words(event, line, sizeof(line), &at);
	append_time(line, sizeof(line), &at, "t_sign", event->sign_ns);
	append_time(line, sizeof(line), &at, "t_cut", event->cut_ns);
	append_time(line, sizeof(line), &at, "t_event", event->event_ns);
	if (dev == NULL) {      /* nobody's: RESCAN */
		host_log(HOST_NOTICE, "%s%s", event->device,
			 line + (event->device[0] == '\0'));
		return;
	}
	log_device(dev, HOST_NOTICE, "%s", line);
	if (event->type == HOTPLUG_EVENT_REQUESTED)
		log_request(dev);
	if (event->type == HOTPLUG_EVENT_HELD)
		log_holders(dev, event);
}
