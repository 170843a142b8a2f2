/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_TEST_TOLD_H
#define HOTPLUG_TEST_TOLD_H

#include "telemetry/answers.h"

/* An answer as one line of text: {key=1 key='text' key=[1 2] ...}. */
struct told {
	int ret;
	char text[32 * 1024];
};

/* Ask, and write it down. */
void told_ask(struct told *told, enum answer_kind kind,
	      int (*question)(const struct answer *answer, const char *params),
	      const char *params);
bool told_has(const struct told *told, const char *wanted);
unsigned int told_count(const struct told *told, const char *wanted);

#endif /* HOTPLUG_TEST_TOLD_H */
