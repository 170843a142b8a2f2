/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_REPORT_TRACE_POINTS_H
#define HOTPLUG_REPORT_TRACE_POINTS_H

#include <rte_trace_point.h>

/* One for each enum trace_what; a name is cut at 31 characters. */

RTE_TRACE_POINT(hotplug_trace_sign,
	RTE_TRACE_POINT_ARGS(const char *device, int64_t value),
	rte_trace_point_emit_string(device);
	rte_trace_point_emit_i64(value);
)

RTE_TRACE_POINT(hotplug_trace_replacement,
	RTE_TRACE_POINT_ARGS(const char *device, int64_t value),
	rte_trace_point_emit_string(device);
	rte_trace_point_emit_i64(value);
)

RTE_TRACE_POINT(hotplug_trace_fault,
	RTE_TRACE_POINT_ARGS(const char *device, int64_t value),
	rte_trace_point_emit_string(device);
	rte_trace_point_emit_i64(value);
)

RTE_TRACE_POINT(hotplug_trace_event,
	RTE_TRACE_POINT_ARGS(const char *device, int64_t value),
	rte_trace_point_emit_string(device);
	rte_trace_point_emit_i64(value);
)

RTE_TRACE_POINT(hotplug_trace_quiesce,
	RTE_TRACE_POINT_ARGS(const char *device, int64_t value),
	rte_trace_point_emit_string(device);
	rte_trace_point_emit_i64(value);
)

RTE_TRACE_POINT(hotplug_trace_detach,
	RTE_TRACE_POINT_ARGS(const char *device, int64_t value),
	rte_trace_point_emit_string(device);
	rte_trace_point_emit_i64(value);
)

RTE_TRACE_POINT(hotplug_trace_attach,
	RTE_TRACE_POINT_ARGS(const char *device, int64_t value),
	rte_trace_point_emit_string(device);
	rte_trace_point_emit_i64(value);
)

RTE_TRACE_POINT(hotplug_trace_heal,
	RTE_TRACE_POINT_ARGS(const char *device, int64_t value),
	rte_trace_point_emit_string(device);
	rte_trace_point_emit_i64(value);
)

#endif /* HOTPLUG_REPORT_TRACE_POINTS_H */
