/* SPDX-License-Identifier: BSD-3-Clause */

/* fuzz_sysfs: any values as a PCI function's folder in sysfs: which files it has, its
 * driver's link, its ids, its configuration space.  What is identified is found to be
 * the same by the next look, every text has its end, and the walk through capabilities
 * ends.
 * drivers/bus/pci/sysfs.c is linked with the calls that reach files wrapped. */

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "../../../drivers/bus/pci/pci.h"
#include "fuzz.h"

#define NAME "0000:01:00.0"
#define GENERATION 4711
#define MAX_READS 80            /* of one question: 64 capabilities, and what is around them */
#define N_LINES 6
#define SPACE 4096

enum file { CONFIG, PF_CONFIG, VENDOR, DEVICE, RESOURCE, N_FILES };

static const char *const file_names[N_FILES] = {
	"config", "physfn/config", "vendor", "device", "resource",
};

/* Lines: files that there are, one letter each (c onfig, p hysfn, v endor, d evice, r emove,
 * s: rescan, R esource, 0: resource0), and config's size (z: 256, Z: 32); driver's link;
 * vendor; device; its BARs as resource has them; then triples: where in the configuration space (two bytes), and what. */
const char *const fuzz_seeds[] = {
	"cvdrsR0\n../../../bus/pci/drivers/uio_pci_generic\n0x8086\n0x10d3\n",
	"cpvdrs\n../drivers/vfio-pci\n0x8086\n0x10ed\n\n\x01\x01\xff", "c\n\n\n\n", "cz\nigb_uio\n",
	"cvd\nvfio-pci\n0xffff\nzzzz\n\n\x03\x01\x10\x04\x01\x01", "Z", "p", "R", "\n",
	"cR\nigb_uio\n\n\n0xc000 0xc01f 0x40101\n\x04\x00\x01",
	"\xff\xff\xff", "\x01\x01\x01\x02\x01\x03\x03\x01\x11", NULL,
};

static char lines[N_LINES][600];
static uint8_t space[SPACE];
static unsigned int n_reads;
static int folder_error, config_error;  /* errno of asking for them; 0: as the lines say */

static bool
has(char letter)
{
	return strchr(lines[0], letter) != NULL;
}

static size_t
space_len(void)
{
	return has('Z') ? 32 : has('z') ? 256 : SPACE;
}

int __wrap_open64(const char *path, int flags, ...);
int __wrap_stat64(const char *path, struct stat *st);
ssize_t __wrap_readlink(const char *path, char *link, size_t len);
ssize_t __wrap_read(int fd, void *data, size_t len);
ssize_t __wrap_pread64(int fd, void *data, size_t len, off_t at);
int __wrap_close(int fd);

static const char *
file_of(const char *path)
{
	const char *at = strstr(path, "/" NAME "/");

	FUZZ_CHECK(at != NULL);
	return at + strlen("/" NAME "/");
}

int
__wrap_open64(const char *path, int flags, ...)
{
	unsigned int i;

	(void)flags;
	if (config_error != 0 && strcmp(file_of(path), "config") == 0) {
		errno = config_error;
		return -1;
	}
	for (i = 0; i < N_FILES; i++)
		if (strcmp(file_of(path), file_names[i]) == 0 && has("cpvdR"[i]))
			return 1000 + i;
	errno = ENOENT;
	return -1;
}

int
__wrap_stat64(const char *path, struct stat *st)
{
	static const struct { const char *name; char letter; } known[] = {
		{ "remove", 'r' }, { "rescan", 's' }, { "resource", 'R' }, { "resource0", '0' },
	};
	bool is_there = file_of(path)[0] == '\0';
	unsigned int i;

	if (folder_error != 0 && is_there) {
		errno = folder_error;
		return -1;
	}
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		is_there |= strcmp(file_of(path), known[i].name) == 0 && has(known[i].letter);
	if (is_there) {
		memset(st, 0, sizeof(*st));
		st->st_ino = GENERATION;
		return 0;
	}
	errno = ENOENT;
	return -1;
}

static ssize_t
give(void *to, size_t len, const void *from, size_t from_len)
{
	size_t n = from_len < len ? from_len : len;

	memcpy(to, from, n);
	return n;
}

ssize_t
__wrap_readlink(const char *path, char *link, size_t len)
{
	FUZZ_CHECK(strcmp(file_of(path), "driver") == 0);
	if (lines[1][0] != '\0')
		return give(link, len, lines[1], strlen(lines[1]));
	errno = ENOENT;
	return -1;
}

ssize_t
__wrap_read(int fd, void *data, size_t len)
{
	const char *text = lines[fd - 1000];    /* lines 2 to 4 */

	FUZZ_CHECK(fd == 1000 + VENDOR || fd == 1000 + DEVICE || fd == 1000 + RESOURCE);
	return give(data, len, text, strlen(text));
}

ssize_t
__wrap_pread64(int fd, void *data, size_t len, off_t at)
{
	size_t end = space_len();

	FUZZ_CHECK((fd == 1000 + CONFIG || fd == 1000 + PF_CONFIG) && at >= 0);
	FUZZ_CHECK(++n_reads <= MAX_READS);
	return (size_t)at >= end ? 0 : give(data, len, space + at, end - at);
}

int
__wrap_close(int fd)
{
	FUZZ_CHECK(fd >= 1000 && fd < 1000 + N_FILES);
	return 0;
}

/* An e1000e with a serial number behind another extended capability. */
static void
fill_space(const uint8_t *poke, size_t len)
{
	static const uint8_t card[] = { 0x86, 0x80, 0xd3, 0x10, 0x07, 0x04, 0x10, 0x00 };

	memset(space, 0, sizeof(space));
	memcpy(space, card, sizeof(card));
	memcpy(space + 0x100, "\x01\x00\x01\x14", 4);
	memcpy(space + 0x140, "\x03\x00\x01\x00\x11\x22\x33\x44\x55\x66\x77\x88", 12);
	for (; len >= 3; poke += 3, len -= 3)
		space[(poke[0] | (size_t)poke[1] << 8) % SPACE] = poke[2];
}

static void
take_apart(const uint8_t *data, size_t len)
{
	const uint8_t *end = data + len, *line_end;
	unsigned int i;

	memset(lines, 0, sizeof(lines));
	for (i = 0; i < N_LINES - 1 && data < end; i++) {
		line_end = memchr(data, '\n', end - data);
		if (line_end == NULL)
			line_end = end;
		give(lines[i], sizeof(lines[i]) - 1, data, line_end - data);
		data = line_end < end ? line_end + 1 : end;
	}
	fill_space(data, end - data);
}

static void
check_look(const struct hotplug_identity *id, const char *driver)
{
	enum hotplug_look look;

	n_reads = 0;
	look = pci_look(NAME, driver, id);
	FUZZ_CHECK(look == HOTPLUG_LOOK_PRESENT || look == HOTPLUG_LOOK_DARK ||
		   (look == HOTPLUG_LOOK_MUTED && (space[0] & space[1]) != 0xff &&
		    (space[4] & 0x2) == 0));
	look = pci_look(NAME, "another", id);
	FUZZ_CHECK(look == HOTPLUG_LOOK_CLAIMED || look == HOTPLUG_LOOK_ABSENT ||
		   look == HOTPLUG_LOOK_DARK || strcmp(driver, "another") == 0);
}

/* Another card's ids, or place in the kernel's enumeration. */
static void
check_other(struct hotplug_identity id, const char *driver)
{
	enum hotplug_look look;

	id.device ^= 1;
	look = pci_look(NAME, driver, &id);
	FUZZ_CHECK(look == HOTPLUG_LOOK_OTHER || look == HOTPLUG_LOOK_DARK ||
		   (space[0] & space[1]) == 0xff);
	id.generation++;
	FUZZ_CHECK(pci_look(NAME, driver, &id) == HOTPLUG_LOOK_OTHER);
}

/* Refused: it is gone, or nothing is known of it. */
static void
check_refused(const struct hotplug_identity *id, const char *driver)
{
	static const struct { int error; enum hotplug_look look; } refusals[] = {
		{ ENOENT, HOTPLUG_LOOK_ABSENT }, { ENODEV, HOTPLUG_LOOK_ABSENT },
		{ EMFILE, HOTPLUG_LOOK_PRESENT }, { EACCES, HOTPLUG_LOOK_PRESENT },
	};
	struct hotplug_identity found = *id;
	struct hotplug_glance glance;
	enum hotplug_look look;
	unsigned int i;

	for (i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		folder_error = refusals[i].error;
		FUZZ_CHECK(pci_look(NAME, driver, id) == refusals[i].look);
		FUZZ_CHECK(pci_identify(NAME, &found) == -folder_error);
		FUZZ_CHECK(pci_glance(NAME, &glance) == -ENOENT);
		folder_error = 0;
		config_error = refusals[i].error;
		look = pci_look(NAME, driver, id);
		FUZZ_CHECK(look == refusals[i].look);
		FUZZ_CHECK(pci_identify(NAME, &found) == -config_error);
		config_error = 0;
	}
	FUZZ_CHECK(memcmp(&found, id, sizeof(found)) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct hotplug_identity id, before;
	struct hotplug_glance glance;
	int ret;

	take_apart(data, len);
	n_reads = 0;
	memset(&id, 0x5a, sizeof(id));
	before = id;
	memset(&glance, 'x', sizeof(glance));
	FUZZ_CHECK(pci_glance(NAME, &glance) == 0 && glance.generation == GENERATION);
	FUZZ_CHECK(memchr(glance.kernel_driver, '\0', sizeof(glance.kernel_driver)) != NULL);
	FUZZ_CHECK(!glance.is_user_space || glance.kernel_driver[0] != '\0');
	ret = pci_identify(NAME, &id);
	FUZZ_CHECK((ret == 0) == (has('c') && space_len() >= 64));
	if (ret != 0)
		FUZZ_CHECK(memcmp(&id, &before, sizeof(id)) == 0);
	if (ret != 0)
		return 0;
	check_look(&id, glance.kernel_driver);
	check_other(id, glance.kernel_driver);
	check_refused(&id, glance.kernel_driver);
	return 0;
}
