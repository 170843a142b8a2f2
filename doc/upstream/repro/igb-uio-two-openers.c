/* SPDX-License-Identifier: BSD-3-Clause */

/* Two processes have /dev/uioN of igb_uio open, as a DPDK primary and a secondary do; the
 * device is removed.
 * In:  a PCI function bound to igb_uio, its /dev/uioN.  Root.
 * Out: interrupts that igb_uio still holds afterwards; status 1: the bug.  The kernel log
 *      has the rest. */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int
n_interrupts(void)
{
	FILE *f = fopen("/proc/interrupts", "r");
	char line[1024];
	int n = 0;

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		n += strstr(line, "igb_uio") != NULL;
	if (f != NULL)
		fclose(f);
	return n;
}

int
main(int argc, char **argv)
{
	char path[128];
	int first, second, fd, left;

	if (argc != 3) {
		fprintf(stderr, "usage: %s 0000:BB:DD.F /dev/uioN\n", argv[0]);
		return 2;
	}
	first = open(argv[2], O_RDWR);
	second = open(argv[2], O_RDWR);
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/remove", argv[1]);
	fd = open(path, O_WRONLY);
	if (first < 0 || second < 0 || fd < 0) {
		perror("open");
		return 2;
	}
	printf("open twice: %d interrupt(s) of igb_uio\n", n_interrupts());
	if (write(fd, "1", 1) != 1)
		return 2;
	close(second);
	close(first);
	left = n_interrupts();
	printf("removed, and closed: %d interrupt(s) of igb_uio\n", left);
	return left != 0;
}
