/* SPDX-License-Identifier: BSD-3-Clause */

/* test_state: what becomes of a device, every state against every input.
 * In:  the expectation below, written from the documented behaviour (hotplug.h,
 *      state.h), not from state.c.  A cell reads "next actions": the state's
 *      letter, then C cut, R restore, L look, and the events g q s r.
 * Context: app; the machine is pure. */

#include <stdio.h>
#include <string.h>

#include "test.h"
#include "watch/state.h"

/* a ABSENT, p PRESENT, r READY, A ATTACHED, S SUSPECT, G GONE */
static const char letters[STATE_N_STATES + 1] = "aprASG";

static const char *const input_names[STATE_N_INPUTS] = {
	"hangup", "unbind", "remove", "report", "request", "fault", "add", "bind", "claim",
	"present", "muted", "dark", "claimed", "other", "absent", "reset",
};

/* Not attached: only whether it is there, and with which driver, matters, and
 * nobody is told but of READY.  Attached: whatever says that it goes cuts first
 * and asks later; what is certain (uevent remove, a look that is clear) is the
 * end.  A fault proves nothing: look, do not cut.  A request works on. */
static const char *const expected[STATE_N_INPUTS][STATE_N_STATES] = {
	/*                   ABSENT  PRESENT READY   ATTACHED SUSPECT GONE */
	[STATE_IN_HANGUP]  = { "a",   "p",    "r",    "SCL",   "SCL",  "G" },
	[STATE_IN_UNBIND]  = { "a",   "p",    "p",    "SCL",   "SCL",  "G" },
	[STATE_IN_REMOVE]  = { "a",   "a",    "a",    "GCg",   "GCg",  "G" },
	[STATE_IN_REPORT]  = { "a",   "p",    "r",    "SCL",   "SCL",  "G" },
	[STATE_IN_REQUEST] = { "a",   "p",    "r",    "Aq",    "SLq",  "G" },
	[STATE_IN_FAULT]   = { "a",   "p",    "r",    "SL",    "SL",   "G" },
	[STATE_IN_ADD]     = { "p",   "p",    "p",    "AL",    "SL",   "G" },
	[STATE_IN_BIND]    = { "rr",  "rr",   "rr",   "AL",    "SL",   "Gr" },
	[STATE_IN_CLAIM]   = { "p",   "p",    "p",    "SCL",   "SCL",  "G" },
	[STATE_IN_PRESENT] = { "r",   "r",    "r",    "A",     "ARs",  "G" },
	[STATE_IN_MUTED]   = { "r",   "r",    "r",    "GCg",   "GCg",  "G" },
	[STATE_IN_DARK]    = { "a",   "p",    "r",    "GCg",   "GCg",  "G" },
	[STATE_IN_CLAIMED] = { "p",   "p",    "p",    "GCg",   "GCg",  "G" },
	[STATE_IN_OTHER]   = { "p",   "p",    "p",    "GCg",   "GCg",  "G" },
	[STATE_IN_ABSENT]  = { "a",   "a",    "a",    "GCg",   "GCg",  "G" },
	[STATE_IN_RESET]   = { "r",   "r",    "r",    "GCg",   "GCg",  "G" },
};

static unsigned int
action_of(char letter)
{
	switch (letter) {
	case 'C': return STATE_DO_CUT;
	case 'R': return STATE_DO_RESTORE;
	case 'L': return STATE_DO_LOOK;
	case 'g': return STATE_DO_GONE;
	case 'q': return STATE_DO_REQUESTED;
	case 's': return STATE_DO_RESTORED;
	case 'r': return STATE_DO_READY;
	default: return 1u << 31;
	}
}

static unsigned int
actions_of(const char *cell)
{
	unsigned int actions = 0;

	for (cell++; *cell != '\0'; cell++)
		actions |= action_of(*cell);
	return actions;
}

static void
check_cell(enum hotplug_state from, enum state_input input)
{
	const char *cell = expected[input][from];
	struct state_step step = state_step(from, input);

	assert_true(step.next < STATE_N_STATES);
	if (letters[step.next] != cell[0])
		fail_msg("%s on %s goes to %s, not to '%c'", hotplug_state_name(from),
			 input_names[input], hotplug_state_name(step.next), cell[0]);
	if (step.actions != actions_of(cell))
		fail_msg("%s on %s does %#x, not %#x ('%s')", hotplug_state_name(from),
			 input_names[input], step.actions, actions_of(cell), cell);
}

static void
test_state_every_cell_is_what_the_prose_says(void **state)
{
	unsigned int from, input;

	(void)state;
	for (input = 0; input < STATE_N_INPUTS; input++)
		for (from = 0; from < STATE_N_STATES; from++)
			check_cell(from, input);
}

/* Whatever leads to GONE has cut before it tells. */
static void
test_state_gone_is_never_told_without_a_cut(void **state)
{
	unsigned int from, input;
	struct state_step step;

	(void)state;
	for (from = 0; from < STATE_N_STATES; from++) {
		for (input = 0; input < STATE_N_INPUTS; input++) {
			step = state_step(from, input);
			if (step.actions & STATE_DO_GONE) {
				assert_true(step.actions & STATE_DO_CUT);
				assert_int_equal(step.next, HOTPLUG_STATE_GONE);
			}
			if (step.next == HOTPLUG_STATE_GONE && from != HOTPLUG_STATE_GONE)
				assert_true(step.actions & STATE_DO_GONE);
		}
	}
}

static void
test_state_suspicion_is_always_looked_into(void **state)
{
	unsigned int from, input;
	struct state_step step;

	(void)state;
	for (from = 0; from < STATE_N_STATES; from++) {
		for (input = 0; input < STATE_N_INPUTS; input++) {
			step = state_step(from, input);
			if (step.next == HOTPLUG_STATE_SUSPECT)
				assert_true(step.actions & STATE_DO_LOOK);
		}
	}
}

/* Only withdrawal and publication lead out of GONE and into ATTACHED. */
static void
test_state_nothing_attaches_by_itself(void **state)
{
	unsigned int from, input;

	(void)state;
	for (input = 0; input < STATE_N_INPUTS; input++) {
		assert_int_equal(state_step(HOTPLUG_STATE_GONE, input).next, HOTPLUG_STATE_GONE);
		for (from = HOTPLUG_STATE_ABSENT; from <= HOTPLUG_STATE_READY; from++)
			assert_true(state_step(from, input).next <= HOTPLUG_STATE_READY);
	}
}

static void
check_cause(enum state_input input, enum hotplug_sign sign, enum hotplug_cause wanted)
{
	enum hotplug_cause cause = state_cause(input, sign);

	if (cause != wanted)
		fail_msg("%s after %s is %s, not %s", input_names[input], hotplug_sign_name(sign),
			 hotplug_cause_name(cause), hotplug_cause_name(wanted));
}

static void
test_state_cause_follows_the_evidence(void **state)
{
	unsigned int sign;

	(void)state;
	for (sign = HOTPLUG_SIGN_NONE; sign <= HOTPLUG_SIGN_CALLER; sign++) {
		check_cause(STATE_IN_REMOVE, sign, HOTPLUG_CAUSE_REMOVED);
		check_cause(STATE_IN_ABSENT, sign, HOTPLUG_CAUSE_REMOVED);
		check_cause(STATE_IN_OTHER, sign, HOTPLUG_CAUSE_REMOVED);
		check_cause(STATE_IN_CLAIMED, sign, HOTPLUG_CAUSE_UNBOUND);
		check_cause(STATE_IN_MUTED, sign, HOTPLUG_CAUSE_FAULT);
		check_cause(STATE_IN_RESET, sign, HOTPLUG_CAUSE_RESET);
	}
	/* dark, and nobody but we has noticed: it went silently */
	check_cause(STATE_IN_DARK, HOTPLUG_SIGN_LIVENESS, HOTPLUG_CAUSE_SILENT);
	check_cause(STATE_IN_DARK, HOTPLUG_SIGN_FAULT, HOTPLUG_CAUSE_SILENT);
	check_cause(STATE_IN_DARK, HOTPLUG_SIGN_UIO, HOTPLUG_CAUSE_REMOVED);
	check_cause(STATE_IN_DARK, HOTPLUG_SIGN_UEVENT, HOTPLUG_CAUSE_REMOVED);
	check_cause(STATE_IN_DARK, HOTPLUG_SIGN_VFIO, HOTPLUG_CAUSE_REMOVED);
	check_cause(STATE_IN_DARK, HOTPLUG_SIGN_EAL, HOTPLUG_CAUSE_REMOVED);
	check_cause(STATE_IN_DARK, HOTPLUG_SIGN_CALLER, HOTPLUG_CAUSE_REMOVED);
}

static void
test_state_names_are_words_and_nonsense_is_a_question_mark(void **state)
{
	(void)state;
	assert_string_equal(hotplug_state_name(HOTPLUG_STATE_ABSENT), "ABSENT");
	assert_string_equal(hotplug_state_name(HOTPLUG_STATE_GONE), "GONE");
	assert_string_equal(hotplug_state_name(HOTPLUG_STATE_GONE + 1), "?");
	assert_string_equal(hotplug_cause_name(HOTPLUG_CAUSE_NONE), "NONE");
	assert_string_equal(hotplug_cause_name(HOTPLUG_CAUSE_SILENT), "SILENT");
	assert_string_equal(hotplug_cause_name((enum hotplug_cause)-1), "?");
	assert_string_equal(hotplug_sign_name(HOTPLUG_SIGN_NONE), "none");
	assert_string_equal(hotplug_sign_name(HOTPLUG_SIGN_CALLER), "caller");
	assert_string_equal(hotplug_sign_name(99), "?");
	assert_string_equal(hotplug_event_name(HOTPLUG_EVENT_GONE), "gone");
	assert_string_equal(hotplug_event_name(HOTPLUG_EVENT_RESCAN), "rescan");
	assert_string_equal(hotplug_event_name(HOTPLUG_EVENT_STUCK), "stuck");
	assert_string_equal(hotplug_event_name(HOTPLUG_EVENT_GIVEN_UP), "given_up");
	assert_string_equal(hotplug_event_name(HOTPLUG_EVENT_GIVEN_UP + 1), "?");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_state_every_cell_is_what_the_prose_says),
		cmocka_unit_test(test_state_gone_is_never_told_without_a_cut),
		cmocka_unit_test(test_state_suspicion_is_always_looked_into),
		cmocka_unit_test(test_state_nothing_attaches_by_itself),
		cmocka_unit_test(test_state_cause_follows_the_evidence),
		cmocka_unit_test(test_state_names_are_words_and_nonsense_is_a_question_mark),
	};

	return cmocka_run_group_tests_name("state", tests, NULL, NULL);
}
