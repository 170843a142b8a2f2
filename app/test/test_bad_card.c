/* SPDX-License-Identifier: BSD-3-Clause */

/* test_bad_card: the card that comes back will not do, or none comes: the port is given
 * up, once and in words that help, and nothing is left half done.
 * In:  mock functions and a PMD for them; what is logged and what ethdev tells.
 * Context: app; the library's own threads do the work. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rte_dev.h>
#include <rte_ethdev.h>
#include <rte_version.h>

#include <ethdev_driver.h>
#include <hotplug.h>

#include "../../drivers/bus/pci/pci.h"
#include "eal/stock_bus.h"
#include "logged.h"
#include "mock_port.h"
#include "test.h"

static _Atomic unsigned int n_failed;

static int
on_failed(uint16_t port, enum rte_eth_event_type type, void *arg, void *result)
{
	(void)port;
	(void)type;
	(void)arg;
	(void)result;
	n_failed++;
	return 0;
}

static struct test_pmd *
plug_started(const char *name)
{
	const struct rte_eth_conf conf = { 0 };
	struct test_pmd *pmd = plug(name);

	assert_int_equal(rte_eth_dev_configure(pmd->port, test_pmd_max_queues, 0, &conf), 0);
	assert_int_equal(rte_eth_dev_start(pmd->port), 0);
	n_failed = 0;
	log_clear();
	return pmd;
}

/* Refused at once, said once; the device is let go again; a better one is taken. */
static void
check_is_given_up(struct test_pmd *pmd, uint16_t port, const char *why)
{
	unsigned int n_probes = pmd->n_probes;

	come_back(pmd);
	assert_true(WAIT_FOR(n_failed == 1));
	assert_true(is_logged(why));
	assert_true(WAIT_FOR(mock_find(pmd->name) == NULL));
	test_sleep_ms(400);
	/* or twice: where READY comes after a try that did without, it begins anew */
	assert_in_range(pmd->n_probes, n_probes + 1, n_probes + 2);
	assert_int_equal(n_failed, 1);
	assert_int_equal(n_success, 0);
	assert_true(WAIT_FOR(rte_eth_dev_is_removed(port) == 1));        /* 0: another try */
	assert_int_equal(pmd->n_open, 0);
}

static void
take_the_right_one(struct test_pmd *pmd, uint16_t port)
{
	mock_sysfs_remove(pmd->name);
	hotplug_scan();
	come_back(pmd);
	assert_true(WAIT_FOR(n_success == 1));
	assert_int_equal(pmd->port, port);
	assert_int_equal(rte_eth_dev_is_removed(port), 0);
}

static void
test_card_with_fewer_queues_is_refused(void **state)
{
	struct test_pmd *pmd;
	uint16_t port;

	(void)state;
	test_pmd_max_queues = 4;
	pmd = plug_started("0000:67:00.0");
	port = pmd->port;
	lose_for_good(pmd);
	test_pmd_max_queues = 2;
	check_is_given_up(pmd, port, "the card that came has 2 rx and 2 tx queues");
	assert_true(is_logged("cannot be healed: the card has too few queues"));
	test_pmd_max_queues = 4;
	take_the_right_one(pmd, port);
	test_pmd_max_queues = 1;
	remove_port(port);
}

static void
test_card_with_other_ports_is_refused(void **state)
{
	struct test_pmd *pmd;
	uint16_t port, port2;

	(void)state;
	test_pmd_n_ports = 2;
	pmd = plug_started("0000:68:00.0");
	port = pmd->port;
	port2 = pmd->port2;
	lose_for_good(pmd);
	test_pmd_n_ports = 1;
	n_failed = 1;           /* there are two to tell */
	come_back(pmd);
	assert_true(WAIT_FOR(n_failed == 3));
	assert_true(is_logged("cannot be healed: the card has another number of ports"));
	assert_true(WAIT_FOR(mock_find(pmd->name) == NULL));
	assert_true(WAIT_FOR(rte_eth_dev_is_removed(port) == 1 &&    /* 0: another try */
			     rte_eth_dev_is_removed(port2) == 1));
	test_pmd_n_ports = 2;
	n_success = 0;
	mock_sysfs_remove(pmd->name);
	hotplug_scan();
	come_back(pmd);
	assert_true(WAIT_FOR(n_success == 1 && rte_eth_dev_is_removed(port2) == 0));
	test_pmd_n_ports = 1;
	assert_int_equal(pmd->port, port);
	assert_int_equal(pmd->port2, port2);
	assert_int_equal(rte_eth_dev_close(port2), 0);
	remove_port(port);
}

static unsigned int
count_threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	unsigned int n = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

/* Nobody waits for it: no probe, no thread, no word; the port answers, and can go.  A
 * policy for a device that was never there is no error either (start). */
static void
test_card_that_never_returns_is_not_waited_for(void **state)
{
	struct test_pmd *pmd = plug_started("0000:6b:00.0");
	unsigned int n_threads = count_threads();
	struct rte_eth_stats stats;
	uint16_t port = pmd->port;

	(void)state;
	lose_for_good(pmd);
	pmd->n_probes = 0;
	assert_true(WAIT_FOR(count_threads() <= n_threads));
	log_clear();
	test_sleep_ms(500);             /* ten looks */
	assert_true(count_threads() <= n_threads);
	assert_int_equal(pmd->n_probes, 0);
	assert_int_equal(n_failed + n_success, 0);
	assert_true(is_log_empty());
	assert_int_equal(rte_eth_dev_is_removed(port), 1);
	assert_int_equal(rte_eth_stats_get(port, &stats), 0);
	assert_int_equal(rte_eth_dev_start(port), -EIO);
	remove_port(port);
	assert_false(rte_eth_dev_is_valid_port(port));
}

/* --- what a probe leaves ----------------------------------------------------------------- */

#define LEFT_LEN 8192

static char node[128];          /* stands for a vfio device's */

static int
has_name(const struct rte_device *dev, const void *name)
{
	return strcmp(dev->name, name);
}

static struct rte_mem_resource *
bar_of(const struct test_pmd *pmd)
{
	struct rte_device *dev = bus_find_device(mock_bus, has_name, pmd->name);

	return &container_of(dev, struct rte_pci_device, device)->mem_resource[2];
}

static void
map_second_bar(struct test_pmd *pmd)
{
	int fd = open(node, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct rte_mem_resource *bar = bar_of(pmd);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, LEFT_LEN), 0);
	bar->len = LEFT_LEN;
	bar->addr = mmap(NULL, LEFT_LEN, PROT_READ, MAP_SHARED, fd, 0);
	assert_true(bar->addr != MAP_FAILED);
	close(fd);
}

static bool
is_node_mapped(void)
{
	char line[1024];
	FILE *f = fopen("/proc/self/maps", "re");
	bool is = false;

	assert_non_null(f);
	while (!is && fgets(line, sizeof(line), f) != NULL)
		is = strstr(line, node) != NULL;
	fclose(f);
	return is;
}

static void
make_node(char *folder)
{
	char path[64];

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/vfio", folder);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/vfio/devices", folder);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(node, sizeof(node), "%s/vfio0", path);
	pci_dev_folder = folder;
}

static void
remove_node(const char *folder)
{
	pci_dev_folder = "/dev";
	unlink(node);
	*strrchr(node, '/') = '\0';
	rmdir(node);
	*strrchr(node, '/') = '\0';
	rmdir(node);
	rmdir(folder);
}

/* EAL 22.11 leaves BARs mapped when the kernel refuses a vfio device its reset, since somebody
 * else removes it: that removal, and all hot-plug, waited for them for ever. */
static __rte_unused void
test_probe_that_fails_leaves_no_vfio_device_mapped(void **state)
{
	char folder[] = "/tmp/hp-vfio-XXXXXX";
	struct test_pmd *pmd = plug_started("0000:3c:00.0");
	uint16_t port = pmd->port;

	(void)state;
	lose_for_good(pmd);
	make_node(folder);
	test_pmd_in_probe = map_second_bar;
	test_pmd_bad_inits = 3;
	come_back(pmd);
	assert_true(WAIT_FOR(test_pmd_bad_inits == 0));
	test_pmd_in_probe = NULL;
	assert_true(WAIT_FOR(n_success == 1));
	assert_false(is_node_mapped());
	remove_node(folder);
	remove_port(port);
}

static void *kept_addr;

static void
keep_mapped(struct test_pmd *pmd)
{
	map_second_bar(pmd);
	kept_addr = bar_of(pmd)->addr;
	test_pmd_in_probe = NULL;
	test_pmd_probe_answer = 1;
}

/* A driver that says 1 may want what is mapped to stay so (net_thunderx does: its other
 * functions work with it). */
static void
test_probe_that_does_without_is_left_what_it_keeps(void **state)
{
	char folder[] = "/tmp/hp-vfio-XXXXXX";
	struct test_pmd *pmd = plug_started("0000:3f:00.0");
	uint16_t port = pmd->port;

	(void)state;
	lose_for_good(pmd);
	make_node(folder);
	kept_addr = NULL;
	test_pmd_in_probe = keep_mapped;
	come_back(pmd);
	assert_true(WAIT_FOR(kept_addr != NULL && pmd->n_probes > 2));
	test_pmd_probe_answer = 0;
	assert_true(WAIT_FOR(n_success == 1));
	assert_true(is_node_mapped());
	munmap(kept_addr, LEFT_LEN);
	remove_node(folder);
	remove_port(port);
}

static void *others_addr;
static unsigned int n_stale;

/* As EAL after a driver's probe that failed: it has unmapped them, and says where they were. */
static void
leave_stale_address(struct test_pmd *pmd)
{
	struct rte_mem_resource *bar = bar_of(pmd);

	n_stale += bar->addr != NULL;
	bar->len = LEFT_LEN;
	bar->addr = others_addr;
}

/* The kernel had given the room to another card; and the next probe was taken for one that has
 * its BARs mapped, so others probed beside it. */
static void
test_probe_that_fails_unmaps_no_other_card(void **state)
{
	char folder[] = "/tmp/hp-vfio-XXXXXX";
	struct test_pmd *other = plug_started("0000:3d:00.0");
	uint16_t others_port = other->port, port;
	struct test_pmd *pmd;

	(void)state;
	pmd = plug_started("0000:3e:00.0");
	port = pmd->port;
	lose_for_good(pmd);
	make_node(folder);
	map_second_bar(other);
	others_addr = bar_of(other)->addr;
	n_stale = 0;
	test_pmd_in_probe = leave_stale_address;
	test_pmd_bad_inits = 3;
	come_back(pmd);
	assert_true(WAIT_FOR(test_pmd_bad_inits == 0));
	test_pmd_in_probe = NULL;
	assert_true(WAIT_FOR(n_success == 1));
	assert_true(is_node_mapped());
	assert_int_equal(n_stale, 0);
	bar_of(other)->addr = NULL;
	munmap(others_addr, LEFT_LEN);
	remove_node(folder);
	remove_port(port);
	remove_port(others_port);
}

static int
start(void **state)
{
	return mock_port_start(state, "policy.0000:7f:1f.7=heal") != 0 || logged_start() != 0 ||
		rte_eth_dev_callback_register(RTE_ETH_ALL, RTE_ETH_EVENT_RECOVERY_FAILED,
					      on_failed, NULL) != 0;
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
		cmocka_unit_test(test_card_with_fewer_queues_is_refused),
		cmocka_unit_test(test_card_with_other_ports_is_refused),
		cmocka_unit_test(test_card_that_never_returns_is_not_waited_for),
#if RTE_VERSION < RTE_VERSION_NUM(26, 7, 0, 0)  /* that EAL unmaps what it has mapped */
		cmocka_unit_test(test_probe_that_fails_leaves_no_vfio_device_mapped),
#endif
		cmocka_unit_test(test_probe_that_does_without_is_left_what_it_keeps),
		cmocka_unit_test(test_probe_that_fails_unmaps_no_other_card),
	};

	return cmocka_run_group_tests_name("bad_card", tests, start, stop);
}
