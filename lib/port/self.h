/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_PORT_SELF_H
#define HOTPLUG_PORT_SELF_H

#include "../sync/sync.h"

extern const struct sync_process self_process;

#endif /* HOTPLUG_PORT_SELF_H */
