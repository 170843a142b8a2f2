/* SPDX-License-Identifier: BSD-3-Clause */

/* sync_world: processes as a value, for lib/sync's machine to run in.
 * In:  one event at a time (test_sync, test_sync_explore).  Out: what each process
 *      has attached, what requesters were told, which invariant is broken.
 * The invariants that belong to a moment are checked here, where they happen:
 *   - attached was said: every member has the device;
 *   - the others were asked whether they have let go of it: all that answered have;
 *   - detached was said: no member that has seen it has it, and the primary has not;
 *   - a member starts to attach only what the primary has;
 *   - the primary detaches only when no member that answers has it any more.
 * Context: app. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sync_world.h"
#include "test.h"

struct sync_table *
world_table(struct world *w)
{
	return &w->view;
}

struct sync_request *
world_asked(struct world *w, uint32_t p)
{
	return &sync_slot(world_table(w), p)->request;
}

/* In whose thread the machine runs just now; set before each step. */
static struct {
	struct world *world;
	uint32_t p;
} self;

static struct world_process *
here(void)
{
	return &self.world->process[self.p];
}

static uint64_t
now_ns(void *arg)
{
	(void)arg;
	return self.world->now_ns;
}

static bool
is_alive(void *arg, uint32_t slot)
{
	(void)arg;
	return slot < WORLD_N && self.world->process[slot].is_alive;
}

static void
wake(void *arg, uint32_t slot)
{
	(void)arg;
	(void)slot;
}

static bool
has(void *arg, const char *name)
{
	(void)arg;
	(void)name;
	return here()->has;
}

static void
check_before_detach(struct world *w)
{
	struct sync_table *table = world_table(w);
	uint64_t generation = atomic_load(&sync_entry(table, 0)->generation);
	uint32_t i;

	for (i = 1; i < WORLD_N; i++)
		if (!w->is_lost && w->process[i].is_alive && w->process[i].is_member &&
		    !w->primary.is_silent[i] && !w->primary.is_left_out[i] && w->process[i].has &&
		    atomic_load(&sync_ack(table, i, 0)->generation) == generation)
			w->broken = "the primary detaches before a secondary";
}

static int
begin(enum world_job job)
{
	struct world_process *process = here();

	assert_int_equal(process->job, WORLD_NO_JOB);
	if (process->has == (job == WORLD_ATTACHES))
		return 0;
	process->job = job;
	process->job_result = -EINPROGRESS;
	return -EINPROGRESS;
}

static int
attach(void *arg, const char *name, const char *text)
{
	(void)arg;
	(void)text;
	assert_string_equal(name, WORLD_DEVICE);
	if (self.p != SYNC_PRIMARY && !self.world->process[SYNC_PRIMARY].has)
		self.world->broken = "a secondary attaches what the primary has not";
	return begin(WORLD_ATTACHES);
}

static int
detach(void *arg, const char *name)
{
	(void)arg;
	assert_string_equal(name, WORLD_DEVICE);
	if (self.p == SYNC_PRIMARY)
		check_before_detach(self.world);
	return begin(WORLD_DETACHES);
}

static int
poll(void *arg)
{
	struct world_process *process = here();
	int ret = process->job_result;

	(void)arg;
	if (ret != -EINPROGRESS)
		process->job = WORLD_NO_JOB;
	return ret;
}

/* The driver never returns here: what it does is not seen any more. */
static void
abandon(void *arg)
{
	(void)arg;
	here()->job = WORLD_NO_JOB;
}

static int
may(void *arg, enum sync_op op, const char *name, char *reason)
{
	(void)arg;
	(void)op;
	(void)name;
	(void)reason;
	return self.world->is_healing ? -EBUSY : 0;
}

static void
describe(void *arg, const char *name, char *text, size_t len)
{
	(void)arg;
	snprintf(text, len, "%s", name);
}

static bool
is_lost(void *arg, const char *name)
{
	(void)arg;
	(void)name;
	return self.world->is_lost;
}

static int
has_stranger(void *arg, char *text)
{
	(void)arg;
	(void)text;
	return 0;
}

static int
why(void *arg, int error, char *text)
{
	(void)arg;
	strcpy(text, "its driver failed");
	return error;
}

static void
tell_left_out(void *arg, uint32_t slot)
{
	(void)arg;
	self.world->n_left_out++;
	assert_true(slot != SYNC_PRIMARY && slot < WORLD_N);
}

static const struct sync_ops ops = {
	.now_ns = now_ns, .is_alive = is_alive, .wake = wake, .has = has, .attach = attach,
	.detach = detach, .poll = poll, .abandon = abandon, .may = may,
	.describe = describe, .is_lost = is_lost, .has_stranger = has_stranger, .why = why,
	.tell_left_out = tell_left_out,
};

static void
point_member(struct world *w, uint32_t p)
{
	struct sync_member *member = &w->member[p];

	member->table = world_table(w);
	member->slot = p;
	member->ops = &ops;
	member->arg = NULL;
	member->pid = 100 + p;
	sync_member_point(member, w->extra[p]);
}

static void
point_primary(struct world *w)
{
	struct sync_primary *primary = &w->primary;

	primary->table = world_table(w);
	primary->ops = &ops;
	primary->arg = NULL;
	primary->pid = 100;
	sync_primary_point(primary, w->extra[0]);
}

void
world_init(struct world *w, bool has_it)
{
	struct sync_primary *primary = &w->primary;
	uint32_t p;

	memset(w, 0, sizeof(*w));
	assert_true(sync_table_size(1, WORLD_N, WORLD_TEXT) <= sizeof(w->table));
	sync_table_format(world_table(w), w->table, 1, WORLD_N, WORLD_TEXT);
	point_primary(w);
	assert_true(sync_primary_extra(world_table(w)) <= sizeof(w->extra[0]));
	sync_primary_init(primary, w->extra[0]);
	primary->deadline_ms = 1000;
	primary->probe_ms = 10000;
	for (p = 0; p < WORLD_N; p++)
		w->process[p].is_alive = true;
	w->process[SYNC_PRIMARY].has = w->is_attached = has_it;
	sync_slot_claim(world_table(w), SYNC_PRIMARY, 100);
	w->process[SYNC_PRIMARY].is_member = w->process[SYNC_PRIMARY].has_scanned = true;
}

void
world_copy(struct world *to, const struct world *from)
{
	uint32_t p;

	memcpy(to, from, offsetof(struct world, table));
	memcpy(to->table, from->table, from->view.size);
	to->view.head = (struct sync_head *)(void *)to->table;
	point_primary(to);
	for (p = 1; p < WORLD_N; p++)
		point_member(to, p);
}

void
world_scan(struct world *w, uint32_t p)
{
	w->process[p].has_scanned = true;
	w->process[p].has = w->process[SYNC_PRIMARY].has;
}

void
world_claim(struct world *w, uint32_t p)
{
	w->process[p].is_member = true;
	sync_slot_claim(world_table(w), p, 100 + p);
	point_member(w, p);
	assert_true(sync_member_extra(world_table(w)) <= sizeof(w->extra[p]));
	sync_member_init(&w->member[p], w->extra[p]);
}

void
world_die(struct world *w, uint32_t p)
{
	memset(&w->process[p], 0, sizeof(w->process[p]));
}

bool
world_request(struct world *w, uint32_t p, enum sync_op op)
{
	struct sync_request *request = world_asked(w, p);
	uint32_t state = atomic_load(&request->state);

	if (state != SYNC_REQUEST_NONE && state != SYNC_REQUEST_DONE)
		return false;
	request->op = op;
	request->ticket = atomic_fetch_add(&world_table(w)->head->next_ticket, 1);
	strcpy(request->name, WORLD_DEVICE);
	strcpy(sync_request_text(world_table(w), p), WORLD_DEVICE ",a=1");
	request->sum = sync_request_sum(world_table(w), request, WORLD_DEVICE ",a=1");
	atomic_store(&request->state, SYNC_REQUEST_POSTED);
	return true;
}

void
world_drop(struct world *w, uint32_t p)
{
	struct sync_request *request = world_asked(w, p);
	uint32_t posted = SYNC_REQUEST_POSTED, taken = SYNC_REQUEST_TAKEN;

	if (!atomic_compare_exchange_strong(&request->state, &posted, SYNC_REQUEST_NONE))
		atomic_compare_exchange_strong(&request->state, &taken, SYNC_REQUEST_DROPPED);
}

bool
world_heal(struct world *w)
{
	const struct world_process *primary = &w->process[SYNC_PRIMARY];

	return !primary->has && primary->job == WORLD_NO_JOB && !w->is_healing &&
		world_request(w, SYNC_PRIMARY, SYNC_OP_CLEAR);
}

/* What heal does next: probes, if nobody was faster, and shares it; or undoes that. */
static void
go_on_healing(struct world *w, const struct sync_request *request)
{
	struct world_process *primary = &w->process[SYNC_PRIMARY];
	bool is_well = request->answer.error == 0;

	if (request->op == SYNC_OP_SHARE) {
		w->is_healing = false;
		primary->has = is_well;
	} else if (request->op == SYNC_OP_CLEAR && is_well && !primary->has &&
		   primary->job == WORLD_NO_JOB) {
		w->is_healing = primary->has = true;
		assert_true(world_request(w, SYNC_PRIMARY, SYNC_OP_SHARE));
	}
}

/* Decided: a requester that dies now has had its way. */
static void
note_final(struct world *w, const struct sync_request *request)
{
	w->is_attached = request->op == SYNC_OP_ATTACH || request->op == SYNC_OP_SHARE;
}

static void
check_cleared(struct world *w)
{
	uint32_t p;

	for (p = 1; p < WORLD_N; p++)
		if (w->process[p].is_alive && w->process[p].is_member && w->process[p].has)
			w->broken = "all have let go of it, and one has it";
}

static void
check_answer(struct world *w, const struct sync_request *request)
{
	uint64_t generation = atomic_load(&sync_entry(world_table(w), 0)->generation);
	bool wants = request->op == SYNC_OP_ATTACH || request->op == SYNC_OP_SHARE;
	const struct world_process *process;
	uint32_t p;

	if (request->answer.error != 0)
		return;
	if (request->op == SYNC_OP_CLEAR) {
		check_cleared(w);
		return;
	}
	w->is_attached = wants;
	for (p = 0; p < WORLD_N; p++) {
		process = &w->process[p];
		if (!process->is_alive || !process->is_member || process->has == wants)
			continue;
		if (w->primary.is_left_out[p] ||
		    (request->op == SYNC_OP_SHARE && w->primary.is_silent[p]))
			continue;       /* it catches up */
		if (p == SYNC_PRIMARY || wants ||
		    atomic_load(&sync_ack(world_table(w), p, 0)->generation) == generation)
			w->broken = "success was told, and it is not so everywhere";
	}
}

bool
world_step(struct world *w, uint32_t p)
{
	uint32_t i, now, before[WORLD_N];
	bool has_moved, was_at_work;
	enum sync_phase phase;

	self.world = w;
	self.p = p;
	if (p != SYNC_PRIMARY) {
		has_moved = sync_member_mend(&w->member[p]);
		return sync_member_step(&w->member[p]) || has_moved;
	}
	for (i = 0; i < WORLD_N; i++)
		before[i] = atomic_load(&world_asked(w, i)->state);
	was_at_work = w->process[p].job != WORLD_NO_JOB;
	phase = w->primary.phase;
	has_moved = sync_primary_step(&w->primary) == 1 || sync_primary_mend(&w->primary);
	if (phase == SYNC_PHASE_UNPLUG && w->primary.phase == SYNC_PHASE_UNDO)
		w->is_attached = true;
	has_moved |= was_at_work != (w->process[p].job != WORLD_NO_JOB);
	for (i = 0; i < WORLD_N; i++) {
		now = atomic_load(&world_asked(w, i)->state);
		if (before[i] != SYNC_REQUEST_FINAL && now == SYNC_REQUEST_FINAL)
			note_final(w, world_asked(w, i));
		if (before[i] != SYNC_REQUEST_DONE && now == SYNC_REQUEST_DONE)
			check_answer(w, world_asked(w, i));
		if (before[i] != SYNC_REQUEST_DONE && now == SYNC_REQUEST_DONE &&
		    i == SYNC_PRIMARY)
			go_on_healing(w, world_asked(w, i));
	}
	return has_moved;
}

void
world_return(struct world *w, uint32_t p, int error)
{
	struct world_process *process = &w->process[p];

	process->job_result = error != 0 ? error : 1;
	if (error == 0)
		process->has = process->job == WORLD_ATTACHES;
}

void
world_wait(struct world *w)
{
	w->now_ns += 3600ull * 1000000000;
}

static bool
settle_one(struct world *w, uint32_t p)
{
	struct world_process *process = &w->process[p];

	if (!process->is_alive || process->is_frozen)
		return false;
	if (process->job != WORLD_NO_JOB && process->job_result == -EINPROGRESS) {
		world_return(w, p, 0);
		return true;
	}
	if (process->has_scanned && !process->is_member) {
		world_claim(w, p);
		return true;
	}
	return process->is_member && world_step(w, p);
}

bool
world_settle(struct world *w, bool thaws)
{
	unsigned int n, n_waits = 0;
	bool has_moved;
	uint32_t p;

	for (p = 0; p < WORLD_N; p++)
		w->process[p].is_frozen &= !thaws;
	for (n = 0; n < 500; n++) {
		has_moved = false;
		for (p = 0; p < WORLD_N; p++)
			has_moved |= settle_one(w, p);
		if (has_moved)
			continue;
		if (w->primary.phase == SYNC_PHASE_IDLE || w->process[SYNC_PRIMARY].is_frozen)
			return true;
		if (++n_waits > 8)
			return false;
		world_wait(w);
	}
	return false;
}

static uint64_t
mix(uint64_t key, uint64_t value)
{
	key = (key ^ value) * 0x9e3779b97f4a7c15ull;
	return key ^ key >> 29;
}

/* Generations only count by how they compare. */
static uint64_t
key_of_slot(struct world *w, uint32_t p, uint64_t key)
{
	const struct sync_entry *entry = sync_entry(world_table(w), 0);
	const struct sync_ack *ack = sync_ack(world_table(w), p, 0);
	uint64_t seen = atomic_load(&ack->generation);
	const struct sync_request *request = world_asked(w, p);
	const struct world_process *process = &w->process[p];
	const struct sync_member *member = &w->member[p];
	uint32_t state = atomic_load(&request->state);

	key = mix(key, process->is_alive | process->has_scanned << 1 | process->is_member << 2 |
		  process->is_frozen << 3 | process->has << 4 | process->job << 5);
	key = mix(key, process->job != WORLD_NO_JOB ? process->job_result : 0);
	key = mix(key, state | (state == SYNC_REQUEST_NONE ? 0 : request->op << 4));
	key = mix(key, state == SYNC_REQUEST_POSTED ? request->ticket -
		  atomic_load(&world_table(w)->head->next_ticket) : 0);
	key = mix(key, w->primary.was_member[p] | w->primary.is_left_out[p] << 1);
	if (p == SYNC_PRIMARY || !process->is_member)
		return key;
	key = mix(key, (seen == atomic_load(&entry->generation)) | (seen < entry->base) << 1 |
		  (seen == 0) << 2 | (member->joined >= entry->begun) << 3 |
		  (member->joined >= w->primary.begun) << 4);
	key = mix(key, seen == atomic_load(&entry->generation) ? ack->error : 0);
	key = mix(key, member->did[0].has_attached | member->did[0].has_detached << 1 |
		  member->did[0].is_older << 2 | (member->busy == SYNC_NOBODY) << 3);
	if (member->busy != SYNC_NOBODY)
		key = mix(key, member->busy_attaches | member->busy_inherits << 2 | (member->busy_generation ==
				atomic_load(&entry->generation)) << 1);
	return key;
}

uint64_t
world_key(struct world *w)
{
	const struct sync_entry *entry = sync_entry(world_table(w), 0);
	const struct sync_primary *primary = &w->primary;
	uint64_t key = mix(1, entry->want | entry->is_undo << 4 | entry->is_shared << 5 |
			   (entry->base == 0) << 6);
	uint32_t p;

	key = mix(key, primary->phase | w->is_attached << 8 | w->is_healing << 9);
	if (primary->phase != SYNC_PHASE_IDLE) {
		key = mix(key, primary->requester | primary->op << 4 |
			  primary->is_in_progress << 8 |
			  (w->now_ns != primary->since_ns) << 9);
		key = mix(key, primary->answer.error);
		for (p = 1; p < WORLD_N; p++)
			key = mix(key, primary->is_silent[p]);
	}
	for (p = 0; p < WORLD_N; p++)
		key = key_of_slot(w, p, key);
	return key;
}
