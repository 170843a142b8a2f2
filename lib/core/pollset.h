/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_CORE_POLLSET_H
#define HOTPLUG_CORE_POLLSET_H

#include <stdbool.h>
#include <stdint.h>

#define POLLSET_MAX_AT_ONCE 16

int pollset_open(void);                 /* where it fails: close */
void pollset_close(void);

/* Signal-safe: there are signs to take. */
void pollset_wake(void);
bool pollset_was_woken(void);           /* since it was last asked */

/* Watch a dup of fd for hang-up, and for epoll's events; the dup, or -errno.  Any thread. */
int pollset_add_dup(int fd, unsigned int events, void *token);
void pollset_forget_dup(int own_fd);    /* closes it */

/* Watch fd itself, for epoll's events. */
int pollset_add(int fd, unsigned int events, void *token);
void pollset_remove(int fd);

/* The tokens of those that are ready; how many. */
unsigned int pollset_wait(void *tokens[POLLSET_MAX_AT_ONCE], int timeout_ms);

#endif /* HOTPLUG_CORE_POLLSET_H */
