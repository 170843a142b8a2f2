/* SPDX-License-Identifier: BSD-3-Clause */

/* idle: a DPDK application that does nothing but say what it is made of.
 * In:  EAL arguments.  Out: a line for each descriptor, thread, signal set and
 *      mapped file.  plugin.py compares: without us, with us linked, and (IDLE_ENABLES)
 *      with us linked from the archive and enabled.
 * Context: app. */

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>

#ifdef IDLE_ENABLES
#include <bus_driver.h>
#endif

#if defined(IDLE_ENABLES) || defined(IDLE_LINKS)
#include "hotplug.h"
#endif

#ifndef IDLE_ENABLES
static void
print_folder(const char *path, const char *what)
{
	char link[256], name[512];
	struct dirent *entry;
	DIR *dir = opendir(path);
	ssize_t n;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		n = readlink(name, link, sizeof(link) - 1);
		printf("%s %.*s\n", what, n > 0 ? (int)n : 0, link);
	}
	if (dir != NULL)
		closedir(dir);
}

static void
print_lines(const char *path, const char *with, const char *what)
{
	char line[1024];
	FILE *f = fopen(path, "re");
	const char *at;

	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		at = strstr(line, with);
		if (at != NULL)
			printf("%s %s", what, at);
	}
	if (f != NULL)
		fclose(f);
}

static void
print_self(void)
{
	print_folder("/proc/self/fd", "fd");
	print_folder("/proc/self/task", "thread");
	print_lines("/proc/self/status", "SigCgt", "signal");
	print_lines("/proc/self/status", "SigIgn", "signal");
	print_lines("/proc/self/status", "SigBlk", "signal");
	print_lines("/proc/self/maps", "/", "map");
}
#endif

static int
run(void)
{
#ifdef IDLE_ENABLES
	struct rte_bus *bus = rte_bus_find_by_name("pci"), stock = *bus;
	int ret = hotplug_enable(NULL);

	printf("enable %d slot %s\n", ret,
	       bus->hot_unplug_handler != stock.hot_unplug_handler ? "ours" : "stock");
	return hotplug_disable();
#else
#ifdef IDLE_LINKS
	printf("version %s\n", hotplug_version());     /* else it is not linked at all */
#endif
	print_self();
	return 0;
#endif
}

int
main(int argc, char **argv)
{
	int ret = rte_eal_init(argc, argv);

	if (ret < 0)
		return 1;
	printf("init\n");
	ret = run();
	fflush(stdout);
	return rte_eal_cleanup() != 0 || ret != 0;
}
