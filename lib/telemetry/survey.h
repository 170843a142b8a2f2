/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_TELEMETRY_SURVEY_H
#define HOTPLUG_TELEMETRY_SURVEY_H

#include <stdbool.h>
#include <stdint.h>

#include "hotplug.h"

/* One ethdev port: which device is it on, and does the library see to it? */
struct survey_port {
	uint16_t id;
	char device[HOTPLUG_NAME_LEN], bus[HOTPLUG_NAME_LEN];
	bool is_guarded, is_lost;
	bool needs_guard;               /* false: nothing can be taken from under it */
	const char *state;              /* enum port_state as a word */
	enum hotplug_policy policy;
	unsigned int n_tries;           /* to heal it, that failed */
	int refusal;                    /* -errno: why it may not be bound or opened yet */
	char why[112];                  /* it is not guarded */
};

/* The first port from that id on; false: there is none. */
bool survey_next(unsigned int from, struct survey_port *port);

/* At each tick: one line about all ports, when the ports or what protects them are others
 * than at the last one. */
void roll_call(void);
void roll_begin(void);

#endif /* HOTPLUG_TELEMETRY_SURVEY_H */
