/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_TEST_LOGGED_H
#define HOTPLUG_TEST_LOGGED_H

#include <stdbool.h>

/* EAL's log goes to a file that tests read; after EAL is there. */
int logged_start(void);
void logged_stop(void);

bool is_logged(const char *text);       /* since the last log_clear(); if not, says so */
bool is_log_empty(void);
void log_clear(void);

#endif /* HOTPLUG_TEST_LOGGED_H */
