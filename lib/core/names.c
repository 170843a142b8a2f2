/* SPDX-License-Identifier: BSD-3-Clause */

/* names: the public enums as words, for logs and users.
 * Context: any. */

#include "hotplug.h"

#define N_ELEMENTS(a) (sizeof(a) / sizeof((a)[0]))

static const char *
name_of(const char *const *names, unsigned int n, unsigned int value)
{
	return value < n ? names[value] : "?";
}

const char *
hotplug_cause_name(enum hotplug_cause cause)
{
	static const char *const names[] = {
		"NONE", "REQUESTED", "REMOVED", "UNBOUND", "FAULT", "SILENT", "RESET",
	};

	return name_of(names, N_ELEMENTS(names), cause);
}

const char *
hotplug_sign_name(enum hotplug_sign sign)
{
	static const char *const names[] = {
		"none", "uio", "uevent", "vfio", "eal", "fault", "liveness", "caller",
	};

	return name_of(names, N_ELEMENTS(names), sign);
}

const char *
hotplug_state_name(enum hotplug_state state)
{
	static const char *const names[] = {
		"ABSENT", "PRESENT", "READY", "ATTACHED", "SUSPECT", "GONE",
	};

	return name_of(names, N_ELEMENTS(names), state);
}

const char *
hotplug_event_name(enum hotplug_event_type type)
{
	static const char *const names[] = {
		"gone", "requested", "restored", "ready", "held", "flapping", "rescan",
		"stuck", "healed", "given_up",
	};

	return name_of(names, N_ELEMENTS(names), type);
}

const char *
hotplug_card_name(enum hotplug_card card)
{
	static const char *const names[] = {
		"new", "same", "alike", "other",
	};

	return name_of(names, N_ELEMENTS(names), card);
}

const char *
hotplug_version(void)
{
	return HOTPLUG_VERSION_STRING;
}
