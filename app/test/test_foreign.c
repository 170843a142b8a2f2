/* SPDX-License-Identifier: BSD-3-Clause */

/* test_foreign: nothing is replaced that is not (any more) the recorded BAR.
 * In:  toy devices whose mappings go, or are replaced, in every order.
 * Context: app; what may die does so in a child. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "child.h"
#include "enabled.h"
#include "fake_host.h"
#include "survive/sigbus.h"
#include "toy_bus.h"
#include "vmas.h"

#define LEN (256 * 1024ul)

static struct toy toy;

static int
start(void **state)
{
	(void)state;
	toy_make(&toy, "toy0", 2, LEN);
	return toy_enable(NULL) != 0 || toy_publish(&toy) != 0;
}

static int
stop(void **state)
{
	(void)state;
	toy_destroy(&toy);
	toy_disable();
	return 0;
}

/* Somebody else's memory where a BAR was. */
static void
replace(uint8_t *at, size_t len, int flags)
{
	uint8_t *p = mmap(at, len, PROT_READ | PROT_WRITE, flags | MAP_FIXED | MAP_ANONYMOUS,
			  -1, 0);

	assert_ptr_equal(p, at);
	memset(p, 0x33, len);
}

static void
lose(void)
{
	atomic_store(&toy.look, HOTPLUG_LOOK_ABSENT);
	assert_int_equal(toy_report(&toy), 0);
	assert_true(WAIT_FOR(hotplug_device_state("toy0") == HOTPLUG_STATE_GONE));
}

static void
test_foreign_private_memory_at_a_bar_stays(void **state)
{
	(void)state;
	replace(toy.bar[0], LEN, MAP_PRIVATE);
	lose();
	assert_true(toy_reads_all(toy.bar[0], LEN, 0x33));
	assert_true(toy_reads_all(toy.bar[1], LEN, 0xff));
}

static void
test_foreign_shared_memory_at_a_bar_stays(void **state)
{
	(void)state;
	replace(toy.bar[1], LEN, MAP_SHARED);
	lose();
	assert_true(toy_reads_all(toy.bar[1], LEN, 0x33));
	assert_true(toy_reads_all(toy.bar[0], LEN, 0xff));
}

static void
test_foreign_memory_in_the_middle_of_a_bar_stays(void **state)
{
	(void)state;
	replace(toy.bar[0] + 64 * 1024, test_page(), MAP_PRIVATE);
	lose();
	assert_true(toy_reads_all(toy.bar[0] + 64 * 1024, test_page(), 0x33));
	assert_true(toy_reads_all(toy.bar[1], LEN, 0xff));
}

static void
test_foreign_a_part_of_the_bars_file_from_elsewhere_stays(void **state)
{
	(void)state;
	/* the same file, but another place in it */
	assert_ptr_equal(mmap(toy.bar[0], LEN, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
			      toy.fd[0], test_page()), toy.bar[0]);
	lose();
	assert_int_equal(toy_read(&toy.bar[0][0]), 0x5a);
}

static void
test_foreign_a_hole_where_a_bar_was_stays_a_hole(void **state)
{
	uint8_t *hole = toy_unmap(&toy, 0);

	(void)state;
	lose();
	assert_false(vmas_has_ours(hole, LEN));
	assert_true(toy_reads_all(toy.bar[1], LEN, 0xff));
}

/* Cut off first, let go by its driver, and the place used anew. */
static void
test_foreign_memory_after_a_cut_off_survives_disable(void **state)
{
	(void)state;
	lose();
	replace(toy.bar[0], LEN, MAP_PRIVATE);
	assert_int_equal(hotplug_disable(), 0);
	assert_true(toy_reads_all(toy.bar[0], LEN, 0x33));
	assert_int_equal(hotplug_enable(NULL), 0);
}

static void
test_foreign_nothing_is_ever_mapped_at_null(void **state)
{
	struct hotplug_device_info info;

	(void)state;
	toy_withdraw(&toy);
	toy_info(&toy, &info);
	info.region[0].addr = NULL;
	assert_int_equal(hotplug_device_publish(&toy_bus, &info), -EINVAL);
	info.n_regions = 0;     /* a device without a mapped BAR */
	assert_int_equal(hotplug_device_publish(&toy_bus, &info), 0);
	lose();
	assert_int_equal(vmas_of(NULL, 65536).n, 0);
	assert_int_equal(toy_read(&toy.bar[0][0]), 0x5a);
}

static void
test_foreign_a_withdrawn_device_is_not_touched(void **state)
{
	(void)state;
	assert_int_equal(toy_withdraw(&toy), 0);
	atomic_store(&toy.look, HOTPLUG_LOOK_ABSENT);
	assert_int_equal(toy_report(&toy), -ENOENT);
	toy_hang_up(&toy);
	test_sleep_ms(20);
	assert_uint_in_range(hotplug_device_state("toy0"), HOTPLUG_STATE_ABSENT, HOTPLUG_STATE_READY);
	assert_int_equal(toy_read(&toy.bar[0][0]), 0x5a);
	assert_int_equal(toy_read(&toy.bar[1][LEN - 1]), 0x5a);
}

static void
touch_withdrawn(void *arg)
{
	struct toy mine;

	(void)arg;
	toy_make(&mine, "mine", 1, LEN);
	CHILD_CHECK(toy_enable(NULL) == 0);
	CHILD_CHECK(toy_publish(&mine) == 0);
	CHILD_CHECK(toy_withdraw(&mine) == 0);
	toy_pull(&mine);
	(void)toy_read(&mine.bar[0][0]);
	CHILD_CHECK(!"still answered");
}

static void
test_foreign_a_fault_in_a_withdrawn_device_is_not_answered(void **state)
{
	(void)state;
	child_dies(touch_withdrawn, NULL, SIGBUS);
}

static void
touch_with_a_hole(void *arg)
{
	struct toy mine;

	(void)arg;
	toy_make(&mine, "mine", 1, LEN);
	CHILD_CHECK(toy_enable(NULL) == 0);
	CHILD_CHECK(toy_publish(&mine) == 0);
	CHILD_CHECK(hotplug_device_unsettle(&toy_bus, &mine) == 0);
	/* its driver lets it go; the place gets somebody else's dying file */
	CHILD_CHECK(mmap(mine.bar[0], LEN, PROT_READ, MAP_SHARED | MAP_FIXED,
			 memfd_create("other", 0), 0) == mine.bar[0]);
	(void)toy_read(&mine.bar[0][0]);
	CHILD_CHECK(!"somebody else's fault was answered");
}

static void
test_foreign_a_fault_of_whoever_came_after_the_driver_is_not_answered(void **state)
{
	(void)state;
	child_dies(touch_with_a_hole, NULL, SIGBUS);
}

/* A file of that name, shorter than its mapping, is touched while a driver probes. */
static void
touch_in_a_probe(void *name)
{
	char dir[] = "/tmp/hotplug-foreign-XXXXXX", command[400], *end;
	uint8_t *p;
	int fd;

	CHILD_CHECK(mkdtemp(dir) != NULL);
	snprintf(command, sizeof(command), "mkdir -p %s%s", dir, (const char *)name);
	end = strrchr(command, '/');
	*end = '\0';                    /* its folder */
	CHILD_CHECK(system(command) == 0);
	*end = '/';
	fd = open(command + strlen("mkdir -p "), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	CHILD_CHECK(fd >= 0 && ftruncate(fd, 4096) == 0);
	p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	CHILD_CHECK(p != MAP_FAILED && ftruncate(fd, 0) == 0);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	CHILD_CHECK(system(command) == 0);      /* its name ends in " (deleted)" now */
	CHILD_CHECK(toy_enable(NULL) == 0);
	sigbus_probing(true);
	CHILD_CHECK(toy_read(p) == 0xff);
	sigbus_probing(false);
}

static void
test_foreign_files_in_a_probe_are_told_by_their_whole_name(void **state)
{
	static char bar[] = "/0000:01:00.0/resource0", other_bar[] = "/10000:00:1d.0/resource2_wc",
		foreign[][40] = {
			"/resources/data", "/resource0", "/data/resource0",
			"/0000:01:00.0/resource0/data", "/0000:01:00.0/resources", "/vfio/data",
			"/dev/uio/data",
		};
	unsigned int i;

	(void)state;
	child_passes(touch_in_a_probe, bar);
	child_passes(touch_in_a_probe, other_bar);
	for (i = 0; i < N_ELEMENTS(foreign); i++)
		child_dies(touch_in_a_probe, foreign[i], SIGBUS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_foreign_a_fault_in_a_withdrawn_device_is_not_answered),
		cmocka_unit_test(
			test_foreign_a_fault_of_whoever_came_after_the_driver_is_not_answered),
		cmocka_unit_test(test_foreign_files_in_a_probe_are_told_by_their_whole_name),
		ENABLED(test_foreign_private_memory_at_a_bar_stays),
		ENABLED(test_foreign_shared_memory_at_a_bar_stays),
		ENABLED(test_foreign_memory_in_the_middle_of_a_bar_stays),
		ENABLED(test_foreign_a_part_of_the_bars_file_from_elsewhere_stays),
		ENABLED(test_foreign_a_hole_where_a_bar_was_stays_a_hole),
		ENABLED(test_foreign_memory_after_a_cut_off_survives_disable),
		ENABLED(test_foreign_nothing_is_ever_mapped_at_null),
		ENABLED(test_foreign_a_withdrawn_device_is_not_touched),
	};

	return cmocka_run_group_tests_name("foreign", tests, NULL, NULL);
}
