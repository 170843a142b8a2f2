/* SPDX-License-Identifier: BSD-3-Clause */

/* test_umockdev: the kernel's announcements as libudev really hands them over.
 * In:  uevents of a mocked kernel (umockdev: run under umockdev-wrapper), which
 *      reach us through the netlink socket that uevent.c opens.
 * Context: app. */

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include <umockdev.h>

#include "eal/uevent.h"
#include "test.h"

static UMockdevTestbed *bed;
static int fd;

static int
start(void **state)
{
	(void)state;
	bed = umockdev_testbed_new();
	fd = uevent_open(1024);
	return fd < 0;
}

static int
stop(void **state)
{
	(void)state;
	uevent_close();
	g_object_unref(bed);
	return 0;
}

/* The next one, waited for. */
static void
receive(struct hotplug_uevent *uevent, struct uevent_origin *origin)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	assert_int_equal(poll(&pfd, 1, 10000), 1);
	assert_int_equal(uevent_next(uevent, origin), 1);
}

static char *
add(const char *subsystem, const char *name, const char *parent, const char *key,
    const char *value)
{
	char *path = umockdev_testbed_add_device(bed, subsystem, name, parent, NULL, key, value,
						 NULL);
	struct hotplug_uevent uevent;
	struct uevent_origin origin;

	assert_non_null(path);
	receive(&uevent, &origin);      /* it announces itself */
	assert_string_equal(uevent.action, "add");
	return path;
}

static void
test_uevent_has_what_the_kernel_said(void **state)
{
	static const char *const actions[] = { "unbind", "remove", "add", "bind" };
	char *path = add("pci", "0000:01:00.0", NULL, "DRIVER", "vfio-pci");
	struct hotplug_uevent uevent;
	struct uevent_origin origin;
	unsigned int i;

	(void)state;
	for (i = 0; i < N_ELEMENTS(actions); i++) {
		umockdev_testbed_uevent(bed, path, actions[i]);
		receive(&uevent, &origin);
		assert_string_equal(uevent.action, actions[i]);
		assert_string_equal(uevent.subsystem, "pci");
		assert_string_equal(uevent.sysname, "0000:01:00.0");
		assert_string_equal(uevent.driver, "vfio-pci");
		assert_non_null(strstr(uevent.devpath, "/0000:01:00.0"));
		assert_false(origin.is_synthetic);
	}
	g_free(path);
}

static void
test_uevent_that_somebody_wrote_is_synthetic(void **state)
{
	char *path = add("pci", "0000:02:00.0", NULL, "SYNTH_UUID", "0");
	struct hotplug_uevent uevent;
	struct uevent_origin origin = { .is_synthetic = false };

	(void)state;
	umockdev_testbed_uevent(bed, path, "remove");
	receive(&uevent, &origin);
	assert_true(origin.is_synthetic);
	g_free(path);
}

/* A uio device, and the wakeup source that newer kernels put below a function:
 * their own subsystems tell them from the function. */
static void
test_uevent_of_a_child_is_not_its_parents(void **state)
{
	char *pci = add("pci", "0000:03:00.0", NULL, NULL, NULL);
	char *uio = add("uio", "uio9001", pci, NULL, NULL);
	char *wakeup = add("wakeup", "wakeup9001", pci, NULL, NULL);
	struct hotplug_uevent uevent;
	struct uevent_origin origin;

	(void)state;
	umockdev_testbed_uevent(bed, uio, "remove");
	receive(&uevent, &origin);
	assert_string_equal(uevent.subsystem, "uio");
	assert_non_null(strstr(uevent.devpath, "/0000:03:00.0/"));
	umockdev_testbed_uevent(bed, wakeup, "remove");
	receive(&uevent, &origin);
	assert_string_equal(uevent.subsystem, "wakeup");
	assert_string_equal(uevent.sysname, "wakeup9001");
	g_free(pci);
	g_free(uio);
	g_free(wakeup);
}

static void
test_uevent_none_is_none(void **state)
{
	struct hotplug_uevent uevent;
	struct uevent_origin origin;

	(void)state;
	assert_int_equal(uevent_next(&uevent, &origin), 0);
}

#define MOCKED(test) cmocka_unit_test_setup_teardown(test, start, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		MOCKED(test_uevent_has_what_the_kernel_said),
		MOCKED(test_uevent_that_somebody_wrote_is_synthetic),
		MOCKED(test_uevent_of_a_child_is_not_its_parents),
		MOCKED(test_uevent_none_is_none),
	};

	return cmocka_run_group_tests_name("umockdev", tests, NULL, NULL);
}
