/* SPDX-License-Identifier: BSD-3-Clause */

/* test_sysfs: what the PCI backend reads out of sysfs, and what it makes of it.
 * In:  a mock folder of PCI functions.  Out: looks, identities, glances.
 * Context: app. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "../../drivers/bus/pci/pci.h"
#include "mock_pci.h"
#include "test.h"

#define PF "0000:03:00.0"
#define VF "0000:03:10.0"
#define NIC "0000:01:00.0"

static struct hotplug_identity id;

static int
start(void **state)
{
	(void)state;
	mock_start();
	mock_put(NIC, 0x8086, 0x10d3);
	mock_drive(NIC, "uio_pci_generic");
	return pci_identify(NIC, &id);
}

static int
stop(void **state)
{
	(void)state;
	mock_stop();
	return 0;
}

static enum hotplug_look
look(void)
{
	return pci_look(NIC, "uio_pci_generic", &id);
}

static void
test_look_present_until_something_differs(void **state)
{
	(void)state;
	assert_int_equal(look(), HOTPLUG_LOOK_PRESENT);
	mock_config16(NIC, COMMAND, 0);
	assert_int_equal(look(), HOTPLUG_LOOK_MUTED);
	mock_config16(NIC, COMMAND, 0x6);
	assert_int_equal(look(), HOTPLUG_LOOK_PRESENT);
	mock_drive(NIC, "e1000e");
	assert_int_equal(look(), HOTPLUG_LOOK_CLAIMED);
	mock_drive(NIC, NULL);
	assert_int_equal(look(), HOTPLUG_LOOK_CLAIMED);
	mock_darken(NIC);
	assert_int_equal(look(), HOTPLUG_LOOK_DARK);
	mock_take(NIC);
	assert_int_equal(look(), HOTPLUG_LOOK_ABSENT);
}

/* "echo 1 > remove": that file goes before anything else. */
static void
test_look_absent_once_it_was_told_to_go(void **state)
{
	(void)state;
	mock_file(NIC, "rescan", "");
	assert_int_equal(look(), HOTPLUG_LOOK_PRESENT);         /* its driver is at work yet */
	mock_drive(NIC, NULL);
	assert_int_equal(look(), HOTPLUG_LOOK_ABSENT);
	assert_int_equal(pci_look(NIC, "vfio-pci", &id), HOTPLUG_LOOK_CLAIMED);
	mock_file(NIC, "remove", "");
	assert_int_equal(look(), HOTPLUG_LOOK_CLAIMED);
}

static void
test_look_other_by_generation_or_ids(void **state)
{
	(void)state;
	mock_renew(NIC);
	assert_int_equal(look(), HOTPLUG_LOOK_OTHER);
	assert_int_equal(pci_identify(NIC, &id), 0);
	assert_int_equal(look(), HOTPLUG_LOOK_PRESENT);
	mock_config16(NIC, 2, 0x10d4);
	assert_int_equal(look(), HOTPLUG_LOOK_OTHER);
	mock_config16(NIC, 2, 0x10d3);
	mock_config16(NIC, 0, 0x15b3);
	assert_int_equal(look(), HOTPLUG_LOOK_OTHER);
}

static void
test_look_absent_while_its_files_are_taken_away(void **state)
{
	(void)state;
	mock_remove_file(NIC, "config");
	assert_int_equal(look(), HOTPLUG_LOOK_ABSENT);
	mock_file(NIC, "config", "short");
	assert_int_equal(look(), HOTPLUG_LOOK_ABSENT);
}

/* vfio: with memory decoding off its registers raise SIGBUS, and come back. */
static void
test_look_muted_is_for_all(void **state)
{
	(void)state;
	mock_drive(NIC, "vfio-pci");
	assert_int_equal(pci_look(NIC, "vfio-pci", &id), HOTPLUG_LOOK_PRESENT);
	mock_config16(NIC, COMMAND, 0x4);
	assert_int_equal(pci_look(NIC, "vfio-pci", &id), HOTPLUG_LOOK_MUTED);
}

/* Of a function's six BARs, as the kernel lists them. */
static void
list_bars(const char *first, const char *second)
{
	static const char none[] = "0x0000000000000000 0x0000000000000000 0x0000000000000000\n";
	char text[1024];

	snprintf(text, sizeof(text), "%s%s%s%s%s%s%s", first, second, none, none, none, none,
		 "0x00000000fe000000 0x00000000fe03ffff 0x0000000000046200\n");    /* ROM */
	mock_file(NIC, "resource", text);
}

/* virtio of old without MSI-X has I/O ports alone: the kernel switches no memory on. */
static void
test_look_muted_is_without_what_it_has(void **state)
{
	static const char io[] = "0x000000000000c000 0x000000000000c01f 0x0000000000040101\n";
	static const char memory[] = "0x00000000fe040000 0x00000000fe04ffff 0x0000000000040200\n";
	static const char none[] = "0x0000000000000000 0x0000000000000000 0x0000000000000000\n";

	(void)state;
	list_bars(io, none);
	mock_config16(NIC, COMMAND, COMMAND_IO | COMMAND_BUS_MASTER);
	assert_int_equal(look(), HOTPLUG_LOOK_PRESENT);
	mock_config16(NIC, COMMAND, COMMAND_BUS_MASTER);        /* a reset */
	assert_int_equal(look(), HOTPLUG_LOOK_MUTED);
	list_bars(io, memory);
	mock_config16(NIC, COMMAND, COMMAND_IO | COMMAND_BUS_MASTER);
	assert_int_equal(look(), HOTPLUG_LOOK_MUTED);
	mock_config16(NIC, COMMAND, COMMAND_MEMORY);
	assert_int_equal(look(), HOTPLUG_LOOK_PRESENT);
	mock_config16(NIC, COMMAND, COMMAND_IO);
	list_bars(none, none);                  /* nothing to be switched on */
	assert_int_equal(look(), HOTPLUG_LOOK_PRESENT);
	mock_file(NIC, "resource", "");         /* nobody says what it has */
	assert_int_equal(look(), HOTPLUG_LOOK_MUTED);
}

/* Our igb_uio counts them; who has no count is never reset. */
static void
test_look_reset_is_another_count(void **state)
{
	char folder[256];

	(void)state;
	assert_int_equal(id.resets, 0);
	mock_config16(NIC, COMMAND, 0x6);
	snprintf(folder, sizeof(folder), "%s/%s/igb_uio", mock_path(), NIC);
	assert_int_equal(mkdir(folder, 0755), 0);
	mock_file(NIC, "igb_uio/resets", "0\n");
	assert_int_equal(look(), HOTPLUG_LOOK_PRESENT);
	assert_int_equal(pci_identify(NIC, &id), 0);
	assert_int_equal(look(), HOTPLUG_LOOK_PRESENT);
	mock_file(NIC, "igb_uio/resets", "2\n");
	assert_int_equal(look(), HOTPLUG_LOOK_RESET);
	mock_config16(NIC, COMMAND, 0);         /* and it is not over */
	assert_int_equal(look(), HOTPLUG_LOOK_MUTED);
	mock_config16(NIC, COMMAND, 0x6);
	assert_int_equal(pci_identify(NIC, &id), 0);
	assert_int_equal(look(), HOTPLUG_LOOK_PRESENT);
	mock_file(NIC, "igb_uio/resets", "");   /* it cannot be read: that says nothing */
	assert_int_equal(look(), HOTPLUG_LOOK_PRESENT);
}

/* The kernel says of a function: an error's recovery begins, or has ended; of uio: nothing. */
static void
test_uevent_of_a_change_is_worth_a_look(void **state)
{
	struct hotplug_uevent event = { .action = "change", .subsystem = "pci",
					.devpath = "/devices/pci0000:00/0000:00:01.0/" NIC };
	char name[HOTPLUG_NAME_LEN];

	(void)state;
	assert_int_equal(pci_classify(&event, name), HOTPLUG_UEVENT_CHANGE);
	assert_string_equal(name, NIC);
	event.subsystem = "uio";
	event.devpath = "/devices/pci0000:00/" NIC "/uio/uio0";
	assert_int_equal(pci_classify(&event, name), HOTPLUG_UEVENT_NONE);
}

/* A process that has run out of descriptors has lost no device. */
static void
test_look_without_a_descriptor_is_no_removal(void **state)
{
	struct rlimit old, none;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = old;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(look(), HOTPLUG_LOOK_PRESENT);
	assert_int_equal(pci_look(NIC, "igb_uio", &id), HOTPLUG_LOOK_CLAIMED);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
}

/* A VF's ids read as ones whatever state it is in. */
static void
put_vf(void)
{
	mock_put(PF, 0x8086, 0x1521);
	mock_put(VF, 0xffff, 0xffff);
	mock_link(VF, "physfn", "../" PF);
	mock_drive(VF, "vfio-pci");
	mock_file(VF, "vendor", "0x8086\n");
	mock_file(VF, "device", "0x1520\n");
	assert_int_equal(pci_identify(VF, &id), 0);
}

static void
test_vf_is_alive_for_ten_looks(void **state)
{
	unsigned int i;

	(void)state;
	put_vf();
	for (i = 0; i < 10; i++)
		assert_int_equal(pci_look(VF, "vfio-pci", &id), HOTPLUG_LOOK_PRESENT);
}

static void
test_vf_is_dark_when_its_pf_is(void **state)
{
	(void)state;
	put_vf();
	mock_darken(PF);
	assert_int_equal(pci_look(VF, "vfio-pci", &id), HOTPLUG_LOOK_DARK);
}

static void
test_vf_is_dark_when_its_command_and_status_are(void **state)
{
	(void)state;
	put_vf();
	mock_config32(VF, COMMAND, UINT32_MAX);
	assert_int_equal(pci_look(VF, "vfio-pci", &id), HOTPLUG_LOOK_DARK);
	mock_config32(VF, COMMAND, 0xffff0006);
	assert_int_equal(pci_look(VF, "vfio-pci", &id), HOTPLUG_LOOK_PRESENT);
}

/* The kernel knows the ids that a VF does not answer with. */
static void
test_vf_has_the_ids_that_the_kernel_gives_it(void **state)
{
	(void)state;
	put_vf();
	assert_int_equal(id.vendor, 0x8086);
	assert_int_equal(id.device, 0x1520);
}

static void
test_identity_has_ids_and_generation(void **state)
{
	uint64_t before = id.generation;

	(void)state;
	mock_config16(NIC, 0x2c, 0x1028);
	mock_config16(NIC, 0x2e, 0x04da);
	mock_renew(NIC);
	assert_int_equal(pci_identify(NIC, &id), 0);
	assert_int_equal(id.vendor, 0x8086);
	assert_int_equal(id.device, 0x10d3);
	assert_int_equal(id.subsystem_vendor, 0x1028);
	assert_int_equal(id.subsystem_device, 0x04da);
	assert_int_equal(id.serial, 0);
	assert_true(id.generation != before && id.generation != 0);
	assert_int_equal(pci_identify("0000:7f:00.0", &id), -ENOENT);
}

/* PCIe r6 7.9.3, behind another extended capability. */
static void
test_identity_finds_the_serial_number(void **state)
{
	(void)state;
	mock_config32(NIC, 0x100, 0x14010001);
	mock_config32(NIC, 0x140, 0x00010003);
	mock_config32(NIC, 0x144, 0x99aabbcc);
	mock_config32(NIC, 0x148, 0x001b21ff);
	assert_int_equal(pci_identify(NIC, &id), 0);
	assert_true(id.serial == 0x001b21ff99aabbccull);
}

static void
test_identity_of_a_broken_chain_has_no_serial_number(void **state)
{
	(void)state;
	mock_config32(NIC, 0x100, 0x10010001);  /* it points at itself */
	assert_int_equal(pci_identify(NIC, &id), 0);
	assert_int_equal(id.serial, 0);
	mock_config32(NIC, 0x100, 0xffc10001);  /* and past the end */
	assert_int_equal(pci_identify(NIC, &id), 0);
	assert_int_equal(id.serial, 0);
}

static void
test_glance_sees_generation_and_driver(void **state)
{
	static const char *const user[] = { "igb_uio", "uio_pci_generic", "vfio-pci" };
	struct hotplug_glance seen;
	unsigned int i;

	(void)state;
	for (i = 0; i < N_ELEMENTS(user); i++) {
		mock_drive(NIC, user[i]);
		assert_int_equal(pci_glance(NIC, &seen), 0);
		assert_int_equal(seen.generation, id.generation);
		assert_string_equal(seen.kernel_driver, user[i]);
		assert_true(seen.is_user_space);
	}
	mock_drive(NIC, "vfio-pci-not");
	assert_int_equal(pci_glance(NIC, &seen), 0);
	assert_false(seen.is_user_space);
	mock_drive(NIC, NULL);
	assert_int_equal(pci_glance(NIC, &seen), 0);
	assert_string_equal(seen.kernel_driver, "");
	assert_false(seen.is_user_space);
	assert_int_equal(pci_glance("0000:7f:00.0", &seen), -ENOENT);
}

static void
count(const char *name, void *arg)
{
	unsigned int *n = arg;

	(*n)++;
	assert_true(strcmp(name, NIC) == 0 || strcmp(name, "10000:e1:00.0") == 0);
}

static void
test_enumerate_lists_functions_only(void **state)
{
	unsigned int n = 0;

	(void)state;
	mock_put("10000:e1:00.0", 0x8086, 0x0953);      /* behind VMD */
	mock_put("not-a-function", 1, 1);
	assert_int_equal(pci_enumerate(count, &n), 0);
	assert_int_equal(n, 2);
	setenv("SYSFS_PCI_DEVICES", "/nonexistent", 1);
	assert_int_equal(pci_enumerate(count, &n), -ENOENT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_look_present_until_something_differs),
		cmocka_unit_test(test_look_absent_once_it_was_told_to_go),
		cmocka_unit_test(test_look_other_by_generation_or_ids),
		cmocka_unit_test(test_look_absent_while_its_files_are_taken_away),
		cmocka_unit_test(test_look_muted_is_for_all),
		cmocka_unit_test(test_look_muted_is_without_what_it_has),
		cmocka_unit_test(test_look_reset_is_another_count),
		cmocka_unit_test(test_uevent_of_a_change_is_worth_a_look),
		cmocka_unit_test(test_look_without_a_descriptor_is_no_removal),
		cmocka_unit_test(test_vf_is_alive_for_ten_looks),
		cmocka_unit_test(test_vf_is_dark_when_its_pf_is),
		cmocka_unit_test(test_vf_is_dark_when_its_command_and_status_are),
		cmocka_unit_test(test_vf_has_the_ids_that_the_kernel_gives_it),
		cmocka_unit_test(test_identity_has_ids_and_generation),
		cmocka_unit_test(test_identity_finds_the_serial_number),
		cmocka_unit_test(test_identity_of_a_broken_chain_has_no_serial_number),
		cmocka_unit_test(test_glance_sees_generation_and_driver),
		cmocka_unit_test(test_enumerate_lists_functions_only),
	};
	struct CMUnitTest each[N_ELEMENTS(tests)];
	unsigned int i;

	memcpy(each, tests, sizeof(tests));
	for (i = 0; i < N_ELEMENTS(each); i++) {
		each[i].setup_func = start;
		each[i].teardown_func = stop;
	}
	return cmocka_run_group_tests_name("sysfs", each, NULL, NULL);
}
