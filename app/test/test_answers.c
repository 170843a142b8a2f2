/* SPDX-License-Identifier: BSD-3-Clause */

/* test_answers: what an operator asks is answered with what is so.
 * In:  toy devices in every condition.  Out: the content that telemetry hands out,
 *      as text (told.c).
 * Context: app asks, as telemetry's own threads do. */

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "enabled.h"
#include "fake_host.h"
#include "report/events.h"
#include "report/history.h"
#include "told.h"
#include "toy_bus.h"

static struct told told;
static struct toy toy;

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

static void
make(const char *name, unsigned int n_regions)
{
	toy_make(&toy, name, n_regions, 128 * 1024);
	toy.driver = "toy_pmd";
	assert_int_equal(toy_publish(&toy), 0);
	assert_true(WAIT_FOR(toy.n_looks > 0)); /* the one that follows a probe */
}

static uint64_t
n_events(void)
{
	struct hotplug_stats stats = { .size = sizeof(stats) };

	assert_int_equal(hotplug_stats_get(&stats), 0);
	return stats.events;
}

/* Its event is delivered when this returns. */
static void
lose(struct toy *lost)
{
	uint64_t before = n_events();

	toy_hang_up(lost);
	toy_pull(lost);
	assert_true(WAIT_FOR(n_events() == before + 1));
	assert_int_equal(hotplug_device_state(lost->name), HOTPLUG_STATE_GONE);
}

static void
test_answers_list_names_what_was_attached(void **state)
{
	(void)state;
	make("list0", 1);
	told_ask(&told, ANSWER_TEXTS, answer_list, NULL);
	assert_int_equal(told.ret, 0);
	assert_true(told_has(&told, " 'list0' "));
	lose(&toy);
	toy_destroy(&toy);
	told_ask(&told, ANSWER_TEXTS, answer_list, NULL);
	assert_true(told_has(&told, "'list0'"));        /* it is remembered */
}

static void
test_answers_info_of_an_attached_device(void **state)
{
	(void)state;
	make("info0", 2);
	told_ask(&told, ANSWER_DICT, answer_info, "info0");
	assert_int_equal(told.ret, 0);
	assert_true(told_has(&told, " name='info0' bus='toy' driver='toy_pmd' "
			     "kernel_driver='toy-driver' state=3 state_name='ATTACHED' cause=0 "));
	assert_true(told_has(&told, " is_guarded=1 is_cut=0 is_requested=0 "));
	assert_true(told_has(&told, " n_regions=2 guarded_bytes=262144 "));
	assert_true(told_has(&told, " n_ports=0 ports=[] "));
	toy_destroy(&toy);
}

static void
test_answers_info_of_a_lost_device(void **state)
{
	(void)state;
	make("info1", 1);
	lose(&toy);
	told_ask(&told, ANSWER_DICT, answer_info, "info1");
	assert_true(told_has(&told, " state=5 state_name='GONE' cause=2 cause_name='REMOVED' "
			     "sign=1 sign_name='uio' "));
	assert_true(told_has(&told, " is_cut=1 "));
	assert_false(told_count(&told, " cut_ns=0 ") != 0);
	toy_destroy(&toy);
}

static void
test_answers_info_of_nobody_is_an_error(void **state)
{
	(void)state;
	told_ask(&told, ANSWER_DICT, answer_info, "nobody");
	assert_int_equal(told.ret, -ENOENT);
	assert_string_equal(told.text, "  ");
	told_ask(&told, ANSWER_DICT, answer_info, NULL);
	assert_int_equal(told.ret, -EINVAL);
	told_ask(&told, ANSWER_DICT, answer_info, "");
	assert_int_equal(told.ret, -EINVAL);
}

static void
test_answers_stats_count_what_has_happened(void **state)
{
	(void)state;
	make("stats0", 1);
	lose(&toy);
	told_ask(&told, ANSWER_DICT, answer_stats, NULL);
	assert_int_equal(told.ret, 0);
	assert_true(told_has(&told, " enabled=1 guarded=1 cut_offs=1 cut_failures=0 "));
	assert_true(told_has(&told, " events=1 events_lost=0 events_gone=1 events_requested=0 "));
	assert_true(told_has(&told, " has_handler=1 "));
	toy_destroy(&toy);
}

static void
push(unsigned int n)
{
	struct hotplug_event event = {
		.size = sizeof(event), .type = HOTPLUG_EVENT_GONE, .device = "pushed",
	};

	for (; n > 0; n--) {
		events_push(&event);
		assert_true(WAIT_FOR(events_are_told()));
	}
}

static void
test_answers_events_newest_first(void **state)
{
	(void)state;
	push(3);
	told_ask(&told, ANSWER_DICT, answer_events, NULL);
	assert_int_equal(told.ret, 0);
	assert_memory_equal(told.text, " 3={sequence=3 type=0 type_name='gone' device='pushed' ",
			    53);
	assert_int_equal(told_count(&told, "sequence="), 3);
	assert_false(told_count(&told, " event_ns=0}") != 0);
	told_ask(&told, ANSWER_DICT, answer_events, "1");
	assert_int_equal(told_count(&told, "sequence="), 1);
	assert_true(told_has(&told, " 3={sequence=3 "));
	told_ask(&told, ANSWER_DICT, answer_events, "0");
	assert_string_equal(told.text, "  ");
}

/* 256 are kept; 24 fit into one answer; the sequence number leads further back. */
static void
test_answers_events_page_back_to_what_is_kept(void **state)
{
	uint64_t before = 0;
	unsigned int n = 0;
	char params[32];

	(void)state;
	push(HISTORY_KEPT + 44);
	do {
		snprintf(params, sizeof(params), "1000,%u", (unsigned int)before);
		told_ask(&told, ANSWER_DICT, answer_events, params);
		assert_int_equal(told.ret, 0);
		assert_true(told_count(&told, "sequence=") <= 24);
		n += told_count(&told, "sequence=");
		before = HISTORY_KEPT + 44 - n + 1;
	} while (told_count(&told, "sequence=") == 24);
	assert_int_equal(n, HISTORY_KEPT);
	assert_true(told_has(&told, " 45={sequence=45 "));  /* the oldest */
}

static void
test_answers_events_refuse_nonsense(void **state)
{
	static const char *const bad[] = { "x", "-1", "3,", "3,x", "3,-2", " 3", "3;", "3,4,5" };
	unsigned int i;

	(void)state;
	for (i = 0; i < N_ELEMENTS(bad); i++) {
		told_ask(&told, ANSWER_DICT, answer_events, bad[i]);
		assert_int_equal(told.ret, -EINVAL);
	}
}

static void
test_answers_health_of_a_quiet_process(void **state)
{
	(void)state;
	told_ask(&told, ANSWER_DICT, answer_health, NULL);
	assert_int_equal(told.ret, 0);
	assert_true(told_has(&told, " enabled=1 pid="));
	assert_true(told_has(&told, " monitor_group='kernel' "));
	assert_true(told_has(&told, " sigbus=0 policy=0 has_monitor="));
	assert_true(told_has(&told, " has_handler=1 has_eal_monitor=0 guarded=0 zombies=0 "
			     "suspect=0 gone=0 simulated=0 flapping=0 requested=0 held=0 "
			     "oldest_request_ms=0 waiting={} "));
}

static void
test_answers_health_names_who_blocks_a_removal(void **state)
{
	char holders[64], name[16];

	(void)state;
	prctl(PR_GET_NAME, name);
	snprintf(holders, sizeof(holders), " holders='pid %d (%s)'}} ", getpid(), name);
	toy_make(&toy, "health0", 1, 128 * 1024);
	toy.works_on_request = true;
	assert_int_equal(toy_publish(&toy), 0);
	assert_int_equal(toy_report(&toy), 0);
	do {
		told_ask(&told, ANSWER_DICT, answer_health, NULL);
	} while (told_count(&told, " requested=1 ") == 0);
	assert_true(told_has(&told, " held=0 "));
	assert_true(told_has(&told, " waiting={0={device='health0' age_ms="));
	assert_true(told_has(&told, holders));
	toy_destroy(&toy);
	told_ask(&told, ANSWER_DICT, answer_health, NULL);
	assert_true(told_has(&told, " requested=0 "));
	assert_true(told_has(&told, " waiting={} "));
}

static void
test_answers_health_sees_a_handler_over_ours(void **state)
{
	struct sigaction ours, other = { .sa_handler = SIG_DFL };

	(void)state;
	sigaction(SIGBUS, &other, &ours);
	told_ask(&told, ANSWER_DICT, answer_health, NULL);
	sigaction(SIGBUS, &ours, NULL);
	assert_true(told_has(&told, " has_handler=0 "));
}

/* Telemetry's commands cannot be taken back: they go on asking. */
static void
test_answers_while_disabled_say_so(void **state)
{
	(void)state;
	toy_make(&toy, "off0", 1, 128 * 1024);
	toy_publish(&toy);
	lose(&toy);
	toy_disable();
	told_ask(&told, ANSWER_TEXTS, answer_list, NULL);
	assert_int_equal(told.ret, 0);
	assert_string_equal(told.text, "  ");
	told_ask(&told, ANSWER_DICT, answer_info, "off0");
	assert_int_equal(told.ret, -ENOENT);
	told_ask(&told, ANSWER_DICT, answer_stats, NULL);
	assert_string_equal(told.text, " enabled=0 ");
	told_ask(&told, ANSWER_DICT, answer_health, NULL);
	assert_true(told_has(&told, " enabled=0 pid="));
	told_ask(&told, ANSWER_DICT, answer_events, NULL);
	assert_true(told_has(&told, " device='off0' ")); /* what was, was */
	toy_destroy(&toy);
}

static void
test_answers_are_offered_by_enable(void **state)
{
	(void)state;
	assert_true(fake_telemetry_offers() > 0);
}

static _Atomic bool is_asking;

static void *
ask_on(void *arg)
{
	struct told *mine = calloc(1, sizeof(*mine));

	(void)arg;
	assert_non_null(mine);
	while (is_asking) {
		told_ask(mine, ANSWER_TEXTS, answer_list, NULL);
		told_ask(mine, ANSWER_DICT, answer_info, "busy0");
		told_ask(mine, ANSWER_DICT, answer_stats, NULL);
		told_ask(mine, ANSWER_DICT, answer_events, NULL);
		told_ask(mine, ANSWER_DICT, answer_health, NULL);
	}
	free(mine);
	return NULL;
}

/* Under the sanitizers: losses, enable and disable while somebody asks. */
static void
test_answers_while_everything_changes(void **state)
{
	pthread_t thread;
	unsigned int i;

	(void)state;
	is_asking = true;
	pthread_create(&thread, NULL, ask_on, NULL);
	for (i = 0; i < 5; i++) {       /* ten would be flapping */
		make("busy0", 2);
		lose(&toy);
		toy_destroy(&toy);
		toy_disable();
		assert_int_equal(toy_enable(NULL), 0);
	}
	is_asking = false;
	pthread_join(thread, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ENABLED(test_answers_list_names_what_was_attached),
		ENABLED(test_answers_info_of_an_attached_device),
		ENABLED(test_answers_info_of_a_lost_device),
		ENABLED(test_answers_info_of_nobody_is_an_error),
		ENABLED(test_answers_stats_count_what_has_happened),
		ENABLED(test_answers_events_newest_first),
		ENABLED(test_answers_events_page_back_to_what_is_kept),
		ENABLED(test_answers_events_refuse_nonsense),
		ENABLED(test_answers_health_of_a_quiet_process),
		ENABLED(test_answers_health_names_who_blocks_a_removal),
		ENABLED(test_answers_health_sees_a_handler_over_ours),
		ENABLED(test_answers_while_disabled_say_so),
		ENABLED(test_answers_are_offered_by_enable),
		ENABLED(test_answers_while_everything_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
