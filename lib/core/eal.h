/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_CORE_EAL_H
#define HOTPLUG_CORE_EAL_H

#include <signal.h>
#include <stdbool.h>

#include "hotplug.h"

/* Is the EAL that we are bound to initialised, and the one compiled for?
 * 0, -EAGAIN, or -ENOTSUP (logged). */
int eal_check(void);

/* SIGBUS: sit on EAL's seat, so that EAL never installs its handler over ours
 * (it would call ours with one argument), and put ours on top of it. */
int eal_sigbus_start(void);
void eal_sigbus_check(void);    /* once a second */
void eal_sigbus_stop(void);
bool eal_sigbus_is_on_top(void);

/* A duty: EAL's own device callbacks, where EAL will not call them. */
void eal_owe_event(const struct hotplug_event *event, void *arg);

#endif /* HOTPLUG_CORE_EAL_H */
