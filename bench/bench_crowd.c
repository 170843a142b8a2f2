/* SPDX-License-Identifier: BSD-3-Clause */

/* bench_crowd: a thousand devices are lost at the same moment.
 * In:  one real EAL, toy devices: each a BAR of 128 KiB on a file that has no name in sysfs,
 *      as vfio's, and a descriptor that hangs up.  Out: a table, and JSON in the file given as
 *      the first argument: from the first loss to the last cut-off and to the last event; how
 *      long EAL's interrupt thread is kept where its monitor tells of a hundred.
 * Context: app, events, EAL's interrupt thread. */

#include <stdatomic.h>
#include <sys/resource.h>

#include <rte_alarm.h>
#include <rte_log.h>

#include "mock_eal.h"
#include "samples.h"
#include "test.h"
#include "toy_bus.h"

#define N_DEVICES 1000u
#define N_TOLD_BY_EAL 100u
#define N_ROUNDS 10u
#define BAR_LEN (128 * 1024)

static FILE *json;
static struct toy toys[N_DEVICES];

static _Atomic unsigned int n_gone;
static _Atomic uint64_t first_sign_ns, last_cut_ns, last_event_ns;
static _Atomic uint64_t kept_us;        /* EAL's interrupt thread; UINT64_MAX: not yet */

/* One thread calls it. */
static void
on_event(const struct hotplug_event *event, void *arg)
{
	(void)arg;
	if (event->type != HOTPLUG_EVENT_GONE)
		return;
	if (event->sign_ns < first_sign_ns)
		first_sign_ns = event->sign_ns;
	if (event->cut_ns > last_cut_ns)
		last_cut_ns = event->cut_ns;
	last_event_ns = event->event_ns;
	n_gone++;
}

static void
make_all(unsigned int n)
{
	char name[16];
	unsigned int i;

	n_gone = 0;
	first_sign_ns = UINT64_MAX;
	last_cut_ns = 0;
	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "crowd%u", i);
		toy_make(&toys[i], name, 1, BAR_LEN);
		assert_int_equal(toy_publish(&toys[i]), 0);
	}
	for (i = 0; i < n; i++)         /* the look that each publication asks for */
		assert_true(WAIT_FOR(toys[i].n_looks > 0));
}

static void
destroy_all(unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		toy_destroy(&toys[i]);
}

/* Times of the first sign, so that what the closing of a thousand descriptors takes is none of
 * it: the first is seen while the others still go. */
static void
lose_by_hang_up(struct samples *cut, struct samples *told)
{
	unsigned int i;

	make_all(N_DEVICES);
	for (i = 0; i < N_DEVICES; i++)
		atomic_store(&toys[i].look, HOTPLUG_LOOK_ABSENT);
	for (i = 0; i < N_DEVICES; i++)
		toy_hang_up(&toys[i]);
	assert_true(WAIT_FOR(n_gone == N_DEVICES));
	samples_add(cut, (last_cut_ns - first_sign_ns) / 1e6);
	samples_add(told, (last_event_ns - first_sign_ns) / 1e6);
	destroy_all(N_DEVICES);
}

/* What the pci bus's slot does for each device that EAL's monitor tells of. */
static void
tell_as_eal(void *arg)
{
	double begin = samples_now_us();
	unsigned int i;

	(void)arg;
	for (i = 0; i < N_TOLD_BY_EAL; i++)
		(void)hotplug_bus_report(&toy_bus, &toys[i], HOTPLUG_SIGN_EAL);
	kept_us = samples_now_us() - begin;
}

static void
lose_by_eal(struct samples *kept)
{
	unsigned int i;

	make_all(N_TOLD_BY_EAL);
	for (i = 0; i < N_TOLD_BY_EAL; i++)
		atomic_store(&toys[i].look, HOTPLUG_LOOK_ABSENT);
	kept_us = UINT64_MAX;
	assert_int_equal(rte_eal_alarm_set(1, tell_as_eal, NULL), 0);
	assert_true(WAIT_FOR(kept_us != UINT64_MAX && n_gone == N_TOLD_BY_EAL));
	samples_add(kept, kept_us / 1e3);
	destroy_all(N_TOLD_BY_EAL);
}

static void
run(void **state)
{
	static struct samples cut, told, kept;
	struct hotplug_config config;
	unsigned int i;

	(void)state;
	hotplug_config_init(&config);
	config.liveness_ms = 0;
	assert_int_equal(toy_enable(&config), 0);
	assert_true(hotplug_event_subscribe(NULL, on_event, NULL) >= 0);
	for (i = 0; i < N_ROUNDS; i++) {
		lose_by_hang_up(&cut, &told);
		lose_by_eal(&kept);
	}
	samples_report(json, "1,000 devices at once, last cut-off", "ms", samples_spread(&cut));
	samples_report(json, "1,000 devices at once, last event", "ms", samples_spread(&told));
	samples_report(json, "100 by EAL's monitor, its thread kept", "ms",
		       samples_spread(&kept));
	toy_disable();
	mock_eal_remove_files();
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test_setup(run, mock_eal_start) };
	struct rlimit limit = { .rlim_cur = 16384, .rlim_max = 16384 };
	int ret;

	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 1;
	rte_log_set_global_level(RTE_LOG_ERR);
	json = fopen(argc > 1 ? argv[1] : "/dev/null", "w");
	if (json == NULL)
		return 1;
	fprintf(json, "[\n");
	ret = cmocka_run_group_tests(tests, NULL, NULL);
	fprintf(json, "\n]\n");
	return fclose(json) != 0 || ret != 0;
}
