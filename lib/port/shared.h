/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_PORT_SHARED_H
#define HOTPLUG_PORT_SHARED_H

/* A member of struct rte_eth_dev (state, dev_ops, device) that ethdev's callers read with no
 * lock that we could take: we load it once and store it once, after what it leads to. */
#define LOAD(member) __atomic_load_n(&(member), __ATOMIC_ACQUIRE)
#define STORE(member, value) __atomic_store_n(&(member), value, __ATOMIC_RELEASE)

#endif /* HOTPLUG_PORT_SHARED_H */
