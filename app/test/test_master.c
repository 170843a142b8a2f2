/* SPDX-License-Identifier: BSD-3-Clause */

/* test_master: bus mastering is given back on uio_pci_generic, whatever else goes on.
 * In:  a mock function whose COMMAND loses that bit; writes to it that take their time.
 * Context: app; looks: the library's own threads. */

#include <fcntl.h>
#include <unistd.h>

#include <rte_dev.h>
#include <rte_ethdev.h>

#include <hotplug.h>

#include "child.h"
#include "mock_port.h"
#include "test.h"

#define COMMAND 0x04
#define MEMORY 0x2
#define BUS_MASTER 0x4
#define HANG_S 10

static _Atomic bool is_slow;
static _Atomic unsigned int n_slow;

ssize_t __wrap_pwrite64(int fd, const void *data, size_t len, off_t at);
ssize_t __real_pwrite64(int fd, const void *data, size_t len, off_t at);

/* The library's are of one byte, the mock's of two. */
ssize_t
__wrap_pwrite64(int fd, const void *data, size_t len, off_t at)
{
	n_slow += len == 1 && at == COMMAND && is_slow;
	while (len == 1 && at == COMMAND && atomic_load(&is_slow))
		test_sleep_ms(1);
	return __real_pwrite64(fd, data, len, at);
}

static bool
is_master(const char *name)
{
	int fd = open(mock_sysfs_path(name, "config"), O_RDONLY | O_CLOEXEC);
	uint8_t byte = 0;

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, COMMAND), 1);
	close(fd);
	return byte & BUS_MASTER;
}

/* A look has seen that it is one, when it is given back. */
static struct test_pmd *
plug_master(const char *name)
{
	struct test_pmd *pmd;
	unsigned int i, n;

	test_pmd_kdrv = RTE_PCI_KDRV_UIO_GENERIC;
	pmd = plug(name);
	for (i = 0; i < 50 && (i == 0 || !is_master(name)); i++) {
		mock_sysfs_config(name, COMMAND, MEMORY | BUS_MASTER);
		test_sleep_ms(100);
		mock_sysfs_config(name, COMMAND, MEMORY);
		for (n = 0; n < 500 && !is_master(name); n++)
			test_sleep_ms(1);
	}
	assert_true(is_master(name));
	return pmd;
}

static void
test_master_is_given_back(void **state)
{
	struct test_pmd *pmd = plug_master("0000:61:00.0");

	(void)state;
	mock_sysfs_config(pmd->name, COMMAND, MEMORY);
	assert_true(WAIT_FOR(is_master(pmd->name)));
	remove_port(pmd->port);
}

static void
remove_in_child(void *arg)
{
	const struct test_pmd *pmd = arg;
	struct rte_eth_dev_info info;

	alarm(HANG_S);
	CHILD_CHECK(rte_eth_dev_info_get(pmd->port, &info) == 0);
	CHILD_CHECK(rte_eth_dev_close(pmd->port) == 0);
	CHILD_CHECK(rte_dev_remove(info.device) == 0);
}

/* The thread that writes is not in the child, which removed the device for ever. */
static void
test_master_child_waits_for_nobody(void **state)
{
	struct test_pmd *pmd = plug_master("0000:62:00.0");

	(void)state;
	n_slow = 0;
	atomic_store(&is_slow, true);
	mock_sysfs_config(pmd->name, COMMAND, MEMORY);
	assert_true(WAIT_FOR(n_slow == 1));
	child_passes(remove_in_child, pmd);
	atomic_store(&is_slow, false);
	assert_true(WAIT_FOR(is_master(pmd->name)));
	remove_port(pmd->port);
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
		cmocka_unit_test(test_master_is_given_back),
		cmocka_unit_test(test_master_child_waits_for_nobody),
	};

	return cmocka_run_group_tests_name("master", tests, start, mock_port_stop);
}
