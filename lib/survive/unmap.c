/* SPDX-License-Identifier: BSD-3-Clause */

/* unmap: a driver unmaps a BAR.
 * In:  munmap(), of whichever object (unmap_calls.c).  Out: the guard knows the BAR no more, then
 *      it is unmapped.
 * A cut-off compares what is mapped (intact.c), and then replaces it.  What is unmapped in between
 * may be a thread's stack by the second step.  So a BAR that is guarded is unmapped with the lock
 * that a cut-off holds, and when no SIGBUS handler is at it.
 * Lock: device_lock(), where anything of it is guarded.
 * Context: any but signal. */

#include <errno.h>
#include <stdint.h>
#include <unistd.h>

#include "../core/enable.h"
#include "cutoff.h"
#include "guard.h"
#include "unmap.h"

static bool
overlaps(const struct region *region, uintptr_t start, uintptr_t end)
{
	return region->start < end && start < region->end;
}

/* With the lock held: regions that are no more are forgotten; one that is there still (it was not
 * to be unmapped) is guarded again. */
static void
settle(uintptr_t start, uintptr_t end)
{
	struct hotplug_device *dev;
	unsigned int i, n;

	for (dev = device_first(); dev != NULL; dev = dev->next) {
		for (i = 0, n = 0; dev->key != NULL && i < dev->n_regions; i++)
			n += overlaps(&dev->region[i], start, end);
		if (n == 0)
			continue;
		cutoff_drop_unmapped(dev);
		for (i = 0; i < dev->n_regions; i++)
			guard_bring_back(&dev->region[i]);
	}
}

static bool
is_guarded(uintptr_t start, uintptr_t end)
{
	bool is;

	guard_look_begin();
	is = guard_has(start, end);
	guard_look_end();
	return is;
}

/* The kernel refuses it; or it is a mapping of our own, by who has the lock; or we are a forked
 * child, where the guard's readers may be counted for good. */
static bool
is_plain(uintptr_t start, size_t len)
{
	return start % (uintptr_t)sysconf(_SC_PAGESIZE) != 0 || len == 0 ||
		enable_is_child() || device_lock_is_mine() || !is_guarded(start, start + len);
}

int
unmap_guarded(void *addr, size_t len, int (*plain)(void *addr, size_t len))
{
	uintptr_t start = (uintptr_t)addr, end = start + len;
	int ret, error;

	if (is_plain(start, len))
		return plain(addr, len);
	device_lock();
	guard_withdraw_range(start, end);
	ret = plain(addr, len);
	error = errno;
	settle(start, end);
	device_unlock();
	errno = error;
	return ret;
}
