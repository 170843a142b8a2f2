/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_SURVIVE_UNMAP_H
#define HOTPLUG_SURVIVE_UNMAP_H

#include <stddef.h>

/* As munmap(), by `plain`: what of it is guarded is not any more when that runs, and nothing is
 * laid over it in the middle. */
int unmap_guarded(void *addr, size_t len, int (*plain)(void *addr, size_t len));

/* From now on munmap() of EAL and of drivers comes to that one; to be called again when more
 * objects may have been loaded.  Not in a static program. */
void unmap_take_calls(void);

#endif /* HOTPLUG_SURVIVE_UNMAP_H */
