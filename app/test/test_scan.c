/* SPDX-License-Identifier: BSD-3-Clause */

/* test_scan: hotplug_scan() from several threads, from a subscriber, and while
 * devices are lost.
 * In:  a simulated bus that changes without a word.  Out: events and counts.
 * Context: app, events; scans run on watch. */

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "script.h"
#include "sim_bus.h"
#include "test.h"

#define N_DEVICES 8
#define N_CALLERS 4

static struct heard heard;

static int
start(void **state)
{
	struct hotplug_config config;

	(void)state;
	script_reset();
	heard_init(&heard);
	hotplug_config_init(&config);
	config.liveness_ms = 0; /* only scans look */
	return sim_enable(&config) != 0 || hotplug_event_subscribe(NULL, heard_fn, &heard) < 0;
}

static int
stop(void **state)
{
	(void)state;
	sim_disable();
	return 0;
}

/* The events so far are these, and no more. */
static void
assert_heard(unsigned int n_gone, unsigned int n_ready)
{
	if (n_gone > 0)
		heard_wait(&heard, HOTPLUG_EVENT_GONE, n_gone - 1);
	if (n_ready > 0)
		heard_wait(&heard, HOTPLUG_EVENT_READY, n_ready - 1);
	test_sleep_ms(20);
	assert_int_equal(heard_count(&heard, HOTPLUG_EVENT_GONE), n_gone);
	assert_int_equal(heard_count(&heard, HOTPLUG_EVENT_READY), n_ready);
	assert_int_equal(heard_total(&heard), n_gone + n_ready);
}

static pthread_t other;
static bool has_asked;

static void *
ask(void *arg)
{
	(void)arg;
	hotplug_scan();
	return NULL;
}

static void
ask_meanwhile(unsigned int index)
{
	if (has_asked || index != 0)
		return;
	has_asked = true;
	assert_int_equal(pthread_create(&other, NULL, ask, NULL), 0);
	test_sleep_ms(2);
}

/* Who asks is told what its own scan found, not what the next one did. */
static void
test_scan_answers_each_with_its_own(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 100; i++) {
		sim_put("sim0", "", NULL);
		has_asked = false;
		sim_on_enumerate(ask_meanwhile);
		assert_int_equal(hotplug_scan(), 1);
		pthread_join(other, NULL);
	}
}

static _Atomic int inner_ret;

static void
scan_inside(const struct hotplug_event *event, void *arg)
{
	(void)arg;
	if (strcmp(event->device, "sim0") != 0)
		return;
	sim_put("inner0", SIM_USER, NULL);      /* not known, so not in the outer one */
	atomic_store(&inner_ret, hotplug_scan());
}

static void
test_scan_in_a_subscriber(void **state)
{
	(void)state;
	atomic_store(&inner_ret, -1);
	assert_true(hotplug_event_subscribe(NULL, scan_inside, NULL) > 0);
	sim_put("sim0", SIM_USER, NULL);
	assert_int_equal(hotplug_scan(), 1);
	assert_heard(0, 2);
	assert_int_equal(atomic_load(&inner_ret), 1);
}

static _Atomic bool is_over;

static void *
scan_on(void *arg)
{
	(void)arg;
	while (!atomic_load(&is_over))
		hotplug_scan();
	return NULL;
}

/* All at once, while scans run: each is reported once. */
static void
test_scan_while_eight_devices_are_lost(void **state)
{
	char name[N_DEVICES][16];
	pthread_t caller[N_CALLERS];
	unsigned int i, j, n;

	(void)state;
	for (i = 0; i < N_DEVICES; i++) {
		snprintf(name[i], sizeof(name[i]), "sim%u", i);
		sim_put(name[i], SIM_USER, NULL);
	}
	hotplug_scan();
	for (i = 0; i < N_DEVICES; i++)
		assert_int_equal(sim_attach(name[i]), 0);
	atomic_store(&is_over, false);
	for (i = 0; i < N_CALLERS; i++)
		pthread_create(&caller[i], NULL, scan_on, NULL);
	for (i = 0; i < N_DEVICES; i++)
		sim_take(name[i]);
	heard_wait(&heard, HOTPLUG_EVENT_GONE, N_DEVICES - 1);
	atomic_store(&is_over, true);
	for (i = 0; i < N_CALLERS; i++)
		pthread_join(caller[i], NULL);
	assert_heard(N_DEVICES, N_DEVICES);
	for (i = 0; i < N_DEVICES; i++) {
		for (j = N_DEVICES, n = 0; j < heard_total(&heard); j++)
			n += strcmp(heard.event[j].device, name[i]) == 0;
		assert_int_equal(n, 1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_scan_answers_each_with_its_own, start, stop),
		cmocka_unit_test_setup_teardown(
			test_scan_in_a_subscriber, start, stop),
		cmocka_unit_test_setup_teardown(
			test_scan_while_eight_devices_are_lost, start, stop),
	};

	return cmocka_run_group_tests_name("scan", tests, NULL, NULL);
}
