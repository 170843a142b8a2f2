/* SPDX-License-Identifier: BSD-3-Clause */

/* secondary: a telemetry socket for a process to which EAL gives none.
 * In:  telemetry_offer(), in a secondary process.
 * Out: EAL's own telemetry, on "dpdk_telemetry.v2:N" in the runtime directory that it
 *      shares with its primary; dpdk-telemetry.py reads it with "-i N".
 * EAL opens a socket in primaries only (eal.c).  Ours follows the primary: where that has
 * none, or this process was told --no-telemetry, there is none.  It stays until the process
 * ends: EAL has no call that closes it.
 * Context: app. */

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_log.h>
#include <rte_os.h>
#include <rte_version.h>

#include "../eal/host.h"
#include "telemetry.h"

/* Exported by librte_telemetry, as INTERNAL; its header is not installed. */
#if RTE_VERSION < RTE_VERSION_NUM(23, 11, 0, 0)
int rte_telemetry_init(const char *runtime_dir, const char *version, rte_cpuset_t *cpuset,
		       int (*log)(uint32_t level, uint32_t type, const char *format, ...),
		       uint32_t type);
#else
int rte_telemetry_init(const char *runtime_dir, const char *version, rte_cpuset_t *cpuset);
#endif

static rte_cpuset_t cpus;       /* telemetry's threads run there; it keeps the pointer */

/* Is it among the program's arguments?  What an application hands EAL by other ways is not
 * seen. */
static bool
is_switched_off(void)
{
	FILE *f = fopen("/proc/self/cmdline", "re");
	char arg[256];
	size_t len = 0;
	bool found = false;
	int c;

	if (f == NULL)
		return false;
	do {
		c = getc(f);
		if (c > 0) {
			len += len < sizeof(arg) - 1;
			arg[len - 1] = c;
			continue;
		}
		arg[len] = '\0';
		found = found || strcmp(arg, "--no-telemetry") == 0;
		len = 0;
	} while (c != EOF);
	fclose(f);
	return found;
}

static bool
has_primary_one(void)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/dpdk_telemetry.v2", rte_eal_get_runtime_dir());
	return access(path, F_OK) == 0;
}

/* On a control thread: telemetry's threads may run where it may, not on a polling core. */
static void
open_socket(void *arg)
{
	int *ret = arg;

	pthread_getaffinity_np(pthread_self(), sizeof(cpus), &cpus);
#if RTE_VERSION < RTE_VERSION_NUM(23, 11, 0, 0)
	*ret = rte_log_register_type_and_pick_level("lib.telemetry", RTE_LOG_ERR);
	*ret = rte_telemetry_init(rte_eal_get_runtime_dir(), rte_version(), &cpus, rte_log,
				  *ret < 0 ? RTE_LOGTYPE_EAL : *ret);
#else
	*ret = rte_telemetry_init(rte_eal_get_runtime_dir(), rte_version(), &cpus);
#endif
}

void
telemetry_open_secondary(void)
{
	struct host_thread thread;
	int ret = -1;

	if (rte_eal_process_type() != RTE_PROC_SECONDARY || !has_primary_one() ||
	    is_switched_off())
		return;
	if (host_thread_start(&thread, "hp-telemetry", open_socket, &ret) == 0)
		host_thread_join(&thread);
	if (ret != 0)
		host_log(HOST_WARN, "no telemetry socket for this secondary");
}
