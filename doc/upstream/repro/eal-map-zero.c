/* SPDX-License-Identifier: BSD-3-Clause */

/* A device that is listed and was never mapped, and a SIGBUS that has nothing to do with it:
 * EAL maps memory at address 0.
 * In:  nothing but root (the kernel lets root map there); the device is a folder of files.
 * Out: what is mapped at 0 before and after; status 1: the bug. */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rte_dev.h>
#include <rte_eal.h>

#define BDF "0000:31:00.0"

static char folder[] = "/tmp/map-zero-XXXXXX";

static void
put(const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/" BDF "/%s", folder, name);
	f = fopen(path, "w");
	if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0)
		exit(2);
}

/* A function with one BAR of 16 MiB, bound to igb_uio, that no driver knows. */
static void
make_device(void)
{
	char path[128];
	int i;

	if (mkdtemp(folder) == NULL)
		exit(2);
	snprintf(path, sizeof(path), "%s/" BDF, folder);
	mkdir(path, 0700);
	put("vendor", "0x1af5\n");
	put("device", "0x0001\n");
	put("subsystem_vendor", "0x0000\n");
	put("subsystem_device", "0x0000\n");
	put("class", "0x020000\n");
	put("max_vfs", "0\n");
	put("numa_node", "0\n");
	put("resource", "0x00000000f0000000 0x00000000f0ffffff 0x0000000000040200\n");
	snprintf(path, sizeof(path), "%s/" BDF "/resource", folder);
	FILE *f = fopen(path, "a");
	for (i = 1; f != NULL && i < 6; i++)
		fputs("0x0000000000000000 0x0000000000000000 0x0000000000000000\n", f);
	if (f == NULL || fclose(f) != 0)
		exit(2);
	snprintf(path, sizeof(path), "%s/" BDF "/driver", folder);
	if (symlink("../../drivers/igb_uio", path) != 0)
		exit(2);
	setenv("SYSFS_PCI_DEVICES", folder, 1);
}

static int
is_mapped_at_zero(void)
{
	FILE *f = fopen("/proc/self/maps", "r");
	char line[256];
	int found = 0;

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		found |= strtoul(line, NULL, 16) == 0;
	if (f != NULL)
		fclose(f);
	return found;
}

/* The action that was there before: a signal that is no device's goes to it. */
static void
go_on(int sig)
{
	(void)sig;
}

int
main(void)
{
	char *argv[] = {"repro", "--no-huge", "-m", "32", "--no-shconf", "--file-prefix=repro", "--no-telemetry", "-l", "0",
			"--log-level=*:emergency", NULL};
	char command[64];
	int bad;

	make_device();
	signal(SIGBUS, go_on);
	if (rte_eal_init(sizeof(argv) / sizeof(argv[0]) - 1, argv) < 0 ||
	    rte_dev_hotplug_handle_enable() != 0)
		return 2;
	printf("mapped at address 0 before: %s\n", is_mapped_at_zero() ? "yes" : "no");
	fflush(stdout);
	kill(getpid(), SIGBUS);         /* from a user; si_addr has no meaning in it */
	bad = is_mapped_at_zero();
	printf("after a kill -BUS: %s\n", bad ? "yes: NULL can be read and written" : "no");
	snprintf(command, sizeof(command), "rm -r '%s'", folder);
	if (system(command) != 0)
		return 2;
	return bad;
}
