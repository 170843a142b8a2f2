/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_TEST_SCRIPT_H
#define HOTPLUG_TEST_SCRIPT_H

#include <stdbool.h>
#include <stdint.h>

/* The kernel's side of the watch thread, scripted: uevents and the clock.  Linked
 * with --wrap of the functions of eal/uevent.h and of device_now_ns(). */

/* Before enable: no monitor can be opened; or one that hears nothing, and why. */
void script_no_monitor(void);
void script_obstacle(const char *why);
void script_reset(void);

/* One more uevent, with the next sequence number; it waits to be read. */
void script_uevent(const char *action, const char *name, const char *driver);
void script_synthetic(const char *action, const char *name);
/* Reading fails like that, once. */
void script_error(int err);
/* What follows waits until it is let go, all at once. */
void script_hold(void);
void script_let_go(void);
/* Everything that was sent has been read. */
bool script_is_read(void);

/* The clock jumps. */
void script_skip_ms(unsigned int ms);

#endif /* HOTPLUG_TEST_SCRIPT_H */
