/* SPDX-License-Identifier: BSD-3-Clause */

/* eventer: says when who heard what of its devices.
 * In:  EAL arguments, then "--" and words: ours (enable the library), stock (start
 *      EAL's own monitor), options=... (as DPDK_HOTPLUG); then lines on standard
 *      input: attach NAME, detach NAME, loop NAME (attach and detach until it is
 *      said again), stats, quit.
 * Out: a line for each event: "ours" or "eal", the device, what, and the time.
 * Run in a guest by scenarios/watch_*.py. */

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <rte_dev.h>
#include <rte_eal.h>

#include <hotplug.h>

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
on_event(const struct hotplug_event *event, void *arg)
{
	double t = now();

	(void)arg;
	printf("ours %s %s n=%" PRIu64 " cause=%s sign=%s t_sign=%.6f t_cut=%.6f t=%.6f\n",
	       event->device, hotplug_event_name(event->type), event->sequence,
	       hotplug_cause_name(event->cause), hotplug_sign_name(event->sign),
	       (double)event->sign_ns / 1e9, (double)event->cut_ns / 1e9, t);
}

static void
on_eal_event(const char *name, enum rte_dev_event_type type, void *arg)
{
	double t = now();

	(void)arg;
	printf("eal %s %s t=%.6f\n", name, type == RTE_DEV_EVENT_REMOVE ? "gone" : "add", t);
}

static int
start_ours(const char *options)
{
	struct hotplug_config config;
	char error[256];

	hotplug_config_init(&config);
	if (hotplug_config_parse(&config, options, error, sizeof(error)) != 0) {
		printf("FAILED %s\n", error);
		return -1;
	}
	if (hotplug_enable(&config) != 0)
		return -1;
	return hotplug_event_subscribe(NULL, on_event, NULL);
}

static int
start(int argc, char **argv)
{
	const char *options = NULL;
	bool has_ours = false, has_stock = false;
	int i;

	for (i = 0; i < argc; i++) {
		has_ours |= strcmp(argv[i], "ours") == 0;
		has_stock |= strcmp(argv[i], "stock") == 0;
		if (strncmp(argv[i], "options=", 8) == 0)
			options = argv[i] + 8;
	}
	if (has_ours && start_ours(options) < 0)
		return -1;
	if (has_stock && rte_dev_event_monitor_start() != 0)
		return -1;
	return rte_dev_event_callback_register(NULL, on_eal_event, NULL);
}

static void
attach(const char *name)
{
	int ret = rte_dev_probe(name);

	printf("attach %s %d\n", name, ret);
}

static void
detach(const char *name)
{
	struct rte_dev_iterator it;
	struct rte_device *dev;
	int ret = -1;

	RTE_DEV_FOREACH(dev, "bus=pci", &it)
		if (strcmp(rte_dev_name(dev), name) == 0) {
			ret = rte_dev_remove(dev);
			break;
		}
	printf("detach %s %d\n", name, ret);
}

static char loop_name[64];
static _Atomic bool is_looping;

static void *
loop(void *arg)
{
	(void)arg;
	while (atomic_load(&is_looping)) {
		attach(loop_name);
		detach(loop_name);
	}
	printf("loop over\n");
	return NULL;
}

/* The second time ends it. */
static void
start_loop(const char *name)
{
	pthread_t thread;

	if (atomic_exchange(&is_looping, !atomic_load(&is_looping)))
		return;
	snprintf(loop_name, sizeof(loop_name), "%s", name);
	if (pthread_create(&thread, NULL, loop, NULL) == 0)
		pthread_detach(thread);
}

static void
print_stats(void)
{
	struct hotplug_stats s = { .size = sizeof(s) };

	if (hotplug_stats_get(&s) == 0)
		printf("stats guarded=%" PRIu64 " uevents=%" PRIu64 " losses=%" PRIu64
		       " scans=%" PRIu64 " zombies=%" PRIu64 " monitor=%u t=%.6f\n",
		       (uint64_t)s.guarded, (uint64_t)s.uevents, (uint64_t)s.uevent_losses,
		       (uint64_t)s.scans, (uint64_t)s.zombies, (unsigned int)s.has_monitor,
		       now());
}

int
main(int argc, char **argv)
{
	char line[128], word[16], name[64];
	int n = rte_eal_init(argc, argv);

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (n < 0 || start(argc - n, argv + n) < 0) {
		printf("FAILED to start\n");
		return 2;
	}
	printf("started\n");
	while (fgets(line, sizeof(line), stdin) != NULL) {
		name[0] = '\0';
		if (sscanf(line, "%15s %63s", word, name) < 1)
			continue;
		if (strcmp(word, "attach") == 0)
			attach(name);
		else if (strcmp(word, "detach") == 0)
			detach(name);
		else if (strcmp(word, "loop") == 0)
			start_loop(name);
		else if (strcmp(word, "stats") == 0)
			print_stats();
		else if (strcmp(word, "quit") == 0)
			break;
	}
	printf("over\n");
	return 0;       /* without cleanup: dead devices may be attached */
}
