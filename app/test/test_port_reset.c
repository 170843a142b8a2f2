/* SPDX-License-Identifier: BSD-3-Clause */

/* test_port_reset: a card is reset under its port, through the real pci bus and ethdev.
 * In:  mock functions whose registers are switched off and on, or whose kernel driver counts.
 * Context: app; the library's own threads do the work. */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_ethdev.h>

#include <hotplug.h>

#include "core/device.h"
#include "mock_port.h"
#include "test.h"

#define COMMAND 0x04
#define MEMORY 0x2
#define BUS_MASTER 0x4

static _Atomic unsigned int n_resets;

static int
on_reset(uint16_t port, enum rte_eth_event_type type, void *arg, void *result)
{
	(void)port;
	(void)type;
	(void)arg;
	(void)result;
	n_resets++;
	return 0;
}

static void
count(const char *name, const char *text)
{
	mock_sysfs_write(name, "igb_uio/resets", text, strlen(text));
}

/* It counts, as on our igb_uio, from its probe on. */
static struct test_pmd *
plug_one(const char *name)
{
	struct test_pmd *pmd;

	mock_sysfs_extra = "igb_uio/resets";
	pmd = plug(name);
	mock_sysfs_extra = NULL;
	rte_eth_dev_callback_register(pmd->port, RTE_ETH_EVENT_INTR_RESET, on_reset, NULL);
	n_resets = 0;
	return pmd;
}

static uint8_t
command_of(const struct test_pmd *pmd)
{
	int fd = open(mock_sysfs_path(pmd->name, "config"), O_RDONLY | O_CLOEXEC);
	uint8_t byte;

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, COMMAND), 1);
	close(fd);
	return byte;
}

/* A look has found its registers off. */
static bool
is_seen_muted(const char *name)
{
	const struct hotplug_device *dev;
	bool is;

	device_lock();
	dev = device_find(NULL, name);
	is = dev != NULL && dev->muted_ns != 0;
	device_unlock();
	return is;
}

static void
assert_healed(const struct test_pmd *pmd, uint16_t port)
{
	assert_true(WAIT_FOR(n_success == 1));
	assert_int_equal(n_recovering, 1);
	assert_int_equal(n_removed, 0);
	assert_int_equal(n_resets, 0);
	assert_int_equal(pmd->n_closes, 1);
	assert_int_equal(pmd->port, port);
	assert_int_equal(rte_eth_dev_is_removed(port), 0);
	assert_int_equal(mock_read(pmd->bar), 0x5a);
}

/* Its rings may be in it still: it writes to memory no more when they are given back. */
static void
test_port_reset_that_is_counted_is_healed_in_place(void **state)
{
	struct test_pmd *pmd = plug_one("0000:51:00.0");
	uint16_t port = pmd->port;

	(void)state;
	start_port(port);
	assert_true(command_of(pmd) & BUS_MASTER);
	count(pmd->name, "1");
	assert_healed(pmd, port);
	assert_false(command_of(pmd) & BUS_MASTER);     /* the mock's probe sets none */
	test_sleep_ms(200);             /* four looks: it is this one now */
	assert_int_equal(n_recovering, 1);
	remove_port(port);
}

static void
test_port_reset_that_is_seen_is_healed_in_place(void **state)
{
	struct test_pmd *pmd = plug_one("0000:52:00.0");
	uint16_t port = pmd->port;

	(void)state;
	mock_sysfs_config(pmd->name, COMMAND, BUS_MASTER);
	assert_true(WAIT_FOR(is_seen_muted(pmd->name)));
	assert_int_equal(n_recovering, 0);
	mock_sysfs_config(pmd->name, COMMAND, MEMORY | BUS_MASTER);
	assert_healed(pmd, port);
	remove_port(port);
}

/* Nothing is tried on a card whose registers are off. */
static void
test_port_reset_is_healed_when_its_registers_are_back(void **state)
{
	struct test_pmd *pmd = plug_one("0000:53:00.0");
	uint16_t port = pmd->port;

	(void)state;
	mock_sysfs_config(pmd->name, COMMAND, BUS_MASTER);
	assert_true(WAIT_FOR(mock_find("0000:53:00.0") == NULL));
	assert_int_equal(n_recovering, 1);
	test_sleep_ms(1500);
	assert_null(mock_find("0000:53:00.0"));
	mock_sysfs_config(pmd->name, COMMAND, MEMORY | BUS_MASTER);
	assert_healed(pmd, port);
	remove_port(port);
}

/* Its driver lives, and so do its registers: rte_eth_dev_reset() is the application's. */
static void
test_port_reset_is_told_once_where_the_application_sees_to_it(void **state)
{
	struct test_pmd *pmd = plug_one("0000:54:00.0");
	uint16_t port = pmd->port;

	(void)state;
	count(pmd->name, "1");
	assert_true(WAIT_FOR(n_resets == 1));
	test_sleep_ms(200);
	assert_int_equal(n_resets, 1);
	assert_int_equal(n_removed + n_recovering, 0);
	assert_int_equal(rte_eth_dev_is_removed(port), 0);
	assert_int_equal(mock_read(pmd->bar), 0x5a);
	count(pmd->name, "2");
	assert_true(WAIT_FOR(n_resets == 2));
	remove_port(port);
}

#define OLD_CARD "0000:57:00.0.old"

/* Another card comes to its place, and is somebody else's. */
static int
exchange_card(uint16_t id, enum rte_eth_event_type type, void *pmd_of, void *result)
{
	const struct test_pmd *pmd = pmd_of;

	(void)id;
	(void)type;
	(void)result;
	assert_int_equal(rename(mock_sysfs_path(pmd->name, ""), mock_sysfs_path(OLD_CARD, "")), 0);
	mock_sysfs_add(pmd->name, "hotplug_mock");
	return 0;
}

static void
test_port_reset_silences_no_other_card(void **state)
{
	struct test_pmd *pmd = plug_one("0000:57:00.0");
	uint16_t port = pmd->port;

	(void)state;
	start_port(port);
	rte_eth_dev_callback_register(port, RTE_ETH_EVENT_ERR_RECOVERING, exchange_card, pmd);
	count(pmd->name, "1");
	assert_true(WAIT_FOR(n_success == 1));
	assert_int_equal(pmd->n_closes, 1);
	assert_true(command_of(pmd) & BUS_MASTER);      /* as it came */
	rte_eth_dev_callback_unregister(port, RTE_ETH_EVENT_ERR_RECOVERING, exchange_card, pmd);
	remove_port(port);
	mock_sysfs_remove(OLD_CARD);
}

static void
reset_once(struct test_pmd *pmd)
{
	test_pmd_in_probe = NULL;
	count(pmd->name, "2");
}

/* What its driver had set by then is lost. */
static void
test_port_reset_in_the_middle_of_a_probe_is_one(void **state)
{
	struct test_pmd *pmd = plug_one("0000:55:00.0");
	uint16_t port = pmd->port;

	(void)state;
	start_port(port);
	test_pmd_in_probe = reset_once; /* of its heal */
	count(pmd->name, "1");
	assert_true(WAIT_FOR(pmd->n_probes == 3 && n_success > 0));
	test_sleep_ms(200);
	assert_int_equal(pmd->n_probes, 3);
	assert_int_equal(pmd->n_closes, 2);
	assert_int_equal(rte_eth_dev_is_removed(port), 0);
	remove_port(port);
}

#define FLAPS 4

/* It is healed in place, so no READY is there to be withheld: the heal waits. */
static void
test_port_reset_for_ever_is_flapping(void **state)
{
	struct test_pmd *pmd = plug_one("0000:56:00.0");
	uint16_t port = pmd->port;
	char text[8];
	unsigned int i;

	(void)state;
	start_port(port);
	for (i = 1; i < FLAPS; i++) {
		snprintf(text, sizeof(text), "%u", i);
		count(pmd->name, text);
		assert_true(WAIT_FOR(n_success == i));
	}
	count(pmd->name, "100");
	assert_true(WAIT_FOR(n_recovering == FLAPS));
	assert_true(WAIT_FOR(mock_find(pmd->name) == NULL));
	test_sleep_ms(500);
	assert_int_equal(n_success, FLAPS - 1);
	assert_true(WAIT_FOR(n_success == FLAPS));      /* it has been quiet for 10 s */
	assert_int_equal(rte_eth_dev_is_removed(port), 0);
	remove_port(port);
}

static int
start(void **state)
{
	return mock_port_start(state, "policy.0000:54:00.0=tell,flaps=4");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_port_reset_that_is_counted_is_healed_in_place),
		cmocka_unit_test(test_port_reset_that_is_seen_is_healed_in_place),
		cmocka_unit_test(test_port_reset_is_healed_when_its_registers_are_back),
		cmocka_unit_test(test_port_reset_silences_no_other_card),
		cmocka_unit_test(test_port_reset_for_ever_is_flapping),
		cmocka_unit_test(test_port_reset_in_the_middle_of_a_probe_is_one),
		cmocka_unit_test(test_port_reset_is_told_once_where_the_application_sees_to_it),
	};

	return cmocka_run_group_tests_name("port_reset", tests, start, mock_port_stop);
}
