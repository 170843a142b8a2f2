/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_PORT_TOGETHER_H
#define HOTPLUG_PORT_TOGETHER_H

#include "card.h"

/* Must its card wait for another process?  Said once; heal_run() comes again. */
bool together_wait(const struct lost_card *card);
/* Its ports work here, which took so long: now in all processes.  0, or the error of
 * the one that failed, which has been said. */
int together_share(const char *device, const char *devargs, uint64_t took_ns);

#endif /* HOTPLUG_PORT_TOGETHER_H */
