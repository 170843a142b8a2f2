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

#endif /* HOTPLUG_SURVIVE_SIGBUS_H */
