/* SPDX-License-Identifier: BSD-3-Clause */

/* test_attach: ports come and go on request (seed 003's contract), each failure
 * leaves everything as it was.
 * In:  EAL without PCI and hugepages; virtual devices.
 * Context: app, and a subscriber is not needed: the calls are the same there. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_ethdev.h>

#include <hotplug.h>

#include "test.h"

#define NO_PORT 77

static void
test_attach_says_which_port(void **state)
{
	char name[HOTPLUG_NAME_LEN];
	uint16_t port = NO_PORT, other = NO_PORT;

	(void)state;
	assert_int_equal(hotplug_port_attach("net_null0,size=128", &port), 0);
	assert_true(rte_eth_dev_is_valid_port(port));
	assert_int_equal(hotplug_port_attach("net_null1", &other), 0);
	assert_int_not_equal(port, other);
	assert_int_equal(hotplug_port_remove(port, name, sizeof(name)), 0);
	assert_string_equal(name, "net_null0");
	assert_int_equal(hotplug_port_remove(other, name, sizeof(name)), 0);
	assert_int_equal(rte_eth_dev_count_avail(), 0);
}

static void
test_attach_twice_changes_nothing(void **state)
{
	char name[HOTPLUG_NAME_LEN];
	uint16_t port = NO_PORT, again = NO_PORT;

	(void)state;
	assert_int_equal(hotplug_port_attach("net_null0", &port), 0);
	assert_int_equal(hotplug_port_attach("net_null0", &again), -EEXIST);
	assert_int_equal(again, NO_PORT);
	assert_true(rte_eth_dev_is_valid_port(port));
	assert_int_equal(hotplug_port_remove(port, name, sizeof(name)), 0);
}

static void
test_attach_of_nonsense_is_refused(void **state)
{
	uint16_t port = NO_PORT;

	(void)state;
	assert_int_equal(hotplug_port_attach(NULL, &port), -EINVAL);
	assert_int_equal(hotplug_port_attach("", &port), -EINVAL);
	assert_int_equal(hotplug_port_attach("net_null0", NULL), -EINVAL);
	assert_int_equal(hotplug_port_attach("no_such_driver0", &port), -EINVAL);
	assert_int_equal(hotplug_port_attach("class", &port), -EINVAL); /* EAL would crash */
	assert_int_equal(hotplug_port_attach("bus,name=net_null0", &port), -EINVAL);
	assert_int_equal(hotplug_device_attach(",,class/driver=null", 0, NULL), -EINVAL);
	assert_int_equal(hotplug_device_detach("bus", 0, NULL), -EINVAL);
	/* EAL would take these, and nobody could say later what they were */
	assert_int_equal(hotplug_port_attach("driver=null/bus=a=b/bus=vdev,name=net_null0", &port),
			 -EINVAL);
	assert_int_equal(hotplug_port_attach("driver/bus=vdev,name=net_null0", &port), -EINVAL);
	assert_int_equal(hotplug_port_attach("driver=null/driver=null/bus=vdev,name=net_null0",
					     &port), -EINVAL);
	assert_int_equal(hotplug_port_attach("[,class=driver=null/bus=vdev,name=net_null0", &port),
			 -EINVAL);
	/* EAL would read on behind its end */
	assert_int_equal(hotplug_port_attach("vdev\0net_null0", &port), -EINVAL);
	assert_true(hotplug_port_attach("net_null0,nonsense=1", &port) < 0);
	assert_int_equal(port, NO_PORT);
	assert_int_equal(rte_eth_dev_count_avail(), 0);
}

static void
test_detach_wants_a_closed_port(void **state)
{
	char name[HOTPLUG_NAME_LEN] = "untouched";
	uint16_t port = NO_PORT;

	(void)state;
	assert_int_equal(hotplug_port_attach("net_null0", &port), 0);
	assert_int_equal(hotplug_port_detach(port, name, sizeof(name)), -EBUSY);
	assert_string_equal(name, "untouched");
	assert_true(rte_eth_dev_is_valid_port(port));
	assert_int_equal(rte_eth_dev_close(port), 0);
	assert_int_equal(hotplug_port_detach(port, name, 4), -ENAMETOOLONG);
	assert_int_equal(hotplug_port_detach(port, name, sizeof(name)), 0);
	assert_string_equal(name, "net_null0");
	assert_int_equal(hotplug_port_detach(port, name, sizeof(name)), -ENODEV);
}

static void
test_detach_of_nonsense_is_refused(void **state)
{
	char name[HOTPLUG_NAME_LEN];

	(void)state;
	assert_int_equal(hotplug_port_detach(RTE_MAX_ETHPORTS, name, sizeof(name)), -ENODEV);
	assert_int_equal(hotplug_port_detach(0, NULL, sizeof(name)), -EINVAL);
	assert_int_equal(hotplug_port_detach(0, name, 0), -EINVAL);
	assert_int_equal(hotplug_port_detach(30, name, sizeof(name)), -ENODEV);
}

/* What the caller reads of it is of this call. */
static void
test_outcome_of_nonsense_says_what_is_wrong(void **state)
{
	struct hotplug_outcome outcome = { .size = sizeof(outcome), .error = 77, .pid = 77 };

	(void)state;
	assert_int_equal(hotplug_device_attach("net_null0", 4, &outcome), -EINVAL);
	assert_int_equal(outcome.error, -EINVAL);
	assert_int_equal(outcome.pid, 0);
	assert_string_equal(outcome.reason, "flags are neither 0 nor HOTPLUG_PRIVATE");
	assert_int_equal(hotplug_device_detach(NULL, 0, &outcome), -EINVAL);
	assert_string_equal(outcome.reason, "no device is named");
	assert_int_equal(hotplug_device_detach("net_null0", 8, NULL), -EINVAL);
}

/* Fail-safe, bonding: the port is theirs. */
static void
test_remove_leaves_an_owned_port_alone(void **state)
{
	struct rte_eth_dev_owner owner = { .name = "bond0" };
	char name[HOTPLUG_NAME_LEN];
	uint16_t port = NO_PORT;

	(void)state;
	assert_int_equal(hotplug_port_attach("net_null0", &port), 0);
	assert_int_equal(rte_eth_dev_owner_new(&owner.id), 0);
	assert_int_equal(rte_eth_dev_owner_set(port, &owner), 0);
	assert_int_equal(hotplug_port_remove(port, name, sizeof(name)), -EBUSY);
	assert_true(rte_eth_dev_is_valid_port(port));
	assert_int_equal(rte_eth_dev_owner_unset(port, owner.id), 0);
	assert_int_equal(hotplug_port_remove(port, name, sizeof(name)), 0);
}

static int
start(void **state)
{
	char prefix[32];
	char *argv[] = { (char []){ "test_attach" }, (char []){ "--no-pci" },
			 (char []){ "--no-huge" }, (char []){ "-m" }, (char []){ "64" },
			 (char []){ "--no-telemetry" }, (char []){ "--file-prefix" }, prefix,
			 (char []){ "--log-level=lib.eal:critical" } };

	(void)state;
	snprintf(prefix, sizeof(prefix), "hp-attach-%d", getpid());
	return rte_eal_init((int)(sizeof(argv) / sizeof(argv[0])), argv) < 0 ||
		hotplug_enable(NULL) != 0;
}

static int
stop(void **state)
{
	(void)state;
	return hotplug_disable() != 0 || rte_eal_cleanup() != 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attach_says_which_port),
		cmocka_unit_test(test_attach_twice_changes_nothing),
		cmocka_unit_test(test_attach_of_nonsense_is_refused),
		cmocka_unit_test(test_detach_wants_a_closed_port),
		cmocka_unit_test(test_detach_of_nonsense_is_refused),
		cmocka_unit_test(test_outcome_of_nonsense_says_what_is_wrong),
		cmocka_unit_test(test_remove_leaves_an_owned_port_alone),
	};

	return cmocka_run_group_tests_name("attach", tests, start, stop);
}
