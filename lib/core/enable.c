/* SPDX-License-Identifier: BSD-3-Clause */

/* enable: is the library on, and with which configuration?
 * In:  main/rooms.c says it.  Out: every room asks.
 * Lock: is_on goes off with device_lock() held, so whoever publishes is in before, or stays
 *      out; config is written with it held, while the library is off.
 * Context: any. */

#include <stdatomic.h>

#include "enable.h"

static _Atomic bool is_on, is_child;
static struct hotplug_config config;

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
	return &config;
}

void
enable_configure(const struct hotplug_config *wanted)
{
	config = *wanted;
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
