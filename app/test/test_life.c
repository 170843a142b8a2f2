/* SPDX-License-Identifier: BSD-3-Clause */

/* test_life: a slot is its process's until that dies, however it dies.
 * In:  a file in a temporary folder, forked processes.  Out: who lives.
 * Context: app. */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sync/life.h"
#include "test.h"

static char folder[64];

static int
open_it(bool is_new, uint64_t *inode)
{
	int fd = life_open(folder, is_new, inode);

	assert_true(fd >= 0);
	return fd;
}

/* A process that takes a slot and sleeps. */
static pid_t
start(uint32_t slot)
{
	uint64_t inode;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		alarm(60);
		if (life_take(life_open(folder, false, &inode), slot) != 0)
			_exit(1);
		pause();
	}
	return pid;
}

static void
test_slot_is_taken_once(void **state)
{
	uint64_t inode;
	int fd = open_it(true, &inode), other = open_it(false, &inode);

	(void)state;
	assert_int_equal(life_take(fd, 3), 0);
	assert_int_equal(life_take(other, 3), -EAGAIN);
	assert_int_equal(life_take(other, 4), 0);
	assert_true(life_is_alive(other, 3));
	assert_true(life_is_alive(fd, 4));
	assert_false(life_is_alive(fd, 5));
	life_leave(fd, 3);
	assert_false(life_is_alive(other, 3));
	assert_int_equal(life_take(other, 3), 0);
	close(fd);
	close(other);
}

static void
test_killed_process_leaves_its_slot(void **state)
{
	uint64_t inode;
	int fd = open_it(true, &inode);
	pid_t pid = start(7);

	(void)state;
	assert_true(WAIT_FOR(life_is_alive(fd, 7)));
	assert_int_equal(kill(pid, SIGSTOP), 0);
	assert_true(life_is_alive(fd, 7));      /* stopped is alive */
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_false(life_is_alive(fd, 7));
	assert_int_equal(life_take(fd, 7), 0);
	close(fd);
}

/* A primary that starts anew: members of the old file cannot be mistaken. */
static void
test_new_file_is_another_one(void **state)
{
	uint64_t before, now, seen;
	int old = open_it(true, &before), fd, other;

	(void)state;
	assert_int_equal(life_take(old, 1), 0);
	fd = open_it(true, &now);
	assert_true(now != before);
	assert_false(life_is_alive(fd, 1));
	other = open_it(false, &seen);
	assert_true(seen == now);
	close(old);
	close(fd);
	close(other);
}

static void
test_missing_file_and_folder_are_errors(void **state)
{
	uint64_t inode = 5;

	(void)state;
	assert_int_equal(life_open("/nonexistent", true, &inode), -ENOENT);
	assert_int_equal(life_open("/nonexistent", false, &inode), -ENOENT);
	assert_true(inode == 5);
}

static int
set_up(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/hotplug-life-XXXXXX");
	return mkdtemp(folder) == NULL;
}

static int
tear_down(void **state)
{
	char path[128];

	(void)state;
	snprintf(path, sizeof(path), "%s/hotplug_life", folder);
	unlink(path);
	return rmdir(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slot_is_taken_once),
		cmocka_unit_test(test_killed_process_leaves_its_slot),
		cmocka_unit_test(test_new_file_is_another_one),
		cmocka_unit_test(test_missing_file_and_folder_are_errors),
	};

	return cmocka_run_group_tests_name("life", tests, set_up, tear_down);
}
