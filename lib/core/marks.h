/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_CORE_MARKS_H
#define HOTPLUG_CORE_MARKS_H

#include "device.h"

/* 1: marked; 0: it was, for no later time; -ENOENT: no such device; -ENOSPC: no mark is left. */
int marks_set(const char *device, struct work_mark mark);
/* The earliest that may run, and whose it is; NULL: none. */
struct work_mark *marks_earliest(struct hotplug_device **whose);
void marks_drop(bool drops_beside);      /* all, or all others */

#endif /* HOTPLUG_CORE_MARKS_H */
