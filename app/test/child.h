/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_TEST_CHILD_H
#define HOTPLUG_TEST_CHILD_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* A test's body in a process of its own, that may die: its signals are the
 * default's, its standard output (TAP) is closed, and it has a minute. */

/* Returns its wait status. */
int child_run(void (*fn)(void *arg), void *arg);

/* It must return from fn, without a failed CHILD_CHECK. */
void child_passes(void (*fn)(void *arg), void *arg);
/* It must die of this signal. */
void child_dies(void (*fn)(void *arg), void *arg, int signo);

/* In the child: what must hold. */
#define CHILD_CHECK(condition) ((condition) ? (void)0 : \
	child_fail(__FILE__, __LINE__, #condition))
void child_fail(const char *file, int line, const char *what)
	__attribute__((noreturn));

/* How it died: what the kernel showed at the last SIGBUS (ptrace). */
struct child_death {
	int status;             /* of wait */
	siginfo_t info;
	uintptr_t pc;
};

void child_trace(void (*fn)(void *arg), void *arg, struct child_death *death);

#endif /* HOTPLUG_TEST_CHILD_H */
