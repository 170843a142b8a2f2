/* SPDX-License-Identifier: BSD-3-Clause */

/* test_reprobe: drivers register, the bus is probed, more drivers register, it is
 * probed again; and what the user said of a lost device is kept.
 * In:  DPDK's own pci bus on a mock sysfs, drivers without registers, and
 *      rte_bus_probe() as an application calls it.
 * Out: how often each driver's probe was called for each device.
 * No device is touched: --no-huge, a file prefix of its own, an allow-list.
 * Context: app. */

#include <stdio.h>
#include <string.h>

#include <rte_bus.h>
#include <rte_dev.h>
#include <rte_devargs.h>
#include <rte_eal.h>
#include <rte_version.h>

#include <bus_driver.h>
#include <bus_pci_driver.h>

#include "hotplug.h"
#include "mock_pci.h"
#include "test.h"

#define NIC "0000:01:00.0"
#define NIC_AGAIN "0000:02:00.0"
#define SSD "0000:03:00.0"
#define LATER "0000:04:00.0"

enum { CALLS_NIC, CALLS_AGAIN, CALLS_SSD, N_CALLS };

static unsigned int n_probes[N_CALLS], n_removes;
static char seen_args[64];

static int
probe_nic(struct rte_pci_driver *drv, struct rte_pci_device *dev)
{
	(void)drv;
	n_probes[CALLS_NIC]++;
	if (dev->device.devargs != NULL && dev->device.devargs->args != NULL)
		snprintf(seen_args, sizeof(seen_args), "%s", dev->device.devargs->args);
	return 0;
}

static int
probe_again(struct rte_pci_driver *drv, struct rte_pci_device *dev)
{
	(void)drv;
	(void)dev;
	n_probes[CALLS_AGAIN]++;
	return 0;
}

static int
probe_ssd(struct rte_pci_driver *drv, struct rte_pci_device *dev)
{
	(void)drv;
	(void)dev;
	n_probes[CALLS_SSD]++;
	return 0;
}

static int
remove_any(struct rte_pci_device *dev)
{
	(void)dev;
	n_removes++;
	return 0;
}

#define IDS(name, device) \
	static const struct rte_pci_id name[] = { { RTE_PCI_DEVICE(0x1af4, device) }, { 0 } }
IDS(nic_ids, 0x0101);
IDS(again_ids, 0x0102);
IDS(ssd_ids, 0x0103);

static struct rte_pci_driver nic = {
	.driver = { .name = "test_nic" }, .id_table = nic_ids, .probe = probe_nic,
	.remove = remove_any,
};
static struct rte_pci_driver again = {
	.driver = { .name = "test_again" }, .id_table = again_ids, .probe = probe_again,
	.remove = remove_any, .drv_flags = RTE_PCI_DRV_PROBE_AGAIN,
};
static struct rte_pci_driver ssd = {
	.driver = { .name = "test_ssd" }, .id_table = ssd_ids, .probe = probe_ssd,
	.remove = remove_any,
};

/* What the bus's own scan wants to read. */
static void
put_function(const char *name, uint16_t device)
{
	static const char *const zeros[] = {
		"subsystem_vendor", "subsystem_device", "max_vfs", "sriov_numvfs", "numa_node",
	};
	char resource[1024] = "", text[16];
	unsigned int i;

	mock_put(name, 0x1af4, device);
	snprintf(text, sizeof(text), "0x%04x\n", device);
	mock_file(name, "vendor", "0x1af4\n");
	mock_file(name, "device", text);
	mock_file(name, "class", "0x020000\n");
	for (i = 0; i < N_ELEMENTS(zeros); i++)
		mock_file(name, zeros[i], "0\n");
	for (i = 0; i < PCI_MAX_RESOURCE; i++)
		strcat(resource, "0x0000000000000000 0x0000000000000000 0x0000000000000000\n");
	mock_file(name, "resource", resource);
	mock_drive(name, "vfio-pci");
}

static void
assert_probed(unsigned int n_nic, unsigned int n_again, unsigned int n_ssd)
{
	assert_int_equal(n_probes[CALLS_NIC], n_nic);
	assert_int_equal(n_probes[CALLS_AGAIN], n_again);
	assert_int_equal(n_probes[CALLS_SSD], n_ssd);
}

/* The device, while a driver has it. */
static struct rte_device *
find(const char *name)
{
	struct rte_dev_iterator it;
	struct rte_device *dev;

	RTE_DEV_FOREACH(dev, "bus=pci", &it)
		if (strcmp(dev->name, name) == 0)
			return rte_dev_is_probed(dev) ? dev : NULL;
	return NULL;
}

/* Seed 002: NIC drivers, probe, SSD drivers, probe. */
static void
test_reprobe_calls_each_probe_once(void **state)
{
	(void)state;
	rte_pci_register(&nic);
	rte_pci_register(&again);
	assert_int_equal(rte_bus_probe(), 0);
	assert_probed(1, 1, 0);
	rte_pci_register(&ssd);
	assert_int_equal(rte_bus_probe(), 0);
	assert_probed(1, 1, 1);
	assert_int_equal(rte_bus_probe(), 0);
	assert_probed(1, 1, 1);
	assert_int_equal(hotplug_device_state(NIC), HOTPLUG_STATE_ATTACHED);
	assert_int_equal(hotplug_device_state(SSD), HOTPLUG_STATE_ATTACHED);
}

/* A device that came meanwhile, and one that is not allowed. */
static void
test_reprobe_takes_what_is_new_and_allowed(void **state)
{
	(void)state;
	put_function(LATER, 0x0101);
	put_function("0000:05:00.0", 0x0101);
	assert_int_equal(rte_bus_scan(), 0);
	assert_int_equal(rte_bus_probe(), 0);
	assert_probed(2, 1, 1);
	assert_int_equal(hotplug_device_state(LATER), HOTPLUG_STATE_ATTACHED);
}

/* Lost, removed, back: its arguments and its place in the allow-list are there. */
static void
test_reprobe_keeps_what_the_user_said_of_a_lost_device(void **state)
{
	struct rte_device *dev;

	(void)state;
	assert_string_equal(seen_args, "");
	mock_take(NIC);
	assert_true(hotplug_scan() >= 0);
	assert_true(WAIT_FOR(hotplug_device_state(NIC) == HOTPLUG_STATE_GONE));
	dev = find(NIC);
	assert_non_null(dev);
	assert_int_equal(rte_dev_remove(dev), 0);
	assert_int_equal(n_removes, 1);
	assert_null(find(NIC));
	assert_int_equal(rte_bus_probe(), 0);
	assert_probed(2, 1, 1);         /* nothing is there, whatever the bus's list says */
	seen_args[0] = '\0';
	put_function(NIC, 0x0101);
	assert_int_equal(rte_bus_scan(), 0);
	assert_int_equal(rte_bus_probe(), 0);
	assert_probed(3, 1, 1);
	assert_string_equal(seen_args, "queues=4");
	assert_int_equal(hotplug_device_state(NIC), HOTPLUG_STATE_ATTACHED);
}

/* One that was removed by will is what it is without us: forgotten with its place in
 * the allow-list; from 26.07 on the bus keeps both, and probes it. */
static void
test_reprobe_of_a_device_that_was_removed_by_will_is_the_bus_s(void **state)
{
	(void)state;
	assert_int_equal(rte_dev_remove(find(SSD)), 0);
	assert_int_equal(rte_bus_scan(), 0);
	assert_int_equal(rte_bus_probe(), 0);
	assert_probed(3, 1, RTE_VERSION >= RTE_VERSION_NUM(26, 7, 0, 0) ? 2 : 1);
}

static int
start(void **state)
{
	char prefix[64];
	char *argv[] = {
		"test_reprobe", "--no-huge", "--no-telemetry", "-m", "64", "-l", "0",
		"--file-prefix", prefix, "-a", NIC ",queues=4", "-a", NIC_AGAIN, "-a", SSD,
		"-a", LATER, NULL,
	};

	(void)state;
	snprintf(prefix, sizeof(prefix), "reprobe%d", getpid());
	mock_start();
	put_function(NIC, 0x0101);
	put_function(NIC_AGAIN, 0x0102);
	put_function(SSD, 0x0103);
	if (rte_eal_init(N_ELEMENTS(argv) - 1, argv) < 0)
		return -1;
	return hotplug_enable(NULL);
}

static int
stop(void **state)
{
	(void)state;
	hotplug_disable();
	rte_eal_cleanup();
	mock_stop();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reprobe_calls_each_probe_once),
		cmocka_unit_test(test_reprobe_takes_what_is_new_and_allowed),
		cmocka_unit_test(test_reprobe_keeps_what_the_user_said_of_a_lost_device),
		cmocka_unit_test(test_reprobe_of_a_device_that_was_removed_by_will_is_the_bus_s),
	};

	return cmocka_run_group_tests_name("reprobe", tests, start, stop);
}
