/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_MAIN_EAL_H
#define HOTPLUG_MAIN_EAL_H

#include "../core/duty.h"

/* Is the EAL that we are bound to initialised, and the one compiled for?
 * 0, -EAGAIN, or -ENOTSUP (logged). */
int eal_check(void);

/* EAL's own device callbacks, where EAL will not call them. */
extern const struct duty eal_duty;

#endif /* HOTPLUG_MAIN_EAL_H */
