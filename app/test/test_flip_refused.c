/* SPDX-License-Identifier: BSD-3-Clause */

/* test_flip_refused: registers flip where the kernel refuses what they are made of, or it
 * is said; and when we are disabled before the driver has returned.
 * In:  toy devices, in processes of their own.
 * Context: app; faults are real ones. */

#include <errno.h>
#include <sys/syscall.h>

#include "child.h"
#include "core/device.h"
#include "fake_host.h"
#include "forbid.h"
#include "survive/pages.h"
#include "survive/publish.h"
#include "test.h"
#include "toy_bus.h"

#define BIG (1024 * 1024)

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_where_memfd_is_forbidden_it_flips_all_the_same),
		cmocka_unit_test(test_where_nothing_can_flip_it_is_said),
		cmocka_unit_test(test_disabled_meanwhile_it_flips_until_the_driver_returns),
	};

	return cmocka_run_group_tests_name("flip_refused", tests, NULL, NULL);
}
