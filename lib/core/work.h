/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_CORE_WORK_H
#define HOTPLUG_CORE_WORK_H

#include <stdbool.h>

#include "hotplug.h"

/* What may block about a device: probes, binding of kernel drivers, callbacks. */
int work_start(void);
/* Nothing begins any more, and what was to begin is dropped, but for jobs beside: those go on
 * until work_stop().  A job that has been running for stuck_ms is not waited for any longer: it
 * is left behind. */
void work_close(void);
/* Jobs beside, too. */
void work_stop(void);

/* Run fn(device), delay_ms from now, after the device's other jobs that are due before;
 * asked for twice it is done once, at the earlier time.  0, -EPERM (stopped) or
 * -ENOENT: no such device. */
int work_push(void (*fn)(const char *device), const char *device, unsigned int delay_ms);
/* The same, also while another job of that device is running. */
int work_push_beside(void (*fn)(const char *device), const char *device, unsigned int delay_ms);

/* Has the library been disabled without waiting for the job that calls? */
bool work_is_left(void);
/* To each job that is running, but the caller's; how many. */
unsigned int work_signal(int number);

#endif /* HOTPLUG_CORE_WORK_H */
