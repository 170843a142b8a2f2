/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_BUS_PCI_DEVARGS_H
#define HOTPLUG_BUS_PCI_DEVARGS_H

#include <rte_devargs.h>

/* NULL: there are none, or no memory. */
struct rte_devargs *devargs_copy(const struct rte_devargs *from);
void devargs_free(struct rte_devargs *devargs);
/* Into EAL's list, which owns them from then on. */
void devargs_put_back(struct rte_devargs *devargs);

#endif /* HOTPLUG_BUS_PCI_DEVARGS_H */
