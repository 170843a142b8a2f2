/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_PORT_WHY_H
#define HOTPLUG_PORT_WHY_H

#include <stdbool.h>
#include <stddef.h>

/* An attach or a detach in this process has failed with that error: the reason in words; and
 * the error to return, which says more where the driver's said nothing. */
int why(bool attaches, const char *name, int error, char *text, size_t len);

/* api.c: said, with the process that failed. */
struct hotplug_outcome;
void api_log(const char *what, const char *text, const struct hotplug_outcome *outcome);

#endif /* HOTPLUG_PORT_WHY_H */
