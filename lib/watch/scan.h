/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_WATCH_SCAN_H
#define HOTPLUG_WATCH_SCAN_H

#include <stdbool.h>

/* Look again at the answers, while one is under way. */
#define SCAN_NS 10000000ull

/* Who asks is heard, or not any more. */
void scan_open(void);
void scan_close(void);

/* The watch thread's: begin what is asked for, and answer what is known. */
void scan_serve(void);
bool scan_is_under_way(void);
void scan_refuse_all(void);

#endif /* HOTPLUG_WATCH_SCAN_H */
