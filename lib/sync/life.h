/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_SYNC_LIFE_H
#define HOTPLUG_SYNC_LIFE_H

#include <stdbool.h>
#include <stdint.h>

/* Who is alive: one byte for each slot of a file, locked by who lives in it.  The
 * kernel lets go of it when he dies: no pids, no reuse, no pid namespaces. */

/* The file in this folder; is_new: made anew.  Its descriptor or -errno. */
int life_open(const char *folder, bool is_new, uint64_t *inode);
/* 0; -EAGAIN: somebody lives there; -errno. */
int life_take(int fd, uint32_t slot);
void life_leave(int fd, uint32_t slot);
/* Does somebody else live there? */
bool life_is_alive(int fd, uint32_t slot);

#endif /* HOTPLUG_SYNC_LIFE_H */
