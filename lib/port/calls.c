/* SPDX-License-Identifier: BSD-3-Clause */

/* calls: those of ethdev's calls that come to us first.
 * In:  the application's calls, and drivers'.  Out: ours (release.c, close.c, stop.c, change.c,
 *      addresses.c, queues.c, interrupts.c), which go on to ethdev's own.
 * How: ethdev has no callback at these points.  In shared libraries each object's slot for
 *      the function leads to ours (eal/slots.c); in static programs the linker's --wrap.
 * Lock: one, around the table, in here.
 * Context: app, work, events. */

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "../core/enable.h"
#include "../eal/slots.h"
#include "calls.h"

/* The one slot of each that stays: the way on. */
#define WAY(type, name, parameters) \
	type (*volatile calls_##name) parameters = name;
CALLS(WAY)

#define ROW(type, name, parameters) \
	{ .symbol = #name, .ours = (uintptr_t)__wrap_##name, .way_on = (uintptr_t)&calls_##name },
static struct slots calls[] = {
	CALLS(ROW)
};

static int
guard(void)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* calls, and the number */
	static unsigned long long n_loads_then;
	bool is_linked = __real_rte_eth_dev_release_port != NULL;
	unsigned long long n_loads = slots_n_loads();
	unsigned int i;
	int ret;

	pthread_mutex_lock(&lock);
	for (i = 0; i < RTE_DIM(calls) && (n_loads == 0 || n_loads != n_loads_then); i++) {
		if (is_linked)          /* the linker has seen to ours */
			calls[i].not_in = calls[i].ours;
		slots_take(&calls[i]);
	}
	n_loads_then = n_loads;
	ret = calls[0].n_taken > 0 || is_linked ? 0 : -ENOTSUP;
	pthread_mutex_unlock(&lock);
	return ret;
}

/* A forked child has what its parent had: the loader's own lock may be held there for good, by a
 * thread that the child has not (glibc 2.36). */
int
calls_guard(void)
{
	static _Atomic int answer = -ENOTSUP;

	if (!enable_is_child())
		atomic_store(&answer, guard());
	return atomic_load(&answer);
}
