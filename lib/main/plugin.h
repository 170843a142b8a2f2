/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_MAIN_PLUGIN_H
#define HOTPLUG_MAIN_PLUGIN_H

#include <stdbool.h>

/* Were we loaded as a plugin that has not been started yet? */
bool plugin_is_waiting(void);

/* Is plugin_start() on its way, in EAL's first probe? */
bool plugin_is_starting(void);

/* EAL is up to its first probe: start, if we are a plugin. */
void plugin_start(void);

#endif /* HOTPLUG_MAIN_PLUGIN_H */
