/* SPDX-License-Identifier: BSD-3-Clause */

/* trace: what happens to a device, as records of rte_trace.
 * In:  any room.  Out: a record where --trace= wants it, else a load and a branch.
 * Context: any but signal (the first record of a thread allocates). */

#include "trace.h"
#include "trace_points.h"

void
trace(enum trace_what what, const char *device, int64_t value)
{
	switch (what) {
	case TRACE_SIGN:
		hotplug_trace_sign(device, value);
		break;
	case TRACE_REPLACEMENT:
		hotplug_trace_replacement(device, value);
		break;
	case TRACE_FAULT:
		hotplug_trace_fault(device, value);
		break;
	case TRACE_EVENT:
		hotplug_trace_event(device, value);
		break;
	case TRACE_QUIESCE:
		hotplug_trace_quiesce(device, value);
		break;
	case TRACE_DETACH:
		hotplug_trace_detach(device, value);
		break;
	case TRACE_ATTACH:
		hotplug_trace_attach(device, value);
		break;
	case TRACE_HEAL:
		hotplug_trace_heal(device, value);
		break;
	case TRACE_N:
		break;
	}
}
