/* SPDX-License-Identifier: BSD-3-Clause */

/* unmap_calls: munmap() comes to us first.
 * In:  calls of the program's and of shared libraries', EAL's and drivers' with them.  Out:
 *      unmap.c, which goes on to libc's own.
 * How: each object's slot for it leads to ours (eal/slots.c), but the one that is the way on.
 * Lock: one, around the number of loads.
 * Context: app, work. */

#include <pthread.h>
#include <sys/mman.h>

#include "../core/enable.h"
#include "../eal/slots.h"
#include "unmap.h"

static int (*volatile plain)(void *addr, size_t len) = munmap;

static int
ours(void *addr, size_t len)
{
	return unmap_guarded(addr, len, plain);
}

void
unmap_take_calls(void)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;        /* n_then */
	static unsigned long long n_then;
	struct slots slots = { .symbol = "munmap", .ours = (uintptr_t)ours,
			       .way_on = (uintptr_t)&plain };
	unsigned long long n_loads;

	if (enable_is_child())  /* the loader's own lock may be held there for good (calls.c) */
		return;
	n_loads = slots_n_loads();
	pthread_mutex_lock(&lock);
	if (n_loads == 0 || n_loads != n_then)
		(void)slots_take(&slots);
	n_then = n_loads;
	pthread_mutex_unlock(&lock);
}
