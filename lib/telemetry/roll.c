/* SPDX-License-Identifier: BSD-3-Clause */

/* roll: one line that names what is guarded and what is not.
 * In:  the watch thread's tick.  Out: policies that fit nothing, at the first one; the line, when ports or their protection are others than
 *      at the last one, and have been so for a tick: a start is one line, and a loss that is
 *      healed within that time is none.
 * Context: watch; roll_begin(): app, before that thread runs. */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../core/device.h"
#include "../core/enable.h"
#include "../core/limit.h"
#include "../core/nearest.h"
#include "../eal/host.h"
#include "../port/whose.h"
#include "survey.h"

#define MAX_LINE 440            /* host_log() cuts longer ones */
#define EMPTY_TICKS 10          /* after so many without a device that is said, too */

enum group { GUARDED, LOST, NOT_GUARDED, N_GROUPS };

/* One part of the line. */
struct list {
	char text[MAX_LINE];
	size_t len;
	unsigned int n, n_left_out;
};

struct roll {
	struct list group[N_GROUPS];
	unsigned int n_ports, n_devices;        /* guarded devices without a port */
	uint64_t hash;
};

static uint64_t said, seen;
static unsigned int n_ticks;
static struct limit lines;

void
roll_begin(void)
{
	said = seen = 0;
	n_ticks = 0;
}

static void
mix(uint64_t *hash, const char *text, unsigned int number)
{
	for (; *text != '\0'; text++)
		*hash = (*hash ^ (unsigned char)*text) * 0x100000001b3u;
	*hash = (*hash ^ number ^ 0x100u) * 0x100000001b3u;
}

__attribute__((format(printf, 2, 3)))
static void
add(struct list *list, const char *fmt, ...)
{
	char item[256];
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(item, sizeof(item), fmt, ap);
	va_end(ap);
	list->n++;
	if (list->n_left_out > 0 || list->len + len + 2 > MAX_LINE / N_GROUPS) {
		list->n_left_out++;
		return;
	}
	list->len += snprintf(list->text + list->len, MAX_LINE - list->len, "%s%s",
			      list->len > 0 ? ", " : "", item);
}

static void
add_port(struct roll *roll, const struct survey_port *port)
{
	static const char *const policies[] = { "tell", "survive", "heal" };
	enum group group = port->is_lost ? LOST : port->is_guarded ? GUARDED : NOT_GUARDED;

	mix(&roll->hash, port->device, port->id * N_GROUPS + group);
	roll->n_ports++;
	if (group == GUARDED)
		add(&roll->group[group], "%u (%s, %s)", port->id, port->device,
		    policies[port->policy]);
	else if (group == LOST)
		add(&roll->group[group], "%u (%s)", port->id, port->device);
	else
		add(&roll->group[group], "%u (%s: %s)", port->id, port->device, port->why);
}

/* Guarded devices of other kinds. */
static void
add_devices(struct roll *roll)
{
	const struct hotplug_device *dev;
	bool is_guarded;

	for (dev = device_first(); dev != NULL; dev = dev->next) {
		device_lock();
		is_guarded = dev->key != NULL;
		device_unlock();
		if (!is_guarded || whose_ports(dev->name, NULL, 0) > 0)
			continue;
		mix(&roll->hash, dev->name, N_GROUPS);
		roll->n_devices++;
	}
}

static void
take(struct roll *roll)
{
	struct survey_port port;
	unsigned int from;

	memset(roll, 0, sizeof(*roll));
	roll->hash = 0xcbf29ce484222325u;
	for (from = 0; survey_next(from, &port); from = port.id + 1u)
		add_port(roll, &port);
	add_devices(roll);
}

static void
append(char *line, size_t *at, const char *head, const struct list *list)
{
	if (list->n == 0 || *at >= MAX_LINE)
		return;
	*at += snprintf(line + *at, MAX_LINE - *at, "%s%s", head, list->text);
	if (list->n_left_out > 0 && *at < MAX_LINE)
		*at += snprintf(line + *at, MAX_LINE - *at, " and %u more", list->n_left_out);
}

static void
say(const struct roll *roll)
{
	unsigned int n_left_out;
	char line[MAX_LINE] = "";
	size_t at = 0;

	if (!limit_passes(&lines, device_now_ns(), &n_left_out))
		return;
	append(line, &at, ": ", &roll->group[GUARDED]);
	append(line, &at, "; lost: ", &roll->group[LOST]);
	append(line, &at, "; not guarded: ", &roll->group[NOT_GUARDED]);
	if (roll->n_devices > 0 && at < sizeof(line))
		snprintf(line + at, sizeof(line) - at, "; and %u device(s) without a port",
			 roll->n_devices);
	if (roll->n_ports + roll->n_devices == 0)
		host_log(HOST_NOTICE, "guards nothing: this process has no port and no PCI device");
	else
		host_log(HOST_NOTICE, "guards %u of %u port(s)%s", roll->group[GUARDED].n,
			 roll->n_ports, line);
}

/* Is there such a device, or one with such a driver?  Else what was meant. */
static bool
fits(const char *name, struct nearest *nearest)
{
	const struct hotplug_device *dev;
	bool is_there = false;

	for (dev = device_first(); dev != NULL && !is_there; dev = dev->next) {
		device_lock();
		is_there = strcmp(dev->name, name) == 0 || strcmp(dev->driver, name) == 0;
		device_unlock();
		nearest_try(nearest, name, dev->name);
		if (dev->driver[0] != '\0')
			nearest_try(nearest, name, dev->driver);
	}
	return is_there;
}

/* Devices may come later: it is said, and no more than that. */
static void
check_policies(void)
{
	const struct hotplug_own_policy *own = enable_config()->own_policy;
	struct nearest nearest;
	unsigned int i;

	for (i = 0; i < HOTPLUG_MAX_POLICIES && own[i].name[0] != '\0'; i++) {
		nearest = (struct nearest){ .word = NULL };
		if (fits(own[i].name, &nearest))
			continue;
		host_log(HOST_WARN, "policy.%s: no device and no driver of that name is here%s%s%s",
			 own[i].name, nearest.word != NULL ? " (did you mean '" : "",
			 nearest.word != NULL ? nearest.word : "", nearest.word != NULL ? "'?)" : "");
	}
}

void
roll_call(void)
{
	bool is_settled;
	struct roll roll;

	take(&roll);
	n_ticks++;
	is_settled = roll.hash == seen;
	seen = roll.hash;
	if (!is_settled || roll.hash == said)
		return;
	if (roll.n_ports + roll.n_devices == 0 && said == 0 && n_ticks < EMPTY_TICKS)
		return;
	if (said == 0)
		check_policies();
	said = roll.hash;
	say(&roll);
}
