/* SPDX-License-Identifier: BSD-3-Clause */

/* test_mp_signs: a device that one process sees go is cut off in the others, which
 * have no sign of their own (no uevent, no descriptor, no liveness looks).
 * In:  mock functions on the real pci bus; policy tell, or the primary's options as the
 *      second argument; a primary and two secondaries
 *      (forked before EAL: cmocka has a SIGBUS handler of its own); a hugetlbfs as the
 *      first argument.
 * Out: TAP.  The secondary with sync=off is the control: it must notice nothing.
 * Context: app; the secondaries answer one byte of command by one struct. */

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bus_pci_driver.h>

#include <hotplug.h>

#include "mock_eal.h"
#include "mp_process.h"
#include "test.h"

static const char *const names[] = {
	"0000:01:00.0", "0000:02:00.0", "0000:03:00.0", "0000:04:00.0",
};

static struct process primary, member, control;
static const char *primary_options = "";
static _Atomic int gone_sign[N_ELEMENTS(names)];        /* by device, when GONE was raised */

static void
on_event(const struct hotplug_event *event, void *arg)
{
	unsigned int i;

	(void)arg;
	for (i = 0; i < N_ELEMENTS(names); i++)
		if (event->type == HOTPLUG_EVENT_GONE && strcmp(event->device, names[i]) == 0)
			gone_sign[i] = event->sign;
	if (event->type == HOTPLUG_EVENT_GONE && strcmp(event->device, names[3]) == 0)
		(void)hotplug_device_detach(names[3], 0, NULL);
}

/* The control, too, looks once at what was just probed: before anything is lost. */
static int
subscribe(void)
{
	return hotplug_event_subscribe(NULL, on_event, NULL) > 0 && hotplug_scan() >= 0 ? 0 : -1;
}

static void
lose(unsigned int i)
{
	mock_sysfs_remove(names[i]);
	close(test_pmd_of(names[i])->sign[1]);
}

static struct report
see(unsigned int i, bool reads)
{
	const uint8_t *bar = test_pmd_of(names[i])->bar;

	return (struct report){ .state = hotplug_device_state(names[i]),
				.bar = bar == NULL ? 0 : reads ? mock_read(bar) : 1, .sign = gone_sign[i] };
}

/* '0'..: say how that device is; 'a'..: wait until it is gone; 'A'..: lose it;
 * 'p'..: detach it everywhere; \x10..: is it mapped (it may be unmapped just now)? */
static struct report
serve(unsigned char command)
{
	unsigned int i = command & 0xf;
	struct report report;
	int detached = 0;

	i -= command >= 'A' && command < 'p' ? 1 : 0;
	if (command >= 'p')
		detached = hotplug_device_detach(names[i], 0, NULL);
	if (command >= 'A' && command < 'a')
		lose(i);
	if (command >= 'A')
		(void)WAIT_FOR(gone_sign[i] != HOTPLUG_SIGN_NONE);
	report = see(i, command >= '0' && command != 'D');      /* our subscriber unmaps it */
	if (command >= 'p')
		report.state = detached;
	return report;
}

static void
test_everybody_has_them(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < N_ELEMENTS(names); i++) {
		assert_int_equal(mp_ask(&primary, '0' + i).state, HOTPLUG_STATE_ATTACHED);
		assert_int_equal(mp_ask(&member, '0' + i).state, HOTPLUG_STATE_ATTACHED);
		assert_int_equal(mp_ask(&member, '0' + i).bar, 0x5a);
		assert_int_equal(mp_ask(&control, '0' + i).state, HOTPLUG_STATE_ATTACHED);
	}
}

/* Not another process's: its descriptor, or a look that came before it. */
static bool
is_own(enum hotplug_sign sign)
{
	return sign == HOTPLUG_SIGN_UIO || sign == HOTPLUG_SIGN_LIVENESS;
}

static void
test_loss_in_the_primary_cuts_off_the_secondary(void **state)
{
	struct report report;

	(void)state;
	assert_true(is_own(mp_ask(&primary, 'A').sign));
	report = mp_ask(&member, 'a');
	assert_int_equal(report.state, HOTPLUG_STATE_GONE);
	assert_int_equal(report.bar, 0xff);
	assert_int_equal(report.sign, HOTPLUG_SIGN_CALLER);
	report = mp_ask(&control, '0');
	assert_int_equal(report.state, HOTPLUG_STATE_ATTACHED);
	assert_int_equal(report.bar, 0x5a);
	assert_int_equal(mp_ask(&member, '1').state, HOTPLUG_STATE_ATTACHED);
}

static void
test_loss_in_a_secondary_cuts_off_the_primary(void **state)
{
	struct report report;

	(void)state;
	assert_true(is_own(mp_ask(&member, 'B').sign));
	report = mp_ask(&primary, 'b');
	assert_int_equal(report.state, HOTPLUG_STATE_GONE);
	assert_int_equal(report.bar, 0xff);
	assert_int_equal(report.sign, HOTPLUG_SIGN_CALLER);
}

static void
test_lost_device_is_detached_by_anybody(void **state)
{
	(void)state;
	assert_int_equal(mp_ask(&member, 'p').state, 0);
	assert_int_equal(mp_ask(&member, '0').bar, 0);     /* unmapped */
	assert_int_equal(mp_ask(&primary, '0').bar, 0);
}

/* A device that is there is not detached beside a stopped process; a lost one is. */
static void
test_lost_device_is_detached_beside_a_stopped_process(void **state)
{
	(void)state;
	assert_int_equal(kill(member.pid, SIGSTOP), 0);
	assert_int_equal(mp_ask(&primary, 'q').state, 0);
	assert_int_equal(mp_ask(&primary, '1').bar, 0);
	assert_int_equal(kill(member.pid, SIGCONT), 0);
	assert_true(WAIT_FOR(mp_ask(&member, '\x11').bar == 0));
}

static void
test_stopped_secondary_is_cut_off_when_it_goes_on(void **state)
{
	(void)state;
	assert_int_equal(kill(member.pid, SIGSTOP), 0);
	assert_int_equal(mp_ask(&primary, 'C').state, HOTPLUG_STATE_GONE); /* without it */
	assert_int_equal(kill(member.pid, SIGCONT), 0);
	assert_int_equal(mp_ask(&member, 'c').bar, 0xff);
}

/* Both processes' subscribers do, at the same moment. */
static void
test_subscribers_detach_what_is_lost(void **state)
{
	(void)state;
	assert_true(is_own(mp_ask(&member, 'D').sign));
	assert_true(WAIT_FOR(mp_ask(&member, '\x13').bar == 0));
	assert_true(WAIT_FOR(mp_ask(&primary, '\x13').bar == 0));
	assert_int_equal(mp_ask(&member, '\x12').bar != 0, 1);
}

/* policy=survive: the primary tears the port down, and detaches everywhere. */
static void
test_torn_down_device_leaves_every_process(void **state)
{
	(void)state;
	assert_true(is_own(mp_ask(&primary, 'A').sign));
	assert_true(WAIT_FOR(mp_ask(&primary, '\x10').bar == 0));
	assert_int_equal(mp_ask(&member, '0').bar, 0);
	assert_int_equal(mp_ask(&member, '1').bar, 0x5a);
}

/* Stock: the stopped one's veto keeps the dead device in the primary. */
static void
test_teardown_does_not_wait_for_a_stopped_process(void **state)
{
	(void)state;
	assert_int_equal(kill(member.pid, SIGSTOP), 0);
	assert_true(is_own(mp_ask(&primary, 'B').sign));
	assert_true(WAIT_FOR(mp_ask(&primary, '\x11').bar == 0));
	assert_int_equal(kill(member.pid, SIGCONT), 0);
	assert_true(WAIT_FOR(mp_ask(&member, '\x11').bar == 0));
}

static int
set_up(void **state)
{
	unsigned int i;

	(void)state;
	mock_sysfs_make();
	for (i = 0; i < N_ELEMENTS(names); i++)
		mock_sysfs_add(names[i], "hotplug_mock");
	/* not a step further with the machine's own devices in sight */
	assert_memory_equal(rte_pci_get_sysfs_path(), "/tmp/hotplug-sysfs-", 19);
	mp_started = subscribe;
	mp_fork(&primary, "primary", primary_options, serve);
	mp_fork(&member, "secondary", "", serve);
	mp_fork(&control, "secondary", "sync=off", serve);
	return mp_ask(&primary, MP_START).state != 0 || mp_ask(&member, MP_START).state != 0 ||
		mp_ask(&control, MP_START).state != 0;
}

static int
tear_down(void **state)
{
	(void)state;
	mp_kill(&control);
	mp_kill(&member);
	mp_kill(&primary);
	mp_remove_files();
	mock_sysfs_destroy();
	return 0;
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everybody_has_them),
		cmocka_unit_test(test_loss_in_the_primary_cuts_off_the_secondary),
		cmocka_unit_test(test_loss_in_a_secondary_cuts_off_the_primary),
		cmocka_unit_test(test_subscribers_detach_what_is_lost),
		cmocka_unit_test(test_lost_device_is_detached_by_anybody),
		cmocka_unit_test(test_lost_device_is_detached_beside_a_stopped_process),
		cmocka_unit_test(test_stopped_secondary_is_cut_off_when_it_goes_on),
	};

	const struct CMUnitTest survive_tests[] = {
		cmocka_unit_test(test_everybody_has_them),
		cmocka_unit_test(test_torn_down_device_leaves_every_process),
		cmocka_unit_test(test_teardown_does_not_wait_for_a_stopped_process),
	};

	if (argc < 2)
		return 2;
	mp_prepare(argv[1]);
	if (argc > 2) {
		primary_options = argv[2];
		return cmocka_run_group_tests_name("mp_signs", survive_tests, set_up, tear_down);
	}
	return cmocka_run_group_tests_name("mp_signs", tests, set_up, tear_down);
}
