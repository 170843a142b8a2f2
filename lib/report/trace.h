/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_REPORT_TRACE_H
#define HOTPLUG_REPORT_TRACE_H

#include <stdint.h>

/* What is traced, and the number that goes with it. */
enum trace_what {
	TRACE_SIGN,             /* enum hotplug_sign */
	TRACE_REPLACEMENT,      /* 1: its registers are cut off, 0: mapped again */
	TRACE_FAULT,            /* SIGBUS answered until now, in this process */
	TRACE_EVENT,            /* enum hotplug_event_type */
	TRACE_QUIESCE,          /* the port that pollers are led out of */
	TRACE_DETACH,           /* 0; its registers are guarded no more */
	TRACE_ATTACH,           /* BARs that are guarded */
	TRACE_HEAL,             /* 0, or why not: -errno */
	TRACE_N,
};

/* Not from signal context: faults are traced when watch is told of them. */
void trace(enum trace_what what, const char *device, int64_t value);

#endif /* HOTPLUG_REPORT_TRACE_H */
