/* SPDX-License-Identifier: BSD-3-Clause */

/* mock_pci: a folder of PCI functions.
 * In:  tests (app).  Out: files below a temporary folder; the environment
 *      variable that DPDK's pci bus looks into.
 * Context: app. */

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mock_pci.h"
#include "test.h"

static char root[64];

static const char *
path_of(const char *name, const char *file)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s/%s", root, name, file);
	return path;
}

void
mock_start(void)
{
	strcpy(root, "/tmp/hotplug-mock-XXXXXX");
	assert_non_null(mkdtemp(root));
	assert_int_equal(setenv("SYSFS_PCI_DEVICES", root, 1), 0);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void
mock_stop(void)
{
	nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *
mock_path(void)
{
	return root;
}

void
mock_file(const char *name, const char *file, const char *text)
{
	FILE *f = fopen(path_of(name, file), "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

void
mock_link(const char *name, const char *file, const char *target)
{
	(void)unlink(path_of(name, file));
	assert_int_equal(symlink(target, path_of(name, file)), 0);
}

void
mock_remove_file(const char *name, const char *file)
{
	assert_int_equal(unlink(path_of(name, file)), 0);
}

static void
write_config(const char *name, unsigned int at, const void *data, size_t len)
{
	int fd = open(path_of(name, "config"), O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, data, len, at), len);
	close(fd);
}

void
mock_config16(const char *name, unsigned int at, uint16_t value)
{
	write_config(name, at, &value, sizeof(value));
}

void
mock_config32(const char *name, unsigned int at, uint32_t value)
{
	write_config(name, at, &value, sizeof(value));
}

void
mock_darken(const char *name)
{
	uint8_t ones[MOCK_CONFIG_LEN];

	memset(ones, 0xff, sizeof(ones));
	write_config(name, 0, ones, sizeof(ones));
}

void
mock_put(const char *name, uint16_t vendor, uint16_t device)
{
	static const uint8_t zeros[MOCK_CONFIG_LEN];

	assert_int_equal(mkdir(path_of(name, ""), 0700), 0);
	write_config(name, 0, zeros, sizeof(zeros));
	mock_config16(name, 0, vendor);
	mock_config16(name, 2, device);
	mock_config16(name, 4, 0x6);    /* memory decoding, bus master */
}

void
mock_take(const char *name)
{
	assert_int_equal(nftw(path_of(name, ""), remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/* The new folder is made before the old one goes: no inode is used again. */
void
mock_renew(const char *name)
{
	char command[512];

	snprintf(command, sizeof(command), "cp -a %s/%s %s/new && rm -r %s/%s && mv %s/new %s/%s",
		 root, name, root, root, name, root, root, name);
	assert_int_equal(system(command), 0);
}

void
mock_drive(const char *name, const char *driver)
{
	char target[128];

	snprintf(target, sizeof(target), "../drivers/%s", driver != NULL ? driver : "");
	if (driver != NULL)
		mock_link(name, "driver", target);
	else
		mock_remove_file(name, "driver");
}
