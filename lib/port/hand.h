/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_PORT_HAND_H
#define HOTPLUG_PORT_HAND_H

#include <stdbool.h>

/* A thread that does one of these at a time, so that who waits for a driver
 * can stop waiting.  done(): called by it at the end of each. */
int hand_start(void (*done)(void));
/* A driver that has not returned after stuck_ms keeps its thread. */
void hand_stop(void);
unsigned int hand_signal(int number);   /* to that one; 1: there is one */
bool hand_is_self(void);
/* -EINPROGRESS, or -EALREADY: it is at work.  by_broadcast: here_..._all(). */
int hand_attach(const char *name, const char *text, bool by_broadcast);
int hand_detach(const char *name, bool by_broadcast);
int hand_poll(void);            /* -EINPROGRESS, or what became of it */
void hand_why(char *text, size_t len);   /* what has failed, when it has been polled */
void hand_abandon(void);        /* what it is at is undone when its driver returns */

#endif /* HOTPLUG_PORT_HAND_H */
