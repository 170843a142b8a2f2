/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_SYNC_GROWTH_H
#define HOTPLUG_SYNC_GROWTH_H

#include <stdbool.h>
#include <stddef.h>

/* May EAL's memory grow with these arguments, each with its NUL?  And with our own? */
bool growth_is_possible(const char *args, size_t len);
bool growth_is_possible_here(void);

#endif /* HOTPLUG_SYNC_GROWTH_H */
