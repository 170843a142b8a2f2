/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_TEST_FAKE_HOST_H
#define HOTPLUG_TEST_FAKE_HOST_H

#include <stdbool.h>

#include "report/trace.h"

/* The process as eal/host.h and main/eal.h want it, without librte. */

/* Has a line with this in it been logged since the last clear? */
bool fake_log_has(const char *text);
unsigned int fake_log_count(const char *text);
void fake_log_clear(void);
/* All of it, to print when a test fails; valid until the next line. */
const char *fake_log(void);

/* What eal_check() answers, and the events that eal_forward_event() got. */
void fake_eal_answers(int ret);
unsigned int fake_eal_forwarded(void);

/* How often telemetry was offered our questions. */
unsigned int fake_telemetry_offers(void);

/* Records of that kind since the process began. */
unsigned int fake_traced(enum trace_what what);

#endif /* HOTPLUG_TEST_FAKE_HOST_H */
