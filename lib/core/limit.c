/* SPDX-License-Identifier: BSD-3-Clause */

/* limit: a device that does the same a thousand times a second does not fill the disk.
 * In:  one line that somebody wants to log, and the time.  Out: yes or no, and how many
 *      were left out meanwhile; none is left out without being counted.
 * Atomics only: lines are wanted with and without device_lock().  Two threads at the
 * turn of a window may pass one line more.
 * Context: any but signal. */

#include "limit.h"

bool
limit_passes(struct limit *limit, uint64_t now_ns, unsigned int *n_left_out)
{
	uint64_t window = now_ns / LIMIT_NS + 1;
	unsigned int before;

	*n_left_out = 0;
	if (atomic_exchange(&limit->window, window) == window)
		return atomic_fetch_add(&limit->n_lines, 1) < LIMIT_LINES;
	before = atomic_exchange(&limit->n_lines, 1);
	*n_left_out = before > LIMIT_LINES ? before - LIMIT_LINES : 0;
	return true;
}
