/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_CORE_WORK_H
#define HOTPLUG_CORE_WORK_H

#include "hotplug.h"

/* One thread for what may block: probes, binding of kernel drivers. */
int work_start(void);
void work_stop(void);           /* waits for the job that runs, drops the rest */

/* Run fn(device) there, delay_ms from now; a job that is queued already is not
 * queued twice, the earlier time counts.  0, -ENOMEM or -EPERM (stopped). */
int work_push(void (*fn)(const char *device), const char *device, unsigned int delay_ms);

#endif /* HOTPLUG_CORE_WORK_H */
