/* SPDX-License-Identifier: BSD-3-Clause */

/* ports: what telemetry is asked of ethdev ports, and the drills that it may begin.
 * In:  a question's parameters.  Out: as answers.c; a drill, on request.
 * A drill is for whoever may open the socket, which is the process's own user.
 * Context: telemetry's own threads; a drill blocks one for the reset of its device. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../core/enable.h"
#include "../watch/drill.h"
#include "answers.h"
#include "survey.h"

/* What fits into one message of DPDK 22.11's telemetry (16 KiB). */
#define MAX_PORTS 24

static const char *
policy_word(enum hotplug_policy policy)
{
	static const char *const words[] = { "tell", "survive", "heal" };

	return words[policy];
}

static void
write_port(const struct answer *answer, const struct survey_port *port)
{
	const struct answer_ops *ops = answer->ops;

	ops->text(answer->to, "device", port->device);
	ops->text(answer->to, "bus", port->bus);
	ops->text(answer->to, "state_name", port->state);
	ops->number(answer->to, "policy", port->policy);
	ops->text(answer->to, "policy_name", policy_word(port->policy));
	ops->number(answer->to, "is_guarded", port->is_guarded);
	ops->number(answer->to, "is_lost", port->is_lost);
	ops->number(answer->to, "needs_guard", port->needs_guard);
	ops->text(answer->to, "why", port->why);
	ops->number(answer->to, "n_tries", port->n_tries);
	ops->text(answer->to, "refusal", port->refusal != 0 ? strerror(-port->refusal) : "");
}

int
answer_ports(const struct answer *answer, const char *params)
{
	struct answer part = { .ops = answer->ops };
	unsigned int n, from = 0;
	struct survey_port port;
	char key[16];

	if (params != NULL && params[0] != '\0') {
		if (params[0] < '0' || params[0] > '9')
			return -EINVAL;
		from = strtoul(params, NULL, 10);
	}
	if (!enable_is_on())
		return 0;
	for (n = 0; n < MAX_PORTS && survey_next(from, &port); n++) {
		part.to = answer->ops->open(ANSWER_DICT);
		if (part.to == NULL)
			return 0;
		write_port(&part, &port);
		snprintf(key, sizeof(key), "%u", port.id);
		answer->ops->close(answer->to, key, part.to);
		from = port.id + 1u;
	}
	return 0;
}

/* "DEVICE" or "DEVICE,FOR_MS". */
int
answer_drill(const struct answer *answer, const char *params)
{
	uint32_t for_ms = enable_config()->drill_for_ms;
	char device[HOTPLUG_NAME_LEN];
	const char *comma;
	int ret;

	if (params == NULL || params[0] == '\0')
		return -EINVAL;
	comma = strchrnul(params, ',');
	if (comma - params >= (ptrdiff_t)sizeof(device))
		return -EINVAL;
	snprintf(device, sizeof(device), "%.*s", (int)(comma - params), params);
	if (comma[0] == ',' && (comma[1] < '0' || comma[1] > '9'))
		return -EINVAL;
	if (comma[0] == ',')
		for_ms = strtoul(comma + 1, NULL, 10);
	ret = drill_run(device, for_ms);
	answer->ops->number(answer->to, "is_begun", ret == 0);
	answer->ops->number(answer->to, "for_ms", for_ms);
	answer->ops->text(answer->to, "error", ret == 0 ? "" : strerror(-ret));
	return 0;
}

int
answer_drill_end(const struct answer *answer, const char *params)
{
	int ret = params != NULL ? hotplug_simulate_return(params) : -EINVAL;

	if (ret == -EINVAL)
		return ret;
	answer->ops->number(answer->to, "is_ended", ret == 0);
	answer->ops->text(answer->to, "error", ret == 0 ? "" : strerror(-ret));
	return 0;
}
