/* SPDX-License-Identifier: BSD-3-Clause */

/* api: a device comes or goes, in all processes or in this one.
 * In:  hotplug_device_attach/detach (app, events).  Out: sync, or this process alone.
 * Context: app, events; blocks until it is done. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../core/enable.h"
#include "../eal/host.h"
#include "../sync/share.h"
#include "../sync/sync.h"
#include "arguments.h"
#include "found.h"
#include "hand.h"
#include "here.h"

static int
alone(bool attaches, const char *text, struct hotplug_outcome *outcome)
{
	char name[HOTPLUG_NAME_LEN];
	int ret = found_name(text, name);

	if (ret == 0 && hand_is_self())
		ret = -EDEADLK;
	else if (ret == 0 && attaches)
		ret = here_may_attach(name, outcome->reason, sizeof(outcome->reason));
	else if (ret == 0)
		ret = here_may_detach(name, outcome->reason, sizeof(outcome->reason));
	if (ret == 0)
		ret = attaches ? here_attach(name, text) : here_detach(name);
	if (ret == 0)
		ret = attaches ? -EEXIST : -ENODEV;
	outcome->error = ret < 0 ? ret : 0;
	if (ret < 0 && outcome->reason[0] == '\0')
		snprintf(outcome->reason, sizeof(outcome->reason), "%s", strerror(-ret));
	return outcome->error;
}

static int
change(bool attaches, const char *text, unsigned int flags, struct hotplug_outcome *outcome)
{
	if (!enable_is_on()) {
		snprintf(outcome->reason, sizeof(outcome->reason), "dpdk-hotplug is not enabled");
		return outcome->error = -EPERM;
	}
	if (flags & HOTPLUG_PRIVATE)
		return alone(attaches, text, outcome);
	if (sync_is_on())
		return attaches ? sync_attach(text, outcome) : sync_detach(text, outcome);
	if (!enable_config()->sync || !share_is_possible())
		return alone(attaches, text, outcome);
	snprintf(outcome->reason, sizeof(outcome->reason),
		 "the primary process has not enabled dpdk-hotplug");
	return outcome->error = -ENOTCONN;
}

/* The first version's, up to ours. */
static bool
is_known(size_t outcome_size)
{
	return outcome_size >= offsetof(struct hotplug_outcome, reason) + HOTPLUG_REASON_LEN &&
		outcome_size <= sizeof(struct hotplug_outcome);
}

/* What is wrong with what the application passes; NULL: nothing. */
static const char *
fault_of(const char *text, unsigned int flags)
{
	if (text == NULL || text[0] == '\0')
		return "no device is named";
	return (flags & ~HOTPLUG_PRIVATE) != 0 ? "flags are neither 0 nor HOTPLUG_PRIVATE" : NULL;
}

static int
refuse(struct hotplug_outcome *outcome, const char *fault)
{
	snprintf(outcome->reason, sizeof(outcome->reason), "%s", fault);
	return outcome->error = -EINVAL;
}

static int
begin(bool attaches, const char *text, unsigned int flags, struct hotplug_outcome *outcome)
{
	struct hotplug_outcome own = { .size = sizeof(own) };
	const char *fault;
	int ret;

	if (outcome != NULL && !is_known(outcome->size))
		return -EINVAL;
	fault = fault_of(text, flags);
	if (fault != NULL)
		ret = refuse(&own, fault);
	else
		ret = change(attaches, text, flags, &own);
	if (ret != 0)
		here_log_failure(attaches ? "attach" : "detach", text, &own);
	if (fault == NULL && attaches && ret < 0 && ret != -EEXIST && ret != -EBUSY)
		arguments_explain(text);
	if (outcome != NULL) {
		own.size = outcome->size;
		memcpy(outcome, &own, own.size);
	}
	return ret;
}

int
hotplug_device_attach(const char *devargs, unsigned int flags, struct hotplug_outcome *outcome)
{
	return begin(true, devargs, flags, outcome);
}

int
hotplug_device_detach(const char *name, unsigned int flags, struct hotplug_outcome *outcome)
{
	return begin(false, name, flags, outcome);
}
