/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_EAL_UEVENT_H
#define HOTPLUG_EAL_UEVENT_H

#include <stdbool.h>

#include "hotplug_bus.h"

/* Open the kernel's uevents; a descriptor to poll, or -errno. */
int uevent_open(unsigned int buffer_kb);
void uevent_close(void);

struct uevent_origin {
	uint64_t seqnum;        /* the kernel's own count; 0: unknown */
	bool is_synthetic;      /* somebody wrote to a uevent file */
};

/* Receive one: 1 with it in *uevent (valid until the next call), 0 none is
 * waiting, -ENOBUFS some were lost, another -errno. */
int uevent_next(struct hotplug_uevent *uevent, struct uevent_origin *origin);

/* The number of the last one that the kernel has sent; 0: unknown.  Any thread. */
uint64_t uevent_last(void);

/* Which socket they come from; 0: none is open.  Any thread. */
unsigned long uevent_inode(void);

/* Why uevents cannot reach this process, or NULL. */
const char *uevent_obstacle(void);

#endif /* HOTPLUG_EAL_UEVENT_H */
