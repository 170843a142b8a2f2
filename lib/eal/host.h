/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_EAL_HOST_H
#define HOTPLUG_EAL_HOST_H

#include <pthread.h>
#include <stdbool.h>

/* What the process that we live in gives us: its log and its threads.
 * eal/host.c takes them from EAL; tests without librte bring their own. */

enum host_level { HOST_ERR, HOST_WARN, HOST_NOTICE, HOST_DEBUG };

/* One line, without its newline.  Never from signal context. */
void host_log(enum host_level level, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* A control thread: it does not inherit a polling core's affinity. */
struct host_thread {
	pthread_t id;
	void (*run)(void *arg);
	void *arg;
};

int host_thread_start(struct host_thread *thread, const char *name,
		      void (*run)(void *arg), void *arg);
void host_thread_join(struct host_thread *thread);

/* Is the caller one of these? */
bool host_thread_is_own(void);

#endif /* HOTPLUG_EAL_HOST_H */
