/* SPDX-License-Identifier: BSD-3-Clause */

/* test_keep: events in a file, longer than the process lives.
 * In:  toy devices that go.  Out: the file that history= names.
 * Context: app. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test.h"
#include "child.h"
#include "fake_host.h"
#include "report/events.h"
#include "toy_bus.h"

static char folder[] = "/tmp/hp-keep-XXXXXX";
static char path[64], moved[80];
static char kept[8192];

static int
start_with(const char *file)
{
	struct hotplug_config config;
	char option[128];

	hotplug_config_init(&config);
	snprintf(option, sizeof(option), "history=%s", file);
	assert_int_equal(hotplug_config_parse(&config, option, NULL, 0), 0);
	fake_log_clear();
	return toy_enable(&config);
}

static int
stop(void **state)
{
	(void)state;
	toy_disable();
	unlink(path);
	unlink(moved);
	return 0;
}

static const char *
read_file(const char *file)
{
	FILE *f = fopen(file, "re");
	size_t n = f != NULL ? fread(kept, 1, sizeof(kept) - 1, f) : 0;

	kept[n] = '\0';
	if (f != NULL)
		fclose(f);
	return kept;
}

/* It is written after the subscribers: the log's line comes before. */
static void
tell(const char *device)
{
	struct hotplug_event event = {
		.size = sizeof(event), .type = HOTPLUG_EVENT_HEALED, .n_ports = 2,
		.port = { 3, 4 }, .kernel_driver = "vfio-pci",
	};

	snprintf(event.device, sizeof(event.device), "%s", device);
	events_push(&event);
}

/* "Told" is before it is written; the thread that writes ends behind its last line. */
static bool
ends_when_written(void)
{
	return WAIT_FOR(events_are_told()) && hotplug_disable() == 0;
}

static bool
has(const char *file, const char *text)
{
	return strstr(read_file(file), text) != NULL;
}

static void
test_keep_writes_a_line_for_each_event(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(start_with(path), 0);
	assert_int_equal(stat(path, &st), 0);   /* at once: whether it can be is said then */
	assert_int_equal(st.st_size, 0);
	assert_int_equal(st.st_mode & 0777 & ~0640, 0);
	tell("kept0");
	assert_true(WAIT_FOR(has(path, "}\n")));
	assert_true(has(path, "{\"time\": \"20"));
	assert_false(fake_log_has("kept0"));    /* heal says it in words, and once */
	assert_true(has(path, "\"sequence\": 1, \"event\": \"healed\", \"device\": \"kept0\", "
			"\"cause\": \"NONE\", \"sign\": \"none\", \"kernel_driver\": \"vfio-pci\", "
			"\"ports\": [3, 4], \"is_simulated\": 0, "));
}

static void
test_keep_makes_no_other_text_of_a_name(void **state)
{
	(void)state;
	assert_int_equal(start_with(path), 0);
	tell("a\"b\\c\nd");
	assert_true(WAIT_FOR(has(path, "\"device\": \"a?b?c?d\"")));
}

static void
test_keep_goes_on_in_a_new_file_when_it_was_rotated(void **state)
{
	(void)state;
	assert_int_equal(start_with(path), 0);
	tell("before");
	assert_true(WAIT_FOR(has(path, "before")));
	assert_int_equal(rename(path, moved), 0);
	tell("after");
	assert_true(WAIT_FOR(has(path, "after")));
	assert_false(has(moved, "after"));
}

static void
test_keep_says_once_where_it_cannot_write(void **state)
{
	(void)state;
	assert_int_equal(start_with("/nonexistent/folder/history"), 0);
	assert_int_equal(fake_log_count("WARN: history=/nonexistent/folder/history: cannot be "
					"written: No such file or directory"), 1);
	tell("lost0");
	tell("lost1");
	assert_true(ends_when_written());
	assert_int_equal(fake_log_count("cannot be written"), 1);
}

/* Its reader is gone, or comes later: neither enable nor an event waits for him. */
static void
test_keep_waits_for_no_reader(void **state)
{
	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0);
	alarm(10);
	assert_int_equal(start_with(path), 0);
	tell("unread0");
	assert_true(ends_when_written());
	assert_int_equal(fake_log_count("cannot be written: No such device or address"), 1);
	alarm(0);
}

/* Of a file, in bytes. */
static void
set_limit(rlim_t len)
{
	struct rlimit limit;

	CHILD_CHECK(getrlimit(RLIMIT_FSIZE, &limit) == 0);
	limit.rlim_cur = len < limit.rlim_max ? len : limit.rlim_max;
	CHILD_CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
}

/* In a child: SIGXFSZ, which has killed the application. */
static void
tell_at_the_limit(void *arg)
{
	(void)arg;
	CHILD_CHECK(start_with(path) == 0);
	set_limit(10);
	tell("large0");
	tell("large1");
	CHILD_CHECK(ends_when_written());
	CHILD_CHECK(fake_log_count("cannot be written") == 1);
}

static void
leave_half(const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
	assert_int_equal(fclose(f), 0);
}

/* Another process, whose disk was full; and a file without an event, or with nothing but whole
 * ones. */
static void
test_keep_begins_on_a_new_line(void **state)
{
	(void)state;
	leave_half("{\"time\": \"20");
	assert_int_equal(start_with(path), 0);
	tell("whole0");
	assert_true(WAIT_FOR(has(path, "whole0")));
	assert_true(has(path, "{\"time\": \"20\n{\"time\": \"20"));
	tell("whole1");
	assert_true(WAIT_FOR(has(path, "whole1")));
	assert_true(has(path, "}\n{\"time\": \"20"));
	assert_false(has(path, "\n\n"));
}

/* In a child: the limit has left half of it, and is raised. */
static void
tell_beyond_the_limit(void *arg)
{
	(void)arg;
	CHILD_CHECK(start_with(path) == 0);
	set_limit(10);
	tell("half0");
	CHILD_CHECK(WAIT_FOR(strlen(read_file(path)) == 10));
	set_limit(RLIM_INFINITY);
	tell("whole2");
	CHILD_CHECK(WAIT_FOR(has(path, "whole2")));
	CHILD_CHECK(strncmp(kept + 10, "\n{", 2) == 0);
	CHILD_CHECK(hotplug_disable() == 0);
}

static void
test_keep_ends_the_line_that_a_limit_has_cut(void **state)
{
	(void)state;
	child_passes(tell_beyond_the_limit, NULL);
}

static void
test_keep_outlives_the_limit_of_a_file(void **state)
{
	(void)state;
	child_passes(tell_at_the_limit, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_keep_writes_a_line_for_each_event, stop),
		cmocka_unit_test_teardown(test_keep_makes_no_other_text_of_a_name, stop),
		cmocka_unit_test_teardown(test_keep_goes_on_in_a_new_file_when_it_was_rotated, stop),
		cmocka_unit_test_teardown(test_keep_says_once_where_it_cannot_write, stop),
		cmocka_unit_test_teardown(test_keep_waits_for_no_reader, stop),
		cmocka_unit_test_teardown(test_keep_begins_on_a_new_line, stop),
		cmocka_unit_test_teardown(test_keep_ends_the_line_that_a_limit_has_cut, stop),
		cmocka_unit_test_teardown(test_keep_outlives_the_limit_of_a_file, stop),
	};
	int ret;

	if (mkdtemp(folder) == NULL)
		return 1;
	snprintf(path, sizeof(path), "%s/history", folder);
	snprintf(moved, sizeof(moved), "%s/history.1", folder);
	ret = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(folder);
	return ret;
}
