/* SPDX-License-Identifier: BSD-3-Clause */

/* test_sync_explore: every interleaving of what can happen to three processes.
 * In:  join, attach, detach, heal, give up waiting, a driver that returns or fails,
 *      freeze, resume, die, time; each a bounded number of times, in every order.  Out: the
 *      first order of events that breaks an invariant, event by event.
 * Checked in each state that can be reached, beside what sync_world.c checks:
 *   1. with the frozen ones staying frozen, the primary comes to an end of what it
 *      does, so that every requester is answered;
 *   2. when all go on again, every process has what the primary has;
 *   3. and that is what the last success told: a failure has changed nothing, a
 *      repeated attach or detach neither.
 * Context: app. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sync_world.h"
#include "test.h"

#define MAX_DEPTH 120
#define N_KEYS (1u << 23)

enum event {
	EVENT_STEP, EVENT_RETURN, EVENT_SCAN, EVENT_CLAIM, EVENT_ATTACH, EVENT_DETACH,
	EVENT_DROP, EVENT_FAIL, EVENT_FREEZE, EVENT_RESUME, EVENT_DIE, EVENT_HEAL, EVENT_WAIT,
	N_EVENTS
};

static const char *const event_names[] = {
	"step", "driver returns", "scan", "join", "attach", "detach",
	"give up", "driver fails", "freeze", "resume", "die", "heal", "wait",
};

/* How often each may still happen; steps and returns always may. */
struct budget {
	uint8_t left[N_EVENTS];
};

static uint64_t *keys;
static unsigned int n_states;
static struct { enum event event; uint32_t p; } trail[MAX_DEPTH];
static struct world stack[MAX_DEPTH + 1];

/* True: not seen before. */
static bool
is_new(uint64_t key)
{
	uint64_t i = key % N_KEYS;

	key |= 1;
	while (keys[i] != 0 && keys[i] != key)
		i = (i + 1) % N_KEYS;
	if (keys[i] == key)
		return false;
	keys[i] = key;
	assert_true(++n_states < N_KEYS - N_KEYS / 8);
	return true;
}

static void
fail_at(unsigned int depth, const char *why)
{
	unsigned int i;

	for (i = 0; i < depth; i++)
		print_message("  %u: process %u: %s\n", i + 1, trail[i].p,
			      event_names[trail[i].event]);
	fail_msg("after %u events: %s", depth, why);
}

/* Only what is not an undoing may fail: who cannot go back is no good to anybody. */
static bool
may_fail(struct world *w, uint32_t p)
{
	return !sync_entry(world_table(w), 0)->is_undo && w->primary.op != SYNC_OP_CLEAR &&
		(p == SYNC_PRIMARY ? w->primary.phase == SYNC_PHASE_PROBE ||
		 w->primary.phase == SYNC_PHASE_UNPLUG :
		 w->primary.phase == SYNC_PHASE_ASK && w->member[p].busy_generation ==
		 atomic_load(&sync_entry(world_table(w), 0)->generation));
}

/* Does it apply here?  Then it has been done. */
static bool
happen(struct world *w, enum event event, uint32_t p)
{
	struct world_process *process = &w->process[p];
	bool is_up = process->is_alive && !process->is_frozen;
	bool is_at_work = is_up && process->job != WORLD_NO_JOB &&
		process->job_result == -EINPROGRESS;

	switch (event) {
	case EVENT_STEP:
		return is_up && process->is_member && world_step(w, p);
	case EVENT_RETURN:
		if (is_at_work)
			world_return(w, p, 0);
		return is_at_work;
	case EVENT_FAIL:
		if (!is_at_work || !may_fail(w, p))
			return false;
		world_return(w, p, -EIO);
		return true;
	case EVENT_SCAN:
		if (process->has_scanned || w->process[SYNC_PRIMARY].job != WORLD_NO_JOB)
			return false;
		process->is_alive = true;
		world_scan(w, p);
		return true;
	case EVENT_CLAIM:
		if (!is_up || !process->has_scanned || process->is_member)
			return false;
		world_claim(w, p);
		return true;
	case EVENT_ATTACH:
	case EVENT_DETACH:
		return is_up && process->is_member && world_request(w, p, event == EVENT_ATTACH ?
			SYNC_OP_ATTACH : SYNC_OP_DETACH);
	case EVENT_DROP:
		if (!is_up || !process->is_member)
			return false;
		world_drop(w, p);
		return true;
	case EVENT_FREEZE:
		process->is_frozen = is_up && process->is_member;
		return is_up && process->is_member;
	case EVENT_RESUME:
		if (!process->is_frozen)
			return false;
		process->is_frozen = false;
		return true;
	case EVENT_DIE:
		if (p == SYNC_PRIMARY || !process->is_alive || !process->is_member)
			return false;
		world_die(w, p);
		return true;
	case EVENT_HEAL:
		return p == SYNC_PRIMARY && is_up && world_heal(w);
	default:        /* a remove that never returns in the primary cannot be undone */
		if (w->primary.phase == SYNC_PHASE_IDLE || w->now_ns != w->primary.since_ns ||
		    (w->primary.is_in_progress && w->primary.phase != SYNC_PHASE_PROBE))
			return false;
		world_wait(w);
		return true;
	}
}

static void
check(struct world *w, unsigned int depth)
{
	static struct world end;
	uint32_t p;

	if (w->broken != NULL)
		fail_at(depth, w->broken);
	world_copy(&end, w);
	if (!world_settle(&end, false))
		fail_at(depth, "the primary never comes to an end");
	if (end.broken != NULL)
		fail_at(depth, end.broken);
	if (!world_settle(&end, true))
		fail_at(depth, "they never come to rest");
	if (end.broken != NULL)
		fail_at(depth, end.broken);
	for (p = 1; p < WORLD_N; p++)
		if (end.process[p].is_alive && end.process[p].is_member &&
		    end.process[p].has != end.process[SYNC_PRIMARY].has)
			fail_at(depth, "at rest they do not agree");
	if (end.process[SYNC_PRIMARY].has != end.is_attached)
		fail_at(depth, "what was told is not so");
}

static uint64_t
key_with(struct world *w, const struct budget *budget)
{
	uint64_t key = world_key(w);
	unsigned int i;

	for (i = 0; i < N_EVENTS; i++)
		key = (key ^ budget->left[i]) * 0x100000001b3ull;
	return key ^ key >> 31;
}

static void
explore(unsigned int depth, const struct budget *budget)
{
	struct world *w = &stack[depth];
	struct budget rest;
	enum event event;
	uint32_t p;

	if (!is_new(key_with(w, budget)))
		return;
	check(w, depth);
	if (depth == MAX_DEPTH)
		fail_at(depth, "deeper than thought");
	for (event = 0; event < N_EVENTS; event++) {
		if (event > EVENT_RETURN && budget->left[event] == 0)
			continue;
		for (p = 0; p < (event == EVENT_WAIT ? 1 : WORLD_N); p++) {
			world_copy(&stack[depth + 1], w);
			if (!happen(&stack[depth + 1], event, p))
				continue;
			rest = *budget;
			rest.left[event] -= event > EVENT_RETURN;
			trail[depth].event = event;
			trail[depth].p = p;
			explore(depth + 1, &rest);
		}
	}
}

static void
explore_from(bool has_it, bool has_joined, struct budget budget)
{
	uint32_t p;

	keys = calloc(N_KEYS, sizeof(*keys));
	assert_non_null(keys);
	n_states = 0;
	world_init(&stack[0], has_it);
	for (p = 1; p < WORLD_N && has_joined; p++) {
		world_scan(&stack[0], p);
		world_claim(&stack[0], p);
	}
	explore(0, &budget);
	free(keys);
	print_message("# %u states\n", n_states);
}

#define BUDGET(...) ((struct budget){ .left = { __VA_ARGS__ } })

static void
test_every_order_of_attach_and_detach_with_a_failure(void **state)
{
	(void)state;
	explore_from(false, true, BUDGET([EVENT_ATTACH] = 2, [EVENT_DETACH] = 1, [EVENT_FAIL] = 2,
					 [EVENT_WAIT] = 1));
}

static void
test_every_order_with_a_freeze(void **state)
{
	(void)state;
	explore_from(false, true, BUDGET([EVENT_ATTACH] = 2, [EVENT_DETACH] = 0, [EVENT_FREEZE] = 1,
					 [EVENT_RESUME] = 1, [EVENT_WAIT] = 2));
}

static void
test_every_order_with_a_freeze_of_what_was_there(void **state)
{
	(void)state;
	explore_from(true, true, BUDGET([EVENT_ATTACH] = 1, [EVENT_DETACH] = 1, [EVENT_FREEZE] = 1,
					[EVENT_RESUME] = 1, [EVENT_WAIT] = 2));
}

static void
test_every_order_with_processes_that_come_and_die(void **state)
{
	(void)state;
	explore_from(false, false, BUDGET([EVENT_ATTACH] = 1, [EVENT_DETACH] = 1, [EVENT_SCAN] = 2,
					  [EVENT_CLAIM] = 2, [EVENT_DIE] = 1, [EVENT_FAIL] = 1,
					  [EVENT_WAIT] = 1));
}

static void
test_every_order_with_requesters_that_give_up(void **state)
{
	(void)state;
	explore_from(true, true, BUDGET([EVENT_ATTACH] = 1, [EVENT_DETACH] = 1, [EVENT_DROP] = 1,
					[EVENT_DIE] = 1, [EVENT_SCAN] = 1, [EVENT_CLAIM] = 1,
					[EVENT_WAIT] = 1));
}

static void
test_every_order_with_a_heal(void **state)
{
	(void)state;
	explore_from(false, true, BUDGET([EVENT_HEAL] = 2, [EVENT_ATTACH] = 1, [EVENT_DETACH] = 1,
					 [EVENT_FAIL] = 1, [EVENT_WAIT] = 1));
	explore_from(true, true, BUDGET([EVENT_HEAL] = 1, [EVENT_DETACH] = 1, [EVENT_FREEZE] = 1,
					[EVENT_RESUME] = 1, [EVENT_WAIT] = 2));
	explore_from(false, false, BUDGET([EVENT_HEAL] = 1, [EVENT_DETACH] = 1, [EVENT_SCAN] = 2,
					  [EVENT_CLAIM] = 2, [EVENT_DIE] = 1, [EVENT_WAIT] = 1));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_order_of_attach_and_detach_with_a_failure),
		cmocka_unit_test(test_every_order_with_a_freeze),
		cmocka_unit_test(test_every_order_with_a_freeze_of_what_was_there),
		cmocka_unit_test(test_every_order_with_processes_that_come_and_die),
		cmocka_unit_test(test_every_order_with_requesters_that_give_up),
		cmocka_unit_test(test_every_order_with_a_heal),
	};

	return cmocka_run_group_tests_name("sync_explore", tests, NULL, NULL);
}
