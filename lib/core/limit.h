/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_CORE_LIMIT_H
#define HOTPLUG_CORE_LIMIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* So many lines about one device in so long: a removal takes six, a storm none more. */
#define LIMIT_LINES 20
#define LIMIT_NS 10000000000u

/* One device's lines; all zeros at first. */
struct limit {
	_Atomic uint64_t window;        /* of LIMIT_NS each */
	_Atomic unsigned int n_lines;   /* wanted in it */
};

/* May one more line be said now?  Then n_left_out says how many were not, in the
 * window before. */
bool limit_passes(struct limit *limit, uint64_t now_ns, unsigned int *n_left_out);

#endif /* HOTPLUG_CORE_LIMIT_H */
