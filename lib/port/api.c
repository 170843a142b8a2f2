/* SPDX-License-Identifier: BSD-3-Clause */

/* api: a device comes or goes, in all processes or in this one.
 * In:  hotplug_device_attach/detach (app, events).  Out: sync, or this process alone.
 * Context: app, events; blocks until it is done. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../core/enable.h"
#include "../core/reasons.h"
#include "../eal/host.h"
#include "../sync/share.h"
#include "../sync/sync.h"
#include "arguments.h"
#include "found.h"
#include "here.h"
#include "why.h"

static int
do_alone(bool attaches, const char *name, const char *text, struct hotplug_outcome *outcome)
{
	int ret;

	if (here_is_nested())
		return -EDEADLK;
	ret = attaches ? here_may_attach(name, outcome->reason, sizeof(outcome->reason)) :
		here_may_detach(name, outcome->reason, sizeof(outcome->reason));
	if (ret != 0)
		return ret;
	ret = attaches ? here_attach(name, text) : here_detach(name);
	return ret != 0 ? ret : attaches ? -EEXIST : -ENODEV;
}

static int
alone(bool attaches, const char *text, struct hotplug_outcome *outcome)
{
	size_t len = sizeof(outcome->reason);
	char name[HOTPLUG_NAME_LEN];
	int ret = found_name(text, name);

	if (ret != 0) {
		ret = reason_say(REASON_NO_NAME, ret, NULL, outcome->reason, len);
	} else {
		ret = do_alone(attaches, name, text, outcome);
		if (ret < 0 && outcome->reason[0] == '\0')
			ret = why(attaches, name, ret, outcome->reason, len);
	}
	outcome->pid = ret < 0 ? getpid() : 0;
	return outcome->error = ret < 0 ? ret : 0;
}

static int
change(bool attaches, const char *text, unsigned int flags, struct hotplug_outcome *outcome)
{
	size_t len = sizeof(outcome->reason);

	outcome->pid = getpid();
	if (!enable_is_on())
		return outcome->error = reason_say(REASON_DISABLED, 0, NULL, outcome->reason, len);
	if (flags & HOTPLUG_PRIVATE)
		return alone(attaches, text, outcome);
	if (sync_is_on())
		return attaches ? sync_attach(text, outcome) : sync_detach(text, outcome);
	if (!enable_config()->sync || !share_is_possible())
		return alone(attaches, text, outcome);
	return outcome->error = sync_why_not(outcome->reason, len);
}

/* The first version's, up to ours. */
static bool
is_known(size_t outcome_size)
{
	return outcome_size >= offsetof(struct hotplug_outcome, reason) + HOTPLUG_REASON_LEN &&
		outcome_size <= sizeof(struct hotplug_outcome);
}

void
api_log(const char *what, const char *text, const struct hotplug_outcome *outcome)
{
	char who[32] = "";

	if (outcome->pid != 0)
		snprintf(who, sizeof(who), " (process %d)", outcome->pid);
	host_log(HOST_ERR, "%s %.64s: %s%s", what, text != NULL ? text : "", outcome->reason,
		 who);
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
		api_log(attaches ? "attach" : "detach", text, &own);
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
