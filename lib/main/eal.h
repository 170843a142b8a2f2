/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_MAIN_EAL_H
#define HOTPLUG_MAIN_EAL_H

#include "hotplug.h"

/* Is the EAL that we are bound to initialised, and the one compiled for?
 * 0, -EAGAIN, or -ENOTSUP (logged). */
int eal_check(void);

/* A duty: EAL's own device callbacks, where EAL will not call them. */
void eal_owe_event(const struct hotplug_event *event, void *arg);

#endif /* HOTPLUG_MAIN_EAL_H */
