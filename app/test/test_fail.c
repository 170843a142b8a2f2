/* SPDX-License-Identifier: BSD-3-Clause */

/* test_fail: memory, descriptors, mappings, threads, netlink refused at every step of
 * a device's life.  Each attempt is survived or refused cleanly; nothing is leaked,
 * and the next one, undisturbed, goes through.
 * In:  toy devices; the library built with nth.h.
 * Context: app; failures strike in whichever thread comes to the nth call. */

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "fake_host.h"
#include "hotplug.h"
#include "nth.h"
#include "survive/unmap.h"
#include "test.h"
#include "toy_bus.h"

#define BAR_LEN (256u * 1024)           /* more than a chunk: it is cut off lazily */
#define MOST 2000u                      /* calls in one life */

static struct heard heard;
static bool is_spared;          /* the signal handler: it has one other way, not four */

static unsigned int
n_files(void)
{
	unsigned int n = 0;
	DIR *dir = opendir("/proc/self/fd");

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

/* Mappings of files that have no name but "memfd:hotplug..." or "memfd:toy". */
static unsigned int
n_maps(void)
{
	FILE *f = fopen("/proc/self/maps", "re");
	unsigned int n = 0;
	char line[512];

	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL)
		n += strstr(line, "memfd:") != NULL;
	fclose(f);
	return n;
}

static uint8_t
touch(const uint8_t *at)
{
	uint8_t value;

	nth_hold(is_spared);
	value = toy_read(at);
	nth_hold(false);
	return value;
}

/* It is guarded, so its registers may be touched from now on, whatever fails.  Ones,
 * or zeros where there was no file to make ones from. */
static void
lose(struct toy *toy)
{
	uint8_t value;

	toy_pull(toy);
	value = touch(&toy->bar[0][8]);
	assert_true(value == 0xff || value == 0);
	value = touch(&toy->bar[0][BAR_LEN - 1]);
	assert_true(value == 0xff || value == 0);
	(void)toy_report(toy);
	assert_true(WAIT_FOR(hotplug_device_state(toy->name) == HOTPLUG_STATE_GONE));
	assert_true(WAIT_FOR(touch(&toy->bar[1][0]) != 0x5a));
}

static void
lose_by_descriptor(struct toy *toy)
{
	atomic_store(&toy->look, HOTPLUG_LOOK_ABSENT);
	toy_hang_up(toy);
	assert_true(WAIT_FOR(hotplug_device_state(toy->name) == HOTPLUG_STATE_GONE));
	assert_true(WAIT_FOR(touch(&toy->bar[1][BAR_LEN - 1]) != 0x5a));
}

/* Published, lost and let go; or refused, and then unknown. */
static int
one_life(void (*how)(struct toy *toy), bool is_heard)
{
	unsigned int n = heard_count(&heard, HOTPLUG_EVENT_GONE);
	struct toy toy;
	int ret;

	toy_make(&toy, "toy0", 2, BAR_LEN);
	ret = toy_publish(&toy);
	assert_true(ret <= 0);
	if (ret == 0) {
		how(&toy);
		/* an event that could not be kept is told as such */
		assert_true(!is_heard || WAIT_FOR(
			heard_count(&heard, HOTPLUG_EVENT_GONE) == n + 1 ||
			heard_count(&heard, HOTPLUG_EVENT_RESCAN) != 0));
	} else {
		assert_int_not_equal(hotplug_device_state("toy0"), HOTPLUG_STATE_ATTACHED);
	}
	toy_destroy(&toy);
	return ret;
}

/* What was refused, or 0. */
static int
whole_story(void)
{
	struct hotplug_config config;
	int ret, id;

	hotplug_config_init(&config);
	config.liveness_ms = 20;
	heard_init(&heard);
	ret = toy_enable(&config);
	if (ret == 0) {
		id = hotplug_event_subscribe(NULL, heard_fn, &heard);
		ret = one_life(lose, id >= 0);
		ret = one_life(lose_by_descriptor, id >= 0) != 0 || id < 0 ? -ENOMEM : ret;
		if (id >= 0)
			assert_int_equal(hotplug_event_unsubscribe(id), 0);
		toy_disable();
	} else {
		assert_true(ret < 0);
		assert_int_equal(hotplug_disable(), -EALREADY);
		hotplug_bus_unregister(&toy_bus);
	}
	return ret;
}

/* Even if the test fails. */
static int
stop(void **state)
{
	(void)state;
	print_message("# the last call that failed: %s\n", nth_last());
	nth_disarm();
	toy_disable();
	return 0;
}

/* Until no call is left that could fail. */
static void
fail_each(unsigned int more)
{
	unsigned int n, n_refused = 0, files, maps, pieces;
	bool is_over = false;

	assert_int_equal(whole_story(), 0);
	files = n_files();
	maps = n_maps();
	pieces = nth_n_pieces();
	for (n = 1; n < MOST && !is_over; n++) {
		nth_arm(n, more);
		n_refused += whole_story() != 0;
		is_over = nth_disarm() == 0;
		if (!WAIT_FOR(n_files() == files && n_maps() == maps &&
			      nth_n_pieces() == pieces))        /* a detached thread's own */
			fail_msg("call %u (%s): %u files, %u maps, %u pieces more", n, nth_last(),
				 n_files() - files, n_maps() - maps, nth_n_pieces() - pieces);
		assert_int_equal(whole_story(), 0);
		assert_int_equal(heard_count(&heard, HOTPLUG_EVENT_GONE), 2);
		fake_log_clear();
	}
	print_message("# %u calls failed, %u lives refused\n", n - 2, n_refused);
	assert_true(is_over);
	assert_true(n > 30);
	assert_true(n_refused > 5);
}

static void
test_each_call_fails_once(void **state)
{
	(void)state;
	fail_each(0);
}

static void
test_four_calls_in_a_row_fail(void **state)
{
	(void)state;
	is_spared = true;
	fail_each(3);
}

/* No memory while its driver unmapped one BAR of a device left its others unguarded for good: its
 * loss left them the card's. */
static void
test_other_bars_stay_guarded_without_memory(void **state)
{
	struct hotplug_config config;
	struct toy toy;
	bool is_over = false;
	unsigned int n;

	(void)state;
	hotplug_config_init(&config);
	config.liveness_ms = 0;
	assert_int_equal(toy_enable(&config), 0);
	for (n = 1; n < MOST && !is_over; n++) {
		toy_make(&toy, "toy0", 2, BAR_LEN);
		assert_int_equal(toy_publish(&toy), 0);
		test_sleep_ms(10);      /* no other thread comes to a call */
		nth_arm(n, 0);
		assert_int_equal(unmap_guarded(toy.bar[0], BAR_LEN, munmap), 0);
		is_over = nth_disarm() == 0;
		toy.bar[0] = NULL;
		atomic_store(&toy.look, HOTPLUG_LOOK_ABSENT);
		assert_int_equal(toy_report(&toy), 0);
		assert_true(WAIT_FOR(hotplug_device_state(toy.name) == HOTPLUG_STATE_GONE));
		assert_int_equal(toy_read(&toy.bar[1][8]), 0xff);
		toy_destroy(&toy);
	}
	assert_true(is_over);
	toy_disable();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_each_call_fails_once, stop),
		cmocka_unit_test_teardown(test_four_calls_in_a_row_fail, stop),
		cmocka_unit_test_teardown(test_other_bars_stay_guarded_without_memory, stop),
	};

	return cmocka_run_group_tests_name("fail", tests, NULL, NULL);
}
