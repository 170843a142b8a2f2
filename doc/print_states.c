/* SPDX-License-Identifier: BSD-3-Clause */

/* print_states: the device state machine as the table in doc/states.md.
 * In:  lib/watch/state.c.  Out: Markdown; a test compares it with the page. */

#include <stdio.h>

#include "../lib/watch/state.h"

static const char *const inputs[STATE_N_INPUTS] = {
	[STATE_IN_HANGUP] = "descriptor hangs up",
	[STATE_IN_UNBIND] = "uevent: unbind, uio remove",
	[STATE_IN_REMOVE] = "uevent: remove",
	[STATE_IN_REPORT] = "EAL or a backend reports",
	[STATE_IN_REQUEST] = "vfio request, still answers",
	[STATE_IN_FAULT] = "SIGBUS",
	[STATE_IN_ADD] = "uevent: add",
	[STATE_IN_BIND] = "user-space driver bound",
	[STATE_IN_CLAIM] = "other driver bound",
	[STATE_IN_PRESENT] = "look: present",
	[STATE_IN_MUTED] = "look: muted",
	[STATE_IN_DARK] = "look: dark",
	[STATE_IN_CLAIMED] = "look: claimed",
	[STATE_IN_OTHER] = "look: another card",
	[STATE_IN_ABSENT] = "look: absent",
	[STATE_IN_RESET] = "look: was reset",
};

static const struct {
	unsigned int action;
	const char *word;
} actions[] = {
	{ STATE_DO_CUT, "cut off" }, { STATE_DO_RESTORE, "restore" }, { STATE_DO_LOOK, "look" },
	{ STATE_DO_GONE, "event gone" }, { STATE_DO_REQUESTED, "event requested" },
	{ STATE_DO_RESTORED, "event restored" }, { STATE_DO_READY, "event ready" },
};

static void
print_cell(enum hotplug_state state, enum state_input input)
{
	struct state_step step = state_step(state, input);
	unsigned int i;

	printf(" %s", step.next == state ? "=" : hotplug_state_name(step.next));
	for (i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (step.actions & actions[i].action)
			printf(", %s", actions[i].word);
	printf(" |");
}

int
main(void)
{
	unsigned int state, input;

	printf("| what happens |");
	for (state = 0; state < STATE_N_STATES; state++)
		printf(" %s |", hotplug_state_name(state));
	printf("\n|---|---|---|---|---|---|---|\n");
	for (input = 0; input < STATE_N_INPUTS; input++) {
		printf("| %s |", inputs[input]);
		for (state = 0; state < STATE_N_STATES; state++)
			print_cell(state, input);
		printf("\n");
	}
	return 0;
}
