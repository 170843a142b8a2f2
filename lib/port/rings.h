/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_PORT_RINGS_H
#define HOTPLUG_PORT_RINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "port.h"

/* Its device is lost: answer for it from now on, until its driver has let go of it.  Any
 * context but signal; -ENOENT: its driver waits in no ring. */
int rings_begin(const struct rte_eth_dev *eth);
/* The command that waits in the control queue of this port's, if one does, has failed; true:
 * one did. */
bool rings_answer(uint16_t port);

#endif /* HOTPLUG_PORT_RINGS_H */
