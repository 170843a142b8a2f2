/* SPDX-License-Identifier: BSD-3-Clause */

/* A process has mapped a BAR through sysfs; the device is removed; the mapping stays.
 * In:  a PCI function with a memory BAR 0 whose removal does no harm, and an offset in it.
 *      Root.  Out: what a read gives before and after; status 1: the bug. */

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static sigjmp_buf out;

static void
on_sigbus(int sig)
{
	siglongjmp(out, sig);
}

static int
open_file(const char *bdf, const char *name, int flags)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", bdf, name);
	fd = open(path, flags);
	if (fd < 0) {
		perror(path);
		exit(2);
	}
	return fd;
}

static void
look(const char *when, const volatile uint32_t *at, int *is_revoked)
{
	*is_revoked = sigsetjmp(out, 1);
	if (*is_revoked)
		printf("%s: SIGBUS\n", when);
	else
		printf("%s: 0x%08x\n", when, *at);
}

int
main(int argc, char **argv)
{
	volatile uint32_t *bar;
	unsigned long offset;
	int fd, is_revoked;

	if (argc != 3) {
		fprintf(stderr, "usage: %s 0000:BB:DD.F OFFSET\n", argv[0]);
		return 2;
	}
	signal(SIGBUS, on_sigbus);
	fd = open_file(argv[1], "resource0", O_RDWR);
	offset = strtoul(argv[2], NULL, 0);
	bar = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset & ~4095ul);
	if (bar == MAP_FAILED) {
		perror("mmap");
		return 2;
	}
	close(fd);
	bar += offset % 4096 / sizeof(*bar);
	look("mapped", bar, &is_revoked);
	fd = open_file(argv[1], "remove", O_WRONLY);
	if (is_revoked || write(fd, "1", 1) != 1)
		return 2;
	look("removed", bar, &is_revoked);
	return !is_revoked;
}
