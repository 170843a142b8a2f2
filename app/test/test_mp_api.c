/* SPDX-License-Identifier: BSD-3-Clause */

/* test_mp_api: what hotplug.h promises of attach and detach in several processes: from
 * any thread, from alarms, by port, in private; and after a disable.
 * In:  a primary and a secondary; a hugetlbfs as the first argument.  Out: TAP.
 * Each check runs in both, one after the other; its answer is 0.
 * Context: app, EAL's interrupt thread. */

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rte_alarm.h>
#include <rte_dev.h>
#include <rte_ethdev.h>
#include <rte_memzone.h>

#include <hotplug.h>

#include "mp_process.h"
#include "sync/table.h"
#include "test.h"

static struct process primary, secondary, late;

#define CHECK(condition) do { \
	if (!(condition)) { \
		fprintf(stderr, "# line %d: not so: %s\n", __LINE__, #condition); \
		return -__LINE__; \
	} \
} while (0)

static bool
is_there(const char *name)
{
	uint16_t port;

	return rte_eth_dev_get_port_by_name(name, &port) == 0;
}

static _Atomic int alarm_answer;

static void
attach_in_alarm(void *arg)
{
	alarm_answer = hotplug_device_attach(arg, 0, NULL);
}

static void
detach_in_alarm(void *arg)
{
	alarm_answer = hotplug_device_detach(arg, 0, NULL);
}

static int
run_alarm(void (*fn)(void *arg), char *arg)
{
	alarm_answer = 1;
	if (rte_eal_alarm_set(1, fn, arg) != 0)
		return -1;
	(void)WAIT_FOR(alarm_answer != 1);
	return alarm_answer;
}

/* Stock: in a secondary always -ENOMSG after 5 s. */
static int
check_alarm(void)
{
	static char name[] = "net_null0";

	CHECK(run_alarm(attach_in_alarm, name) == 0);
	CHECK(is_there(name));
	CHECK(run_alarm(attach_in_alarm, name) == -EEXIST);
	CHECK(run_alarm(detach_in_alarm, name) == 0);
	CHECK(!is_there(name));
	return 0;
}

static int
check_port(void)
{
	char name[HOTPLUG_NAME_LEN] = "untouched";
	uint16_t port = 77;

	CHECK(hotplug_port_attach("net_null1,size=128", &port) == 0);
	CHECK(rte_eth_dev_is_valid_port(port) && is_there("net_null1"));
	CHECK(hotplug_port_detach(port, name, sizeof(name)) == -EBUSY);
	CHECK(strcmp(name, "untouched") == 0);
	CHECK(rte_eth_dev_close(port) == 0);
	CHECK(hotplug_port_detach(port, name, sizeof(name)) == 0);
	CHECK(strcmp(name, "net_null1") == 0 && !is_there("net_null1"));
	CHECK(hotplug_port_attach("net_null1", &port) == 0);
	CHECK(hotplug_port_remove(port, name, sizeof(name)) == 0);
	CHECK(strcmp(name, "net_null1") == 0 && !is_there("net_null1"));
	return 0;
}

static int
check_nonsense(void)
{
	struct hotplug_outcome outcome = { .size = sizeof(outcome) - 1 };
	char text[HOTPLUG_DEVARGS_LEN + 1] = "net_null0,size=";

	CHECK(hotplug_device_attach(NULL, 0, NULL) == -EINVAL);
	CHECK(hotplug_device_attach("", 0, NULL) == -EINVAL);
	CHECK(hotplug_device_attach("net_null0", 8, NULL) == -EINVAL);
	CHECK(hotplug_device_attach("net_null0", 0, &outcome) == -EINVAL);
	outcome.size = sizeof(outcome);
	memset(text + strlen(text), '1', sizeof(text) - strlen(text) - 1);
	CHECK(hotplug_device_attach(text, 0, &outcome) == -E2BIG);
	CHECK(outcome.error == -E2BIG && outcome.reason[0] != '\0');
	CHECK(!is_there("net_null0"));
	return 0;
}

/* A driver's own doing must not wait for itself. */
static _Atomic int nested;

static int
on_new(uint16_t port, enum rte_eth_event_type type, void *arg, void *result)
{
	(void)port;
	(void)type;
	(void)arg;
	(void)result;
	nested = hotplug_device_attach("net_null4", 0, NULL);
	return 0;
}

static int
check_nested(void)
{
	nested = 0;
	CHECK(rte_eth_dev_callback_register(RTE_ETH_ALL, RTE_ETH_EVENT_NEW, on_new, NULL) == 0);
	CHECK(hotplug_device_attach("net_null3", 0, NULL) == 0);
	CHECK(nested == -EDEADLK);
	CHECK(rte_eth_dev_callback_unregister(RTE_ETH_ALL, RTE_ETH_EVENT_NEW, on_new, NULL) == 0);
	CHECK(hotplug_device_detach("net_null3", 0, NULL) == 0);
	return 0;
}

static void *
attach_and_detach(void *arg)
{
	unsigned int i;
	intptr_t ret = 0;

	for (i = 0; i < 50 && ret == 0; i++) {
		ret = hotplug_device_attach(arg, 0, NULL);
		if (ret == 0)
			ret = hotplug_device_detach(arg, 0, NULL);
	}
	return (void *)ret;
}

static int
check_threads(void)
{
	static char names[4][16];
	pthread_t thread[4];
	void *ret;
	unsigned int i;

	for (i = 0; i < N_ELEMENTS(thread); i++) {
		snprintf(names[i], sizeof(names[i]), "net_null1%u", i);
		CHECK(pthread_create(&thread[i], NULL, attach_and_detach, names[i]) == 0);
	}
	for (i = 0; i < N_ELEMENTS(thread); i++) {
		CHECK(pthread_join(thread[i], &ret) == 0);
		CHECK(ret == NULL);
	}
	return 0;
}

/* A port that is started anywhere is not taken away. */
static int
check_started(void)
{
	struct hotplug_outcome outcome = { .size = sizeof(outcome) };
	const struct rte_eth_conf conf = { 0 };
	uint16_t port;

	CHECK(hotplug_port_attach("net_null5", &port) == 0);
	if (rte_eal_process_type() == RTE_PROC_PRIMARY) {
		CHECK(rte_eth_dev_configure(port, 0, 0, &conf) == 0);
		CHECK(rte_eth_dev_start(port) == 0);
		CHECK(hotplug_device_detach("net_null5", 0, &outcome) == -EBUSY);
		CHECK(strstr(outcome.reason, "is started") != NULL && is_there("net_null5"));
		CHECK(rte_eth_dev_stop(port) == 0);
	}
	CHECK(hotplug_device_detach("net_null5", 0, NULL) == 0);
	return 0;
}

static int
check_disable(void)
{
	struct hotplug_outcome outcome = { .size = sizeof(outcome) };
	struct hotplug_config config;

	CHECK(hotplug_disable() == 0);
	CHECK(hotplug_device_attach("net_null6", 0, &outcome) == -EPERM);
	CHECK(strcmp(outcome.reason, "dpdk-hotplug is not enabled") == 0);
	hotplug_config_init(&config);
	config.liveness_ms = 0;
	CHECK(hotplug_enable(&config) == 0);
	CHECK(hotplug_device_attach("net_null6", 0, NULL) == 0);
	CHECK(hotplug_device_detach("net_null6", 0, NULL) == 0);
	return 0;
}

static _Atomic bool is_slow;
static unsigned int slow_ms = 300;

static int
on_slow_new(uint16_t port, enum rte_eth_event_type type, void *arg, void *result)
{
	(void)port;
	(void)type;
	(void)arg;
	(void)result;
	atomic_store(&is_slow, true);
	test_sleep_ms(slow_ms);
	return 0;
}

static void *
attach_slowly(void *arg)
{
	return (void *)(intptr_t)hotplug_device_attach(arg, 0, NULL);
}

/* It was said to have failed, and was there all the same. */
static int
check_disable_in_an_attach(void)
{
	static char name[] = "net_null6";
	struct hotplug_config config;
	pthread_t thread;
	void *ret;

	atomic_store(&is_slow, false);
	CHECK(rte_eth_dev_callback_register(RTE_ETH_ALL, RTE_ETH_EVENT_NEW, on_slow_new, NULL) == 0);
	CHECK(pthread_create(&thread, NULL, attach_slowly, name) == 0);
	CHECK(WAIT_FOR(atomic_load(&is_slow)));
	CHECK(hotplug_disable() == 0);
	CHECK(pthread_join(thread, &ret) == 0);
	CHECK(rte_eth_dev_callback_unregister(RTE_ETH_ALL, RTE_ETH_EVENT_NEW, on_slow_new,
					      NULL) == 0);
	CHECK(ret == NULL && is_there(name));
	hotplug_config_init(&config);
	config.liveness_ms = 0;
	CHECK(hotplug_enable(&config) == 0);
	CHECK(hotplug_device_detach(name, 0, NULL) == 0);
	return 0;
}

/* EAL gave its memory back under a driver that was not waited for any more. */
static int
check_exit_in_an_attach(void)
{
	static char name[] = "net_null6";
	struct hotplug_config config;
	pthread_t thread;

	CHECK(hotplug_disable() == 0);
	hotplug_config_init(&config);
	config.stuck_ms = 200;
	CHECK(hotplug_enable(&config) == 0);
	atomic_store(&is_slow, false);
	slow_ms = 2500;
	CHECK(rte_eth_dev_callback_register(RTE_ETH_ALL, RTE_ETH_EVENT_NEW, on_slow_new, NULL) == 0);
	CHECK(pthread_create(&thread, NULL, attach_slowly, name) == 0);
	CHECK(WAIT_FOR(atomic_load(&is_slow)));
	CHECK(rte_eal_cleanup() == 0);
	test_sleep_ms(3000);
	return 0;
}

static int
private_attach(void)
{
	CHECK(hotplug_device_attach("net_null7", HOTPLUG_PRIVATE, NULL) == 0);
	CHECK(hotplug_device_attach("net_null7", HOTPLUG_PRIVATE, NULL) == -EEXIST);
	return 0;
}

static int
private_detach(void)
{
	CHECK(hotplug_device_detach("net_null7", HOTPLUG_PRIVATE, NULL) == 0);
	CHECK(hotplug_device_detach("net_null7", HOTPLUG_PRIVATE, NULL) == -ENODEV);
	return 0;
}

static int
has_private(void)
{
	return is_there("net_null7");
}

/* Not through the library: EAL tells the others by itself. */
static int
stock_attach(void)
{
	return rte_dev_probe("net_null8,size=96");
}

static int
has_stock(void)
{
	return is_there("net_null8");
}

static int
detach_stock(void)
{
	return hotplug_device_detach("net_null8", 0, NULL);
}

static struct sync_head *
head(void)
{
	return rte_memzone_lookup("hotplug_sync")->addr;
}

static struct sync_slot *
slot_at(uint32_t i)
{
	static struct sync_table table;

	if (table.head == NULL)
		assert_null(sync_table_view(&table, head(), rte_memzone_lookup("hotplug_sync")->len));
	return sync_slot(&table, i);
}

/* A process gone wild writes over all of its slot, from one that asks to one that is asked. */
static int
scribble(void)
{
	size_t len = (char *)slot_at(2) - (char *)slot_at(1);
	uint32_t i;

	for (i = 1; i < head()->n_slots; i++)
		if (slot_at(i)->pid == getpid())
			memset(slot_at(i), 0xff, len);
	return 0;
}

static uint32_t right_version;

static int
change_version(void)
{
	right_version = head()->version;
	head()->version ^= 0x100;
	return 0;
}

/* Its own thread may have seen to it. */
static int
set_right_version(void)
{
	head()->version = right_version;
	return 0;
}

static int
attach_without_a_table(void)
{
	struct hotplug_outcome outcome = { .size = sizeof(outcome) };

	CHECK(hotplug_device_attach("net_null6", 0, &outcome) == -ENOTCONN);
	CHECK(!is_there("net_null6"));
	return 0;
}

/* The place in the table is its parent's: who was asked there did it there.  The child has what
 * its parent had at the fork, and does without.  One port is left: where there is none, ethdev
 * (24.03) makes its shared data anew, in the child, and the parent cannot any more. */
static int
check_child(void)
{
	char name[HOTPLUG_NAME_LEN];
	uint16_t port, other;
	int status;
	pid_t pid;

	CHECK(hotplug_port_attach("net_null8", &other) == 0);
	CHECK(hotplug_port_attach("net_null9", &port) == 0);
	CHECK(rte_eth_dev_close(port) == 0);
	pid = fork();
	if (pid == 0) {
		alarm(10);
		_exit(hotplug_port_detach(port, name, sizeof(name)) == 0 ? 0 : 1);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(hotplug_device_attach("net_null9", 0, NULL) == -EEXIST);
	CHECK(hotplug_port_detach(port, name, sizeof(name)) == 0);
	CHECK(hotplug_port_remove(other, name, sizeof(name)) == 0);
	return 0;
}

static int
n_ports(void)
{
	return rte_eth_dev_count_avail();
}

enum {
	ALARM, PORT, NONSENSE, NESTED, THREADS, STARTED, DISABLE, PRIVATE_ATTACH, PRIVATE_DETACH,
	HAS_PRIVATE, STOCK_ATTACH, HAS_STOCK, DETACH_STOCK, N_PORTS, SCRIBBLE, VERSION, RIGHT_VERSION,
	NO_TABLE, CHILD, DISABLE_IN_ATTACH, EXIT_IN_ATTACH,
};

static int (*const checks[])(void) = {
	check_alarm, check_port, check_nonsense, check_nested, check_threads, check_started,
	check_disable, private_attach, private_detach, has_private, stock_attach, has_stock,
	detach_stock, n_ports, scribble, change_version, set_right_version,
	attach_without_a_table, check_child, check_disable_in_an_attach,
	check_exit_in_an_attach,
};

static struct report
serve(unsigned char command)
{
	return (struct report){ .state = checks[command - 0x80]() };
}

static int
ask(const struct process *process, unsigned int check)
{
	return mp_ask(process, 0x80 + check).state;
}

static void
in_both(unsigned int check)
{
	assert_int_equal(ask(&primary, check), 0);
	assert_int_equal(ask(&secondary, check), 0);
	assert_int_equal(ask(&primary, check), 0);
	assert_int_equal(ask(&primary, N_PORTS), 0);
	assert_int_equal(ask(&secondary, N_PORTS), 0);
}

#define TEST_IN_BOTH(name, check) \
static void \
name(void **state) \
{ \
	(void)state; \
	in_both(check); \
}

TEST_IN_BOTH(test_attach_and_detach_in_an_alarm, ALARM)
TEST_IN_BOTH(test_attach_and_detach_by_port, PORT)
TEST_IN_BOTH(test_nonsense_is_refused, NONSENSE)
TEST_IN_BOTH(test_attach_inside_an_attach_is_refused, NESTED)
TEST_IN_BOTH(test_four_threads_at_once, THREADS)
TEST_IN_BOTH(test_started_port_is_not_taken_away, STARTED)
TEST_IN_BOTH(test_disabled_says_so_and_enabled_again_works, DISABLE)
TEST_IN_BOTH(test_attach_beside_disable_is_answered, DISABLE_IN_ATTACH)

/* With no process beside it that EAL would tell. */
static void
test_forked_child_asks_nobody(void **state)
{
	(void)state;
	assert_int_equal(ask(&primary, CHILD), 0);
}

static int
start_secondary(void **state)
{
	(void)state;
	return mp_ask(&secondary, MP_START).state;
}

static void
test_private_device_is_its_owners_alone(void **state)
{
	(void)state;
	assert_int_equal(ask(&primary, PRIVATE_ATTACH), 0);
	assert_int_equal(ask(&primary, HAS_PRIVATE), 1);
	assert_int_equal(ask(&secondary, HAS_PRIVATE), 0);
	assert_int_equal(ask(&primary, PRIVATE_DETACH), 0);
}

static void
test_stock_call_beside_ours(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		assert_int_equal(ask(&primary, STOCK_ATTACH), 0);
		assert_int_equal(ask(&secondary, HAS_STOCK), 1);
		assert_int_equal(ask(&secondary, DETACH_STOCK), 0);
		assert_int_equal(ask(&primary, HAS_STOCK), 0);
		assert_int_equal(ask(&secondary, HAS_STOCK), 0);
	}
	in_both(PORT);
}

/* Who lives mends what is written over: none of them, while `late` comes. */
static void
test_table_of_another_version_is_not_used(void **state)
{
	(void)state;
	assert_int_equal(ask(&primary, VERSION), 0);
	kill(secondary.pid, SIGSTOP);
	kill(primary.pid, SIGSTOP);
	assert_int_equal(mp_ask(&late, MP_START).state, 0);     /* enabled, but alone */
	assert_int_equal(ask(&late, NO_TABLE), 0);
	kill(primary.pid, SIGCONT);
	kill(secondary.pid, SIGCONT);
	assert_int_equal(ask(&primary, RIGHT_VERSION), 0);
	assert_int_equal(ask(&late, PORT), 0);          /* joins when it asks */
	in_both(PORT);
}

/* Whose slot it is mends it when it is asked next. */
static void
test_scribbled_slot_hurts_nobody(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 10; i++) {
		assert_int_equal(ask(&secondary, SCRIBBLE), 0);
		assert_int_equal(ask(i % 2 == 0 ? &primary : &late, PORT), 0);
		assert_int_equal(ask(&secondary, SCRIBBLE), 0);
		assert_int_equal(ask(&secondary, PORT), 0);
		in_both(PORT);
	}
}

static void
test_process_ends_in_an_attach(void **state)
{
	(void)state;
	assert_int_equal(ask(&late, EXIT_IN_ATTACH), 0);
}

static int
set_up(void **state)
{
	(void)state;
	mp_fork(&primary, "primary", "", serve);
	mp_fork(&secondary, "secondary", "", serve);
	mp_fork(&late, "secondary", "", serve);
	return mp_ask(&primary, MP_START).state;
}

static int
tear_down(void **state)
{
	(void)state;
	mp_kill(&late);
	mp_kill(&secondary);
	mp_kill(&primary);
	mp_remove_files();
	return 0;
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forked_child_asks_nobody),
		cmocka_unit_test_setup(test_attach_and_detach_in_an_alarm, start_secondary),
		cmocka_unit_test(test_attach_and_detach_by_port),
		cmocka_unit_test(test_nonsense_is_refused),
		cmocka_unit_test(test_attach_inside_an_attach_is_refused),
		cmocka_unit_test(test_four_threads_at_once),
		cmocka_unit_test(test_started_port_is_not_taken_away),
		cmocka_unit_test(test_disabled_says_so_and_enabled_again_works),
		cmocka_unit_test(test_attach_beside_disable_is_answered),
		cmocka_unit_test(test_private_device_is_its_owners_alone),
		cmocka_unit_test(test_stock_call_beside_ours),
		cmocka_unit_test(test_table_of_another_version_is_not_used),
		cmocka_unit_test(test_scribbled_slot_hurts_nobody),
		cmocka_unit_test(test_process_ends_in_an_attach),
	};

	if (argc != 2)
		return 2;
	mp_prepare(argv[1]);
	return cmocka_run_group_tests_name("mp_api", tests, set_up, tear_down);
}
