/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_CORE_STATS_H
#define HOTPLUG_CORE_STATS_H

#include <stdatomic.h>
#include <stdint.h>

#define STATS_N_TYPES 16        /* more than enum hotplug_event_type has */

/* Counters of struct hotplug_stats; any context, signal too. */
struct stats {
	_Atomic uint64_t cut_offs, restored, cut_failures;
	_Atomic uint64_t faults, faults_foreign;
	_Atomic uint64_t events, events_lost;
	_Atomic uint64_t events_of[STATS_N_TYPES];
	_Atomic uint64_t uevents, uevent_losses;
	_Atomic uint64_t scans, differences, stuck, simulated;
};

extern struct stats stats;

#define STATS_ADD(counter, n) \
	atomic_fetch_add_explicit(&stats.counter, (n), memory_order_relaxed)

#endif /* HOTPLUG_CORE_STATS_H */
