/* SPDX-License-Identifier: BSD-3-Clause */

/* plugin: "-d libdpdk-hotplug.so", no code change.
 * In:  the constructor, when EAL loads us in the middle of rte_eal_init(); then
 *      the first probe of the pci bus, when threads, interrupts and alarms exist.
 * Out: hotplug_enable() with the options in DPDK_HOTPLUG.
 * Linked into an application the constructor sees an EAL that has not begun, and
 *      does nothing.  Loaded beside another EAL (a statically linked program's)
 *      it says so, and does nothing.
 * Context: app (the thread in rte_eal_init()). */

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_lcore.h>

#include "../core/bus.h"
#include "hotplug.h"
#include "../eal/host.h"
#include "plugin.h"

static bool is_plugin, is_starting;

/* EAL loads plugins after it has counted the cores (eal_common_options.c) and
 * before it has chosen the IOVA mode. */
static bool
is_in_eal_init(void)
{
	return rte_lcore_count() != 0 && rte_eal_iova_mode() == RTE_IOVA_DC;
}

/* Is the EAL that we are bound to the program's own, or one that our own loading
 * has brought along?  The program's is in the global scope; ours is local to us,
 * since EAL loads plugins with RTLD_LOCAL. */
static bool
is_own_eal(void)
{
	void *program, *symbol;
	Dl_info us, eal;

	if (dladdr((void *)(uintptr_t)is_own_eal, &us) != 0 &&
	    dladdr((void *)(uintptr_t)rte_eal_init, &eal) != 0 && us.dli_fbase == eal.dli_fbase)
		return true;    /* all of it linked into one program */
	program = dlopen(NULL, RTLD_NOW);
	if (program == NULL)
		return false;
	symbol = dlsym(program, "rte_eal_init");
	dlclose(program);
	return symbol == (void *)(uintptr_t)rte_eal_init;
}

void
plugin_start(void)
{
	const char *options = getenv("DPDK_HOTPLUG");
	struct hotplug_config config;
	char error[480];

	if (!is_plugin)
		return;
	is_plugin = false;      /* once */
	hotplug_config_init(&config);
	config.policy = HOTPLUG_POLICY_HEAL;    /* the application knows nothing of us */
	if (hotplug_config_parse(&config, options, error, sizeof(error)) != 0) {
		host_log(HOST_ERR, "DPDK_HOTPLUG: %s; not enabled", error);
		return;
	}
	is_starting = true;
	hotplug_enable(&config);        /* says itself why not */
	is_starting = false;
}

__attribute__((constructor))
static void
load(void)
{
	if (is_in_eal_init())
		is_plugin = true;
	else if (!is_own_eal())
		host_log(HOST_ERR, "loaded beside another EAL: if this program has DPDK linked in "
			 "statically, nothing is protected; link libdpdk-hotplug.a instead");
}

bool
plugin_is_waiting(void)
{
	return is_plugin;
}

bool
plugin_is_starting(void)
{
	return is_starting;
}
