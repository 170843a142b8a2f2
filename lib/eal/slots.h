/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_EAL_SLOTS_H
#define HOTPLUG_EAL_SLOTS_H

#include <stdint.h>

/* Which slots are to lead where. */
struct slots {
	const char *symbol;             /* what they are named after */
	uintptr_t ours;                 /* the function */
	uintptr_t way_on;               /* a slot that stays as it is; 0: none */
	uintptr_t not_in, only_in;      /* the object that this address is in; 0: any */
	unsigned int n_taken;
};

/* How many lead there, then; of shared libraries, and of the program if it is dynamic. */
unsigned int slots_take(struct slots *wanted);
/* How often an object has been loaded; 0: the loader does not say. */
unsigned long long slots_n_loads(void);

#endif /* HOTPLUG_EAL_SLOTS_H */
