/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_SURVIVE_SEAT_H
#define HOTPLUG_SURVIVE_SEAT_H

#include <stdbool.h>

/* SIGBUS: sit on EAL's seat, so that EAL never installs its handler over ours
 * (it would call ours with one argument), and put ours on top of it. */
int seat_start(void);
void seat_check(void);          /* once a second */
void seat_stop(void);
bool seat_is_on_top(void);

#endif /* HOTPLUG_SURVIVE_SEAT_H */
