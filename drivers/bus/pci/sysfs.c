/* SPDX-License-Identifier: BSD-3-Clause */

/* sysfs: what the kernel knows of a PCI function now.
 * In:  a name (watch, publish).  Out: is it there, is it the same, which is it.
 * It reads the function's folder (its inode changes with every enumeration), its
 * configuration space and its driver link: nothing of it takes the kernel's
 * device lock, which a pending vfio removal holds.
 * Context: watch, app. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pci.h"

#define CONFIG_LEN 64
#define VENDOR 0x00
#define DEVICE 0x02
#define SUBSYSTEM_VENDOR 0x2c
#define SUBSYSTEM_DEVICE 0x2e
#define EXTENDED 0x100          /* PCIe r6 7.6.3: first extended capability */
#define CAP_SERIAL 0x0003       /* 7.9.3: device serial number */

/* PATH_LEN: sysfs names are short; a test's mock may be deep. */
#define PATH_LEN 4096

static void
path_of(char path[PATH_LEN], const char *name, const char *file)
{
	snprintf(path, PATH_LEN, "%s/%s/%s", rte_pci_get_sysfs_path(), name, file);
}

static int
open_file(const char *name, const char *file)
{
	char path[PATH_LEN];

	path_of(path, name, file);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static uint16_t
word(const uint8_t *config, unsigned int at)
{
	return config[at] | config[at + 1] << 8;
}

static bool
read_config(int fd, uint8_t config[CONFIG_LEN])
{
	return pread(fd, config, CONFIG_LEN, 0) == CONFIG_LEN;
}

/* A virtual function's ids always read as ones (PCIe r6 9.3.4.1): its physical
 * function answers for it, and so do its own command and status. */
static bool
is_vf_dark(const char *name, const uint8_t *config)
{
	uint8_t pf[CONFIG_LEN];
	int fd = open_file(name, "physfn/config");
	bool is_dark;

	if (fd < 0)
		return true;    /* not a VF at all */
	is_dark = !read_config(fd, pf) || word(pf, VENDOR) == 0xffff ||
		(word(config, COMMAND) == 0xffff && word(config, COMMAND + 2) == 0xffff);
	close(fd);
	return is_dark;
}

void
pci_kernel_driver(const char *name, char driver[HOTPLUG_NAME_LEN])
{
	char path[PATH_LEN], link[PATH_LEN];
	const char *base;
	ssize_t n;

	driver[0] = '\0';
	path_of(path, name, "driver");
	n = readlink(path, link, sizeof(link) - 1);
	if (n <= 0)
		return;
	link[n] = '\0';
	base = strrchr(link, '/');
	snprintf(driver, HOTPLUG_NAME_LEN, "%.*s", HOTPLUG_NAME_LEN - 1,
		 base != NULL ? base + 1 : link);
}

static bool
has_file(const char *name, const char *file)
{
	char path[PATH_LEN];
	struct stat st;

	path_of(path, name, file);
	return stat(path, &st) == 0;
}

/* "echo 1 > remove" takes that file away first of all; VFs have neither.  A device on
 * vfio that is told to go works on until its user lets it. */
static bool
is_told_to_go(const char *name, const char *kernel_driver)
{
	return strncmp(kernel_driver, "vfio", 4) != 0 && !has_file(name, "remove") &&
		has_file(name, "rescan");
}

/* The kernel takes resourceN away right after the driver, some milliseconds before
 * the rest and before the "remove" uevent (drivers/pci/remove.c: pci_stop_dev). */
static bool
is_being_removed(const char *name)
{
	char file[16];
	unsigned int bar;

	if (!has_file(name, "resource"))
		return false;
	for (bar = 0; bar < PCI_MAX_RESOURCE; bar++) {
		snprintf(file, sizeof(file), "resource%u", bar);
		if (has_file(name, file))
			return false;
	}
	return true;
}

static bool
is_other_card(const uint8_t *config, const struct hotplug_identity *id)
{
	if (word(config, VENDOR) == 0xffff)     /* a VF: no ids of its own */
		return false;
	return word(config, VENDOR) != id->vendor || word(config, DEVICE) != id->device;
}

/* Anything else (a lack of memory, of descriptors) says nothing of the device. */
static bool
is_missing(int err)
{
	return err == ENOENT || err == ENOTDIR || err == ENODEV || err == ENXIO;
}

/* With decoding off a driver reads ones, or faults.  A virtual function's own is always off:
 * its physical function has that of all. */
static bool
is_muted(const char *name, const uint8_t *config)
{
	return word(config, VENDOR) != 0xffff && !pci_is_decoding(name, word(config, COMMAND));
}

/* What the configuration space says; PRESENT when it may not be read now. */
static enum hotplug_look
look_inside(const char *name, const struct hotplug_identity *id)
{
	uint8_t config[CONFIG_LEN];
	int fd = open_file(name, "config");
	bool is_readable;

	if (fd < 0)     /* its files are being taken away, or we cannot tell */
		return is_missing(errno) ? HOTPLUG_LOOK_ABSENT : HOTPLUG_LOOK_PRESENT;
	is_readable = read_config(fd, config);
	close(fd);
	if (!is_readable)
		return HOTPLUG_LOOK_ABSENT;
	if (word(config, VENDOR) == 0xffff && is_vf_dark(name, config))
		return HOTPLUG_LOOK_DARK;
	if (is_other_card(config, id))
		return HOTPLUG_LOOK_OTHER;
	return is_muted(name, config) ? HOTPLUG_LOOK_MUTED : HOTPLUG_LOOK_PRESENT;
}

/* A count that cannot be read (no descriptor is left) says nothing. */
static bool
was_reset(const char *name, const struct hotplug_identity *id)
{
	uint64_t now;

	if (id->generation == 0 || id->resets == 0)
		return false;
	now = pci_read_resets(name);
	return now != 0 && now != id->resets;
}

enum hotplug_look
pci_look(const char *name, const char *kernel_driver, const struct hotplug_identity *id)
{
	char path[PATH_LEN], driver[HOTPLUG_NAME_LEN];
	enum hotplug_look found;
	struct stat st;

	path_of(path, name, "");
	if (stat(path, &st) < 0)
		return is_missing(errno) ? HOTPLUG_LOOK_ABSENT : HOTPLUG_LOOK_PRESENT;
	if (id->generation != 0 && st.st_ino != id->generation)
		return HOTPLUG_LOOK_OTHER;
	found = look_inside(name, id);
	if (found != HOTPLUG_LOOK_PRESENT && found != HOTPLUG_LOOK_MUTED)
		return found;
	pci_kernel_driver(name, driver);
	if (strcmp(driver, kernel_driver) != 0)
		return driver[0] == '\0' &&
			(is_told_to_go(name, kernel_driver) || is_being_removed(name)) ?
			HOTPLUG_LOOK_ABSENT : HOTPLUG_LOOK_CLAIMED;
	return found == HOTPLUG_LOOK_PRESENT && was_reset(name, id) ? HOTPLUG_LOOK_RESET : found;
}

static uint64_t
read_serial(int fd)
{
	uint32_t header, serial[2];
	unsigned int at = EXTENDED, n;

	for (n = 0; n < 64 && at >= EXTENDED; n++) {
		if (pread(fd, &header, sizeof(header), at) != sizeof(header) || header == 0 ||
		    header == UINT32_MAX)
			return 0;
		if ((header & 0xffff) == CAP_SERIAL)
			return pread(fd, serial, sizeof(serial), at + 4) == sizeof(serial) ?
				(uint64_t)serial[1] << 32 | serial[0] : 0;
		at = header >> 20 & 0xffc;
	}
	return 0;
}

/* An id as the kernel has it ("0x8086"); 0xffff: none. */
static uint16_t
read_id(const char *name, const char *file)
{
	char text[16] = "";
	int fd = open_file(name, file);
	ssize_t n;

	if (fd < 0)
		return 0xffff;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	return n > 0 ? strtoul(text, NULL, 16) : 0xffff;
}

int
pci_identify(const char *name, struct hotplug_identity *id)
{
	uint8_t config[CONFIG_LEN];
	char path[PATH_LEN];
	struct stat st;
	int fd, ret = 0;

	path_of(path, name, "");
	if (stat(path, &st) < 0)
		return -errno;
	fd = open_file(name, "config");
	if (fd < 0)
		return -errno;
	if (!read_config(fd, config))
		ret = -EIO;
	else
		*id = (struct hotplug_identity){
			.vendor = word(config, VENDOR),
			.device = word(config, DEVICE),
			.subsystem_vendor = word(config, SUBSYSTEM_VENDOR),
			.subsystem_device = word(config, SUBSYSTEM_DEVICE),
			.serial = read_serial(fd),
			.generation = st.st_ino,
		};
	close(fd);
	if (ret == 0)
		id->resets = pci_read_resets(name);
	if (ret == 0 && id->vendor == 0xffff) { /* a VF does not answer with its own */
		id->vendor = read_id(name, "vendor");
		id->device = read_id(name, "device");
	}
	return ret;
}

bool
pci_is_generation(const char *name, uint64_t generation)
{
	char path[PATH_LEN];
	struct stat st;

	path_of(path, name, "");
	return stat(path, &st) == 0 && st.st_ino == generation;
}

bool
pci_is_user_space(const char *driver)
{
	return driver != NULL && (strcmp(driver, "igb_uio") == 0 ||
		strcmp(driver, "uio_pci_generic") == 0 || strcmp(driver, "vfio-pci") == 0);
}

int
pci_glance(const char *name, struct hotplug_glance *glance)
{
	char path[PATH_LEN];
	struct stat st;

	path_of(path, name, "");
	if (stat(path, &st) < 0)
		return -ENOENT;
	glance->generation = st.st_ino;
	pci_kernel_driver(name, glance->kernel_driver);
	glance->is_user_space = pci_is_user_space(glance->kernel_driver);
	return 0;
}

int
pci_enumerate(void (*fn)(const char *name, void *arg), void *arg)
{
	DIR *dir = opendir(rte_pci_get_sysfs_path());
	struct dirent *entry;

	if (dir == NULL)
		return -errno;
	while ((entry = readdir(dir)) != NULL)
		if (pci_is_name(entry->d_name))
			fn(entry->d_name, arg);
	closedir(dir);
	return 0;
}
