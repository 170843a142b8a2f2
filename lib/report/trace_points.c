/* SPDX-License-Identifier: BSD-3-Clause */

/* trace_points: their names, as --trace= wants them.
 * In:  constructors, before EAL starts or while it loads us as a plugin.
 * Out: entries in EAL's list of trace points.
 * Context: app. */

#include <rte_trace_point_register.h>

#include "trace_points.h"

RTE_TRACE_POINT_REGISTER(hotplug_trace_sign, lib.hotplug.sign)
RTE_TRACE_POINT_REGISTER(hotplug_trace_replacement, lib.hotplug.replacement)
RTE_TRACE_POINT_REGISTER(hotplug_trace_fault, lib.hotplug.fault)
RTE_TRACE_POINT_REGISTER(hotplug_trace_event, lib.hotplug.event)
RTE_TRACE_POINT_REGISTER(hotplug_trace_quiesce, lib.hotplug.quiesce)
RTE_TRACE_POINT_REGISTER(hotplug_trace_detach, lib.hotplug.detach)
RTE_TRACE_POINT_REGISTER(hotplug_trace_attach, lib.hotplug.attach)
RTE_TRACE_POINT_REGISTER(hotplug_trace_heal, lib.hotplug.heal)
