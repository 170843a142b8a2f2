/* SPDX-License-Identifier: BSD-3-Clause */

/* early: a stock application with a driver that asks the plugin during EAL's first probe.
 * In:  EAL arguments, the plugin by -d, `--vdev hotplug_early0`; PLUGIN in the environment.
 * Out: what it was told then, and how many threads wait for the other processes; the same after
 *      the probe.  mp_plugin.py judges.
 * Context: app. */

#include <dirent.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>

#include <bus_vdev_driver.h>

#include "hotplug.h"

static unsigned int
count_threads(const char *name)
{
	char path[300], line[32];
	unsigned int n = 0;
	struct dirent *entry;
	DIR *dir = opendir("/proc/self/task");
	FILE *f;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		snprintf(path, sizeof(path), "/proc/self/task/%s/comm", entry->d_name);
		f = fopen(path, "re");
		if (f == NULL)
			continue;
		n += fgets(line, sizeof(line), f) != NULL && strncmp(line, name, strlen(name)) == 0;
		fclose(f);
	}
	if (dir != NULL)
		closedir(dir);
	return n;
}

static void
ask(const char *when)
{
	struct hotplug_outcome outcome = { .size = sizeof(outcome) };
	void *plugin = dlopen(getenv("PLUGIN"), RTLD_NOW | RTLD_NOLOAD);
	int (*detach)(const char *, unsigned int, struct hotplug_outcome *);

	if (plugin == NULL)
		return;
	*(void **)&detach = dlsym(plugin, "hotplug_device_detach");
	printf("%s %d %s\n", when, detach("net_null77", 0, &outcome), outcome.reason);
	printf("%s threads %u\n", when, count_threads("hotplug-sync"));
	fflush(stdout);
	dlclose(plugin);
}

static int
probe(struct rte_vdev_device *dev)
{
	(void)dev;
	ask("early");
	return 0;
}

static int
take_out(struct rte_vdev_device *dev)
{
	(void)dev;
	return 0;
}

static struct rte_vdev_driver driver = { .probe = probe, .remove = take_out };

RTE_PMD_REGISTER_VDEV(hotplug_early, driver);

int
main(int argc, char **argv)
{
	if (rte_eal_init(argc, argv) < 0)
		return 1;
	ask("later");
	return rte_eal_cleanup() != 0;
}
