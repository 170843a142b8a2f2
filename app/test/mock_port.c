/* SPDX-License-Identifier: BSD-3-Clause */

/* mock_port: a port of a mock function, and what becomes of it.
 * In:  tests of lib/port (app).  Out: counters of what ethdev told.
 * Context: app; the callbacks: whoever raises them. */

#include <unistd.h>

#include <rte_eal.h>
#include <rte_ethdev.h>

#include <hotplug.h>

#include "core/device.h"
#include "mock_port.h"
#include "test.h"

_Atomic unsigned int n_recovering, n_success, n_new, n_removed;

struct test_pmd *
mock_plug(const char *name)
{
	(void)hotplug_enable(NULL);     /* -EALREADY is fine */
	mock_sysfs_add(name, "hotplug_mock");
	assert_int_equal(rte_dev_probe(name), 0);
	return test_pmd_of(name);
}

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

struct test_pmd *
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

void
lose(struct test_pmd *pmd)
{
	mock_sysfs_remove(pmd->name);
	close(pmd->sign[1]);
}

void
lose_for_good(struct test_pmd *pmd)
{
	lose(pmd);
	assert_true(WAIT_FOR(mock_find(pmd->name) == NULL));
}

void
remove_port(uint16_t port)
{
	char name[HOTPLUG_NAME_LEN];

	assert_int_equal(hotplug_port_remove(port, name, sizeof(name)), 0);
}

void
come_back(struct test_pmd *pmd)
{
	mock_sysfs_add(pmd->name, "hotplug_mock");
	hotplug_scan();
}

void
start_port(uint16_t port)
{
	const struct rte_eth_conf conf = { 0 };

	assert_int_equal(rte_eth_dev_configure(port, 1, 0, &conf), 0);
	assert_int_equal(rte_eth_dev_start(port), 0);
}

void
mock_port_config(struct hotplug_config *config, const char *options)
{
	hotplug_config_init(config);
	config->policy = HOTPLUG_POLICY_HEAL;
	config->liveness_ms = 50;
	config->stuck_ms = 60000;
	assert_int_equal(hotplug_config_parse(config, options, NULL, 0), 0);
}

int
mock_port_start(void **state, const char *options)
{
	struct hotplug_config config;

	mock_port_config(&config, options);
	return mock_eal_start(state) != 0 || hotplug_enable(&config) != 0;
}

/* Who has come into a device has left it: whether it flips goes by that count. */
static bool
is_balanced(void)
{
	struct hotplug_device *dev;
	int n = 0;

	device_lock();
	for (dev = device_first(); dev != NULL; dev = dev->next) {
		if (atomic_load(&dev->n_at_work) != 0)
			print_error("%s: %d drivers at work\n", dev->name, dev->n_at_work);
		n += atomic_load(&dev->n_at_work) != 0;
	}
	device_unlock();
	return n == 0;
}

int
mock_port_stop(void **state)
{
	int ret;

	(void)state;
	ret = hotplug_disable() != 0 || !is_balanced() || rte_eal_cleanup() != 0;
	mock_eal_remove_files();
	return ret;
}
