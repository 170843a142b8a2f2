/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_CORE_HOLDERS_H
#define HOTPLUG_CORE_HOLDERS_H

#include <stdbool.h>
#include <stddef.h>

struct hotplug_bus;

/* "pid N (name), ..." of those that have the device open, and are wanted (NULL: all);
 * "" when there is none, or the bus cannot say.  Not on the watch thread. */
void holders_text(const struct hotplug_bus *bus, const char *device,
		  bool (*is_wanted)(int pid), char *text, size_t len);

#endif /* HOTPLUG_CORE_HOLDERS_H */
