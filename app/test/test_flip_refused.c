/* SPDX-License-Identifier: BSD-3-Clause */

/* test_flip_refused: registers flip where the kernel refuses what they are made of, or it
 * is said; and when we are disabled before the driver has returned.
 * In:  toy devices, in processes of their own.
 * Context: app; faults are real ones. */

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "child.h"
#include "core/device.h"
#include "fake_host.h"
#include "forbid.h"
#include "survive/pages.h"
#include "survive/publish.h"
#include "test.h"
#include "toy_bus.h"

#define BIG (1024 * 1024)
#define LARGE (4 * BIG)         /* cut off by one mapping, flipping or not */

static void
flip_without_memfd(void *arg)
{
	static struct toy lonely;

	(void)arg;
	toy_make(&lonely, "toy1", 1, BIG);
	CHILD_CHECK(forbid(SYS_memfd_create, EPERM));
	CHILD_CHECK(toy_enable(NULL) == 0);
	CHILD_CHECK(toy_publish(&lonely) == 0);
	CHILD_CHECK(hotplug_device_unsettle(&toy_bus, &lonely) == 0);
	atomic_store(&lonely.look, HOTPLUG_LOOK_ABSENT);
	toy_report(&lonely);
	CHILD_CHECK(toy_flips(&lonely.bar[0][CUTOFF_CHUNK + 8]));
	hotplug_device_settle(&toy_bus, &lonely);
	CHILD_CHECK(toy_reads_all(lonely.bar[0], BIG, 0xff));
}

/* L18 */
static void
test_where_memfd_is_forbidden_it_flips_all_the_same(void **state)
{
	(void)state;
	child_passes(flip_without_memfd, NULL);
}

static void
flip_without_any_file(void *arg)
{
	static struct toy lonely;

	(void)arg;
	toy_make(&lonely, "toy1", 1, BIG);
	CHILD_CHECK(toy_enable(NULL) == 0);
	CHILD_CHECK(toy_publish(&lonely) == 0);
	CHILD_CHECK(forbid(SYS_ftruncate, ENOSPC));
	hotplug_device_unsettle(&toy_bus, &lonely);
	atomic_store(&lonely.look, HOTPLUG_LOOK_ABSENT);
	toy_report(&lonely);
	CHILD_CHECK(toy_reads_all(lonely.bar[0], BIG, 0xff));
	CHILD_CHECK(fake_log_has("toy1: its registers do not flip, its driver may take long: "
				 "No space left"));
}

static void
test_where_nothing_can_flip_it_is_said(void **state)
{
	(void)state;
	child_passes(flip_without_any_file, NULL);
}

static void
disable_at_work(void *arg)
{
	static struct toy lonely;
	struct hotplug_device *dev;

	(void)arg;
	toy_make(&lonely, "toy1", 1, BIG);
	CHILD_CHECK(toy_enable(NULL) == 0);
	CHILD_CHECK(toy_publish(&lonely) == 0);
	dev = device_find(&toy_bus, "toy1");
	device_enter(dev);
	atomic_store(&lonely.look, HOTPLUG_LOOK_ABSENT);
	toy_report(&lonely);
	toy_disable();
	CHILD_CHECK(toy_flips(&lonely.bar[0][0]) && toy_flips(&lonely.bar[0][BIG - 1]));
	device_leave(dev);
	(void)toy_read(&lonely.bar[0][0]);      /* it stays readable */
}

/* A driver that does not return, and nobody who answers its faults any more. */
static void
test_disabled_meanwhile_it_flips_until_the_driver_returns(void **state)
{
	(void)state;
	child_passes(disable_at_work, NULL);
}

static _Atomic bool is_large_refused;

/* In libc's place: as where memory is locked, and there is room for a thread's stack and not for a
 * BAR. */
void *
mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
	if (atomic_load(&is_large_refused) && len == LARGE) {
		errno = EAGAIN;
		return MAP_FAILED;
	}
	return (void *)syscall(SYS_mmap, addr, len, prot, flags, fd, offset);
}

/* Refused once, its BAR leads to the bus still; then there is room. */
static void
cut_again(void *arg)
{
	struct hotplug_stats stats = { .size = sizeof(stats) };
	const bool *is_at_work = arg;
	static struct toy lonely;
	struct hotplug_device *dev;

	toy_make(&lonely, "toy1", 1, LARGE);
	CHILD_CHECK(toy_enable(NULL) == 0);
	CHILD_CHECK(toy_publish(&lonely) == 0);
	dev = device_find(&toy_bus, "toy1");
	if (*is_at_work)
		device_enter(dev);
	atomic_store(&is_large_refused, true);
	atomic_store(&lonely.look, HOTPLUG_LOOK_ABSENT);
	(void)toy_report(&lonely);
	CHILD_CHECK(toy_read(&lonely.bar[0][0]) == 0x5a);
	CHILD_CHECK(hotplug_stats_get(&stats) == 0);
	CHILD_CHECK(stats.cut_failures > 0);
	atomic_store(&is_large_refused, false);
	CHILD_CHECK(WAIT_FOR(toy_read(&lonely.bar[0][0]) != 0x5a));
	CHILD_CHECK(!*is_at_work || toy_flips(&lonely.bar[0][0]));
	if (*is_at_work)
		device_leave(dev);
	CHILD_CHECK(toy_reads_all(lonely.bar[0], LARGE, 0xff));
}

static void
test_bar_that_had_no_room_is_cut_off_later(void **state)
{
	bool is_at_work = false;

	(void)state;
	child_passes(cut_again, &is_at_work);
}

/* It was not tried again as long as the driver was at work: it polled the bus. */
static void
test_bar_that_had_no_room_flips_later(void **state)
{
	bool is_at_work = true;

	(void)state;
	child_passes(cut_again, &is_at_work);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_where_memfd_is_forbidden_it_flips_all_the_same),
		cmocka_unit_test(test_where_nothing_can_flip_it_is_said),
		cmocka_unit_test(test_bar_that_had_no_room_is_cut_off_later),
		cmocka_unit_test(test_bar_that_had_no_room_flips_later),
		cmocka_unit_test(test_disabled_meanwhile_it_flips_until_the_driver_returns),
	};

	return cmocka_run_group_tests_name("flip_refused", tests, NULL, NULL);
}
