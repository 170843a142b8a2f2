/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_PORT_SHARED_H
#define HOTPLUG_PORT_SHARED_H

#include <ethdev_driver.h>

/* A member of struct rte_eth_dev (state, dev_ops, device) that ethdev's callers read with no
 * lock that we could take: we load it once and store it once, after what it leads to. */
#define LOAD(member) __atomic_load_n(&(member), __ATOMIC_ACQUIRE)
#define STORE(member, value) __atomic_store_n(&(member), value, __ATOMIC_RELEASE)

/* Of the device that it is on just now; "": none, it is being closed.  By who holds
 * port_probe_lock(), or whose port it is. */
static inline const char *
port_device_name(const struct rte_eth_dev *eth)
{
	const struct rte_device *dev = LOAD(eth->device);

	return dev != NULL ? dev->name : "";
}

#endif /* HOTPLUG_PORT_SHARED_H */
