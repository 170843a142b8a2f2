/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_EAL_CLOCK_H
#define HOTPLUG_EAL_CLOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <time.h>

/* All times are device_now_ns()'s, those of CLOCK_MONOTONIC, which nobody sets. */
#define MS 1000000ull

/* Waits on it end by that clock.  Once: somebody may be left waiting by it. */
static inline void
clock_make_cond(pthread_cond_t *cond, bool *is_made)
{
	pthread_condattr_t attr;

	if (*is_made)
		return;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
	*is_made = true;
}

#endif /* HOTPLUG_EAL_CLOCK_H */
