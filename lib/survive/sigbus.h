/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_SURVIVE_SIGBUS_H
#define HOTPLUG_SURVIVE_SIGBUS_H

#include <signal.h>
#include <stdbool.h>

/* Put our handler on top of `below`, which gets what is not ours. */
int sigbus_install(const struct sigaction *below);
/* Take it away when it is on top; `back` is installed instead. */
int sigbus_remove(const struct sigaction *back);
bool sigbus_is_on_top(void);
bool sigbus_is_ours(const struct sigaction *action);
bool sigbus_is_below(const struct sigaction *action);

/* Signal-safe, whichever bus's it is: 0 handled, < 0 failed, 1 nobody's. */
int sigbus_answer(const void *addr);

/* A probe begins or ends, in any thread: a fault on a BAR that is not guarded yet is
 * answered meanwhile; a look follows the probe. */
void sigbus_probing(bool begins);

/* A device was cut off when the library was disabled: who has met that just before may come to
 * the handler when nobody guards it any more.  From then on the handler stays. */
void sigbus_leave(void);
bool sigbus_has_left(void);

/* What is nobody's in the calling thread goes to this handler, until it is dismissed.
 * One at a time.  False: it was not there. */
void sigbus_admit(void (*handler)(int signo));
bool sigbus_dismiss(void);

#endif /* HOTPLUG_SURVIVE_SIGBUS_H */
