/* SPDX-License-Identifier: BSD-3-Clause */

/* test_port: what becomes of a port whose device goes, under policy=heal, through
 * the real pci bus and ethdev.
 * In:  mock functions and a PMD for them (test_pmd.c).
 * Context: app; the library's own threads do the work. */

#include <string.h>
#include <unistd.h>

#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_ethdev.h>

#include <hotplug.h>

#include "mock_eal.h"
#include "test.h"

static _Atomic unsigned int n_recovering, n_success, n_new, n_removed;

static int
on_port_event(uint16_t port, enum rte_eth_event_type type, void *arg, void *result)
{
	(void)port;
	(void)arg;
	(void)result;
	n_recovering += type == RTE_ETH_EVENT_ERR_RECOVERING;
	n_success += type == RTE_ETH_EVENT_RECOVERY_SUCCESS;
	n_new += type == RTE_ETH_EVENT_NEW || type == RTE_ETH_EVENT_DESTROY;
	n_removed += type == RTE_ETH_EVENT_INTR_RMV;
	return 0;
}

static struct test_pmd *
plug(const char *name)
{
	static const enum rte_eth_event_type types[] = {
		RTE_ETH_EVENT_ERR_RECOVERING, RTE_ETH_EVENT_RECOVERY_SUCCESS, RTE_ETH_EVENT_NEW,
		RTE_ETH_EVENT_DESTROY, RTE_ETH_EVENT_INTR_RMV,
	};
	struct test_pmd *pmd = mock_plug(name);
	unsigned int i;

	for (i = 0; i < N_ELEMENTS(types); i++)
		rte_eth_dev_callback_register(pmd->port, types[i], on_port_event, NULL);
	n_recovering = n_success = n_new = n_removed = 0;
	return pmd;
}

static void
lose(struct test_pmd *pmd)
{
	mock_sysfs_remove(pmd->name);
	close(pmd->sign[1]);
}

static void
test_port_of_a_lost_device_is_dead_and_kept(void **state)
{
	struct test_pmd *pmd = plug("0000:21:00.0");
	uint16_t port = pmd->port;
	struct rte_eth_dev_info info;
	struct rte_eth_link link;

	(void)state;
	lose(pmd);
	assert_true(WAIT_FOR(mock_find("0000:21:00.0") == NULL));
	assert_int_equal(pmd->n_closes, 1);
	assert_true(rte_eth_dev_is_valid_port(port));
	assert_int_equal(rte_eth_link_get_nowait(port, &link), 0);
	assert_int_equal(link.link_status, RTE_ETH_LINK_DOWN);
	assert_int_equal(rte_eth_dev_is_removed(port), 1);
	assert_true(rte_eth_dev_start(port) < 0);
	assert_true(rte_eth_promiscuous_enable(port) < 0);
	assert_int_equal(rte_eth_dev_info_get(port, &info), 0);
	assert_string_equal(rte_dev_name(info.device), "0000:21:00.0");
	assert_int_equal(n_recovering, 1);
	assert_int_equal(n_removed, 0);         /* one owner, and it is the library */
	assert_int_equal(rte_eth_dev_close(port), 0);
	assert_int_equal(pmd->n_closes, 1);     /* the PMD's close is not run again */
	assert_false(rte_eth_dev_is_valid_port(port));
}

static void
test_port_heals_under_its_id_with_the_card(void **state)
{
	struct test_pmd *low = plug("0000:22:00.0"), *pmd = plug("0000:23:00.0");
	uint16_t port = pmd->port;
	char name[HOTPLUG_NAME_LEN];

	(void)state;
	assert_int_equal(hotplug_port_remove(low->port, name, sizeof(name)), 0);
	n_new = 0;
	lose(pmd);
	assert_true(WAIT_FOR(mock_find("0000:23:00.0") == NULL));
	mock_sysfs_add("0000:23:00.0", "hotplug_mock");
	hotplug_scan();
	assert_true(WAIT_FOR(n_success == 1));
	assert_true(rte_dev_is_probed(mock_find("0000:23:00.0")));
	assert_int_equal(pmd->port, port);      /* though a lower id is free */
	assert_true(rte_eth_dev_is_valid_port(port));
	assert_int_equal(rte_eth_dev_is_removed(port), 0);
	assert_int_equal(n_new, 0);             /* a port that pauses is neither new nor gone */
	assert_int_equal(hotplug_port_remove(port, name, sizeof(name)), 0);
}

/* The application gave it up: nobody brings it back. */
static void
test_port_that_was_closed_is_not_healed(void **state)
{
	struct test_pmd *pmd = plug("0000:24:00.0");
	uint16_t port = pmd->port;

	(void)state;
	lose(pmd);
	assert_true(WAIT_FOR(mock_find("0000:24:00.0") == NULL));
	assert_int_equal(rte_eth_dev_close(port), 0);
	mock_sysfs_add("0000:24:00.0", "hotplug_mock");
	hotplug_scan();
	test_sleep_ms(300);
	assert_null(mock_find("0000:24:00.0"));
	assert_int_equal(n_success, 0);
}

static int
start(void **state)
{
	struct hotplug_config config;

	hotplug_config_init(&config);
	config.policy = HOTPLUG_POLICY_HEAL;
	config.liveness_ms = 50;
	return mock_eal_start(state) != 0 || hotplug_enable(&config) != 0;
}

static int
stop(void **state)
{
	int ret;

	(void)state;
	ret = hotplug_disable() != 0 || rte_eal_cleanup() != 0;
	mock_eal_remove_files();
	return ret;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_port_of_a_lost_device_is_dead_and_kept),
		cmocka_unit_test(test_port_heals_under_its_id_with_the_card),
		cmocka_unit_test(test_port_that_was_closed_is_not_healed),
	};

	return cmocka_run_group_tests_name("port", tests, start, stop);
}
