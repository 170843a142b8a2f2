/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_PORT_LEAD_H
#define HOTPLUG_PORT_LEAD_H

#include <stdbool.h>
#include <stdint.h>

#include <ethdev_driver.h>

/* For a fork: the child has no thread that has it. */
void lead_lock(void);
void lead_unlock(void);
/* The primary's.  Between these two a start or a stop of the port is under way: nobody but it
 * says what the port is. */
void lead_begin(uint16_t id);
void lead_end(uint16_t id);
/* What a port is now, said to all; waits: until they have followed. */
void lead_note(uint16_t id, bool is_started, bool waits);
/* All of its ports; 0, or -ENOTSUP: calls do not come to us (calls.h). */
int lead_note_all(void);

/* A secondary's: every port is as the gates say. */
void lead_follow(void);
/* The end of a driver's probe here; false: nobody says what the port is, it is ethdev's. */
bool lead_finish(struct rte_eth_dev *eth);
/* Nothing but functions of ours is in its fast path. */
bool lead_is_out(uint16_t id);
/* It is as the gates say again, or is no more. */
void lead_resume(uint16_t id);
void lead_forget(uint16_t id);

#endif /* HOTPLUG_PORT_LEAD_H */
