/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_EAL_DEVARGS_H
#define HOTPLUG_EAL_DEVARGS_H

#include <stddef.h>

#include <rte_devargs.h>

/* rte_devargs_parse(), for any text; rte_devargs_reset() afterwards in any case. */
int devargs_parse(struct rte_devargs *devargs, const char *text);

/* A text that parses to the same, for a device of that name; devargs may be NULL.
 * 0, or -E2BIG: it does not fit, and text is "". */
int devargs_text(const char *device, const struct rte_devargs *devargs, char *text, size_t len);

/* NULL: there are none, or no memory. */
struct rte_devargs *devargs_copy(const struct rte_devargs *from);
void devargs_free(struct rte_devargs *devargs);
/* Into EAL's list, which owns them from then on. */
void devargs_put_back(struct rte_devargs *devargs);

#endif /* HOTPLUG_EAL_DEVARGS_H */
