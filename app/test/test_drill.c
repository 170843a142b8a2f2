/* SPDX-License-Identifier: BSD-3-Clause */

/* test_drill: a removal that is simulated is one to everybody, and says so.
 * In:  simulated cards that stay where they are.  Out: events, states, counters.
 * Context: app. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fake_host.h"
#include "script.h"
#include "sim_bus.h"
#include "test.h"
#include "toy_bus.h"

static struct heard heard;
static struct hotplug_config config;

static int
start(void **state)
{
	(void)state;
	script_reset();
	fake_log_clear();
	heard_init(&heard);
	hotplug_config_init(&config);
	return sim_enable(&config) != 0 || hotplug_event_subscribe(NULL, heard_fn, &heard) < 0;
}

static int
stop(void **state)
{
	(void)state;
	sim_disable();
	return 0;
}

static void
attach(const char *name)
{
	sim_put(name, SIM_USER, NULL);
	assert_int_equal(sim_attach(name), 0);
}

static uint64_t
n_simulated(void)
{
	struct hotplug_stats stats = { .size = sizeof(stats) };

	assert_int_equal(hotplug_stats_get(&stats), 0);
	return stats.simulated;
}

static void
test_drill_is_a_loss_marked_as_simulated(void **state)
{
	struct hotplug_event gone;

	(void)state;
	attach("loss0");
	assert_int_equal(hotplug_simulate_removal("loss0"), 0);
	gone = heard_wait(&heard, HOTPLUG_EVENT_GONE, 0);
	assert_string_equal(gone.device, "loss0");
	assert_int_equal(gone.is_simulated, 1);
	assert_int_equal(gone.cause, HOTPLUG_CAUSE_REMOVED);
	assert_int_equal(gone.sign, HOTPLUG_SIGN_CALLER);
	assert_true(gone.cut_ns != 0);
	assert_int_equal(n_simulated(), 1);
	assert_int_equal(sim_n_disarms("loss0"), 1);
	assert_true(fake_traced(TRACE_SIGN) > 0 && fake_traced(TRACE_REPLACEMENT) > 0);
	assert_true(WAIT_FOR(fake_log_has(" loss0 gone cause=REMOVED sign=caller driver=user "
					  "simulated=1 ")));
}

static void
test_drill_is_not_seen_through(void **state)
{
	(void)state;
	attach("hide0");
	assert_int_equal(hotplug_simulate_removal("hide0"), 0);
	heard_wait(&heard, HOTPLUG_EVENT_GONE, 0);
	assert_int_equal(sim_detach("hide0"), 0);
	script_uevent("bind", "hide0", SIM_USER);
	assert_true(WAIT_FOR(script_is_read()));
	assert_int_equal(hotplug_scan(), 0);
	assert_int_equal(hotplug_device_state("hide0"), HOTPLUG_STATE_ABSENT);
	assert_int_equal(heard_total(&heard), 1);
}

static void
test_drill_ends_with_its_return(void **state)
{
	struct hotplug_event ready;

	(void)state;
	attach("back0");
	assert_int_equal(hotplug_simulate_removal("back0"), 0);
	heard_wait(&heard, HOTPLUG_EVENT_GONE, 0);
	assert_int_equal(sim_detach("back0"), 0);
	assert_int_equal(hotplug_simulate_return("back0"), 0);
	ready = heard_wait(&heard, HOTPLUG_EVENT_READY, 0);
	assert_int_equal(ready.is_simulated, 1);
	assert_int_equal(ready.card, HOTPLUG_CARD_ALIKE);
	assert_int_equal(hotplug_simulate_return("back0"), -ENOENT);
	assert_int_equal(sim_attach("back0"), 0);
	sim_take("back0");
	hotplug_scan();                 /* this one is real */
	assert_int_equal(heard_wait(&heard, HOTPLUG_EVENT_GONE, 1).is_simulated, 0);
	assert_int_equal(n_simulated(), 1);
}

static void
test_drill_ends_when_it_is_attached(void **state)
{
	(void)state;
	attach("own0");
	assert_int_equal(hotplug_simulate_removal("own0"), 0);
	heard_wait(&heard, HOTPLUG_EVENT_GONE, 0);
	assert_int_equal(sim_detach("own0"), 0);
	assert_int_equal(sim_attach("own0"), 0);
	assert_int_equal(hotplug_device_state("own0"), HOTPLUG_STATE_ATTACHED);
	assert_int_equal(hotplug_simulate_return("own0"), -ENOENT);
	assert_int_equal(hotplug_simulate_removal("own0"), 0);
	assert_int_equal(heard_wait(&heard, HOTPLUG_EVENT_GONE, 1).is_simulated, 1);
}

static void
test_drill_of_a_device_that_works_on_request(void **state)
{
	(void)state;
	sim_put("vfio0", SIM_USER, NULL);
	assert_int_equal(sim_attach_vfio("vfio0"), 0);
	assert_int_equal(hotplug_simulate_removal("vfio0"), 0);
	assert_int_equal(heard_wait(&heard, HOTPLUG_EVENT_GONE, 0).is_simulated, 1);
	assert_int_equal(heard_count(&heard, HOTPLUG_EVENT_REQUESTED), 0);
}

/* It would write into memory that its driver frees. */
static void
test_drill_of_what_cannot_be_disarmed_changes_nothing(void **state)
{
	(void)state;
	attach("armed0");
	sim_disarm_fails(-ENOTSUP);
	assert_int_equal(hotplug_simulate_removal("armed0"), -ENOTSUP);
	assert_int_equal(hotplug_scan(), 0);
	assert_int_equal(hotplug_device_state("armed0"), HOTPLUG_STATE_ATTACHED);
	assert_int_equal(heard_total(&heard), 0);
	assert_int_equal(n_simulated(), 0);
	sim_disarm_fails(0);
	assert_int_equal(hotplug_simulate_removal("armed0"), 0);
	heard_wait(&heard, HOTPLUG_EVENT_GONE, 0);
}

static void
test_drill_refuses_what_it_is_not_for(void **state)
{
	(void)state;
	assert_int_equal(hotplug_simulate_removal(NULL), -EINVAL);
	assert_int_equal(hotplug_simulate_return(NULL), -EINVAL);
	assert_int_equal(hotplug_simulate_removal("stranger"), -ENOENT);
	assert_int_equal(hotplug_simulate_return("stranger"), -ENOENT);
	attach("twice0");
	assert_int_equal(hotplug_simulate_return("twice0"), -ENOENT);
	assert_int_equal(hotplug_simulate_removal("twice0"), 0);
	assert_int_equal(hotplug_simulate_removal("twice0"), -EALREADY);
	heard_wait(&heard, HOTPLUG_EVENT_GONE, 0);
	assert_int_equal(hotplug_simulate_removal("twice0"), -EALREADY);
	assert_int_equal(sim_detach("twice0"), 0);
	assert_int_equal(hotplug_simulate_removal("twice0"), -ENOENT);
	sim_disable();
	assert_int_equal(hotplug_simulate_removal("twice0"), -EPERM);
	assert_int_equal(hotplug_simulate_return("twice0"), -EPERM);
	assert_int_equal(sim_enable(&config), 0);
}

static void
test_drill_ends_with_disable(void **state)
{
	(void)state;
	attach("off0");
	assert_int_equal(hotplug_simulate_removal("off0"), 0);
	heard_wait(&heard, HOTPLUG_EVENT_GONE, 0);
	hotplug_disable();
	assert_int_equal(hotplug_enable(&config), 0);
	assert_true(hotplug_scan() >= 0);
	assert_int_equal(hotplug_device_state("off0"), HOTPLUG_STATE_READY);
}

/* As an operator has it done, with DPDK_HOTPLUG. */
static void
test_drill_by_option(void **state)
{
	(void)state;
	sim_put("plan0", SIM_USER, NULL);
	hotplug_disable();
	assert_int_equal(hotplug_config_parse(&config, "drill=plan0,drill_after_ms=1500,"
					      "drill_for_ms=100", NULL, 0), 0);
	assert_int_equal(hotplug_enable(&config), 0);
	assert_true(hotplug_event_subscribe(NULL, heard_fn, &heard) > 0);
	assert_int_equal(sim_attach("plan0"), 0);
	assert_int_equal(heard_wait(&heard, HOTPLUG_EVENT_GONE, 0).is_simulated, 1);
	assert_int_equal(sim_detach("plan0"), 0);
	assert_int_equal(heard_wait(&heard, HOTPLUG_EVENT_READY, 0).is_simulated, 1);
	assert_int_equal(n_simulated(), 1);
}

static void
test_drill_by_option_of_nobody_is_said(void **state)
{
	(void)state;
	hotplug_disable();
	assert_int_equal(hotplug_config_parse(&config, "drill=absent0,drill_after_ms=0", NULL, 0),
			 0);
	assert_int_equal(hotplug_enable(&config), 0);
	assert_true(WAIT_FOR(fake_log_has("ERR: drill=absent0: No such file or directory")));
}

#define DRILL(test) cmocka_unit_test_setup_teardown(test, start, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		DRILL(test_drill_is_a_loss_marked_as_simulated),
		DRILL(test_drill_is_not_seen_through),
		DRILL(test_drill_ends_with_its_return),
		DRILL(test_drill_ends_when_it_is_attached),
		DRILL(test_drill_of_a_device_that_works_on_request),
		DRILL(test_drill_of_what_cannot_be_disarmed_changes_nothing),
		DRILL(test_drill_refuses_what_it_is_not_for),
		DRILL(test_drill_ends_with_disable),
		DRILL(test_drill_by_option),
		DRILL(test_drill_by_option_of_nobody_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
