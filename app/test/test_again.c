/* SPDX-License-Identifier: BSD-3-Clause */

/* test_again: a heal is given up only when nothing can help; what was on is on again.
 * In:  mock functions and a PMD for them: a card whose node or driver is not ours yet, that
 *      comes while the library is disabled, that has many ports, queues of several pools,
 *      rx interrupts.
 * Context: app; the library's own threads do the work. */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rte_bus_pci.h>
#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_epoll.h>
#include <rte_ethdev.h>
#include <rte_interrupts.h>
#include <rte_log.h>
#include <rte_mbuf.h>

#include <ethdev_driver.h>
#include <hotplug.h>

#include "../../drivers/bus/pci/pci.h"
#include "../../lib/port/port.h"
#include "mock_port.h"
#include "test.h"

#define N_TRIES 6
#define N_MANY 12
#define PAUSE_MS 50u

static _Atomic unsigned int n_failed;

static int
on_failure(uint16_t port, enum rte_eth_event_type type, void *arg, void *result)
{
	(void)port;
	(void)type;
	(void)arg;
	(void)result;
	n_failed++;
	return 0;
}

static struct test_pmd *
lose_started(const char *name)
{
	struct test_pmd *pmd = plug(name);

	start_port(pmd->port);
	rte_eth_dev_callback_register(pmd->port, RTE_ETH_EVENT_RECOVERY_FAILED, on_failure, NULL);
	n_failed = 0;
	lose_for_good(pmd);
	pmd->n_probes = 0;
	return pmd;
}

/* --- when is it tried ------------------------------------------------------------------ */

/* More often than there are tries: they are none. */
static void
test_refused_open_uses_up_no_try(void **state)
{
	struct test_pmd *pmd = lose_started("0000:11:00.0");
	uint16_t port = pmd->port;

	(void)state;
	test_pmd_probe_answer = -EACCES;
	heal_pause_ms = 5;
	come_back(pmd);
	assert_true(WAIT_FOR(pmd->n_probes > 2 * N_TRIES));
	assert_int_equal(n_failed + n_removed, 0);
	test_pmd_probe_answer = 0;
	assert_true(WAIT_FOR(n_success == 1));
	heal_pause_ms = PAUSE_MS;
	remove_port(port);
}

/* Six tries, said, and slowly further: it may be mended without coming anew.  Seven, where
 * READY comes after a try that did without, and begins anew. */
static void
test_card_that_fails_is_tried_slowly_in_the_end(void **state)
{
	struct test_pmd *pmd = lose_started("0000:12:00.0");
	uint16_t port = pmd->port;

	(void)state;
	heal_slow_ms = 200;
	test_pmd_probe_answer = -EIO;
	come_back(pmd);
	assert_true(WAIT_FOR(n_failed == 1));
	assert_in_range(pmd->n_probes, N_TRIES, N_TRIES + 1);
	assert_true(WAIT_FOR(pmd->n_probes >= N_TRIES + 3));
	assert_int_equal(n_failed, 1);
	test_pmd_probe_answer = 0;
	assert_true(WAIT_FOR(n_success == 1));
	heal_slow_ms = 30000;
	remove_port(port);
}

/* Enumerated anew it has all its tries again, each as soon as the first time. */
static void
test_card_that_comes_anew_begins_anew(void **state)
{
	struct test_pmd *pmd = lose_started("0000:13:00.0");
	uint16_t port = pmd->port;
	unsigned int n;

	(void)state;
	test_pmd_probe_answer = -EIO;
	come_back(pmd);
	assert_true(WAIT_FOR(pmd->n_probes >= 4));
	n = pmd->n_probes;
	mock_sysfs_remove(pmd->name);
	hotplug_scan();
	come_back(pmd);
	assert_true(WAIT_FOR(pmd->n_probes >= n + 3));
	assert_int_equal(n_failed, 0);
	test_pmd_probe_answer = 0;
	assert_true(WAIT_FOR(n_success == 1));
	remove_port(port);
}

static void
test_card_that_comes_while_we_are_disabled(void **state)
{
	struct test_pmd *pmd = lose_started("0000:14:00.0");
	uint16_t port = pmd->port;
	struct hotplug_config config;

	(void)state;
	assert_int_equal(hotplug_disable(), 0);
	mock_sysfs_add(pmd->name, "hotplug_mock");
	mock_port_config(&config, "flaps=0");
	assert_int_equal(hotplug_enable(&config), 0);
	assert_true(WAIT_FOR(n_success == 1));
	assert_int_equal(pmd->port, port);
	remove_port(port);
}

/* EAL's own remove and probe tell others through a folder that is root's. */
static void
test_heals_without_the_runtime_folder(void **state)
{
	struct test_pmd *pmd = plug("0000:15:00.0");
	char away[4096];
	uint16_t port = pmd->port;

	(void)state;
	start_port(port);
	snprintf(away, sizeof(away), "%s.away", rte_eal_get_runtime_dir());
	assert_int_equal(rename(rte_eal_get_runtime_dir(), away), 0);
	lose_for_good(pmd);
	come_back(pmd);
	assert_true(WAIT_FOR(n_success == 1));
	assert_int_equal(rename(away, rte_eal_get_runtime_dir()), 0);
	assert_int_equal(pmd->port, port);
	remove_port(port);
}

/* --- whose is it ----------------------------------------------------------------------- */

static void
give_group(const char *name, const char *folder)
{
	char path[4096];

	assert_int_equal(symlink("../kernel/iommu_groups/12", mock_sysfs_path(name, "iommu_group")),
			 0);
	snprintf(path, sizeof(path), "%s/vfio", folder);
	assert_int_equal(mkdir(path, 0755), 0);
	snprintf(path, sizeof(path), "%s/vfio/vfio", folder);
	close(creat(path, 0666));
	assert_int_equal(chmod(path, 0666), 0);
}

/* In a process of its own: the library's threads here are root. */
static void
ask_as_nobody(void)
{
	const char *name = "0000:16:00.0";
	char text[512] = "";
	int status = 1;
	pid_t pid;

	assert_int_equal(chmod(mock_sysfs_path(name, ""), 0755), 0);
	assert_int_equal(chmod(rte_pci_get_sysfs_path(), 0755), 0);
	pid = fork();
	if (pid == 0) {
		if (seteuid(65534) != 0 ||
		    pci_obstacle(name, "vfio-pci", text, sizeof(text)) != -EACCES)
			_exit(2);
		fprintf(stderr, "# %s\n", text);
		_exit(strstr(text, "vfio/12 belongs to uid 0, gid 0, mode 0600; "
			     "this is uid 65534") == NULL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
test_obstacle_is_named(void **state)
{
	char folder[] = "/tmp/hotplug-dev-XXXXXX", text[512] = "", path[4096], command[128];

	(void)state;
	assert_non_null(mkdtemp(folder));
	pci_dev_folder = folder;
	mock_sysfs_add("0000:16:00.0", "vfio-pci");
	assert_int_equal(pci_obstacle("0000:16:00.0", "vfio-pci", text, sizeof(text)), 0);
	give_group("0000:16:00.0", folder);
	assert_int_equal(pci_obstacle("0000:16:00.0", "vfio-pci", text, sizeof(text)), -ENOENT);
	snprintf(path, sizeof(path), "%s/vfio/12", folder);
	assert_non_null(strstr(text, path));
	close(creat(path, 0600));
	assert_int_equal(pci_obstacle("0000:16:00.0", "vfio-pci", text, sizeof(text)), 0);
	assert_int_equal(chmod(folder, 0755), 0);
	ask_as_nobody();
	assert_int_equal(pci_obstacle("0000:16:00.0", "igb_uio", text, sizeof(text)), -ENOENT);
	assert_non_null(strstr(text, "driver_override"));
	pci_dev_folder = "/dev";
	snprintf(command, sizeof(command), "rm -r %s", folder);
	assert_int_equal(system(command), 0);
	mock_sysfs_remove("0000:16:00.0");
}

/* --- as it was ------------------------------------------------------------------------- */

static const struct rte_eth_conf no_conf, with_interrupts = { .intr_conf = { .rxq = 1 } };

/* As many as representors are: all of them quiet and closed before the device goes, and
 * all of them back. */
static void
test_device_with_many_ports(void **state)
{
	uint16_t ports[N_MANY];
	struct test_pmd *pmd;
	unsigned int i;

	(void)state;
	test_pmd_n_ports = N_MANY;
	pmd = plug("0000:17:00.0");
	memcpy(ports, pmd->ports, sizeof(ports));
	pmd->n_closes = pmd->n_starts = 0;
	for (i = 0; i < N_MANY; i++)
		start_port(ports[i]);
	lose_for_good(pmd);
	assert_int_equal(pmd->n_closes, N_MANY);
	for (i = 0; i < N_MANY; i++) {
		assert_true(rte_eth_dev_is_valid_port(ports[i]));
		assert_int_equal(rte_eth_dev_is_removed(ports[i]), 1);
	}
	come_back(pmd);
	assert_true(WAIT_FOR(n_success == 1 && pmd->n_starts == 2 * N_MANY));
	test_pmd_n_ports = 1;
	assert_memory_equal(pmd->ports, ports, sizeof(ports));
	assert_int_equal(hotplug_port_list(pmd->name, NULL, 0), N_MANY);
	for (i = 0; i < N_MANY; i++) {
		assert_int_equal(rte_eth_dev_is_removed(ports[i]), 0);
		assert_int_equal(rte_eth_dev_stop(ports[i]), 0);
		assert_int_equal(rte_eth_dev_close(ports[i]), 0);
	}
	assert_int_equal(rte_dev_remove(mock_find(pmd->name)), 0);
}

static _Atomic bool is_over, has_seen_some;

/* Ports of one device, of which some are dead and others alive. */
static void *
watch_for_some(void *arg)
{
	const struct test_pmd *pmd = arg;
	unsigned int i, n_live, n_dead;

	while (!atomic_load(&is_over)) {
		n_live = n_dead = 0;
		port_lock();
		for (i = 0; i < N_MANY; i++) {
			n_live += port_of(&rte_eth_devices[pmd->ports[i]])->state == PORT_LIVE;
			n_dead += port_of(&rte_eth_devices[pmd->ports[i]])->state == PORT_DEAD;
		}
		port_unlock();
		if (n_live > 0 && n_dead > 0)
			atomic_store(&has_seen_some, true);
	}
	return NULL;
}

/* Else one that is doomed by then is torn down with its device, and the others die later: a second
 * teardown of what the first has freed. */
static void
test_ports_of_a_device_die_at_once(void **state)
{
	struct test_pmd *pmd;
	pthread_t watcher;
	unsigned int i;

	(void)state;
	test_pmd_n_ports = N_MANY;
	pmd = plug("0000:3d:00.0");
	assert_int_equal(pthread_create(&watcher, NULL, watch_for_some, pmd), 0);
	for (i = 0; i < 20; i++) {
		n_success = 0;
		lose_for_good(pmd);
		come_back(pmd);
		assert_true(WAIT_FOR(n_success == 1));
	}
	atomic_store(&is_over, true);
	pthread_join(watcher, NULL);
	test_pmd_n_ports = 1;
	assert_false(atomic_load(&has_seen_some));
	for (i = 0; i < N_MANY; i++)
		assert_int_equal(rte_eth_dev_close(pmd->ports[i]), 0);
	assert_int_equal(rte_dev_remove(mock_find(pmd->name)), 0);
}

/* As ethdev: an owner is no setting of the driver's. */
static void
test_owner_of_a_port_that_is_away_stays_it(void **state)
{
	struct rte_eth_dev_owner owner = { .name = "late" }, now;
	struct test_pmd *pmd = lose_started("0000:2c:00.0");
	uint16_t port = pmd->port;

	(void)state;
	assert_int_equal(rte_eth_dev_owner_new(&owner.id), 0);
	assert_int_equal(rte_eth_dev_owner_set(port, &owner), 0);
	come_back(pmd);
	assert_true(WAIT_FOR(n_success == 1));
	assert_int_equal(rte_eth_dev_owner_get(port, &now), 0);
	assert_int_equal(now.id, owner.id);
	assert_string_equal(now.name, "late");
	assert_int_equal(rte_eth_dev_owner_unset(port, owner.id), 0);
	remove_port(port);
}

static void
test_other_port_that_was_closed_stays_closed(void **state)
{
	struct test_pmd *pmd;
	uint16_t port, port2;

	(void)state;
	test_pmd_n_ports = 2;
	pmd = plug("0000:1b:00.0");
	port = pmd->port;
	port2 = pmd->port2;
	start_port(port);
	lose_for_good(pmd);
	assert_int_equal(rte_eth_dev_close(port2), 0);
	come_back(pmd);
	assert_true(WAIT_FOR(n_success == 1));
	test_pmd_n_ports = 1;
	assert_int_equal(pmd->port, port);
	assert_int_equal(hotplug_port_list(pmd->name, NULL, 0), 1);
	assert_false(rte_eth_dev_is_valid_port(port2));
	remove_port(port);
}

static void
test_queue_with_several_pools(void **state)
{
	struct test_pmd *pmd = plug("0000:18:00.0");
	struct rte_mempool *pools[2];
	struct rte_eth_rxconf conf = { .rx_mempools = pools, .rx_nmempool = 2 };
	uint16_t port = pmd->port;

	(void)state;
	pools[0] = rte_pktmbuf_pool_create("small", 255, 0, 0, 2048, 0);
	pools[1] = rte_pktmbuf_pool_create("large", 255, 0, 0, 4096, 0);
	assert_int_equal(rte_eth_dev_configure(port, 1, 0, &no_conf), 0);
	assert_int_equal(rte_eth_rx_queue_setup(port, 0, 64, 0, &conf, NULL), 0);
	assert_int_equal(rte_eth_dev_start(port), 0);
	assert_ptr_equal(pmd->told.last_pool, pools[1]);
	lose_for_good(pmd);
	conf.rx_mempools[1] = NULL;     /* the caller's, who may have put it on his stack */
	come_back(pmd);
	assert_true(WAIT_FOR(n_success == 1));
	assert_non_null(rte_eth_devices[port].data->rx_queues[0]);
	assert_non_null(pmd->told.last_pool);
	assert_string_equal(pmd->told.last_pool->name, "large");
	remove_port(port);
}

static _Atomic unsigned int n_calls, n_calls_then;
static atomic_bool is_let_go, is_configuring;

static int
count_call(uint16_t port, enum rte_eth_event_type type, void *arg, void *result)
{
	(void)port;
	(void)type;
	(void)arg;
	(void)result;
	n_calls++;
	return 0;
}

static int
wait_in_configure(struct test_pmd *pmd)
{
	(void)pmd;
	atomic_store(&is_configuring, true);
	return WAIT_FOR(atomic_load(&is_let_go)) ? 0 : -ETIME;
}

/* Its argument may be freed when unregister has returned 0. */
static void
test_callback_taken_away_while_it_heals(void **state)
{
	struct test_pmd *pmd = lose_started("0000:19:00.0");
	uint16_t port = pmd->port;

	(void)state;
	assert_int_equal(rte_eth_dev_callback_register(port, RTE_ETH_EVENT_INTR_LSC, count_call,
						       &n_calls), 0);
	test_pmd_in_configure = wait_in_configure;
	come_back(pmd);
	assert_true(WAIT_FOR(atomic_load(&is_configuring)));
	assert_int_equal(rte_eth_dev_callback_unregister(port, RTE_ETH_EVENT_INTR_LSC, count_call,
							 &n_calls), 0);
	n_calls_then = n_calls;
	/* it is heal's: as a dead one */
	assert_int_equal(rte_eth_promiscuous_enable(port), -EIO);
	atomic_store(&is_let_go, true);
	assert_true(WAIT_FOR(n_success == 1));
	test_pmd_in_configure = NULL;
	rte_eth_dev_callback_process(&rte_eth_devices[port], RTE_ETH_EVENT_INTR_LSC, NULL);
	assert_int_equal(n_calls, n_calls_then);
	assert_int_equal(n_new, 0);
	remove_port(port);
}

static struct {
	pthread_t thread;
	uint16_t port;
	_Atomic unsigned int n_wakes;
	_Atomic int ret;
	void *_Atomic data;
	atomic_bool sleeps;
} sleeper;

/* As l3fwd-power: nothing but its port's interrupt wakes it. */
static void *
sleep_on_port(void *arg)
{
	struct rte_epoll_event event;

	(void)arg;
	sleeper.ret = rte_eth_dev_rx_intr_ctl_q(sleeper.port, 0, RTE_EPOLL_PER_THREAD,
						RTE_INTR_EVENT_ADD, &sleeper);
	if (sleeper.ret == 0)
		sleeper.ret = rte_eth_dev_rx_intr_enable(sleeper.port, 0);
	atomic_store(&sleeper.sleeps, true);
	while (sleeper.n_wakes < 2 && rte_epoll_wait(RTE_EPOLL_PER_THREAD, &event, 1, -1) == 1) {
		sleeper.data = event.epdata.data;
		sleeper.n_wakes++;
	}
	return NULL;
}

static void
begin_to_sleep(uint16_t port, struct rte_mempool *pool)
{
	assert_int_equal(rte_eth_dev_configure(port, 1, 0, &with_interrupts), 0);
	assert_int_equal(rte_eth_rx_queue_setup(port, 0, 64, 0, NULL, pool), 0);
	assert_int_equal(rte_eth_dev_start(port), 0);
	sleeper.port = port;
	assert_int_equal(pthread_create(&sleeper.thread, NULL, sleep_on_port, NULL), 0);
	assert_true(WAIT_FOR(atomic_load(&sleeper.sleeps)));
	assert_int_equal(sleeper.ret, 0);
}

/* The second wake is an interrupt of the card that came. */
static void
test_sleeper_goes_on_when_its_port_heals(void **state)
{
	struct rte_mempool *pool = rte_pktmbuf_pool_create("sleep", 255, 0, 0, 2048, 0);
	struct test_pmd *pmd;
	uint64_t one = 1;
	uint16_t port;
	int fd;

	(void)state;
	test_pmd_has_rx_intr = true;
	pmd = plug("0000:1a:00.0");
	port = pmd->port;
	begin_to_sleep(port, pool);
	assert_int_equal(pmd->told.interrupts, 1);
	lose_for_good(pmd);
	assert_int_equal(rte_eth_devices[port].dev_ops->rx_queue_intr_enable(
				&rte_eth_devices[port], 0), -EIO);
	come_back(pmd);
	assert_true(WAIT_FOR(n_success == 1));
	assert_true(WAIT_FOR(sleeper.n_wakes == 1));
	assert_ptr_equal(sleeper.data, &sleeper);
	assert_int_equal(pmd->told.interrupts, 1);
	sleeper.data = NULL;
	fd = rte_eth_dev_rx_intr_ctl_q_get_fd(port, 0);
	assert_int_equal(write(fd, &one, sizeof(one)), sizeof(one));
	assert_true(WAIT_FOR(sleeper.n_wakes == 2));
	assert_ptr_equal(sleeper.data, &sleeper);
	pthread_join(sleeper.thread, NULL);
	remove_port(port);
	test_pmd_has_rx_intr = false;
}

static int fd_in_stop, ctl_in_stop;

static void *
ask_for_interrupt(void *arg)
{
	const struct test_pmd *pmd = arg;

	fd_in_stop = rte_eth_dev_rx_intr_ctl_q_get_fd(pmd->port, 0);
	ctl_in_stop = rte_eth_dev_rx_intr_ctl_q(pmd->port, 0, RTE_EPOLL_PER_THREAD,
						RTE_INTR_EVENT_ADD, NULL);
	return NULL;
}

static void
ask_in_stop(struct test_pmd *pmd)
{
	pthread_t thread;

	test_pmd_in_stop = NULL;
	assert_int_equal(pthread_create(&thread, NULL, ask_for_interrupt, pmd), 0);
	pthread_join(thread, NULL);
}

/* A driver frees the vectors in its stop; ethdev reads them without asking it. */
static void
test_interrupt_is_asked_for_in_a_teardown(void **state)
{
	struct rte_mempool *pool = rte_pktmbuf_pool_create("ask", 255, 0, 0, 2048, 0);
	struct test_pmd *pmd;

	(void)state;
	test_pmd_has_rx_intr = true;
	pmd = plug("0000:2a:00.0");
	assert_int_equal(rte_eth_dev_configure(pmd->port, 1, 0, &with_interrupts), 0);
	assert_int_equal(rte_eth_rx_queue_setup(pmd->port, 0, 64, 0, NULL, pool), 0);
	assert_int_equal(rte_eth_dev_start(pmd->port), 0);
	assert_true(rte_eth_dev_rx_intr_ctl_q_get_fd(pmd->port, 0) >= 0);
	fd_in_stop = ctl_in_stop = 0;
	test_pmd_in_stop = ask_in_stop;
	lose_for_good(pmd);
	assert_int_equal(fd_in_stop, -1);
	assert_int_equal(ctl_in_stop, -ENOTSUP);
	remove_port(pmd->port);
	test_pmd_has_rx_intr = false;
}

/* It was in the set again when it was healed; the set may have been closed, and its number be
 * another's. */
static void
test_set_is_left_while_the_port_is_away(void **state)
{
	struct rte_mempool *pool = rte_pktmbuf_pool_create("left", 255, 0, 0, 2048, 0);
	struct rte_epoll_event event;
	struct test_pmd *pmd;
	int set = epoll_create1(0);

	(void)state;
	test_pmd_has_rx_intr = true;
	pmd = plug("0000:2b:00.0");
	assert_int_equal(rte_eth_dev_configure(pmd->port, 1, 0, &with_interrupts), 0);
	assert_int_equal(rte_eth_rx_queue_setup(pmd->port, 0, 64, 0, NULL, pool), 0);
	assert_int_equal(rte_eth_dev_start(pmd->port), 0);
	assert_int_equal(rte_eth_dev_rx_intr_ctl_q(pmd->port, 0, set, RTE_INTR_EVENT_ADD, NULL), 0);
	lose_for_good(pmd);
	assert_int_equal(rte_eth_dev_rx_intr_ctl_q(pmd->port, 0, set, RTE_INTR_EVENT_DEL, NULL), 0);
	come_back(pmd);
	assert_true(WAIT_FOR(n_success == 1));
	assert_int_equal(rte_epoll_wait(set, &event, 1, 50), 0);
	assert_int_equal(rte_eth_dev_rx_intr_ctl_q(pmd->port, 0, set, RTE_INTR_EVENT_ADD, NULL), 0);
	lose_for_good(pmd);             /* and is in it as before */
	come_back(pmd);
	assert_true(WAIT_FOR(n_success == 2));
	assert_int_equal(rte_epoll_wait(set, &event, 1, 1000), 1);
	remove_port(pmd->port);
	close(set);
	test_pmd_has_rx_intr = false;
}

static int
start(void **state)
{
	if (mock_port_start(state, "flaps=0") != 0)
		return -1;
	heal_pause_ms = PAUSE_MS;
	(void)rte_log_set_level_pattern("lib.ethdev", RTE_LOG_CRIT);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused_open_uses_up_no_try),
		cmocka_unit_test(test_card_that_fails_is_tried_slowly_in_the_end),
		cmocka_unit_test(test_card_that_comes_anew_begins_anew),
		cmocka_unit_test(test_card_that_comes_while_we_are_disabled),
		cmocka_unit_test(test_heals_without_the_runtime_folder),
		cmocka_unit_test(test_obstacle_is_named),
		cmocka_unit_test(test_device_with_many_ports),
		cmocka_unit_test(test_ports_of_a_device_die_at_once),
		cmocka_unit_test(test_owner_of_a_port_that_is_away_stays_it),
		cmocka_unit_test(test_other_port_that_was_closed_stays_closed),
		cmocka_unit_test(test_queue_with_several_pools),
		cmocka_unit_test(test_callback_taken_away_while_it_heals),
		cmocka_unit_test(test_sleeper_goes_on_when_its_port_heals),
		cmocka_unit_test(test_interrupt_is_asked_for_in_a_teardown),
		cmocka_unit_test(test_set_is_left_while_the_port_is_away),
	};

	return cmocka_run_group_tests_name("again", tests, start, mock_port_stop);
}
