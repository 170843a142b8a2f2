/* SPDX-License-Identifier: BSD-3-Clause */

/* own_names: an application whose names are those of private functions of the library.
 * In:  EAL's arguments.  Out: 0 when each has kept its own.
 * Context: app. */

#include <rte_eal.h>

#include <hotplug.h>

struct own_stats {
	unsigned long rx, tx;
};

extern struct own_stats stats;
void trace(const char *what);
int pci_bind(const char *device, const char *driver);

struct own_stats stats = { 1, 2 };
static unsigned int n_calls;

void
trace(const char *what)
{
	n_calls += what[0] != '\0';
}

int
pci_bind(const char *device, const char *driver)
{
	return device[0] - driver[0];
}

int
main(int argc, char **argv)
{
	if (rte_eal_init(argc, argv) < 0 || hotplug_enable(NULL) != 0)
		return 1;
	trace("up");
	if (hotplug_disable() != 0 || n_calls != 1 || pci_bind("b", "a") != 1)
		return 2;
	return stats.rx == 1 && stats.tx == 2 ? 0 : 3;
}
