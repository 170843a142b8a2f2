/* SPDX-License-Identifier: BSD-3-Clause */

/* test_bad_input: what cannot be attached or detached is refused with words that help,
 * and nothing is left half done.
 * In:  mock functions and a PMD for them, virtual devices, DPDK's own fail-safe and
 *      bonding; what is logged.
 * Context: app; the library's own threads do the work. */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rte_dev.h>
#include <rte_devargs.h>
#include <rte_eal.h>
#include <rte_ethdev.h>

#include <ethdev_driver.h>
#include <hotplug.h>

#include "logged.h"
#include "mock_port.h"
#include "test.h"

#define NO_PORT 77

/* --- attach ------------------------------------------------------------------------- */

static void
test_attach_of_what_is_not_there(void **state)
{
	uint16_t port = NO_PORT;

	(void)state;
	log_clear();
	assert_int_equal(hotplug_port_attach("0000:61:00.0,key=1", &port), -ENODEV);
	assert_true(is_logged("attach '0000:61:00.0,key=1': No such device"));
	assert_int_equal(port, NO_PORT);
	assert_null(mock_find("0000:61:00.0"));
}

static void
test_attach_names_the_devargs(void **state)
{
	uint16_t port = NO_PORT;

	(void)state;
	log_clear();
	assert_true(hotplug_port_attach("net_null0,nonsense=1", &port) < 0);
	assert_true(is_logged("attach 'net_null0,nonsense=1': "));
	assert_true(is_logged("names an argument 'nonsense'"));
	assert_int_equal(port, NO_PORT);
	log_clear();
	assert_true(hotplug_port_attach("net_null0,size=[64,65],copy=1,sise=64,copy", &port) < 0);
	assert_true(is_logged("names an argument 'sise'"));
	assert_true(is_logged("'copy' is not key=value"));
	assert_false(is_logged("argument 'size'"));
	assert_false(is_logged("argument '65]'"));
	assert_int_equal(port, NO_PORT);
}

static void
test_attach_names_the_kernel_driver(void **state)
{
	uint16_t port = NO_PORT;

	(void)state;
	mock_sysfs_add("0000:62:00.0", "e1000e");
	test_pmd_probe_answer = 1;      /* as a driver that finds no way to map it */
	log_clear();
	assert_int_equal(hotplug_port_attach("0000:62:00.0", &port), -ENODEV);
	assert_true(is_logged("it is bound to e1000e: bind it to vfio-pci"));
	mock_sysfs_bind("0000:62:00.0", NULL);
	log_clear();
	assert_int_equal(hotplug_port_attach("0000:62:00.0", &port), -ENODEV);
	assert_true(is_logged("no kernel driver is bound to it: bind it to vfio-pci"));
	test_pmd_probe_answer = 0;
	assert_int_equal(port, NO_PORT);
	mock_sysfs_remove("0000:62:00.0");
}

/* It was the shell until a moment ago. */
static bool
is_sleep(int pid)
{
	char path[64], name[16] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	f = fopen(path, "re");
	if (f == NULL)
		return false;
	(void)!fscanf(f, "%15s", name);
	fclose(f);
	return strcmp(name, "sleep") == 0;
}

/* A process that has this file open, and is nobody's child. */
static pid_t
start_stranger(const char *file)
{
	char command[128];
	FILE *f;
	int pid;

	snprintf(command, sizeof(command), "sleep 60 < %s > /dev/null 2>&1 & echo $!", file);
	f = popen(command, "r");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%d", &pid), 1);
	pclose(f);
	assert_true(WAIT_FOR(is_sleep(pid)));
	return pid;
}

/* uio does not mind: its node is /dev/full, as sysfs has it. */
static void
test_attach_of_what_another_process_has(void **state)
{
	const char *name = "0000:69:00.0";
	uint16_t port = NO_PORT;
	pid_t stranger;
	char words[96];

	(void)state;
	mock_sysfs_add(name, "hotplug_mock");
	assert_int_equal(mkdir(mock_sysfs_path(name, "uio"), 0700), 0);
	assert_int_equal(mkdir(mock_sysfs_path(name, "uio/uio7"), 0700), 0);
	mock_sysfs_write(name, "uio/uio7/dev", "1:7\n", 4);
	stranger = start_stranger("/dev/full");
	log_clear();
	assert_int_equal(hotplug_port_attach(name, &port), -EBUSY);
	snprintf(words, sizeof(words), "attach %s: another process has it: pid %d (sleep)", name,
		 stranger);
	assert_true(is_logged(words));
	assert_int_equal(port, NO_PORT);
	assert_null(mock_find(name));
	assert_int_equal(test_pmd_of(name)->n_probes, 0);
	kill(stranger, SIGKILL);
	assert_true(WAIT_FOR(hotplug_port_attach(name, &port) != -EBUSY));
	assert_int_not_equal(port, NO_PORT);
	remove_port(port);
}

/* What a child has inherited is no stranger's. */
static void
test_attach_of_what_a_child_has_open(void **state)
{
	const char *name = "0000:6a:00.0";
	uint16_t port = NO_PORT;
	pid_t child;

	(void)state;
	mock_sysfs_add(name, "hotplug_mock");
	assert_int_equal(mkdir(mock_sysfs_path(name, "uio"), 0700), 0);
	assert_int_equal(mkdir(mock_sysfs_path(name, "uio/uio8"), 0700), 0);
	mock_sysfs_write(name, "uio/uio8/dev", "1:7\n", 4);
	child = fork();
	if (child == 0) {
		execl("/bin/sh", "sh", "-c", "exec sleep 60 < /dev/full", NULL);
		_exit(1);
	}
	test_sleep_ms(100);
	assert_int_equal(hotplug_port_attach(name, &port), 0);
	remove_port(port);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
}

static void
test_attach_twice_leaves_the_first(void **state)
{
	uint16_t port = NO_PORT, again = NO_PORT;
	struct rte_device *dev;

	(void)state;
	mock_sysfs_add("0000:63:00.0", "hotplug_mock");
	assert_int_equal(hotplug_port_attach("0000:63:00.0,key=1", &port), 0);
	dev = mock_find("0000:63:00.0");
	assert_int_equal(hotplug_port_attach("0000:63:00.0,key=2", &again), -EEXIST);
	assert_int_equal(again, NO_PORT);
	assert_ptr_equal(mock_find("0000:63:00.0"), dev);
	assert_string_equal(dev->devargs->args, "key=1");
	remove_port(port);
}

static void
test_attach_of_a_device_whose_port_is_kept(void **state)
{
	struct test_pmd *pmd = plug("0000:64:00.0");
	uint16_t port = pmd->port, again = NO_PORT;

	(void)state;
	start_port(port);
	lose(pmd);
	assert_true(WAIT_FOR(mock_find(pmd->name) == NULL));
	assert_true(WAIT_FOR(hotplug_port_attach("0000:64:00.0", &again) == -EBUSY));
	assert_true(is_logged("is kept for it: close that first"));
	assert_int_equal(again, NO_PORT);
	remove_port(port);
	assert_int_equal(hotplug_port_attach("0000:64:00.0", &again), -ENODEV);
}

static void
test_list_has_all_ports_of_a_device(void **state)
{
	uint16_t port = NO_PORT, ports[3] = { NO_PORT, NO_PORT, NO_PORT };
	char name[HOTPLUG_NAME_LEN];

	(void)state;
	mock_sysfs_add("0000:65:00.0", "hotplug_mock");
	test_pmd_n_ports = 2;
	assert_int_equal(hotplug_port_attach("0000:65:00.0", &port), 0);
	test_pmd_n_ports = 1;
	assert_int_equal(hotplug_port_list("0000:65:00.0", ports, 3), 2);
	assert_int_equal(ports[0], port);
	assert_int_equal(ports[1], test_pmd_of("0000:65:00.0")->port2);
	assert_int_equal(ports[2], NO_PORT);
	assert_int_equal(hotplug_port_list("0000:65:00.0", NULL, 0), 2);
	assert_int_equal(hotplug_port_list("0000:66:00.0", ports, 3), -ENODEV);
	assert_int_equal(hotplug_port_list(NULL, ports, 3), -EINVAL);
	assert_int_equal(hotplug_port_list("0000:65:00.0", NULL, 1), -EINVAL);
	assert_int_equal(hotplug_port_remove(port, name, sizeof(name)), -EBUSY);
	assert_non_null(mock_find("0000:65:00.0"));
	remove_port(ports[1]);
	assert_null(mock_find("0000:65:00.0"));
}

/* --- detach -------------------------------------------------------------------------- */

static void
test_detach_of_a_sub_device_says_whose_it_is(void **state)
{
	char name[HOTPLUG_NAME_LEN] = "untouched";
	uint16_t fail_safe, sub;

	(void)state;
	assert_int_equal(hotplug_port_attach("net_failsafe0,dev(net_null7)", &fail_safe), 0);
	assert_int_equal(rte_eth_dev_get_port_by_name("net_null7", &sub), 0);
	log_clear();
	assert_int_equal(hotplug_port_detach(sub, name, sizeof(name)), -EBUSY);
	assert_true(is_logged("it belongs to Fail-safe"));
	assert_int_equal(hotplug_port_remove(sub, name, sizeof(name)), -EBUSY);
	assert_string_equal(name, "untouched");
	assert_true(rte_eth_dev_is_valid_port(sub));
	remove_port(fail_safe);
}

static void
test_detach_of_a_bonding_member_says_whose_it_is(void **state)
{
	const struct rte_eth_conf conf = { 0 };
	char devargs[64], name[HOTPLUG_NAME_LEN] = "untouched";
	uint16_t bond, member;

	(void)state;
	assert_int_equal(hotplug_port_attach("net_null8", &member), 0);
	snprintf(devargs, sizeof(devargs), "net_bonding0,mode=1,"
#ifdef RTE_ETH_DEV_BONDING_MEMBER
		 "member"
#else
		 "slave"
#endif
		 "=%u", member);
	assert_int_equal(hotplug_port_attach(devargs, &bond), 0);
	assert_int_equal(rte_eth_dev_configure(bond, 1, 1, &conf), 0);
	log_clear();
	assert_int_equal(hotplug_port_detach(member, name, sizeof(name)), -EBUSY);
	assert_int_equal(hotplug_port_remove(member, name, sizeof(name)), -EBUSY);
	assert_true(is_logged("it belongs to a bonding port"));
	assert_string_equal(name, "untouched");
	assert_true(rte_eth_dev_is_valid_port(member));
	remove_port(bond);
	remove_port(member);
}

static int
start(void **state)
{
	return mock_port_start(state, NULL) != 0 || logged_start() != 0;
}

static int
stop(void **state)
{
	logged_stop();
	return mock_port_stop(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attach_of_what_is_not_there),
		cmocka_unit_test(test_attach_names_the_devargs),
		cmocka_unit_test(test_attach_names_the_kernel_driver),
		cmocka_unit_test(test_attach_of_what_another_process_has),
		cmocka_unit_test(test_attach_of_what_a_child_has_open),
		cmocka_unit_test(test_attach_twice_leaves_the_first),
		cmocka_unit_test(test_attach_of_a_device_whose_port_is_kept),
		cmocka_unit_test(test_list_has_all_ports_of_a_device),
		cmocka_unit_test(test_detach_of_a_sub_device_says_whose_it_is),
		cmocka_unit_test(test_detach_of_a_bonding_member_says_whose_it_is),
	};

	return cmocka_run_group_tests_name("bad_input", tests, start, stop);
}
