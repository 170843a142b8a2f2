/* SPDX-License-Identifier: BSD-3-Clause */

/* test_limit: a device that repeats itself does not flood the log, and what was left
 * out is counted.
 * In:  times as numbers; a toy that is suspected again and again.
 * Context: app; the library's own threads log. */

#include <string.h>

#include "core/limit.h"
#include "enabled.h"
#include "fake_host.h"
#include "toy_bus.h"

static int
start(void **state)
{
	(void)state;
	fake_log_clear();
	return toy_enable(NULL);
}

static int
stop(void **state)
{
	(void)state;
	toy_disable();
	return 0;
}

static unsigned int
n_passed(struct limit *limit, uint64_t now_ns, unsigned int n_wanted, unsigned int *n_left_out)
{
	unsigned int n = 0, left_out;

	for (*n_left_out = 0; n_wanted > 0; n_wanted--) {
		n += limit_passes(limit, now_ns, &left_out);
		*n_left_out += left_out;
	}
	return n;
}

static void
test_limit_passes_so_many_and_counts_the_rest(void **state)
{
	struct limit limit = { 0 };
	unsigned int left_out;

	(void)state;
	assert_int_equal(n_passed(&limit, 5, LIMIT_LINES, &left_out), LIMIT_LINES);
	assert_int_equal(n_passed(&limit, 6, 30, &left_out), 0);
	assert_int_equal(left_out, 0);
	assert_int_equal(n_passed(&limit, LIMIT_NS, 1, &left_out), 1);
	assert_int_equal(left_out, 30);
	assert_int_equal(n_passed(&limit, LIMIT_NS, 100, &left_out), LIMIT_LINES - 1);
	assert_int_equal(n_passed(&limit, 90ull * LIMIT_NS, 1, &left_out), 1);
	assert_int_equal(left_out, 100 - (LIMIT_LINES - 1));
	assert_int_equal(n_passed(&limit, 91ull * LIMIT_NS, 1, &left_out), 1);
	assert_int_equal(left_out, 0);
}

#define N_STORM 200

/* Each is told; few are logged. */
static void
test_limit_holds_for_a_storm_of_restored(void **state)
{
	static struct heard heard;
	struct toy storm, calm;
	unsigned int i;

	(void)state;
	heard_init(&heard);
	assert_true(hotplug_event_subscribe(NULL, heard_fn, &heard) > 0);
	toy_make(&storm, "storm", 1, test_page());
	toy_make(&calm, "calm", 1, test_page());
	assert_int_equal(toy_publish(&storm), 0);
	assert_int_equal(toy_publish(&calm), 0);
	for (i = 0; i < N_STORM; i++) {
		assert_int_equal(toy_report(&storm), 0);
		assert_int_equal(heard_wait(&heard, HOTPLUG_EVENT_RESTORED, i).type,
				 HOTPLUG_EVENT_RESTORED);
	}
	assert_int_equal(toy_report(&calm), 0); /* another device's line is not lost */
	assert_true(WAIT_FOR(fake_log_has("NOTICE: calm restored")));
	assert_int_equal(heard_count(&heard, HOTPLUG_EVENT_RESTORED), N_STORM + 1);
	assert_true(fake_log_count("NOTICE: storm restored") >= LIMIT_LINES);
	assert_true(fake_log_count("NOTICE: storm restored") < N_STORM);
	toy_destroy(&storm);
	toy_destroy(&calm);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limit_passes_so_many_and_counts_the_rest),
		ENABLED(test_limit_holds_for_a_storm_of_restored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
