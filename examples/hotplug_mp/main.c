/* SPDX-License-Identifier: BSD-3-Clause */

/* hotplug_mp: attach and detach devices in several processes, from any of them.
 * In:  EAL arguments, then commands (commands.c).  Out: what the console prints.
 *
 *	./hotplug_mp --proc-type=auto
 *
 * Stand-alone: make, with pkg-config's libdpdk and libdpdk-hotplug. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmdline.h>
#include <cmdline_rdline.h>
#include <cmdline_socket.h>
#include <rte_debug.h>
#include <rte_eal.h>

#include <hotplug.h>

#include "commands.h"
#include "events.h"

int
main(int argc, char **argv)
{
	struct hotplug_config config;
	struct cmdline *console;
	char error[480];
	int ret;

	if (rte_eal_init(argc, argv) < 0)
		rte_exit(EXIT_FAILURE, "cannot initialise EAL\n");
	hotplug_config_init(&config);
	if (hotplug_config_parse(&config, getenv("DPDK_HOTPLUG"), error, sizeof(error)) != 0)
		rte_exit(EXIT_FAILURE, "DPDK_HOTPLUG: %s\n", error);
	ret = hotplug_enable(&config);
	if (ret == 0)
		ret = events_keep();
	if (ret != 0)
		rte_exit(EXIT_FAILURE, "cannot enable dpdk-hotplug: %s\n", strerror(-ret));
	console = cmdline_stdin_new(commands, "example> ");
	if (console == NULL)
		rte_exit(EXIT_FAILURE, "cannot open the console\n");
	cmdline_interact(console);
	cmdline_stdin_exit(console);
	rte_eal_cleanup();
	return 0;
}
