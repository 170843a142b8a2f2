/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_WATCH_STATE_H
#define HOTPLUG_WATCH_STATE_H

#include "hotplug_bus.h"

/* What can happen to a device: signs, then what a look at it found (with the
 * patience of watch over: an unclear look is not an input). */
enum state_input {
	STATE_IN_HANGUP,        /* its descriptor hung up */
	STATE_IN_UNBIND,        /* uevent: its driver is taken away */
	STATE_IN_REMOVE,        /* uevent: it is taken away */
	STATE_IN_REPORT,        /* EAL or a backend said that it goes */
	STATE_IN_REQUEST,       /* the kernel asks for it, and it still answers */
	STATE_IN_FAULT,         /* SIGBUS on a BAR */
	STATE_IN_ADD,           /* uevent: it is there */
	STATE_IN_BIND,          /* uevent: a user-space driver has it */
	STATE_IN_CLAIM,         /* uevent: another driver has it */
	STATE_IN_PRESENT,       /* look: as before */
	STATE_IN_MUTED,         /* look: registers switched off, and stay so */
	STATE_IN_DARK,          /* look: does not answer, twice */
	STATE_IN_CLAIMED,       /* look: another driver, or none */
	STATE_IN_OTHER,         /* look: another card */
	STATE_IN_ABSENT,        /* look: not there */
	STATE_IN_RESET,         /* look: it was reset, and answers or not */
	STATE_N_INPUTS
};

#define STATE_N_STATES (HOTPLUG_STATE_GONE + 1)

/* What to do on the way, in this order. */
enum state_action {
	STATE_DO_CUT = 1 << 0,     /* cut off all BARs */
	STATE_DO_RESTORE = 1 << 1, /* map them again */
	STATE_DO_LOOK = 1 << 2,    /* look until it is clear */
	STATE_DO_GONE = 1 << 3,    /* raise GONE */
	STATE_DO_REQUESTED = 1 << 4,
	STATE_DO_RESTORED = 1 << 5,
	STATE_DO_READY = 1 << 6,
};

struct state_step {
	enum hotplug_state next;
	unsigned int actions;
};

/* Pure: the whole machine is one table (doc/states.md shows it). */
struct state_step state_step(enum hotplug_state state, enum state_input input);

/* Why it is gone, when `input` took it there after `sign` was seen first. */
enum hotplug_cause state_cause(enum state_input input, enum hotplug_sign sign);

#endif /* HOTPLUG_WATCH_STATE_H */
