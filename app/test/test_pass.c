/* SPDX-License-Identifier: BSD-3-Clause */

/* test_pass: a scan of 4,096 functions, counted in system calls.
 * In:  a mock folder, the PCI backend's own functions on a bus of this test, and
 *      open64(), stat64(), readlink() and pread64() of them, wrapped.
 * Out: how often each was called, and for which files.
 * Context: app; the calls are watch's. */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../drivers/bus/pci/pci.h"
#include "mock_pci.h"
#include "script.h"
#include "test.h"

#define N_FUNCTIONS 4096

int __real_open64(const char *path, int flags, ...);
int __real_stat64(const char *path, struct stat *st);
ssize_t __real_readlink(const char *path, char *link, size_t len);
ssize_t __real_pread64(int fd, void *data, size_t len, off_t at);
int __wrap_open64(const char *path, int flags, ...);
int __wrap_stat64(const char *path, struct stat *st);
ssize_t __wrap_readlink(const char *path, char *link, size_t len);
ssize_t __wrap_pread64(int fd, void *data, size_t len, off_t at);

/* What was called for files of the mock folder. */
static _Atomic unsigned int n_opens, n_stats, n_links, n_reads, n_strange;

static bool
is_mock(const char *path)
{
	return strncmp(path, mock_path(), strlen(mock_path())) == 0;
}

/* Nothing else: what is not here may take the kernel's device lock. */
static bool
is_harmless(const char *path)
{
	return strcmp(strrchr(path, '/'), "/config") == 0 || strstr(path, "/igb_uio/resets") != NULL;
}

int
__wrap_open64(const char *path, int flags, ...)
{
	if (is_mock(path)) {
		n_opens++;
		n_strange += !is_harmless(path);
	}
	return __real_open64(path, flags, 0600);
}

int
__wrap_stat64(const char *path, struct stat *st)
{
	n_stats += is_mock(path);
	return __real_stat64(path, st);
}

ssize_t
__wrap_readlink(const char *path, char *link, size_t len)
{
	n_links += is_mock(path);
	return __real_readlink(path, link, len);
}

ssize_t
__wrap_pread64(int fd, void *data, size_t len, off_t at)
{
	n_reads++;
	return __real_pread64(fd, data, len, at);
}

static void
forget(void)
{
	n_opens = n_stats = n_links = n_reads = n_strange = 0;
}

static const struct hotplug_bus_ops ops = {
	.look = pci_look, .identify = pci_identify, .glance = pci_glance,
	.enumerate = pci_enumerate, .classify = pci_classify,
};

static struct hotplug_bus bus = { .name = "mock-pci", .ops = &ops };

static const char *
name_of(unsigned int i)
{
	static char name[32];

	snprintf(name, sizeof(name), "0000:%02x:%02x.%u", i / 256, i / 8 % 32, i % 8);
	return name;
}

static int
start(void **state)
{
	struct hotplug_config config;
	unsigned int i;

	(void)state;
	script_reset();
	mock_start();
	for (i = 0; i < N_FUNCTIONS; i++) {
		mock_put(name_of(i), 0x8086, 0x1000 + i % 16);
		if (i % 2 == 0)
			mock_drive(name_of(i), i % 4 == 0 ? "vfio-pci" : "e1000e");
	}
	hotplug_config_init(&config);
	config.liveness_ms = 0;
	return hotplug_bus_register(&bus) != 0 || hotplug_enable(&config) != 0 ||
		hotplug_scan() != 0;
}

static int
stop(void **state)
{
	(void)state;
	hotplug_disable();
	hotplug_bus_unregister(&bus);
	mock_stop();
	return 0;
}

/* One stat and one readlink for each; no file is opened. */
static void
test_pass_reads_nothing_of_unchanged_functions(void **state)
{
	(void)state;
	forget();
	assert_int_equal(hotplug_scan(), 0);
	assert_int_equal(n_stats, N_FUNCTIONS);
	assert_int_equal(n_links, N_FUNCTIONS);
	assert_int_equal(n_opens, 0);
	assert_int_equal(n_reads, 0);
}

/* 16 of them differ: those, and only those, are opened, and their configuration
 * space is all that is read. */
static void
test_pass_reads_a_bounded_number_of_files_of_changed_ones(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 16; i++)
		mock_drive(name_of(2 * i + 1), "vfio-pci");
	forget();
	assert_int_equal(hotplug_scan(), 16);
	assert_int_equal(n_opens, 2 * 16);
	assert_int_equal(n_strange, 0);
	assert_uint_in_range(n_reads, 16, 16 * 4);
	assert_uint_in_range(n_stats, N_FUNCTIONS, N_FUNCTIONS + 16);
	assert_uint_in_range(n_links, N_FUNCTIONS, N_FUNCTIONS + 16);
}

/* The look at an attached device: one stat, one file, one link. */
static void
test_pass_look_reads_its_configuration_space_only(void **state)
{
	struct hotplug_identity id;

	(void)state;
	assert_int_equal(pci_identify(name_of(0), &id), 0);
	forget();
	assert_int_equal(pci_look(name_of(0), "vfio-pci", &id), HOTPLUG_LOOK_PRESENT);
	assert_int_equal(n_stats, 1);
	assert_int_equal(n_opens, 1);
	assert_int_equal(n_reads, 1);
	assert_int_equal(n_links, 1);
	assert_int_equal(n_strange, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pass_reads_nothing_of_unchanged_functions),
		cmocka_unit_test(test_pass_reads_a_bounded_number_of_files_of_changed_ones),
		cmocka_unit_test(test_pass_look_reads_its_configuration_space_only),
	};

	return cmocka_run_group_tests_name("pass", tests, start, stop);
}
