/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_PORT_RELEASE_H
#define HOTPLUG_PORT_RELEASE_H

/* From now on a port that is HEALING keeps its fast path, whoever releases it; to be
 * called again when more PMDs may have been loaded.
 * 0; -ENOSPC: all port ids are in use, and one must be spare; -ENOTSUP: a static
 * program that was linked without --wrap: probe no port that may be polled. */
int release_guard(void);

#endif /* HOTPLUG_PORT_RELEASE_H */
