/* SPDX-License-Identifier: BSD-3-Clause */

/* enable: is the library on, and with which configuration?
 * In:  main/rooms.c says it.  Out: every room asks.
 * Lock: is_on goes off with device_lock() held, so whoever publishes is in before, or stays
 *      out; config is written with it held, while the library is off, and another one than that of
 *      the last time.
 * Context: any. */

#include <stdatomic.h>

#include "enable.h"

/* Whoever asks may be any thread of the application's, and have it in his hands while we are
 * disabled and enabled: not more often than this. */
#define N_KEPT 4

static _Atomic bool is_on, is_child;
static struct hotplug_config configs[N_KEPT];
static _Atomic(const struct hotplug_config *) config = configs;

bool
enable_is_on(void)
{
	return atomic_load(&is_on);
}

bool
enable_is_child(void)
{
	return atomic_load(&is_child);
}

const struct hotplug_config *
enable_config(void)
{
	return atomic_load(&config);
}

void
enable_configure(const struct hotplug_config *wanted)
{
	static unsigned int n_enables;
	struct hotplug_config *next = &configs[++n_enables % N_KEPT];

	*next = *wanted;
	atomic_store(&config, next);
}

void
enable_set(bool on)
{
	atomic_store(&is_on, on);
}

void
enable_begin_child(void)
{
	if (atomic_exchange(&is_on, false))
		atomic_store(&is_child, true);
}
