/* SPDX-License-Identifier: BSD-3-Clause */

/* test_pci: the real pci bus of the installed DPDK, mock functions, a test PMD:
 * every way on which a device comes and goes is seen.
 * In:  one EAL (it cannot be had twice), one function per test.
 * Context: app. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rte_dev.h>
#include <rte_devargs.h>
#include <rte_eal.h>
#include <rte_version.h>
#include <rte_ethdev.h>

#include "../../drivers/bus/pci/pci.h"
#include "eal/stock_bus.h"
#include "mock_eal.h"
#include "survive/guard.h"
#include "test.h"

static struct rte_bus stock;    /* its ops before us */

static unsigned int
n_guarded(void)
{
	struct hotplug_stats stats = { .size = sizeof(stats) };

	assert_int_equal(hotplug_stats_get(&stats), 0);
	return stats.guarded;
}

static int
off(void **state)
{
	(void)state;
	test_pmd_unmaps_at_close = false;
	test_pmd_has_fd = true;
	test_pmd_probe_answer = 0;
	(void)hotplug_disable();
	return 0;
}

static void
test_pci_devices_probed_before_enable_are_guarded(void **state)
{
	(void)state;
	assert_int_equal(test_pmd_of(MOCK_FIRST)->n_probes, 1);
	assert_int_equal(hotplug_enable(NULL), 0);
	assert_int_equal(n_guarded(), 1);
	assert_int_equal(hotplug_device_state(MOCK_FIRST), HOTPLUG_STATE_ATTACHED);
}

static void
test_pci_slots_are_filled_and_put_back(void **state)
{
	(void)state;
	assert_int_equal(hotplug_enable(NULL), 0);
	assert_ptr_not_equal(mock_bus->hot_unplug_handler, stock.hot_unplug_handler);
	assert_ptr_not_equal(mock_bus->sigbus_handler, stock.sigbus_handler);
	assert_int_equal(hotplug_disable(), 0);
	assert_ptr_equal(mock_bus->hot_unplug_handler, stock.hot_unplug_handler);
	assert_ptr_equal(mock_bus->sigbus_handler, stock.sigbus_handler);
	assert_memory_equal(mock_bus, &stock, sizeof(stock));
}

static void
test_pci_a_probe_at_run_time_is_guarded_and_a_removal_withdraws(void **state)
{
	struct test_pmd *pmd = mock_plug("0000:02:00.0");
	unsigned int before = n_guarded();

	(void)state;
	assert_int_equal(hotplug_device_state(pmd->name), HOTPLUG_STATE_ATTACHED);
	assert_int_equal(rte_dev_remove(mock_find(pmd->name)), 0);
	assert_int_equal(pmd->n_removes, 1);
	assert_int_equal(pmd->read_at_remove, 0x5a);
	assert_int_equal(n_guarded(), before - 1);
	assert_uint_in_range(hotplug_device_state(pmd->name), HOTPLUG_STATE_ABSENT,
			HOTPLUG_STATE_READY);
}

static void
test_pci_a_probe_that_fails_guards_nothing(void **state)
{
	unsigned int before;

	(void)state;
	assert_int_equal(hotplug_enable(NULL), 0);
	before = n_guarded();
	test_pmd_probe_answer = -EIO;
	mock_sysfs_add("0000:02:01.0", "hotplug_mock");
	assert_true(rte_dev_probe("0000:02:01.0") < 0);
	assert_int_equal(n_guarded(), before);
	mock_sysfs_remove("0000:02:01.0");
}

/* Its name, or its devargs, are gone. */
static int
match_freed(const struct rte_device *dev, const void *arg)
{
	const struct rte_pci_device *pci = container_of(dev, struct rte_pci_device, device);
	const struct rte_devargs *devargs;
	bool is_listed = dev->devargs == NULL;

	(void)arg;
	RTE_EAL_DEVARGS_FOREACH("pci", devargs)
		is_listed = is_listed || devargs == dev->devargs;
	return is_listed && strcmp(dev->name, pci->name) == 0;
}

/* In the order in which a scan reads the folders. */
static bool
is_read_after(const char *name, const char *first)
{
	DIR *dir = opendir(mock_sysfs_path("", ""));
	const struct dirent *entry;
	bool has_first = false, is_after = false;

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		has_first = has_first || strcmp(entry->d_name, first) == 0;
		is_after = is_after || (has_first && strcmp(entry->d_name, name) == 0);
	}
	closedir(dir);
	return is_after;
}

/* A scan ends there: nothing can be read of it. */
static void
make_bad_function(const char *first, char *name, size_t len)
{
	unsigned int device;

	for (device = 4; device < 32; device++) {
		snprintf(name, len, "0000:02:%02x.0", device);
		assert_int_equal(mkdir(mock_sysfs_path(name, ""), 0700), 0);
		if (is_read_after(name, first))
			return;
		assert_int_equal(rmdir(mock_sysfs_path(name, "")), 0);
	}
	fail();
}

static void
test_pci_a_scan_that_fails_leaves_no_name_that_was_freed(void **state)
{
	const char *name = "0000:02:03.0";
	char bad[32];

	(void)state;
	assert_int_equal(hotplug_enable(NULL), 0);
	mock_sysfs_add(name, "hotplug_mock");
	make_bad_function(name, bad, sizeof(bad));
	assert_true(rte_dev_probe(name) < 0);
	assert_null(bus_find_device(mock_bus, match_freed, NULL));
	assert_int_equal(rmdir(mock_sysfs_path(bad, "")), 0);
	assert_int_equal(rte_dev_probe(name), 0);
	assert_int_equal(rte_dev_remove(mock_find(name)), 0);
	mock_sysfs_remove(name);
}

#define MEMORY 0x2
#define MASTER 0x4

static uint16_t
command_of(const char *name)
{
	uint16_t command = 0;
	int fd = open(mock_sysfs_path(name, "config"), O_RDONLY);

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &command, sizeof(command), COMMAND), sizeof(command));
	close(fd);
	return command;
}

/* Attached, and looked at each 10 ms. */
static void
attach_as(const char *name, enum rte_pci_kernel_driver driver)
{
	struct hotplug_config config;

	hotplug_config_init(&config);
	config.liveness_ms = 10;
	assert_int_equal(hotplug_enable(&config), 0);
	mock_sysfs_add(name, "hotplug_mock");
	test_pmd_kdrv = driver;
	assert_int_equal(rte_dev_probe(name), 0);
	test_pmd_kdrv = RTE_PCI_KDRV_UIO_GENERIC;
	assert_int_equal(command_of(name), MEMORY | MASTER);
	test_sleep_ms(100);
}

/* As the kernel does when a process closes /dev/uioN (M9). */
static void
test_pci_bus_mastering_that_another_process_took_is_given_back(void **state)
{
	static const char name[] = "0000:02:02.0";
	unsigned int i;

	(void)state;
	attach_as(name, RTE_PCI_KDRV_UIO_GENERIC);
	for (i = 0; i < 3; i++) {
		mock_sysfs_config(name, COMMAND, MEMORY);
		assert_true(WAIT_FOR(command_of(name) == (MEMORY | MASTER)));
	}
	mock_sysfs_config(name, COMMAND, 0);    /* a reset took it, and all else */
	test_sleep_ms(100);
	assert_int_equal(command_of(name), 0);
	mock_sysfs_config(name, COMMAND, MEMORY | MASTER);
	assert_int_equal(rte_dev_remove(mock_find(name)), 0);
	mock_sysfs_config(name, COMMAND, MEMORY);       /* its own end: nobody drives it */
	test_sleep_ms(100);
	assert_int_equal(command_of(name), MEMORY);
	mock_sysfs_remove(name);
}

static void
test_pci_bus_mastering_is_left_to_other_kernel_drivers(void **state)
{
	static const char name[] = "0000:02:03.0";

	(void)state;
	attach_as(name, RTE_PCI_KDRV_IGB_UIO);
	mock_sysfs_config(name, COMMAND, MEMORY);
	test_sleep_ms(100);
	assert_int_equal(command_of(name), MEMORY);
	assert_int_equal(rte_dev_remove(mock_find(name)), 0);
	mock_sysfs_remove(name);
}

/* EAL's monitor and vfio call this slot: cut off when it returns. */
static void
test_pci_the_hot_unplug_slot_cuts_off_at_once(void **state)
{
	struct test_pmd *pmd = mock_plug("0000:03:00.0");

	(void)state;
	mock_sysfs_remove(pmd->name);
	assert_int_equal(mock_bus->hot_unplug_handler(mock_find(pmd->name)), 0);
	assert_int_equal(mock_read(pmd->bar), 0xff);
	assert_int_equal(mock_read(pmd->bar + MOCK_BAR_LEN - 1), 0xff);
	assert_true(mock_comes_to(pmd->name, HOTPLUG_STATE_GONE));
	assert_int_equal(rte_dev_remove(mock_find(pmd->name)), 0);   /* touches its registers */
	assert_int_equal(pmd->n_removes, 1);
	assert_int_not_equal(pmd->read_at_remove, 0x5a);
}

/* The slot may be called with a device that has been freed. */
static void
test_pci_the_hot_unplug_slot_never_follows_its_pointer(void **state)
{
	(void)state;
	assert_int_equal(hotplug_enable(NULL), 0);
	assert_int_equal(mock_bus->hot_unplug_handler((struct rte_device *)(uintptr_t)8), 0);
	assert_int_equal(mock_bus->hot_unplug_handler(NULL), 0);
	assert_true(mock_bus->sigbus_handler((const void *)(uintptr_t)8) > 0);
}

static void
test_pci_a_uio_descriptor_that_hangs_up_is_the_end(void **state)
{
	struct test_pmd *pmd = mock_plug("0000:04:00.0");

	(void)state;
	mock_sysfs_remove(pmd->name);
	close(pmd->sign[1]);
	assert_true(mock_comes_to(pmd->name, HOTPLUG_STATE_GONE));
	assert_int_equal(mock_read(pmd->bar + 77), 0xff);
	assert_int_equal(rte_dev_remove(mock_find(pmd->name)), 0);
}

static void
test_pci_a_real_fault_is_answered_with_ones(void **state)
{
	struct test_pmd *pmd = mock_plug("0000:05:00.0");

	(void)state;
	assert_int_equal(truncate(mock_sysfs_path(pmd->name, "resource0"), 0), 0);
	assert_int_equal(mock_read(pmd->bar + MOCK_BAR_LEN / 2), 0xff);
	mock_sysfs_remove(pmd->name);
	assert_true(mock_comes_to(pmd->name, HOTPLUG_STATE_GONE));
	assert_int_equal(rte_dev_remove(mock_find(pmd->name)), 0);
}

static uint8_t read_in_probe;

static void
die_in_probe(struct test_pmd *pmd)
{
	assert_int_equal(truncate(mock_sysfs_path(pmd->name, "resource0"), 0), 0);
	read_in_probe = mock_read(pmd->bar + 5);
	mock_sysfs_remove(pmd->name);
}

/* Its BAR is not guarded yet; the look after the probe finds it gone. */
static void
test_pci_a_removal_in_the_middle_of_a_probe_is_survived(void **state)
{
	struct test_pmd *pmd;

	(void)state;
	test_pmd_in_probe = die_in_probe;
	pmd = mock_plug("0000:0b:00.0");
	test_pmd_in_probe = NULL;
	assert_int_equal(read_in_probe, 0xff);
	assert_true(mock_comes_to(pmd->name, HOTPLUG_STATE_GONE));
	assert_int_equal(rte_dev_remove(mock_find(pmd->name)), 0);
}

/* EAL frees those of a probe that has failed, and the device keeps them: the next probe read
 * them, when its scan came while the card was away. */
static void
test_pci_devargs_that_eal_has_freed_are_not_read(void **state)
{
	struct rte_devargs stale = { 0 }, *devargs = calloc(1, sizeof(*devargs));
	struct rte_pci_device dev = { .device.devargs = &stale };

	(void)state;
	assert_int_equal(rte_pci_addr_parse("0000:0c:00.0", &dev.addr), 0);
	pci_before_probe(&dev.device);
	assert_null(dev.device.devargs);
	assert_int_equal(rte_devargs_parse(devargs, "0000:0c:00.0,a=b"), 0);
	assert_int_equal(rte_devargs_insert(&devargs), 0);
	dev.device.devargs = &stale;
	pci_before_probe(&dev.device);
	assert_ptr_equal(dev.device.devargs, devargs);
	assert_int_equal(rte_devargs_remove(devargs), 0);
}

static void
publish_named(const char *name, struct rte_device *dev)
{
	struct hotplug_device_info info = { .key = dev, .name = name, .sign_fd = -1 };

	mock_sysfs_add(name, "hotplug_mock");
	assert_int_equal(pci_identify(name, &info.id), 0);
	assert_int_equal(hotplug_device_publish(&pci_bus, &info), 0);
}

/* The stock bus frees the device, and another thread's probe has the memory at once. */
static int
unplug_and_reuse(struct rte_device *dev, void *name)
{
	pci_before_probe(dev);
	if (strcmp(name, "0000:0e:00.0") == 0)
		mock_sysfs_remove(name);        /* it comes back */
	publish_named(name, dev);
	return 0;
}

/* The end of an unplug took the publication of whoever had its key by then: guarded no more,
 * lost later without a word. */
static void
test_pci_an_unplug_ends_its_own_publication_only(void **state)
{
	static const char *const name[] = { "0000:0e:01.0", "0000:0e:00.0" };
	struct rte_pci_device dev = { .device.bus = mock_bus };
	unsigned int i;

	(void)state;
	assert_int_equal(hotplug_enable(NULL), 0);
	for (i = 0; i < 2; i++) {
		publish_named("0000:0e:00.0", &dev.device);
		assert_int_equal(hotplug_unplug(&pci_bus, &dev.device, unplug_and_reuse,
						(void *)(uintptr_t)name[i]), 0);
		assert_int_equal(hotplug_device_state(name[i]), HOTPLUG_STATE_ATTACHED);
		if (i == 0)
			assert_int_not_equal(hotplug_device_state(name[1]),
					     HOTPLUG_STATE_ATTACHED);
		assert_int_equal(hotplug_device_withdraw(&pci_bus, &dev.device), 0);
		assert_int_equal(hotplug_device_withdraw(&pci_bus, &dev.device), -ENOENT);
		mock_sysfs_remove(name[i]);
		if (i == 0)
			mock_sysfs_remove(name[1]);
	}
}

/* Only a driver that has an interrupt descriptor of uio is watched by it. */
static void
test_pci_a_driver_without_descriptor_watches_none(void **state)
{
	struct test_pmd *pmd;
	int pipe_fd[2], saved = dup(0);

	(void)state;
	assert_int_equal(pipe(pipe_fd), 0);
	dup2(pipe_fd[0], 0);
	test_pmd_has_fd = false;
	pmd = mock_plug("0000:06:00.0");
	close(pipe_fd[1]);              /* stdin hangs up */
	test_sleep_ms(50);
	assert_int_equal(hotplug_device_state(pmd->name), HOTPLUG_STATE_ATTACHED);
	assert_int_equal(mock_read(pmd->bar), 0x5a);
	assert_int_equal(rte_dev_remove(mock_find(pmd->name)), 0);
	dup2(saved, 0);
	close(saved);
	close(pipe_fd[0]);
}

static uint8_t *unmapped;
static bool is_guarded_still;

/* Its munmap() has come to us. */
static void
look_at_guard(struct test_pmd *pmd)
{
	(void)pmd;
	test_pmd_is_closed = NULL;
	guard_enter();
	is_guarded_still = guard_has((uintptr_t)unmapped, (uintptr_t)unmapped + 1);
	guard_leave();
}

static void
test_pci_what_comes_where_a_closed_port_was_stays(void **state)
{
	struct test_pmd *pmd = mock_plug("0000:07:00.0");
	uint8_t *at = pmd->bar, *p;

	(void)state;
	test_pmd_unmaps_at_close = true;
	unmapped = at;
	is_guarded_still = true;
	test_pmd_is_closed = look_at_guard;
	assert_int_equal(rte_eth_dev_close(pmd->port), 0);
	assert_int_equal(pmd->n_closes, 1);
	assert_false(is_guarded_still);
	p = mmap(at, MOCK_BAR_LEN, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	assert_ptr_equal(p, at);
	memset(p, 0x33, MOCK_BAR_LEN);
	mock_sysfs_remove(pmd->name);
	assert_int_equal(mock_bus->hot_unplug_handler(mock_find(pmd->name)), 0);
	assert_true(mock_comes_to(pmd->name, HOTPLUG_STATE_GONE));
	assert_int_equal(rte_dev_remove(mock_find(pmd->name)), 0);
	assert_int_equal(mock_read(p), 0x33);
	assert_int_equal(mock_read(p + MOCK_BAR_LEN - 1), 0x33);
	munmap(p, MOCK_BAR_LEN);
}

static void
test_pci_a_dead_port_is_closed_without_its_device(void **state)
{
	struct test_pmd *pmd = mock_plug("0000:08:00.0");

	(void)state;
	mock_sysfs_remove(pmd->name);
	assert_int_equal(mock_bus->hot_unplug_handler(mock_find(pmd->name)), 0);
	assert_int_equal(rte_eth_dev_close(pmd->port), 0);
	assert_int_equal(pmd->n_closes, 1);
	assert_true(pmd->read_at_close == 0xff || pmd->read_at_close == 0);
	assert_int_equal(rte_dev_remove(mock_find(pmd->name)), 0);
}

static void
test_pci_a_second_bus_probe_probes_only_what_is_new(void **state)
{
	struct test_pmd *pmd = mock_plug("0000:09:00.0");

	(void)state;
	mock_sysfs_add("0000:09:01.0", "hotplug_mock");
	assert_int_equal(rte_bus_scan(), 0);
	assert_int_equal(rte_bus_probe(), 0);
	assert_int_equal(pmd->n_probes, 1);
	assert_int_equal(test_pmd_of(MOCK_FIRST)->n_probes, 1);
	assert_int_equal(test_pmd_of("0000:09:01.0")->n_probes, 1);
	assert_int_equal(hotplug_device_state("0000:09:01.0"), HOTPLUG_STATE_ATTACHED);
	assert_int_equal(rte_dev_remove(mock_find("0000:09:01.0")), 0);
	assert_int_equal(rte_dev_remove(mock_find(pmd->name)), 0);
}

/* Wrapped in turn by somebody else, ours stays where it is when we go, and passes on to
 * what was there when we came.  That is not the bus's own here: it would close the ports of
 * the tests to come, in a child, too, which shares ethdev's data with us. */
static rte_bus_cleanup_t our_cleanup;
static unsigned int n_cleanups;

#if RTE_VERSION >= RTE_VERSION_NUM(26, 7, 0, 0)
static int
count_cleanup(struct rte_bus *bus)
{
	assert_ptr_equal(bus, mock_bus);
	n_cleanups++;
	return 0;
}

static int
their_cleanup(struct rte_bus *bus)
{
	return our_cleanup(bus);
}

static int
clean_up(void)
{
	return mock_bus->cleanup(mock_bus);
}
#else
static int
count_cleanup(void)
{
	n_cleanups++;
	return 0;
}

static int
their_cleanup(void)
{
	return our_cleanup();
}

static int
clean_up(void)
{
	return mock_bus->cleanup();
}
#endif

static void
test_pci_a_wrapper_over_ours_still_works_when_we_are_gone(void **state)
{
	uint16_t port;

	(void)state;
	mock_bus->cleanup = count_cleanup;
	assert_int_equal(hotplug_enable(NULL), 0);
	our_cleanup = mock_bus->cleanup;
	assert_ptr_not_equal(our_cleanup, count_cleanup);
	mock_bus->cleanup = their_cleanup;
	assert_int_equal(hotplug_disable(), 0);
	assert_ptr_equal(mock_bus->cleanup, their_cleanup);
	assert_int_equal(clean_up(), 0);
	assert_int_equal(n_cleanups, 1);
	mock_bus->cleanup = stock.cleanup;
	assert_int_equal(rte_eth_dev_get_port_by_name(MOCK_FIRST, &port), 0);
}

/* The last: drivers touch a dead device on the way out, and nobody dies. */
static void
test_pci_eal_cleanup_with_a_dead_device_disables_us(void **state)
{
	struct test_pmd *pmd = mock_plug("0000:0a:00.0");

	(void)state;
	assert_int_equal(truncate(mock_sysfs_path(pmd->name, "resource0"), 0), 0);
	assert_int_equal(rte_eal_cleanup(), 0);
	assert_int_equal(pmd->n_removes, 1);
	assert_int_not_equal(pmd->read_at_remove, 0x5a);
	assert_int_equal(test_pmd_of(MOCK_FIRST)->n_removes, 1);
	assert_int_equal(hotplug_disable(), -EALREADY);
	assert_ptr_equal(mock_bus->hot_unplug_handler, stock.hot_unplug_handler);
	mock_eal_remove_files();
}

static int
begin(void **state)
{
	int ret = mock_eal_start(state);

	stock = *mock_bus;
	return ret;
}

#define CLEAN(test) cmocka_unit_test_teardown(test, off)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CLEAN(test_pci_devices_probed_before_enable_are_guarded),
		CLEAN(test_pci_slots_are_filled_and_put_back),
		CLEAN(test_pci_a_probe_at_run_time_is_guarded_and_a_removal_withdraws),
		CLEAN(test_pci_a_probe_that_fails_guards_nothing),
		CLEAN(test_pci_a_scan_that_fails_leaves_no_name_that_was_freed),
		CLEAN(test_pci_bus_mastering_that_another_process_took_is_given_back),
		CLEAN(test_pci_bus_mastering_is_left_to_other_kernel_drivers),
		CLEAN(test_pci_the_hot_unplug_slot_cuts_off_at_once),
		CLEAN(test_pci_the_hot_unplug_slot_never_follows_its_pointer),
		CLEAN(test_pci_a_uio_descriptor_that_hangs_up_is_the_end),
		CLEAN(test_pci_a_real_fault_is_answered_with_ones),
		CLEAN(test_pci_a_removal_in_the_middle_of_a_probe_is_survived),
		CLEAN(test_pci_devargs_that_eal_has_freed_are_not_read),
		CLEAN(test_pci_an_unplug_ends_its_own_publication_only),
		CLEAN(test_pci_a_driver_without_descriptor_watches_none),
		CLEAN(test_pci_what_comes_where_a_closed_port_was_stays),
		CLEAN(test_pci_a_dead_port_is_closed_without_its_device),
		CLEAN(test_pci_a_second_bus_probe_probes_only_what_is_new),
		CLEAN(test_pci_a_wrapper_over_ours_still_works_when_we_are_gone),
		cmocka_unit_test(test_pci_eal_cleanup_with_a_dead_device_disables_us),
	};

	return cmocka_run_group_tests_name("pci", tests, begin, NULL);
}
