/* SPDX-License-Identifier: BSD-3-Clause */

/* host: log and threads, from EAL.
 * In:  every room but signal context.  Out: rte_log, EAL control threads.
 * Context: any but signal. */

#include <stdarg.h>
#include <stdio.h>

#include <rte_lcore.h>
#include <rte_log.h>
#include <rte_thread.h>
#include <rte_version.h>

#include "host.h"

RTE_LOG_REGISTER(hotplug_logtype, lib.hotplug, NOTICE);

void
host_log(enum host_level level, const char *fmt, ...)
{
	static const uint32_t rte_level[] = {
		[HOST_ERR] = RTE_LOG_ERR,
		[HOST_WARN] = RTE_LOG_WARNING,
		[HOST_NOTICE] = RTE_LOG_NOTICE,
		[HOST_DEBUG] = RTE_LOG_DEBUG,
	};
	char line[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	rte_log(rte_level[level], hotplug_logtype, "hotplug: %s\n", line);
}

static _Thread_local bool is_own;

/* The thread may give its own record back: it is not touched afterwards. */
static void
run(const struct host_thread *thread)
{
	is_own = true;
	thread->run(thread->arg);
}

bool
host_thread_is_own(void)
{
	return is_own;
}

#if RTE_VERSION >= RTE_VERSION_NUM(23, 11, 0, 0)
static uint32_t
run_thread(void *arg)
{
	run(arg);
	return 0;
}

int
host_thread_start(struct host_thread *thread, const char *name,
		  void (*fn)(void *arg), void *arg)
{
	rte_thread_t id;
	int ret;

	thread->run = fn;
	thread->arg = arg;
	ret = rte_thread_create_control(&id, name, run_thread, thread);
	if (ret != 0)
		return -ret;
	thread->id = (pthread_t)id.opaque_id;
	return 0;
}
#else
static void *
run_thread(void *arg)
{
	run(arg);
	return NULL;
}

int
host_thread_start(struct host_thread *thread, const char *name,
		  void (*fn)(void *arg), void *arg)
{
	thread->run = fn;
	thread->arg = arg;
	return rte_ctrl_thread_create(&thread->id, name, NULL, run_thread, thread);
}
#endif

void
host_thread_join(struct host_thread *thread)
{
	pthread_join(thread->id, NULL);
}
