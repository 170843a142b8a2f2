/* SPDX-License-Identifier: BSD-3-Clause */

/* grace: wait until no thread is in burst functions that have just been exchanged.
 * In:  the exchange is done (quiet.c).  Out: every thread of the process, lcore or not,
 *      has left what was there before.
 *
 * Why it holds.  The barrier runs on each processor that runs a thread of ours, and who
 * does not run passes one before it runs again: so each thread has a moment, at the
 * latest when the barrier returns, from which on it reads the new functions.  What it may
 * be in from before is one burst, or the step between the load of a pointer and the call.
 * It has left that when, after the barrier,
 *   - it has had more processor time than any burst takes.  That is its own time, from
 *     its own clock: one that is preempted, stopped or waits for a page has none, and is
 *     waited for.  A round counts for little, however long it was, and begins with a
 *     barrier, which a processor of a virtual machine answers only when it is there: time
 *     that the host has taken away is not taken for the thread's; or
 *   - it sleeps in a system call, and not for the driver (thread.c); or it is no more.
 * No thread says anything for that, so all are the same: those that poll this port, those
 * that poll others, those that poll none; lcores, registered threads, any.
 * The list of threads is read after the barrier: who is not in it began after that.
 *
 * Without membarrier() (Linux has it since 4.14; seccomp may not) the stores become
 * visible in far less time than a burst's bound.  Without /proc the threads are not known:
 * then it is a second.
 * Lock: none; as many at once as there are dying devices.
 * Context: teardown, work, app. */

#include <errno.h>
#include <linux/membarrier.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "../core/device.h"
#include "../eal/clock.h"
#include "../eal/host.h"
#include "grace.h"
#include "thread.h"

#define ROUND_NS (2 * MS)       /* what a round counts for, at most */
#define LONG_NS (1000ull * MS)  /* said when it takes longer */

uint64_t grace_burst_ns = 10 * MS;
uint64_t grace_sleep_ns = LONG_NS;

struct suspect {
	pid_t tid;
	int64_t cpu_ns;         /* at the last round */
	uint64_t ran_ns;        /* since the barrier, by what rounds count */
};

struct grace {
	struct suspect *suspect;        /* who may be inside still */
	unsigned int n;
	struct code *code;              /* the drivers' */
	unsigned int n_code;
	uint64_t start_ns;
	bool is_said;
};

static long
membarrier(int command)
{
	return syscall(SYS_membarrier, command, 0, 0);
}

void
grace_start(void)
{
	(void)membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
}

static void
barrier(void)
{
	atomic_thread_fence(memory_order_seq_cst);
	if (membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) < 0 && errno == EPERM) {
		grace_start();          /* not enabled by a bus: a secondary without PCI */
		(void)membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
	}
}

/* Each object once.  Without memory for that, sleepers are believed to sleep elsewhere. */
static void
find_code(struct grace *grace, const void *const *old, unsigned int n)
{
	struct code code;
	unsigned int i, j;

	grace->code = calloc(n + 1, sizeof(*grace->code));
	for (i = 0; i < n && grace->code != NULL; i++) {
		code = code_at(old[i]);
		for (j = 0; j < grace->n_code && grace->code[j].start != code.start; j++)
			;
		if (j == grace->n_code)
			grace->code[grace->n_code++] = code;
	}
}

static int
find_suspects(struct grace *grace)
{
	pid_t *tids;
	int i, n = thread_list(&tids);

	if (n < 0)
		return n;
	grace->suspect = calloc(n + 1, sizeof(*grace->suspect));
	for (i = 0; i < n && grace->suspect != NULL; i++)
		grace->suspect[i] = (struct suspect){
			.tid = tids[i], .cpu_ns = thread_cpu_ns(tids[i]),
		};
	grace->n = n;
	free(tids);
	return grace->suspect == NULL ? -ENOMEM : 0;
}

/* Ours are in drivers too, to stop and close, and never to poll. */
static bool
is_ours(pid_t tid)
{
	char name[32];

	thread_name(tid, name, sizeof(name));
	return strncmp(name, "hotplug-", 8) == 0;
}

static bool
sleeps_elsewhere(const struct grace *grace, pid_t tid)
{
	switch (thread_place(tid, grace->code, grace->n_code)) {
	case THREAD_SLEEPS:
		return true;
	case THREAD_SLEEPS_INSIDE:
		return is_ours(tid) || device_now_ns() - grace->start_ns >= grace_sleep_ns;
	default:
		return false;
	}
}

static bool
is_out(const struct grace *grace, struct suspect *suspect)
{
	int64_t cpu_ns = thread_cpu_ns(suspect->tid);
	uint64_t ran_ns = cpu_ns - suspect->cpu_ns;

	if (cpu_ns < suspect->cpu_ns)   /* no more, or another one of that number */
		return true;
	suspect->cpu_ns = cpu_ns;
	suspect->ran_ns += ran_ns < ROUND_NS ? ran_ns : ROUND_NS;
	if (suspect->ran_ns > grace_burst_ns)
		return true;
	return ran_ns < MS / 2 && sleeps_elsewhere(grace, suspect->tid);
}

static void
drop_those_out(struct grace *grace)
{
	unsigned int i, n = 0;

	for (i = 0; i < grace->n; i++)
		if (!is_out(grace, &grace->suspect[i]))
			grace->suspect[n++] = grace->suspect[i];
	grace->n = n;
}

/* Once: who reads it can do something about it. */
static void
say_if_long(struct grace *grace)
{
	char name[32];

	if (grace->is_said || device_now_ns() - grace->start_ns < LONG_NS)
		return;
	grace->is_said = true;
	thread_name(grace->suspect[0].tid, name, sizeof(name));
	host_log(HOST_WARN, "thread %d (%s) may be in a lost device's driver and does not run: "
		 "it is waited for", (int)grace->suspect[0].tid, name);
}

void
grace_wait(const void *const *old, unsigned int n)
{
	struct grace grace = { .start_ns = device_now_ns() };
	const struct timespec round = { .tv_nsec = MS };
	const struct timespec blind = { .tv_sec = 1 };

	barrier();
	if (find_suspects(&grace) != 0) {
		nanosleep(&blind, NULL);
		return;
	}
	find_code(&grace, old, n);
	drop_those_out(&grace);
	while (grace.n > 0) {
		say_if_long(&grace);
		nanosleep(&round, NULL);
		barrier();
		drop_those_out(&grace);
	}
	free(grace.suspect);
	free(grace.code);
}
