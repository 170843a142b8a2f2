/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_PORT_HERE_H
#define HOTPLUG_PORT_HERE_H

#include <stdbool.h>
#include <stddef.h>

/* Called by a driver, or in a callback, during an attach or a detach of ours. */
bool here_is_nested(void);
/* 1 done newly, 0 it was so, -errno; reason gets a sentence.  Block as long as the
 * driver does. */
int here_attach(const char *name, const char *text);
int here_detach(const char *name);
/* The same by EAL's own calls, which ask every process by message: also those that have
 * not enabled us; and wait 5 s for one that is stopped.  The primary's. */
int here_attach_all(const char *name, const char *text);
int here_detach_all(const char *name);
/* 0, or -EBUSY and the reason: a port is started, is kept for it, heals or is torn down;
 * to attach also: another process has the device. */
int here_may_attach(const char *name, char *reason, size_t len);
int here_may_detach(const char *name, char *reason, size_t len);
/* Its devargs as text, or its name. */
void here_describe(const char *name, char *text, size_t len);

#endif /* HOTPLUG_PORT_HERE_H */
