/* SPDX-License-Identifier: BSD-3-Clause */

/* test_port_drill: a drill through the real pci bus and ethdev, under policy=heal.
 * In:  mock functions that the kernel can reset, or cannot; a PMD for them.
 * Context: app; the library's own threads do the work. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_ethdev.h>

#include <hotplug.h>

#include "mock_port.h"
#include "test.h"

#define COMMAND 0x04
#define BUS_MASTER 0x4

static uint8_t
byte_of(const char *name, const char *file, unsigned int at)
{
	int fd = open(mock_sysfs_path(name, file), O_RDONLY | O_CLOEXEC);
	uint8_t byte;

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	close(fd);
	return byte;
}

static void
test_port_drill_is_a_loss_and_a_healing(void **state)
{
	struct test_pmd *pmd = plug("0000:41:00.0");
	char name[HOTPLUG_NAME_LEN];
	uint16_t port = pmd->port;
	struct rte_eth_link link;

	(void)state;
	mock_sysfs_write(pmd->name, "reset", "0", 1);
	assert_int_equal(hotplug_simulate_removal(pmd->name), 0);
	assert_int_equal(byte_of(pmd->name, "config", COMMAND) & BUS_MASTER, 0);
	assert_int_equal(byte_of(pmd->name, "reset", 0), '1');
	assert_true(WAIT_FOR(mock_find("0000:41:00.0") == NULL));
	assert_int_equal(pmd->n_closes, 1);
	assert_int_equal(rte_eth_link_get_nowait(port, &link), 0);
	assert_int_equal(link.link_status, RTE_ETH_LINK_DOWN);
	assert_int_equal(rte_eth_dev_is_removed(port), 1);
	test_sleep_ms(200);             /* four looks: it is there, and is not found */
	assert_null(mock_find("0000:41:00.0"));
	assert_int_equal(hotplug_simulate_return(pmd->name), 0);
	assert_true(WAIT_FOR(n_success == 1));
	assert_int_equal(pmd->port, port);
	assert_int_equal(rte_eth_dev_is_removed(port), 0);
	assert_int_equal(mock_read(pmd->bar), 0x5a);
	assert_int_equal(hotplug_port_remove(port, name, sizeof(name)), 0);
}

/* What it would go on writing to memory could not be stopped for good. */
static void
test_port_drill_is_refused_where_nothing_resets(void **state)
{
	struct test_pmd *pmd = mock_plug("0000:42:00.0");
	char name[HOTPLUG_NAME_LEN];

	(void)state;
	assert_int_equal(hotplug_simulate_removal(pmd->name), -ENOTSUP);
	assert_int_equal(byte_of(pmd->name, "config", COMMAND) & BUS_MASTER, BUS_MASTER);
	assert_int_equal(hotplug_device_state(pmd->name), HOTPLUG_STATE_ATTACHED);
	assert_int_equal(rte_eth_dev_is_removed(pmd->port), 0);
	assert_int_equal(hotplug_port_remove(pmd->port, name, sizeof(name)), 0);
}

/* A reset that fails leaves the device as it was. */
static void
test_port_drill_is_refused_where_the_reset_fails(void **state)
{
	struct test_pmd *pmd = mock_plug("0000:43:00.0");
	char name[HOTPLUG_NAME_LEN];

	(void)state;
	assert_int_equal(symlink("/dev/full", mock_sysfs_path(pmd->name, "reset")), 0);
	assert_int_equal(hotplug_simulate_removal(pmd->name), -ENOSPC);
	assert_int_equal(byte_of(pmd->name, "config", COMMAND) & BUS_MASTER, BUS_MASTER);
	assert_int_equal(hotplug_device_state(pmd->name), HOTPLUG_STATE_ATTACHED);
	assert_int_equal(hotplug_port_remove(pmd->port, name, sizeof(name)), 0);
}

static int
start(void **state)
{
	return mock_port_start(state, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_port_drill_is_a_loss_and_a_healing),
		cmocka_unit_test(test_port_drill_is_refused_where_nothing_resets),
		cmocka_unit_test(test_port_drill_is_refused_where_the_reset_fails),
	};

	return cmocka_run_group_tests_name("port_drill", tests, start, mock_port_stop);
}
