/* SPDX-License-Identifier: BSD-3-Clause */

/* test_off: what becomes of cards and ports between hotplug_disable() and hotplug_enable(), and
 * of who is at work on them just then.
 * In:  mock functions and a PMD for them.
 * Context: app. */

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rte_bus_pci.h>
#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <ethdev_driver.h>
#include <hotplug.h>

#include "core/device.h"
#include "mock_eal.h"
#include "mock_port.h"
#include "port/calls.h"
#include "port/port.h"
#include "port/probe.h"
#include "port/steps.h"
#include "test.h"

#define MOST_FILLERS 1000
#define WINDOW_LEN (64u * 1024)         /* of a small BAR's registers that flip (flip.c) */

static void
enable(void)
{
	struct hotplug_config config;

	mock_port_config(&config, "flaps=0");
	assert_int_equal(hotplug_enable(&config), 0);
}

static void *
disable(void *arg)
{
	(void)arg;
	assert_int_equal(hotplug_disable(), 0);
	return NULL;
}

static enum port_state
state_of(uint16_t port)
{
	return port_of(&rte_eth_devices[port])->state;
}

static void
lose_and_come_back(struct test_pmd *pmd)
{
	n_success = 0;
	lose(pmd);
	assert_true(WAIT_FOR(state_of(pmd->port) == PORT_HELD));
	come_back(pmd);
	assert_true(WAIT_FOR(n_success == 1));
}

/* Lost when nobody tears it down any more, and dead. */
static struct test_pmd *
lose_while_disabling(const char *name)
{
	struct test_pmd *pmd = plug(name);
	pthread_t disabler;

	start_port(pmd->port);
	port_probe_lock();      /* waited for, behind the duties */
	assert_int_equal(pthread_create(&disabler, NULL, disable, NULL), 0);
	test_sleep_ms(50);
	lose(pmd);
	assert_true(WAIT_FOR(state_of(pmd->port) == PORT_DEAD));
	port_probe_unlock();
	pthread_join(disabler, NULL);
	assert_int_equal(state_of(pmd->port), PORT_DEAD);
	return pmd;
}

/* It was dead for ever: its device was published anew, answered, and nobody saw to the port. */
static void
test_loss_in_the_middle_of_disable(void **state)
{
	struct test_pmd *pmd = lose_while_disabling("0000:70:00.0");

	(void)state;
	mock_sysfs_add(pmd->name, "hotplug_mock");      /* back before we are */
	enable();
	assert_true(WAIT_FOR(n_success == 1));
	assert_int_equal(state_of(pmd->port), PORT_LIVE);
	remove_port(pmd->port);
	pmd = lose_while_disabling("0000:71:00.0");
	enable();
	assert_true(WAIT_FOR(state_of(pmd->port) == PORT_HELD));
	come_back(pmd);
	assert_true(WAIT_FOR(n_success == 1));
	remove_port(pmd->port);
}

/* --- who attaches meanwhile --- */

static const char attached[] = "0000:72:00.0";
static _Atomic bool is_in_driver, may_return;

static void
wait_in_driver(struct test_pmd *pmd)
{
	(void)pmd;
	test_pmd_in_finish = NULL;
	atomic_store(&is_in_driver, true);
	(void)WAIT_FOR(may_return);
}

/* As an attach that has begun while we were enabled, and comes to its probe now. */
static void *
probe(void *arg)
{
	(void)arg;
	port_probe_lock();
	assert_int_equal(rte_dev_probe(attached), 0);
	port_probe_unlock();
	return NULL;
}

static void *
let_return(void *arg)
{
	(void)arg;
	test_sleep_ms(100);
	atomic_store(&may_return, true);
	return NULL;
}

/* The buses had been looked through when its probe was over: nobody guarded it, ever, and its
 * ports were none of its device's. */
static void
test_attach_beside_enable(void **state)
{
	struct test_pmd *pmd;
	pthread_t attacher, waker;
	uint16_t port;

	(void)state;
	assert_int_equal(hotplug_disable(), 0);
	mock_sysfs_add(attached, "hotplug_mock");
	test_pmd_in_finish = wait_in_driver;
	assert_int_equal(pthread_create(&attacher, NULL, probe, NULL), 0);
	assert_true(WAIT_FOR(is_in_driver));
	assert_int_equal(pthread_create(&waker, NULL, let_return, NULL), 0);
	enable();
	pthread_join(attacher, NULL);
	pthread_join(waker, NULL);
	pmd = test_pmd_of(attached);
	assert_int_equal(hotplug_device_state(attached), HOTPLUG_STATE_ATTACHED);
	assert_int_equal(hotplug_port_list(attached, &port, 1), 1);
	assert_int_equal(port, pmd->port);
	assert_int_equal(state_of(port), PORT_LIVE);
	remove_port(port);
}

/* --- who closes meanwhile --- */

static void
wait_in_close(enum step step, const char *device)
{
	(void)device;
	if (step != STEP_CLOSE)
		return;
	step_hook = NULL;
	atomic_store(&is_in_driver, true);
	(void)WAIT_FOR(may_return);
}

/* One that is started is not closed, says ethdev. */
static void *
close_started(void *arg)
{
	const uint16_t *port = arg;

	assert_int_equal(rte_eth_dev_close(*port), -EINVAL);
	return NULL;
}

/* A port whose close was refused had been left out by enable: nobody guarded it, ever, and its
 * device was detached under it when another port of it was lost. */
static void
test_close_is_refused_beside_enable(void **state)
{
	struct test_pmd *pmd = plug("0000:8c:00.0");
	pthread_t closer, helper;

	(void)state;
	start_port(pmd->port);
	assert_int_equal(hotplug_disable(), 0);
	atomic_store(&is_in_driver, false);
	atomic_store(&may_return, false);
	step_hook = wait_in_close;
	assert_int_equal(pthread_create(&closer, NULL, close_started, &pmd->port), 0);
	assert_true(WAIT_FOR(atomic_load(&is_in_driver)));
	assert_int_equal(pthread_create(&helper, NULL, let_return, NULL), 0);
	enable();
	pthread_join(helper, NULL);
	pthread_join(closer, NULL);
	assert_int_equal(state_of(pmd->port), PORT_LIVE);
	lose_and_come_back(pmd);
	remove_port(pmd->port);
}

static void *
reset(void *arg)
{
	const struct test_pmd *pmd = arg;

	assert_int_equal(rte_eth_dev_reset(pmd->port), 0);
	return NULL;
}

static void
wait_in_reset(struct test_pmd *pmd)
{
	test_pmd_in_reset = NULL;
	wait_in_driver(pmd);
}

/* Its driver was asked what it is while it made the port anew. */
static void
test_reset_beside_enable(void **state)
{
	struct test_pmd *pmd = plug("0000:7e:00.0");
	pthread_t resetter, waker;

	(void)state;
	start_port(pmd->port);
	disable(NULL);
	atomic_store(&is_in_driver, false);
	atomic_store(&may_return, false);
	test_pmd_in_reset = wait_in_reset;
	assert_int_equal(pthread_create(&resetter, NULL, reset, pmd), 0);
	assert_true(WAIT_FOR(is_in_driver));
	assert_int_equal(pthread_create(&waker, NULL, let_return, NULL), 0);
	enable();
	pthread_join(resetter, NULL);
	pthread_join(waker, NULL);
	assert_int_equal(pmd->n_asked_in_reset, 0);
	assert_int_equal(state_of(pmd->port), PORT_LIVE);
	lose_and_come_back(pmd);
	remove_port(pmd->port);
}

static void
wait_in_info(struct test_pmd *pmd)
{
	if (strcmp(pmd->name, "0000:95:00.0") != 0)
		return;
	test_pmd_in_info = NULL;
	wait_in_driver(pmd);
}

static void *
enable_of_little_patience(void *arg)
{
	struct hotplug_config config;

	mock_port_config(&config, "flaps=0,stuck_ms=300");
	assert_int_equal(hotplug_enable(&config), 0);
	return arg;
}

/* Its driver was in a call of ours that did not return in stuck_ms: it was closed beside that, and
 * the call went on with what had been freed. */
static void
test_close_while_enable_asks_its_driver(void **state)
{
	struct test_pmd *pmd = plug("0000:95:00.0");
	unsigned int n_closes;
	pthread_t enabler;
	int closed;

	(void)state;
	disable(NULL);
	atomic_store(&is_in_driver, false);
	atomic_store(&may_return, false);
	test_pmd_in_info = wait_in_info;
	assert_int_equal(pthread_create(&enabler, NULL, enable_of_little_patience, NULL), 0);
	assert_true(WAIT_FOR(is_in_driver));
	n_closes = pmd->n_closes;
	closed = rte_eth_dev_close(pmd->port);
	n_closes = pmd->n_closes - n_closes;
	atomic_store(&may_return, true);
	pthread_join(enabler, NULL);
	assert_int_equal(closed, -EBUSY);
	assert_int_equal(n_closes, 0);
	disable(NULL);
	enable();
	assert_int_equal(state_of(pmd->port), PORT_LIVE);
	remove_port(pmd->port);
}

#define N_PORTS 4

static _Atomic unsigned int n_asked;

/* The loss is known, and those of its ports that are known by now are torn down. */
static void
lose_between_ports(struct test_pmd *pmd)
{
	if (atomic_fetch_add(&n_asked, 1) != N_PORTS / 2)
		return;
	test_pmd_in_info = NULL;
	lose(pmd);
	(void)WAIT_FOR(hotplug_device_state(pmd->name) == HOTPLUG_STATE_GONE);
	test_sleep_ms(50);
}

/* Half of its ports were known: two teardowns took their device away (use after free). */
static void
test_loss_in_the_middle_of_enable(void **state)
{
	uint16_t ids[N_PORTS];
	struct test_pmd *pmd;
	unsigned int i, n_removes;

	(void)state;
	test_pmd_n_ports = N_PORTS;
	pmd = plug("0000:7f:00.0");
	memcpy(ids, pmd->ports, sizeof(ids));
	for (i = 0; i < N_PORTS; i++)
		start_port(ids[i]);
	disable(NULL);
	n_removes = pmd->n_removes;
	n_success = 0;
	test_pmd_in_info = lose_between_ports;
	enable();
	for (i = 0; i < N_PORTS; i++)
		assert_true(WAIT_FOR(state_of(ids[i]) == PORT_HELD));
	test_sleep_ms(100);
	assert_int_equal(pmd->n_removes, n_removes + 1);
	come_back(pmd);
	assert_true(WAIT_FOR(n_success == 1));
	test_pmd_n_ports = 1;
	assert_memory_equal(pmd->ports, ids, sizeof(ids));
	for (i = 0; i < N_PORTS; i++) {
		assert_int_equal(state_of(ids[i]), PORT_LIVE);
		assert_int_equal(rte_eth_dev_stop(ids[i]), 0);
		assert_int_equal(rte_eth_dev_close(ids[i]), 0);
	}
	assert_int_equal(rte_dev_remove(mock_find(pmd->name)), 0);
}

/* A list of ports is EAL's own while we keep none. */
static void
test_ports_of_what_is_attached_while_off(void **state)
{
	uint16_t port;

	(void)state;
	assert_int_equal(hotplug_disable(), 0);
	mock_sysfs_add("0000:73:00.0", "hotplug_mock");
	assert_int_equal(rte_dev_probe("0000:73:00.0"), 0);
	assert_int_equal(hotplug_port_list("0000:73:00.0", &port, 1), 1);
	enable();
	assert_int_equal(hotplug_port_list("0000:73:00.0", &port, 1), 1);
	remove_port(port);
	assert_int_equal(hotplug_port_list("0000:73:00.0", &port, 1), -ENODEV);
}

/* --- queues that are set up meanwhile --- */

static const struct rte_eth_conf no_conf;
static struct rte_mempool *pool;
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

static void
set_up(uint16_t port, bool is_seen)
{
	assert_int_equal(rte_eth_dev_configure(port, 1, 1, &no_conf), 0);
	assert_int_equal(is_seen ? rte_eth_rx_queue_setup(port, 0, 64, 0, NULL, pool) :
			 WAY_ON(rte_eth_rx_queue_setup)(port, 0, 64, 0, NULL, pool), 0);
	assert_int_equal(is_seen ? rte_eth_tx_queue_setup(port, 0, 64, 0, NULL) :
			 WAY_ON(rte_eth_tx_queue_setup)(port, 0, 64, 0, NULL), 0);
	assert_int_equal(rte_eth_dev_start(port), 0);
}

static void
check_queues(uint16_t port)
{
	struct rte_eth_rxq_info info;

	assert_non_null(rte_eth_devices[port].data->rx_queues[0]);
	assert_non_null(rte_eth_devices[port].data->tx_queues[0]);
	assert_int_equal(rte_eth_rx_queue_info_get(port, 0, &info), 0);
	assert_int_equal(info.nb_desc, 64);
	assert_ptr_equal(info.mp, pool);
}

/* Its driver was started without a queue when it healed: what had been set up while the library
 * was off was on no record. */
static void
heal_with_queues(const char *name, bool is_seen)
{
	struct test_pmd *pmd = plug(name);

	assert_int_equal(hotplug_disable(), 0);
	set_up(pmd->port, is_seen);
	enable();
	lose_for_good(pmd);
	come_back(pmd);
	assert_true(WAIT_FOR(n_success == 1));
	test_pmd_tells_queues = true;
	check_queues(pmd->port);
	test_pmd_tells_queues = false;
	remove_port(pmd->port);
}

static void
test_queues_that_are_set_up_while_off(void **state)
{
	(void)state;
	heal_with_queues("0000:84:00.0", true);
}

/* As in a program whose calls were not ours to see: the driver tells. */
static void
test_queues_that_were_set_up_unseen(void **state)
{
	(void)state;
	test_pmd_tells_queues = true;
	heal_with_queues("0000:85:00.0", false);
}

/* Or it does not, as virtio: no life without its queues. */
static void
test_queues_that_nobody_knows(void **state)
{
	struct test_pmd *pmd = plug("0000:86:00.0");

	(void)state;
	assert_int_equal(hotplug_disable(), 0);
	set_up(pmd->port, false);
	enable();
	rte_eth_dev_callback_register(pmd->port, RTE_ETH_EVENT_RECOVERY_FAILED, on_failed, NULL);
	lose_for_good(pmd);
	come_back(pmd);
	assert_true(WAIT_FOR(n_failed == 1));
	assert_int_equal(state_of(pmd->port), PORT_HELD);
	assert_int_equal(pmd->n_probes, 1);
	remove_port(pmd->port);
}

/* --- what is closed, detached and attached meanwhile --- */

/* The port was closed, and its device could not be found any more. */
static void
test_attach_and_remove_while_off(void **state)
{
	char name[HOTPLUG_NAME_LEN] = "";
	uint16_t port;

	(void)state;
	assert_int_equal(hotplug_disable(), 0);
	mock_sysfs_add("0000:74:00.0", "hotplug_mock");
	assert_int_equal(hotplug_port_attach("0000:74:00.0", &port), 0);
	assert_int_equal(hotplug_port_remove(port, name, sizeof(name)), 0);
	assert_string_equal(name, "0000:74:00.0");
	assert_null(mock_find(name));
	enable();
}

/* The device that had the id before was detached in its place. */
static void
test_id_of_another_device_while_off(void **state)
{
	char name[HOTPLUG_NAME_LEN] = "";
	uint16_t port, other;

	(void)state;
	mock_sysfs_add("0000:75:00.0", "hotplug_mock");
	mock_sysfs_add("0000:76:00.0", "hotplug_mock");
	assert_int_equal(hotplug_port_attach("0000:75:00.0", &port), 0);
	assert_int_equal(rte_eth_dev_close(port), 0);
	assert_int_equal(hotplug_disable(), 0);
	assert_int_equal(hotplug_port_attach("0000:76:00.0", &other), 0);
	assert_int_equal(other, port);
	assert_int_equal(rte_eth_dev_close(other), 0);
	enable();
	assert_int_equal(hotplug_port_detach(other, name, sizeof(name)), 0);
	assert_string_equal(name, "0000:76:00.0");
	assert_non_null(mock_find("0000:75:00.0"));
	assert_int_equal(rte_dev_remove(mock_find("0000:75:00.0")), 0);
}

/* It was a dead one for ever, that was to be torn down at each enable. */
static void
test_dead_port_is_released_while_off(void **state)
{
	struct test_pmd *pmd = lose_while_disabling("0000:77:00.0");

	(void)state;
	assert_int_equal(rte_dev_remove(mock_find(pmd->name)), 0);
	assert_false(rte_eth_dev_is_valid_port(pmd->port));
	assert_int_equal(state_of(pmd->port), PORT_NONE);
	enable();
}

/* --- a BAR that its driver has unmapped while nobody looked: the address stays behind --- */

static bool
is_all(const uint8_t *p, uint8_t byte)
{
	size_t i;

	for (i = 0; i < MOCK_BAR_LEN && p[i] == byte; i++)
		;
	return i == MOCK_BAR_LEN;
}

/* A thread's stack had come there: the cut-off was laid over it. */
static void
test_memory_that_was_a_bar_is_left_alone(void **state)
{
	struct test_pmd *pmd = plug("0000:7a:00.0");
	uint8_t *memory = pmd->bar;

	(void)state;
	start_port(pmd->port);
	disable(NULL);
	assert_ptr_equal(mmap(memory, MOCK_BAR_LEN, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), memory);
	memset(memory, 0x5a, MOCK_BAR_LEN);
	pmd->bar = NULL;
	enable();
	assert_int_equal(hotplug_device_state(pmd->name), HOTPLUG_STATE_ATTACHED);
	lose_and_come_back(pmd);
	assert_true(is_all(memory, 0x5a));
	remove_port(pmd->port);
	munmap(memory, MOCK_BAR_LEN);
}

/* The one whose BAR it is was not guarded. */
static void
test_address_of_another_cards_bar(void **state)
{
	struct test_pmd *pmd = plug("0000:7b:00.0"), *other = plug("0000:7c:00.0");
	struct rte_pci_device *pci = container_of(mock_find(other->name), struct rte_pci_device,
						  device);
	uint8_t *memory = pmd->bar;

	(void)state;
	start_port(pmd->port);
	start_port(other->port);
	disable(NULL);
	memset(other->bar, 0x5b, MOCK_BAR_LEN);
	assert_ptr_equal(mremap(other->bar, MOCK_BAR_LEN, MOCK_BAR_LEN,
				MREMAP_MAYMOVE | MREMAP_FIXED, memory), memory);
	pmd->bar = NULL;
	other->bar = pci->mem_resource[0].addr = memory;
	enable();
	assert_int_equal(hotplug_device_state(other->name), HOTPLUG_STATE_ATTACHED);
	lose_and_come_back(pmd);
	assert_true(is_all(memory, 0x5b));
	assert_int_equal(state_of(other->port), PORT_LIVE);
	lose_and_come_back(other);
	remove_port(pmd->port);
	remove_port(other->port);
}

/* A thread's window for the registers that flip came to lie where another card's BAR had been,
 * which its driver had unmapped without a word.  To unmap it again we waited for a lock that we held. */
static void
test_window_where_another_cards_bar_was(void **state)
{
	struct test_pmd *pmd = plug("0000:91:00.0"), *other = plug("0000:92:00.0");
	uint8_t *filler[MOST_FILLERS], *elsewhere;
	unsigned int n = 0;

	(void)state;
	start_port(pmd->port);
	do {    /* the kernel fills the holes above it first */
		assert_true(n < MOST_FILLERS);
		filler[n] = mmap(NULL, WINDOW_LEN, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
				 -1, 0);
		assert_true(filler[n] != MAP_FAILED);
	} while (filler[n++] > other->bar);
	munmap(filler[--n], WINDOW_LEN);
	elsewhere = mmap(NULL, MOCK_BAR_LEN, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_equal(mremap(other->bar, MOCK_BAR_LEN, MOCK_BAR_LEN,
				MREMAP_MAYMOVE | MREMAP_FIXED, elsewhere), elsewhere);
	other->bar = elsewhere;
	lose(pmd);
	assert_true(WAIT_FOR(state_of(pmd->port) == PORT_HELD));
	come_back(pmd);
	assert_true(WAIT_FOR(n_success == 1));
	remove_port(pmd->port);
	remove_port(other->port);
	while (n > 0)
		munmap(filler[--n], WINDOW_LEN);
}

/* It kept the policy that it had when it was lost. */
static void
test_dead_port_follows_the_new_configuration(void **state)
{
	struct test_pmd *pmd = plug("0000:7d:00.0");
	struct hotplug_config config;

	(void)state;
	start_port(pmd->port);
	disable(NULL);
	mock_port_config(&config, "policy=survive");
	assert_int_equal(hotplug_enable(&config), 0);
	n_success = 0;
	lose(pmd);
	assert_true(WAIT_FOR(state_of(pmd->port) == PORT_HELD));
	disable(NULL);
	enable();
	come_back(pmd);
	assert_true(WAIT_FOR(n_success == 1));
	remove_port(pmd->port);
}

/* --- a port that is doomed when we are disabled --- */

static _Atomic bool is_to_wait;

static int
wait_in_callback(uint16_t port, enum rte_eth_event_type type, void *arg, void *result)
{
	(void)port;
	(void)type;
	(void)arg;
	(void)result;
	if (!atomic_exchange(&is_to_wait, false))
		return 0;
	atomic_store(&is_in_driver, true);
	(void)WAIT_FOR(may_return);
	return 0;
}

/* It hears of the loss while we are disabled: its port's teardown has not begun. */
static struct test_pmd *
disable_in_callback(const char *name)
{
	struct test_pmd *pmd = plug(name);
	struct hotplug_config config;

	disable(NULL);
	mock_port_config(&config, "flaps=0,stuck_ms=300");
	assert_int_equal(hotplug_enable(&config), 0);
	start_port(pmd->port);
	rte_eth_dev_callback_register(pmd->port, RTE_ETH_EVENT_ERR_RECOVERING, wait_in_callback,
				      NULL);
	atomic_store(&is_in_driver, false);
	atomic_store(&may_return, false);
	atomic_store(&is_to_wait, true);
	lose(pmd);
	assert_true(WAIT_FOR(is_in_driver));
	assert_int_equal(state_of(pmd->port), PORT_DOOMED);
	disable(NULL);
	return pmd;
}

/* The job that had been left behind in that callback went on with the teardown when we were
 * disabled, beside an application that removes the device itself. */
static void
test_no_teardown_while_off(void **state)
{
	struct test_pmd *pmd = disable_in_callback("0000:93:00.0");
	unsigned int n = pmd->n_closes + pmd->n_removes;

	(void)state;
	atomic_store(&may_return, true);
	test_sleep_ms(300);
	n = pmd->n_closes + pmd->n_removes - n;
	enable();
	assert_int_equal(n, 0);
	assert_true(WAIT_FOR(state_of(pmd->port) == PORT_HELD));
	come_back(pmd);
	assert_true(WAIT_FOR(n_success == 1));
	remove_port(pmd->port);
}

/* It was torn down by the former policy, and its application was not told that it is to do that. */
static void
test_doomed_port_follows_the_new_configuration(void **state)
{
	struct test_pmd *pmd = disable_in_callback("0000:94:00.0");
	unsigned int n = pmd->n_closes + pmd->n_removes;
	struct hotplug_config config;

	(void)state;
	mock_port_config(&config, "flaps=0,policy=tell");
	assert_int_equal(hotplug_enable(&config), 0);
	atomic_store(&may_return, true);
	assert_true(WAIT_FOR(n_removed == 1));
	test_sleep_ms(200);
	assert_int_equal(n_removed, 1);
	assert_int_equal(pmd->n_closes + pmd->n_removes, n);
	remove_port(pmd->port);
	disable(NULL);
	enable();
}

/* --- an id that is another's as soon as it is free --- */

static uint16_t taken = RTE_MAX_ETHPORTS;

static void
take_id(enum step step, const char *device)
{
	(void)device;
	if (step != STEP_GIVEN_BACK || taken != RTE_MAX_ETHPORTS)
		return;
	taken = 0;
	assert_int_equal(rte_dev_probe("0000:79:00.0"), 0);
	taken = test_pmd_of("0000:79:00.0")->port;
}

/* By two threads that attach and remove: the other's device was looked for, and found or not. */
static void
test_remove_of_a_port_whose_id_is_taken(void **state)
{
	char name[HOTPLUG_NAME_LEN] = "";
	uint16_t port;

	(void)state;
	mock_sysfs_add("0000:78:00.0", "hotplug_mock");
	mock_sysfs_add("0000:79:00.0", "hotplug_mock");
	assert_int_equal(hotplug_port_attach("0000:78:00.0", &port), 0);
	step_hook = take_id;
	assert_int_equal(hotplug_port_remove(port, name, sizeof(name)), 0);
	step_hook = NULL;
	assert_int_equal(taken, port);
	assert_string_equal(name, "0000:78:00.0");
	assert_null(mock_find("0000:78:00.0"));
	assert_int_equal(state_of(taken), PORT_LIVE);
	remove_port(taken);
}

/* --- who has the turn again and again --- */

static _Atomic bool is_enough;

static void *
take_turns(void *arg)
{
	while (!atomic_load(&is_enough)) {
		port_probe_lock();
		test_sleep_ms(2);
		port_probe_unlock();
	}
	return arg;
}

/* It was asked for, and not waited for: beside two who wait nobody else had it, in stuck_ms, and
 * the buses changed hands without. */
static void
test_disable_has_its_turn(void **state)
{
	uint64_t start_ns;
	pthread_t thread[2];
	unsigned int i;

	(void)state;
	for (i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, take_turns, NULL), 0);
	test_sleep_ms(20);
	start_ns = device_now_ns();
	assert_int_equal(hotplug_disable(), 0);
	enable();
	assert_true(device_now_ns() - start_ns < 5000000000ull);
	atomic_store(&is_enough, true);
	for (i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
}

static void *
keep_the_turn(void *arg)
{
	port_probe_lock();
	atomic_store(&is_in_driver, true);
	(void)WAIT_FOR(atomic_load(&may_return));
	port_probe_unlock();
	return arg;
}

/* Its parent's thread had it, and the child waited for it for ever: in hotplug_port_list(), too. */
static void
test_forked_child_has_the_turn(void **state)
{
	pthread_t thread;
	uint16_t port;
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(hotplug_disable(), 0);
	atomic_store(&is_in_driver, false);
	atomic_store(&may_return, false);
	assert_int_equal(pthread_create(&thread, NULL, keep_the_turn, NULL), 0);
	assert_true(WAIT_FOR(atomic_load(&is_in_driver)));
	pid = fork();
	if (pid == 0) {
		alarm(10);
		_exit(hotplug_port_list("0000:7f:00.0", &port, 1) == -ENODEV ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	atomic_store(&may_return, true);
	pthread_join(thread, NULL);
	enable();
}

static int
start(void **state)
{
	if (mock_port_start(state, "flaps=0") != 0)
		return -1;
	pool = rte_pktmbuf_pool_create("off", 255, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	return pool != NULL ? 0 : -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_loss_in_the_middle_of_disable),
		cmocka_unit_test(test_attach_beside_enable),
		cmocka_unit_test(test_close_is_refused_beside_enable),
		cmocka_unit_test(test_reset_beside_enable),
		cmocka_unit_test(test_close_while_enable_asks_its_driver),
		cmocka_unit_test(test_loss_in_the_middle_of_enable),
		cmocka_unit_test(test_ports_of_what_is_attached_while_off),
		cmocka_unit_test(test_attach_and_remove_while_off),
		cmocka_unit_test(test_id_of_another_device_while_off),
		cmocka_unit_test(test_dead_port_is_released_while_off),
		cmocka_unit_test(test_dead_port_follows_the_new_configuration),
		cmocka_unit_test(test_no_teardown_while_off),
		cmocka_unit_test(test_doomed_port_follows_the_new_configuration),
		cmocka_unit_test(test_memory_that_was_a_bar_is_left_alone),
		cmocka_unit_test(test_address_of_another_cards_bar),
		cmocka_unit_test(test_window_where_another_cards_bar_was),
		cmocka_unit_test(test_remove_of_a_port_whose_id_is_taken),
		cmocka_unit_test(test_disable_has_its_turn),
		cmocka_unit_test(test_forked_child_has_the_turn),
		cmocka_unit_test(test_queues_that_are_set_up_while_off),
		cmocka_unit_test(test_queues_that_were_set_up_unseen),
		cmocka_unit_test(test_queues_that_nobody_knows),
	};

	return cmocka_run_group_tests_name("off", tests, start, mock_port_stop);
}
