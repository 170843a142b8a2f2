/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_TEST_ASKED_H
#define HOTPLUG_TEST_ASKED_H

#include <stdbool.h>

#define NAME "0000:31:00.0"             /* asked's one function */

/* Ports that are not guarded, each for a reason of its own; false: it could not be made. */
bool asked_strange(void);               /* on a bus that nobody knows */
bool asked_untold(void);                /* on the pci bus, which has never probed its device */
bool asked_doubled(void);               /* no new one: the function's BAR is there twice */
bool asked_attach(const char *devargs);
/* In another network namespace, where there is an interface "vo". */
bool asked_outside(const char *devargs);

#endif /* HOTPLUG_TEST_ASKED_H */
