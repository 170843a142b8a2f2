/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_PORT_GRACE_H
#define HOTPLUG_PORT_GRACE_H

#include <stdint.h>

/* Longer than any burst, of the polling thread's own processor time. */
extern uint64_t grace_burst_ns;
/* For one that sleeps and may be in the driver; tests have it longer. */
extern uint64_t grace_sleep_ns;

void grace_start(void);         /* at enable: what the kernel wants to know before */

/* Burst functions have been exchanged.  When this returns, no thread of the process is in
 * those that were there before (`old`, some of their addresses), nor about to enter them. */
void grace_wait(const void *const *old, unsigned int n);

#endif /* HOTPLUG_PORT_GRACE_H */
