/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_PORT_RAISE_H
#define HOTPLUG_PORT_RAISE_H

#include <stdint.h>

#include <ethdev_driver.h>

/* Callbacks of a port, if it has this life still; with no lock held. */
void raise_event(uint16_t id, uint64_t life, enum rte_eth_event_type type);
/* Around ethdev's release of it; waits for callbacks that run, 100 ms at most. */
void raise_hold(uint16_t id);
void raise_let_go(uint16_t id);

#endif /* HOTPLUG_PORT_RAISE_H */
