/* SPDX-License-Identifier: BSD-3-Clause */

/* test_sync: the shared table and its machine, one behaviour at a time.
 * In:  tables that are damaged, full, of another version; processes that say nonsense.
 * Out: an error that names the process, and everybody else goes on.
 * Context: app. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sync/growth.h"
#include "sync_world.h"
#include "test.h"

static void
test_table_of_the_right_kind_is_taken(void **state)
{
	size_t size = sync_table_size(SYNC_N_ENTRIES, SYNC_N_SLOTS, SYNC_TEXT_LEN);
	struct sync_table table, other;
	char *memory = calloc(1, size);

	(void)state;
	sync_table_format(&table, memory, SYNC_N_ENTRIES, SYNC_N_SLOTS, SYNC_TEXT_LEN);
	assert_null(sync_table_view(&other, memory, size));
	assert_int_equal(other.n_slots, SYNC_N_SLOTS);
	assert_true(sync_request_text(&other, SYNC_N_SLOTS - 1) + SYNC_TEXT_LEN <= memory + size);
	assert_true(size < 4u << 20);
	free(memory);
}

static void
test_table_of_another_kind_is_refused(void **state)
{
	struct sync_table view;
	struct sync_head *head;
	struct world w;

	(void)state;
	world_init(&w, false);
	head = world_table(&w)->head;
	assert_null(sync_table_view(&view, head, sizeof(w.table)));
	assert_non_null(sync_table_view(&view, head, view.size - 1));
	assert_non_null(sync_table_view(&view, head, 8));
	head->version++;
	assert_string_equal(sync_table_view(&view, head, sizeof(w.table)),
			    "it is of another version of dpdk-hotplug");
	head->version--;
	head->n_slots = 1u << 31;
	assert_string_equal(sync_table_view(&view, head, sizeof(w.table)),
			    "its measures are impossible");
	head->n_slots = WORLD_N;
	head->size--;
	assert_non_null(sync_table_view(&view, head, sizeof(w.table)));
	head->magic = 0;
	assert_string_equal(sync_table_view(&view, head, sizeof(w.table)),
			    "it is no table of dpdk-hotplug");
}

#define ARGS(text) text, sizeof(text)

static void
test_options_that_let_memory_grow(void **state)
{
	(void)state;
	assert_true(growth_is_possible(ARGS("app\0-m\0" "64")));
	assert_true(growth_is_possible(ARGS("app\0--socket-limit=128\0--socket-mem=64")));
	assert_true(growth_is_possible(ARGS("app\0--\0--legacy-mem")));
	assert_true(growth_is_possible(ARGS("app\0--socket-limit")));
	assert_true(growth_is_possible(ARGS("")));
	assert_true(growth_is_possible("", 0));
	assert_false(growth_is_possible(ARGS("app\0-l\0" "0\0--legacy-mem")));
	assert_false(growth_is_possible(ARGS("app\0--socket-limit\0" "64,0\0--socket-mem=64,0")));
	assert_false(growth_is_possible(ARGS("app\0-m64\0--socket-limit=64")));
}

static void
test_entry_that_is_being_written_is_not_read(void **state)
{
	const struct sync_change change = { .want = SYNC_WANT_ATTACHED, .name = "a", .text = "a" };
	struct sync_table *table;
	struct sync_entry *own, *copy;
	struct world w;

	(void)state;
	world_init(&w, false);
	table = world_table(&w);
	own = calloc(1, sync_entry_len(table));
	copy = calloc(1, sync_entry_len(table));
	sync_entry_write(table, 0, own, &change);
	assert_int_equal(sync_entry_read(table, 0, copy), 0);
	atomic_store(&sync_entry(table, 0)->generation, 0);
	assert_int_equal(sync_entry_read(table, 0, copy), -EAGAIN);
	assert_true(sync_entry_mend(table, 0, own));
	assert_false(sync_entry_mend(table, 0, own));
	assert_int_equal(sync_entry_read(table, 0, copy), 0);
	sync_entry(table, 0)->want = SYNC_WANT_DETACHED;
	assert_int_equal(sync_entry_read(table, 0, copy), -EBADMSG);
	free(copy);
	free(own);
}

static void
join_both(struct world *w)
{
	uint32_t p;

	world_init(w, false);
	for (p = 1; p < WORLD_N; p++) {
		world_scan(w, p);
		world_claim(w, p);
	}
}

static const struct sync_answer *
ask_for(struct world *w, uint32_t p, enum sync_op op)
{
	assert_true(world_request(w, p, op));
	assert_true(world_settle(w, false));
	assert_int_equal(atomic_load(&world_asked(w, p)->state), SYNC_REQUEST_DONE);
	assert_null(w->broken);
	return &world_asked(w, p)->answer;
}

static void
test_repeated_attach_and_detach_fail_and_change_nothing(void **state)
{
	struct world w;

	(void)state;
	join_both(&w);
	assert_int_equal(ask_for(&w, 1, SYNC_OP_ATTACH)->error, 0);
	assert_int_equal(ask_for(&w, 2, SYNC_OP_ATTACH)->error, -EEXIST);
	assert_true(w.process[0].has && w.process[1].has && w.process[2].has);
	assert_int_equal(ask_for(&w, 0, SYNC_OP_DETACH)->error, 0);
	assert_int_equal(ask_for(&w, 1, SYNC_OP_DETACH)->error, -ENODEV);
	assert_false(w.process[0].has || w.process[1].has || w.process[2].has);
}

/* Stock: a repeated attach beside a frozen process destroys the port everywhere. */
static void
test_frozen_process_costs_its_deadline_and_no_port(void **state)
{
	const struct sync_answer *answer;
	struct world w;

	(void)state;
	join_both(&w);
	assert_int_equal(ask_for(&w, 0, SYNC_OP_ATTACH)->error, 0);
	w.process[2].is_frozen = true;
	assert_int_equal(ask_for(&w, 0, SYNC_OP_ATTACH)->error, -EEXIST);
	answer = ask_for(&w, 0, SYNC_OP_DETACH);
	assert_int_equal(answer->error, -ETIMEDOUT);
	assert_int_equal(answer->slot, 2);
	assert_int_equal(answer->pid, 102);
	assert_string_equal(answer->reason, "it does not answer");
	assert_true(w.process[0].has && w.process[1].has && w.process[2].has);
	assert_true(world_settle(&w, true));
	assert_true(w.process[2].has);
}

static void
test_late_process_catches_up_when_that_is_wanted(void **state)
{
	struct world w;

	(void)state;
	join_both(&w);
	w.primary.accepts_late = true;
	w.process[2].is_frozen = true;
	w.process[2].is_member = false; /* the world's own check wants it everywhere */
	assert_int_equal(ask_for(&w, 0, SYNC_OP_ATTACH)->error, 0);
	assert_false(w.process[2].has);
	w.process[2].is_member = true;
	assert_true(world_settle(&w, true));
	assert_true(w.process[2].has);
}

static void
test_lost_device_is_detached_whoever_is_frozen(void **state)
{
	struct world w;

	(void)state;
	join_both(&w);
	assert_int_equal(ask_for(&w, 0, SYNC_OP_ATTACH)->error, 0);
	w.process[2].is_frozen = true;
	w.process[2].is_member = false; /* the world's own check wants it everywhere */
	w.is_lost = true;
	assert_int_equal(ask_for(&w, 0, SYNC_OP_DETACH)->error, 0);
	assert_false(w.process[0].has || w.process[1].has);
	w.process[2].is_member = true;
	assert_true(world_settle(&w, true));
	assert_false(w.process[2].has);
}

/* The requester has seen it go, the primary learns it while it asks the others. */
static void
test_loss_is_learned_in_the_middle_of_a_detach(void **state)
{
	struct world w;

	(void)state;
	join_both(&w);
	assert_int_equal(ask_for(&w, 0, SYNC_OP_ATTACH)->error, 0);
	w.process[2].is_frozen = true;
	w.process[2].is_member = false; /* the world's own check wants it everywhere */
	assert_true(world_request(&w, 1, SYNC_OP_DETACH));
	while (w.primary.phase != SYNC_PHASE_ASK)
		world_step(&w, 0);
	w.is_lost = true;
	assert_true(world_settle(&w, false));
	assert_int_equal(world_asked(&w, 1)->answer.error, 0);
	assert_false(w.process[0].has || w.process[1].has);
}

static void
test_healed_device_is_everybodys(void **state)
{
	struct world w;

	(void)state;
	join_both(&w);
	assert_true(world_heal(&w));
	assert_true(world_settle(&w, false));
	assert_null(w.broken);
	assert_int_equal(world_asked(&w, 0)->op, SYNC_OP_SHARE);
	assert_int_equal(world_asked(&w, 0)->answer.error, 0);
	assert_true(w.process[0].has && w.process[1].has && w.process[2].has);
	assert_int_equal(ask_for(&w, 2, SYNC_OP_DETACH)->error, 0);
}

static void
test_frozen_process_is_named_before_a_heal(void **state)
{
	struct world w;

	(void)state;
	join_both(&w);
	w.process[2].is_frozen = true;
	assert_true(world_heal(&w));
	assert_true(world_settle(&w, false));
	assert_int_equal(world_asked(&w, 0)->op, SYNC_OP_CLEAR);
	assert_int_equal(world_asked(&w, 0)->answer.error, -ETIMEDOUT);
	assert_int_equal(world_asked(&w, 0)->answer.pid, 102);
	assert_false(w.process[0].has || w.process[1].has);
	w.process[2].is_frozen = false;
	assert_true(world_heal(&w));
	assert_true(world_settle(&w, false));
	assert_true(w.process[0].has && w.process[1].has && w.process[2].has);
}

/* In time or not: the others have let go when the primary goes on. */
static void
test_others_let_go_of_a_lost_device_first(void **state)
{
	struct world w;

	(void)state;
	join_both(&w);
	assert_int_equal(ask_for(&w, 0, SYNC_OP_ATTACH)->error, 0);
	assert_int_equal(ask_for(&w, 0, SYNC_OP_CLEAR)->error, -EEXIST);
	w.is_lost = true;
	assert_int_equal(ask_for(&w, 0, SYNC_OP_CLEAR)->error, 0);
	assert_true(w.process[0].has && !w.process[1].has && !w.process[2].has);
}

static void
test_heal_is_the_primarys_alone(void **state)
{
	struct world w;

	(void)state;
	join_both(&w);
	assert_int_equal(ask_for(&w, 1, SYNC_OP_CLEAR)->error, -EINVAL);
	assert_int_equal(ask_for(&w, 1, SYNC_OP_SHARE)->error, -EINVAL);
	assert_int_equal(ask_for(&w, 0, SYNC_OP_SHARE)->error, -ENODEV);
}

/* It has a whole deadline to mend its slot; after that the others go on without it, until
 * it has. */
static void
test_damaged_slot_is_left_out_and_hurts_nobody(void **state)
{
	uint64_t before;
	struct world w;

	(void)state;
	join_both(&w);
	sync_slot(world_table(&w), 2)->magic = 0xdead;
	w.process[2].is_frozen = true;
	assert_int_equal(ask_for(&w, 1, SYNC_OP_ATTACH)->error, 0);
	assert_int_equal(w.n_left_out, 1);
	assert_true(w.process[0].has && w.process[1].has && !w.process[2].has);
	before = w.now_ns;
	assert_int_equal(ask_for(&w, 0, SYNC_OP_DETACH)->error, 0);
	assert_int_equal(ask_for(&w, 0, SYNC_OP_ATTACH)->error, 0);
	assert_int_equal(w.now_ns, before);     /* nor is it waited for */
	assert_int_equal(w.n_left_out, 1);
	assert_true(world_settle(&w, true));
	assert_true(w.process[2].has);          /* mended, it has caught up */
	assert_int_equal(ask_for(&w, 1, SYNC_OP_DETACH)->error, 0);
	assert_false(w.process[0].has || w.process[1].has || w.process[2].has);
}

/* Others are waited for beside it: what their drivers do meanwhile stands on the primary's
 * port. */
static void
test_damaged_slot_does_not_hurry_the_others(void **state)
{
	unsigned int i;
	struct world w;

	(void)state;
	join_both(&w);
	sync_slot(world_table(&w), 2)->magic = 0xdead;
	w.process[2].is_frozen = true;
	assert_true(world_request(&w, 1, SYNC_OP_ATTACH));
	for (i = 0; i < 30; i++) {
		world_step(&w, 0);
		if (w.process[0].job != WORLD_NO_JOB && w.process[0].job_result == -EINPROGRESS)
			world_return(&w, 0, 0);
		if (w.process[1].job == WORLD_NO_JOB)
			world_step(&w, 1);
	}
	assert_int_equal(w.process[1].job, WORLD_ATTACHES);
	assert_true(w.process[0].has);
	world_return(&w, 1, 0);
	assert_true(world_settle(&w, false));
	assert_int_equal(world_asked(&w, 1)->answer.error, 0);
	assert_true(w.process[0].has && w.process[1].has);
	assert_null(w.broken);
}

static bool
is_all(const struct world *w, bool has)
{
	return w->process[0].has == has && w->process[1].has == has && w->process[2].has == has;
}

/* Anything, anywhere, at rest or in the middle: the machine comes to rest, and once all have
 * looked at what stands there they have the same, and the next requests do what they say. */
static void
test_scribbles_over_the_whole_table(void **state)
{
	static const uint8_t what[] = { 0, 0xff, 1, 0x80, 'x' };
	unsigned int i, k, n, n_refused = 0;
	struct world w;
	size_t at, len;
	bool wants;

	(void)state;
	srandom(1);
	join_both(&w);
	for (i = 0; i < 10000; i++) {
		wants = !w.process[0].has;
		assert_true(world_request(&w, i % 3, wants ? SYNC_OP_ATTACH : SYNC_OP_DETACH));
		for (k = random() % 12; k > 0; k--) {
			(void)world_step(&w, random() % 3);
			if (w.process[k % 3].job != WORLD_NO_JOB)
				world_return(&w, k % 3, 0);
		}
		for (n = 1 + random() % 3; n > 0; n--) {
			at = random() % w.view.size;
			len = 1u << random() % 8;
			if (len > w.view.size - at)
				len = w.view.size - at;
			memset(w.table + at, what[random() % sizeof(what)], len);
		}
		w.broken = NULL;        /* what is told while it is damaged is another matter */
		assert_true(world_settle(&w, false));
		for (k = 0; k < 3; k++)
			while (world_step(&w, k % 3))
				;
		assert_true(world_settle(&w, false));
		atomic_store(&world_asked(&w, i % 3)->state, SYNC_REQUEST_NONE);
		if (!is_all(&w, wants))
			n_refused++;
		assert_true(is_all(&w, w.process[0].has));
		wants = !w.process[0].has;
		w.broken = NULL;
		assert_int_equal(ask_for(&w, i % 3, wants ? SYNC_OP_ATTACH : SYNC_OP_DETACH)->error,
				 0);
		assert_true(is_all(&w, wants));
	}
	print_message("# %u of 10000 requests were refused\n", n_refused);
}

static void
test_nonsense_in_an_acknowledgement_is_an_error(void **state)
{
	struct world w;

	(void)state;
	join_both(&w);
	assert_true(world_request(&w, 0, SYNC_OP_ATTACH));
	while (w.primary.phase != SYNC_PHASE_ASK) {
		world_step(&w, 0);
		if (w.process[0].job != WORLD_NO_JOB)
			world_return(&w, 0, 0);
	}
	memset(sync_slot(world_table(&w), 2)->reason, 'x', SYNC_REASON_LEN);
	w.process[2].is_frozen = true;
	sync_ack(world_table(&w), 2, 0)->error = INT32_MIN;
	atomic_store(&sync_ack(world_table(&w), 2, 0)->generation,
		     atomic_load(&sync_entry(world_table(&w), 0)->generation));
	assert_true(world_settle(&w, false));
	assert_int_equal(world_asked(&w, 0)->answer.error, -EBADMSG);
	assert_int_equal(strlen(world_asked(&w, 0)->answer.reason), SYNC_REASON_LEN - 1);
	assert_false(w.process[0].has || w.process[1].has);
}

static void
test_damaged_request_is_refused(void **state)
{
	struct world w;

	(void)state;
	join_both(&w);
	assert_true(world_request(&w, 1, 7));
	assert_true(world_settle(&w, false));
	assert_int_equal(world_asked(&w, 1)->answer.error, -EINVAL);
	assert_true(world_request(&w, 1, SYNC_OP_ATTACH));
	memset(sync_request_text(world_table(&w), 1), 'x', WORLD_TEXT);
	assert_true(world_settle(&w, false));
	assert_int_equal(world_asked(&w, 1)->answer.error, -EINVAL);
	assert_true(world_request(&w, 1, SYNC_OP_ATTACH));
	memset(world_asked(&w, 1)->name, 'x', HOTPLUG_NAME_LEN);
	assert_true(world_settle(&w, false));
	assert_int_equal(world_asked(&w, 1)->answer.error, -EINVAL);
	assert_int_equal(ask_for(&w, 1, SYNC_OP_ATTACH)->error, 0);
}

static void
test_full_table_refuses_and_says_so(void **state)
{
	struct world w;

	(void)state;
	join_both(&w);
	assert_int_equal(ask_for(&w, 0, SYNC_OP_ATTACH)->error, 0);
	strcpy(((struct sync_entry *)w.primary.entries)->name, "other");
	w.process[0].has = w.process[1].has = w.process[2].has = false;
	assert_int_equal(ask_for(&w, 0, SYNC_OP_ATTACH)->error, -ENOSPC);
}

/* Who came first is served first, whatever its slot. */
static void
test_requests_are_served_in_their_order(void **state)
{
	struct world w;

	(void)state;
	join_both(&w);
	assert_true(world_request(&w, 2, SYNC_OP_ATTACH));
	assert_true(world_request(&w, 1, SYNC_OP_ATTACH));
	assert_true(world_request(&w, 0, SYNC_OP_DETACH));
	assert_true(world_settle(&w, false));
	assert_int_equal(world_asked(&w, 2)->answer.error, 0);
	assert_int_equal(world_asked(&w, 1)->answer.error, -EEXIST);
	assert_int_equal(world_asked(&w, 0)->answer.error, 0);
	assert_false(w.process[0].has || w.process[1].has || w.process[2].has);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_of_the_right_kind_is_taken),
		cmocka_unit_test(test_table_of_another_kind_is_refused),
		cmocka_unit_test(test_options_that_let_memory_grow),
		cmocka_unit_test(test_entry_that_is_being_written_is_not_read),
		cmocka_unit_test(test_repeated_attach_and_detach_fail_and_change_nothing),
		cmocka_unit_test(test_frozen_process_costs_its_deadline_and_no_port),
		cmocka_unit_test(test_late_process_catches_up_when_that_is_wanted),
		cmocka_unit_test(test_lost_device_is_detached_whoever_is_frozen),
		cmocka_unit_test(test_loss_is_learned_in_the_middle_of_a_detach),
		cmocka_unit_test(test_healed_device_is_everybodys),
		cmocka_unit_test(test_frozen_process_is_named_before_a_heal),
		cmocka_unit_test(test_others_let_go_of_a_lost_device_first),
		cmocka_unit_test(test_heal_is_the_primarys_alone),
		cmocka_unit_test(test_damaged_slot_is_left_out_and_hurts_nobody),
		cmocka_unit_test(test_damaged_slot_does_not_hurry_the_others),
		cmocka_unit_test(test_scribbles_over_the_whole_table),
		cmocka_unit_test(test_nonsense_in_an_acknowledgement_is_an_error),
		cmocka_unit_test(test_damaged_request_is_refused),
		cmocka_unit_test(test_full_table_refuses_and_says_so),
		cmocka_unit_test(test_requests_are_served_in_their_order),
	};

	return cmocka_run_group_tests_name("sync", tests, NULL, NULL);
}
