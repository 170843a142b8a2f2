/* SPDX-License-Identifier: BSD-3-Clause */

/* mock_sysfs: PCI functions that are folders.
 * In:  tests (app).  Out: files as the kernel's sysfs has them, as far as DPDK's
 *      bus scan and drivers/bus/pci/sysfs.c read them.
 * Context: app. */

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mock_sysfs.h"
#include "test.h"

const char *mock_sysfs_folder = "/tmp", *mock_sysfs_extra;

static char root[64];

const char *
mock_sysfs_path(const char *name, const char *file)
{
	static _Thread_local char path[4][256];
	static _Thread_local unsigned int next;
	char *p = path[next++ % 4];

	snprintf(p, sizeof(path[0]), "%s/%s/%s", root, name, file);
	return p;
}

const char *
mock_sysfs_make(void)
{
	snprintf(root, sizeof(root), "%s/hotplug-sysfs-XXXXXX", mock_sysfs_folder);
	assert_non_null(mkdtemp(root));
	setenv("SYSFS_PCI_DEVICES", root, 1);
	return root;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	assert_int_equal(remove(path), 0);
	return 0;
}

/* Without a process of its own: tests lose a device in the middle of a burst, where
 * nobody sleeps. */
static void
remove_tree(const char *path)
{
	assert_non_null(strstr(path, "/hotplug-sysfs-"));
	if (access(path, F_OK) == 0)
		assert_int_equal(nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

void
mock_sysfs_destroy(void)
{
	remove_tree(root);
}

void
mock_sysfs_write(const char *name, const char *file, const void *data, size_t len)
{
	int fd = open(mock_sysfs_path(name, file), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
	close(fd);
}

static void
write_text(const char *name, const char *file, const char *text)
{
	mock_sysfs_write(name, file, text, strlen(text));
}

void
mock_sysfs_config(const char *name, unsigned int at, uint16_t value)
{
	int fd = open(mock_sysfs_path(name, "config"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	uint8_t bytes[2] = { value & 0xff, value >> 8 };

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, 2, at), 2);
	close(fd);
}

/* As sysfs shows it: who reads meanwhile finds the last number or this one, which is no shorter. */
void
mock_sysfs_count(const char *name, const char *file, unsigned int value)
{
	int fd = open(mock_sysfs_path(name, file), O_WRONLY | O_CLOEXEC);
	char text[16];
	int n = snprintf(text, sizeof(text), "%u\n", value);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, text, n, 0), n);
	close(fd);
}

void
mock_sysfs_bind(const char *name, const char *driver)
{
	char target[128];

	unlink(mock_sysfs_path(name, "driver"));
	if (driver == NULL)
		return;
	snprintf(target, sizeof(target), "../../../bus/pci/drivers/%s", driver);
	assert_int_equal(symlink(target, mock_sysfs_path(name, "driver")), 0);
}

void
mock_sysfs_physfn(const char *name, const char *pf)
{
	char target[128];

	snprintf(target, sizeof(target), "../%s", pf);
	assert_int_equal(symlink(target, mock_sysfs_path(name, "physfn")), 0);
}

static void
write_resources(const char *name)
{
	static _Thread_local uint8_t registers[MOCK_BAR_LEN];
	char text[512];
	int i, n;

	n = snprintf(text, sizeof(text), "0x%016lx 0x%016lx 0x%016lx\n", 0xfe000000ul,
		     0xfe000000ul + MOCK_BAR_LEN - 1, 0x40200ul);
	for (i = 1; i < 7; i++)
		n += snprintf(text + n, sizeof(text) - n, "0x%016x 0x%016x 0x%016x\n", 0, 0, 0);
	write_text(name, "resource", text);
	memset(registers, 0x5a, sizeof(registers));
	mock_sysfs_write(name, "resource0", registers, sizeof(registers));
}

static void
write_extra(const char *name)
{
	char folder[64];

	if (mock_sysfs_extra == NULL)
		return;
	snprintf(folder, sizeof(folder), "%.*s", (int)strcspn(mock_sysfs_extra, "/"),
		 mock_sysfs_extra);
	assert_int_equal(mkdir(mock_sysfs_path(name, folder), 0700), 0);
	write_text(name, mock_sysfs_extra, "0\n");
}

void
mock_sysfs_add(const char *name, const char *driver)
{
	uint8_t config[64] = { 0 };

	assert_int_equal(mkdir(mock_sysfs_path(name, ""), 0700), 0);
	write_text(name, "vendor", "0x1234\n");
	write_text(name, "device", "0x5678\n");
	write_text(name, "subsystem_vendor", "0x0001\n");
	write_text(name, "subsystem_device", "0x0002\n");
	write_text(name, "class", "0x020000\n");
	write_text(name, "numa_node", "-1\n");
	write_text(name, "max_vfs", "0\n");
	write_resources(name);
	mock_sysfs_write(name, "config", config, sizeof(config));
	mock_sysfs_config(name, 0x00, MOCK_VENDOR);
	mock_sysfs_config(name, 0x02, MOCK_DEVICE);
	mock_sysfs_config(name, 0x04, 0x0006);  /* memory, bus master */
	mock_sysfs_config(name, 0x2c, 0x0001);
	mock_sysfs_config(name, 0x2e, 0x0002);
	mock_sysfs_bind(name, driver);
	write_extra(name);
}

void
mock_sysfs_remove(const char *name)
{
	remove_tree(mock_sysfs_path(name, ""));
}
