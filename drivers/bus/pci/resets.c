/* SPDX-License-Identifier: BSD-3-Clause */

/* resets: how often a function was reset behind its user's back, as our igb_uio counts it.
 * In:  a PCI function's name.  Out: the count; a descriptor that tells when it changes
 *      (the module notifies the attribute).
 * Context: watch, look, app, work. */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "pci.h"

static int
open_count(const char *name)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s/igb_uio/resets", rte_pci_get_sysfs_path(), name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* Our igb_uio counts, and we from 1 on; 0: nobody does, or it cannot be read now. */
uint64_t
pci_read_resets(const char *name)
{
	char text[24] = "";
	int fd = open_count(name);
	ssize_t n;

	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	return n > 0 ? strtoull(text, NULL, 10) + 1 : 0;
}

/* One that was never read is news. */
int
pci_open_resets(const char *name)
{
	int fd = open_count(name);
	char text[24];

	if (fd >= 0 && pread(fd, text, sizeof(text), 0) >= 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return 0;
}
