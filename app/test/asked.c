/* SPDX-License-Identifier: BSD-3-Clause */

/* asked: a DPDK process with telemetry on, and one mock function, for telemetry.py.
 * In:  EAL arguments; then words on standard input.  Out: "done WORD" for each.
 *	enable, pull (the function vanishes), ask (the kernel wants a device of another
 *	bus back), repeat (40 events), disable, end
 * Context: app. */

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rte_bus_pci.h>
#include <rte_dev.h>
#include <rte_eal.h>

#include <bus_pci_driver.h>

#include <hotplug.h>

#include "mock_sysfs.h"
#include "test.h"
#include "test_pmd.h"
#include "toy_bus.h"

#define NAME "0000:31:00.0"

/* The longest name that there is. */
#define LONG_NAME "long-long-long-long-long-long-long-long-long-long-long-long-123"

static struct toy toys[2];

static bool
is_delivered(uint64_t n)
{
	struct hotplug_stats stats = { .size = sizeof(stats) };

	return hotplug_stats_get(&stats) == 0 && stats.events >= n;
}

static bool
pull(void)
{
	mock_sysfs_remove(NAME);
	close(test_pmd_of(NAME)->sign[1]);
	return WAIT_FOR(is_delivered(1));
}

static bool
ask(void)
{
	hotplug_bus_register(&toy_bus);
	toy_make(&toys[0], "asked0", 1, 4096);
	toys[0].works_on_request = true;
	return toy_publish(&toys[0]) == 0 && toy_report(&toys[0]) == 0 &&
		WAIT_FOR(is_delivered(2));
}

/* It is said to go, and lives, again and again. */
static bool
repeat(void)
{
	unsigned int i;

	toy_make(&toys[1], LONG_NAME, 1, 4096);
	if (toy_publish(&toys[1]) != 0)
		return false;
	for (i = 1; i <= 40; i++)
		if (toy_report(&toys[1]) != 0 || !WAIT_FOR(is_delivered(2 + i)))
			return false;
	return true;
}

static bool
obey(const char *word)
{
	if (strcmp(word, "enable") == 0)
		return hotplug_enable(NULL) == 0;
	if (strcmp(word, "pull") == 0)
		return pull();
	if (strcmp(word, "ask") == 0)
		return ask();
	if (strcmp(word, "repeat") == 0)
		return repeat();
	return strcmp(word, "disable") == 0 && hotplug_disable() == 0;
}

int
main(int argc, char **argv)
{
	const char *root = mock_sysfs_make();
	char word[64];
	int ret;

	mock_sysfs_add(NAME, "hotplug_mock");
	/* not a step further with the machine's own devices in sight */
	if (strcmp(rte_pci_get_sysfs_path(), root) != 0)
		return 1;
	ret = rte_eal_init(argc, argv) < 0;
	setvbuf(stdout, NULL, _IOLBF, 0);
	while (ret == 0 && scanf("%63s", word) == 1 && strcmp(word, "end") != 0) {
		ret = !obey(word);
		printf("%s %s\n", ret == 0 ? "done" : "failed", word);
	}
	mock_sysfs_destroy();
	return rte_eal_cleanup() != 0 || ret != 0;
}
