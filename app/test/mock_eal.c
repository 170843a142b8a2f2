/* SPDX-License-Identifier: BSD-3-Clause */

/* mock_eal: start DPDK where it can touch no real device.
 * In:  test programs (app).  Out: an EAL without hugepages, with a runtime folder
 *      of its own, and a pci bus whose sysfs is ours.
 * Context: app. */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_bus_pci.h>
#include <rte_dev.h>
#include <rte_eal.h>

#include <bus_pci_driver.h>
#include <dev_driver.h>

#include "eal/stock_bus.h"
#include "port/port.h"
#include "mock_eal.h"
#include "test.h"

struct rte_bus *mock_bus;
const char *mock_eal_lcores = "0";
bool mock_eal_has_telemetry;

static char prefix[64];

int
mock_eal_start(void **state)
{
	char *argv[] = {
		(char *)(uintptr_t)"test", (char *)(uintptr_t)"--no-huge",
		(char *)(uintptr_t)"-m", (char *)(uintptr_t)"64",
		(char *)(uintptr_t)(mock_eal_has_telemetry ? "--telemetry" : "--no-telemetry"),
		(char *)(uintptr_t)"-l", (char *)(uintptr_t)mock_eal_lcores,
		(char *)(uintptr_t)"--log-level=lib.eal:error", prefix, NULL,
	};
	const char *root = mock_sysfs_make();

	(void)state;
	snprintf(prefix, sizeof(prefix), "--file-prefix=hp-test-%d", getpid());
	mock_sysfs_add(MOCK_FIRST, "hotplug_mock");
	/* not a step further with the machine's own devices in sight */
	assert_string_equal(rte_pci_get_sysfs_path(), root);
	assert_true(rte_eal_init(N_ELEMENTS(argv) - 1, argv) >= 0);
	mock_bus = rte_bus_find_by_name("pci");
	assert_non_null(mock_bus);
	return 0;
}

void
mock_eal_remove_files(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf /var/run/dpdk/hp-test-%d", getpid());
	assert_int_equal(system(command), 0);
	mock_sysfs_destroy();
}

static int
compare_name(const struct rte_device *dev, const void *name)
{
	return strcmp(dev->name, name);
}

struct rte_device *
mock_find(const char *name)
{
	struct rte_device *dev = bus_find_device(mock_bus, compare_name, name);

	return dev != NULL && rte_dev_is_probed(dev) ? dev : NULL;
}

bool
mock_comes_to(const char *name, enum hotplug_state state)
{
	return WAIT_FOR(hotplug_device_state(name) == (int)state);
}

uint8_t
mock_read(const uint8_t *at)
{
	return *(const volatile uint8_t *)at;
}

/* cmocka asks for SIGBUS around each test, and with signal(): its handler would stand over the
 * library's, which large BARs of a dead card need. */
sighandler_t
signal(int signo, sighandler_t handler)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART }, old;

	if (signo == SIGBUS && handler != SIG_DFL)
		return SIG_ERR;
	return sigaction(signo, &action, &old) == 0 ? old.sa_handler : SIG_ERR;
}
