/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_PORT_THREAD_H
#define HOTPLUG_PORT_THREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "code.h"

enum thread_place {
	THREAD_RUNS,            /* or is kept from it: preempted, in a page fault, stopped */
	THREAD_SLEEPS,          /* in a system call that none of that code waits for */
	THREAD_SLEEPS_INSIDE,   /* in one to which that code seems to wait */
};

/* The other threads of this process, without our own; *tids is the caller's to free.
 * How many, or -errno: they cannot be told. */
int thread_list(pid_t **tids);
/* Processor time that it has had, to the nanosecond; < 0: it is no more. */
int64_t thread_cpu_ns(pid_t tid);
/* Of the drivers' code; where one is in the program itself, that polls, too. */
enum thread_place thread_place(pid_t tid, const struct code *code, unsigned int n);
/* "": it is no more. */
void thread_name(pid_t tid, char *name, size_t len);

#endif /* HOTPLUG_PORT_THREAD_H */
