/* SPDX-License-Identifier: BSD-3-Clause */

/* test_fail_port: what test_fail does for devices, for a port: enabled, attached,
 * started, lost, healed, removed, disabled, with a call refused at every step; alone,
 * and as the primary of processes that share a table.  Alone it makes no call that it does
 * not make as a primary, so of those each STRIDEth is enough, but for `test_fail_port each`.
 * In:  one mock function and a PMD for it on the real pci bus and ethdev, each step of
 *      whose probe may fail, too; the library built with nth.h.
 * Context: app; failures strike in whichever thread comes to the nth call. */

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_dev.h>
#include <rte_devargs.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_memzone.h>

#include <hotplug.h>

#include "port/grace.h"
#include "port/port.h"
#include "mock_port.h"
#include "nth.h"
#include "test.h"
#include "test_pmd.h"

#define CARD "0000:41:00.0"
#define MOST 2000u
#define STRIDE 4u

static _Atomic unsigned int n_healed, n_given_up;

/* What the library asks of DPDK. */
static _Atomic bool is_out_of_memory;   /* for devargs */

int __real_rte_devargs_parse(struct rte_devargs *da, const char *text);
int __wrap_rte_devargs_parse(struct rte_devargs *da, const char *text);
int __real_rte_devargs_insert(struct rte_devargs **da);
int __wrap_rte_devargs_insert(struct rte_devargs **da);

int
__wrap_rte_devargs_parse(struct rte_devargs *da, const char *text)
{
	if (is_out_of_memory)
		return -ENOMEM;
	return nth_fails(ENOMEM, __func__) ? -ENOMEM : __real_rte_devargs_parse(da, text);
}

int
__wrap_rte_devargs_insert(struct rte_devargs **da)
{
	return nth_fails(ENOMEM, __func__) ? -ENOMEM : __real_rte_devargs_insert(da);
}

/* The library's, and those of the PMD's probe: its port, its memory, its descriptor. */
const struct rte_memzone *__real_rte_memzone_reserve_aligned(const char *name, size_t len,
		int socket, unsigned int flags, unsigned int align);
const struct rte_memzone *__wrap_rte_memzone_reserve_aligned(const char *name, size_t len,
		int socket, unsigned int flags, unsigned int align);
void *__real_rte_zmalloc(const char *type, size_t size, unsigned int align);
void *__wrap_rte_zmalloc(const char *type, size_t size, unsigned int align);
int __real_socketpair(int domain, int type, int protocol, int fds[2]);
int __wrap_socketpair(int domain, int type, int protocol, int fds[2]);

const struct rte_memzone *
__wrap_rte_memzone_reserve_aligned(const char *name, size_t len, int socket, unsigned int flags,
				   unsigned int align)
{
	if (nth_fails(ENOMEM, __func__)) {
		rte_errno = ENOMEM;
		return NULL;
	}
	return __real_rte_memzone_reserve_aligned(name, len, socket, flags, align);
}

void *
__wrap_rte_zmalloc(const char *type, size_t size, unsigned int align)
{
	return nth_fails(ENOMEM, __func__) ? NULL : __real_rte_zmalloc(type, size, align);
}

int
__wrap_socketpair(int domain, int type, int protocol, int fds[2])
{
	return nth_fails(EMFILE, __func__) ? -1 : __real_socketpair(domain, type, protocol, fds);
}

/* What heal sets up again. */
int __real_rte_eth_dev_info_get(uint16_t port, struct rte_eth_dev_info *info);
int __wrap_rte_eth_dev_info_get(uint16_t port, struct rte_eth_dev_info *info);

int
__wrap_rte_eth_dev_info_get(uint16_t port, struct rte_eth_dev_info *info)
{
	return nth_fails(EIO, __func__) ? -EIO : __real_rte_eth_dev_info_get(port, info);
}

int __real_rte_eth_dev_callback_register(uint16_t port, enum rte_eth_event_type type,
					 rte_eth_dev_cb_fn fn, void *arg);
int __wrap_rte_eth_dev_callback_register(uint16_t port, enum rte_eth_event_type type,
					 rte_eth_dev_cb_fn fn, void *arg);

int
__wrap_rte_eth_dev_callback_register(uint16_t port, enum rte_eth_event_type type,
				     rte_eth_dev_cb_fn fn, void *arg)
{
	return nth_fails(ENOMEM, __func__) ? -ENOMEM :
		__real_rte_eth_dev_callback_register(port, type, fn, arg);
}

static bool
refuse(const char *op)
{
	return nth_fails(EIO, op);
}

static bool is_shared;          /* as with hugepages, which it has none of */

bool __wrap_share_is_possible(void);

bool
__wrap_share_is_possible(void)
{
	return is_shared;
}

/* But for sockets: the mock PMD makes some in each probe, for good. */
static unsigned int
n_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	unsigned int n = 0;
	char target[64];

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		memset(target, 0, sizeof(target));
		if (readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1) > 0)
			n += strncmp(target, "socket:", 7) != 0;
	}
	closedir(dir);
	return n;
}

static int
on_end(uint16_t port, enum rte_eth_event_type type, void *arg, void *result)
{
	(void)port;
	(void)arg;
	(void)result;
	n_healed += type == RTE_ETH_EVENT_RECOVERY_SUCCESS;
	n_given_up += type == RTE_ETH_EVENT_RECOVERY_FAILED;
	return 0;
}

/* The application's own calls do not fail here. */
static void
start_with_queue(uint16_t port, struct rte_mempool *pool)
{
	const struct rte_eth_conf conf = { 0 };

	nth_hold(true);
	assert_int_equal(rte_eth_dev_configure(port, 1, 0, &conf), 0);
	assert_int_equal(rte_eth_rx_queue_setup(port, 0, 64, 0, NULL, pool), 0);
	assert_int_equal(rte_eth_dev_start(port), 0);
	rte_eth_dev_callback_register(port, RTE_ETH_EVENT_RECOVERY_SUCCESS, on_end, NULL);
	rte_eth_dev_callback_register(port, RTE_ETH_EVENT_RECOVERY_FAILED, on_end, NULL);
	nth_hold(false);
}

/* Lost, dark, and back under its id, or given up and told so. */
static void
lose_and_heal(struct test_pmd *pmd)
{
	uint16_t port = pmd->port;

	n_healed = n_given_up = 0;
	lose(pmd);
	assert_true(WAIT_FOR(mock_find(CARD) == NULL));
	assert_int_equal(rte_eth_dev_is_removed(port), 1);
	mock_sysfs_add(CARD, "hotplug_mock");
	assert_true(WAIT_FOR(hotplug_scan() >= 0));     /* a refused one is asked again */
	assert_true(WAIT_FOR(n_healed == 1 || n_given_up == 1));
	assert_true(rte_eth_dev_is_valid_port(port));
	assert_int_equal(pmd->port, port);
}

static struct rte_mempool *pool;

static int
one_port(void)
{
	char name[HOTPLUG_NAME_LEN];
	struct test_pmd *pmd;
	uint16_t port = 77, n_ports = rte_eth_dev_count_avail();
	int ret;

	mock_sysfs_add(CARD, "hotplug_mock");
	ret = hotplug_port_attach(CARD, &port);
	if (ret == 0) {
		pmd = test_pmd_of(CARD);
		start_with_queue(port, pool);
		lose_and_heal(pmd);
		ret = hotplug_port_remove(port, name, sizeof(name));
		if (ret != 0) {
			nth_disarm();
			assert_int_equal(hotplug_port_remove(port, name, sizeof(name)), 0);
		}
	} else {
		assert_int_equal(port, 77);
		assert_int_equal(rte_eth_dev_count_avail(), n_ports);
	}
	assert_null(mock_find(CARD));
	mock_sysfs_remove(CARD);
	return ret;
}

/* The next primary makes it anew. */
static void
forget_table(void)
{
	const struct rte_memzone *zone = rte_memzone_lookup("hotplug_sync");

	assert_true(zone == NULL || is_shared);
	if (zone != NULL)
		assert_int_equal(rte_memzone_free(zone), 0);
}

static int
whole_story(void)
{
	struct hotplug_config config;
	int ret;

	hotplug_config_init(&config);
	config.policy = HOTPLUG_POLICY_HEAL;
	config.liveness_ms = 20;
	config.sync = is_shared;
	ret = hotplug_enable(&config);
	if (ret == 0) {
		ret = one_port();
		assert_int_equal(hotplug_disable(), 0);
	} else {
		assert_int_equal(hotplug_disable(), -EALREADY);
	}
	forget_table();
	return ret;
}

static bool is_each;

static void
fail_each(unsigned int stride)
{
	unsigned int n, n_refused = 0, n_unhealed = 0, files, pieces, first = 1;
	bool is_over = false;

	if (getenv("NTH") != NULL)
		first = strtoul(getenv("NTH"), NULL, 10);
	assert_int_equal(whole_story(), 0);
	assert_int_equal(whole_story(), 0);
	files = n_files();
	pieces = nth_n_pieces();
	for (n = first; n < MOST && !is_over; n += stride) {
		nth_arm(n, 0);
		n_refused += whole_story() != 0;
		is_over = nth_disarm() == 0;
		n_unhealed += n_given_up;
		if (!WAIT_FOR(n_files() == files && nth_n_pieces() == pieces))
			fail_msg("call %u (%s): %u files, %u pieces more", n, nth_last(),
				 n_files() - files, nth_n_pieces() - pieces);
		assert_int_equal(whole_story(), 0);
		assert_int_equal(n_given_up, 0);
	}
	print_message("# %u calls failed, %u refused, %u not healed\n",
		      (n - first) / stride - 1, n_refused, n_unhealed);
	assert_true(is_over);
	assert_true(n > 50);
}

static void
test_each_call_fails_once(void **state)
{
	(void)state;
	test_pmd_refuses = refuse;
	is_shared = false;
	fail_each(is_each ? 1 : STRIDE);
}

static void
test_each_call_of_a_primary_fails_once(void **state)
{
	(void)state;
	is_shared = true;
	fail_each(1);
}

/* It said 0, and the device stayed attached. */
static void
test_remove_without_memory_for_the_devices_name(void **state)
{
	struct hotplug_config config;
	char name[HOTPLUG_NAME_LEN];
	uint16_t port;

	(void)state;
	nth_disarm();
	hotplug_config_init(&config);
	config.sync = false;
	assert_int_equal(hotplug_enable(&config), 0);
	mock_sysfs_add(CARD, "hotplug_mock");
	assert_int_equal(hotplug_port_attach(CARD, &port), 0);
	is_out_of_memory = true;
	assert_int_equal(hotplug_port_remove(port, name, sizeof(name)), -ENOMEM);
	is_out_of_memory = false;
	assert_non_null(mock_find(CARD));
	assert_int_equal(hotplug_port_remove(port, name, sizeof(name)), 0);
	assert_string_equal(name, CARD);
	assert_null(mock_find(CARD));
	mock_sysfs_remove(CARD);
	assert_int_equal(hotplug_disable(), 0);
}

static int
start(void **state)
{
	int ret = mock_eal_start(state);

	heal_pause_ms = 5;
	grace_sleep_ns = 20000000;      /* its own stack may name the driver (doc/limits.md) */
	pool = rte_pktmbuf_pool_create("fail", 63, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	return ret != 0 || pool == NULL;
}

static int
stop(void **state)
{
	(void)state;
	print_message("# the last call that failed: %s\n", nth_last());
	nth_disarm();
	hotplug_disable();
	rte_eal_cleanup();
	mock_eal_remove_files();
	return 0;
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_call_fails_once),
		cmocka_unit_test(test_each_call_of_a_primary_fails_once),
		cmocka_unit_test(test_remove_without_memory_for_the_devices_name),
	};

	is_each = argc > 1 && strcmp(argv[1], "each") == 0;
	return cmocka_run_group_tests_name("fail_port", tests, start, stop);
}
