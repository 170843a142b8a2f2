/* SPDX-License-Identifier: BSD-3-Clause */

/* state: what becomes of a device when this happens to it?
 * In:  its state and one input (watch).  Out: the next state and what to do.
 * Context: watch; pure, no state of its own. */

#include "state.h"

#define ABSENT HOTPLUG_STATE_ABSENT
#define PRESENT HOTPLUG_STATE_PRESENT
#define READY HOTPLUG_STATE_READY
#define ATTACHED HOTPLUG_STATE_ATTACHED
#define SUSPECT HOTPLUG_STATE_SUSPECT
#define GONE HOTPLUG_STATE_GONE

#define CUT STATE_DO_CUT
#define LOOK STATE_DO_LOOK

/* A device that is not attached in this process: only its presence matters. */
#define UNATTACHED(state) { \
	[STATE_IN_HANGUP] = { state, 0 }, \
	[STATE_IN_UNBIND] = { (state) == ABSENT ? ABSENT : PRESENT, 0 }, \
	[STATE_IN_REMOVE] = { ABSENT, 0 }, \
	[STATE_IN_REPORT] = { state, 0 }, \
	[STATE_IN_REQUEST] = { state, 0 }, \
	[STATE_IN_FAULT] = { state, 0 }, \
	[STATE_IN_ADD] = { PRESENT, 0 }, \
	[STATE_IN_BIND] = { READY, STATE_DO_READY }, \
	[STATE_IN_CLAIM] = { PRESENT, 0 }, \
	[STATE_IN_PRESENT] = { READY, 0 }, \
	[STATE_IN_MUTED] = { READY, 0 }, \
	[STATE_IN_RESET] = { READY, 0 }, \
	[STATE_IN_DARK] = { state, 0 }, \
	[STATE_IN_CLAIMED] = { PRESENT, 0 }, \
	[STATE_IN_OTHER] = { PRESENT, 0 }, \
	[STATE_IN_ABSENT] = { ABSENT, 0 }, \
}

static const struct state_step machine[STATE_N_STATES][STATE_N_INPUTS] = {
	[ABSENT] = UNATTACHED(ABSENT),
	[PRESENT] = UNATTACHED(PRESENT),
	[READY] = UNATTACHED(READY),
	[ATTACHED] = {
		[STATE_IN_HANGUP] = { SUSPECT, CUT | LOOK },
		[STATE_IN_UNBIND] = { SUSPECT, CUT | LOOK },
		[STATE_IN_REMOVE] = { GONE, CUT | STATE_DO_GONE },
		[STATE_IN_REPORT] = { SUSPECT, CUT | LOOK },
		[STATE_IN_REQUEST] = { ATTACHED, STATE_DO_REQUESTED },
		[STATE_IN_FAULT] = { SUSPECT, LOOK },
		[STATE_IN_ADD] = { ATTACHED, LOOK },
		[STATE_IN_BIND] = { ATTACHED, LOOK },
		[STATE_IN_CLAIM] = { SUSPECT, CUT | LOOK },
		[STATE_IN_PRESENT] = { ATTACHED, 0 },
		[STATE_IN_MUTED] = { GONE, CUT | STATE_DO_GONE },
		[STATE_IN_RESET] = { GONE, CUT | STATE_DO_GONE },
		[STATE_IN_DARK] = { GONE, CUT | STATE_DO_GONE },
		[STATE_IN_CLAIMED] = { GONE, CUT | STATE_DO_GONE },
		[STATE_IN_OTHER] = { GONE, CUT | STATE_DO_GONE },
		[STATE_IN_ABSENT] = { GONE, CUT | STATE_DO_GONE },
	},
	[SUSPECT] = {
		[STATE_IN_HANGUP] = { SUSPECT, CUT | LOOK },
		[STATE_IN_UNBIND] = { SUSPECT, CUT | LOOK },
		[STATE_IN_REMOVE] = { GONE, CUT | STATE_DO_GONE },
		[STATE_IN_REPORT] = { SUSPECT, CUT | LOOK },
		[STATE_IN_REQUEST] = { SUSPECT, LOOK | STATE_DO_REQUESTED },
		[STATE_IN_FAULT] = { SUSPECT, LOOK },
		[STATE_IN_ADD] = { SUSPECT, LOOK },
		[STATE_IN_BIND] = { SUSPECT, LOOK },
		[STATE_IN_CLAIM] = { SUSPECT, CUT | LOOK },
		[STATE_IN_PRESENT] = { ATTACHED, STATE_DO_RESTORE | STATE_DO_RESTORED },
		[STATE_IN_MUTED] = { GONE, CUT | STATE_DO_GONE },
		[STATE_IN_RESET] = { GONE, CUT | STATE_DO_GONE },
		[STATE_IN_DARK] = { GONE, CUT | STATE_DO_GONE },
		[STATE_IN_CLAIMED] = { GONE, CUT | STATE_DO_GONE },
		[STATE_IN_OTHER] = { GONE, CUT | STATE_DO_GONE },
		[STATE_IN_ABSENT] = { GONE, CUT | STATE_DO_GONE },
	},
	[GONE] = {
		[STATE_IN_HANGUP] = { GONE, 0 },
		[STATE_IN_UNBIND] = { GONE, 0 },
		[STATE_IN_REMOVE] = { GONE, 0 },
		[STATE_IN_REPORT] = { GONE, 0 },
		[STATE_IN_REQUEST] = { GONE, 0 },
		[STATE_IN_FAULT] = { GONE, 0 },
		[STATE_IN_ADD] = { GONE, 0 },
		[STATE_IN_BIND] = { GONE, STATE_DO_READY },
		[STATE_IN_CLAIM] = { GONE, 0 },
		[STATE_IN_PRESENT] = { GONE, 0 },
		[STATE_IN_MUTED] = { GONE, 0 },
		[STATE_IN_RESET] = { GONE, 0 },
		[STATE_IN_DARK] = { GONE, 0 },
		[STATE_IN_CLAIMED] = { GONE, 0 },
		[STATE_IN_OTHER] = { GONE, 0 },
		[STATE_IN_ABSENT] = { GONE, 0 },
	},
};

struct state_step
state_step(enum hotplug_state state, enum state_input input)
{
	return machine[state][input];
}

enum hotplug_cause
state_cause(enum state_input input, enum hotplug_sign sign)
{
	switch (input) {
	case STATE_IN_CLAIMED:
		return HOTPLUG_CAUSE_UNBOUND;
	case STATE_IN_MUTED:
		return HOTPLUG_CAUSE_FAULT;
	case STATE_IN_RESET:
		return HOTPLUG_CAUSE_RESET;
	case STATE_IN_DARK:     /* the kernel is at it already, or nobody is */
		return sign == HOTPLUG_SIGN_FAULT || sign == HOTPLUG_SIGN_LIVENESS ?
			HOTPLUG_CAUSE_SILENT : HOTPLUG_CAUSE_REMOVED;
	default:
		return HOTPLUG_CAUSE_REMOVED;
	}
}
