/* SPDX-License-Identifier: BSD-3-Clause */

/* decode: do a function's registers answer where the kernel has put them?
 * In:  its name, and COMMAND as it was just read.  Out: yes or no.
 * The kernel switches on what a function has: one without a BAR in memory (virtio of old,
 * without MSI-X, has its registers in I/O ports alone) never decodes memory.
 * A reset empties BARs, also the registers that say of which kind they are: the kernel knows.
 * Context: look, work. */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "pci.h"

#define N_BARS 6                /* the kernel lists more: ROM, virtual functions, bridges */
#define IS_IO 0x100             /* flags of linux/ioport.h */
#define IS_MEMORY 0x200
#define IS_UNSET 0x20000000     /* it found no place for that one */

/* "0xSTART 0xEND 0xFLAGS" lines; what is no number is 0. */
static uint64_t
flags_of(char *text)
{
	uint64_t all = 0, flags = 0;
	unsigned int i, n;

	for (i = 0; i < N_BARS; i++) {
		for (n = 0; n < 3; n++)
			flags = strtoull(text, &text, 16);
		if (!(flags & IS_UNSET))
			all |= flags;
	}
	return all;
}

/* What COMMAND needs to have; memory, where nobody says. */
static uint16_t
needed(const char *name)
{
	char path[4096], text[1024] = "";
	uint64_t flags;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%s/resource", rte_pci_get_sysfs_path(), name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return COMMAND_MEMORY;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	flags = flags_of(text);
	if (n <= 0 || (flags & IS_MEMORY))
		return COMMAND_MEMORY;
	return flags & IS_IO ? COMMAND_IO : 0;
}

bool
pci_is_decoding(const char *name, uint16_t command)
{
	uint16_t wanted;

	if (command & COMMAND_MEMORY)
		return true;
	wanted = needed(name);
	return (command & wanted) == wanted;
}
