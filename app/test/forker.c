/* SPDX-License-Identifier: BSD-3-Clause */

/* forker: a process that is told SIGUSR1 has a child for half a second, without exec, as one
 * of a program that calls popen() has for a moment.
 * In:  LD_PRELOAD.  Out: the child, which has all descriptors of its parent.
 * Context: signal. */

#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static void
on_signal(int number)
{
	(void)number;
	if (fork() != 0)
		return;
	close(0);
	close(1);
	close(2);
	poll(NULL, 0, 500);
	_exit(0);
}

__attribute__((constructor)) static void
prepare(void)
{
	const struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	sigaction(SIGUSR1, &action, NULL);
	signal(SIGCHLD, SIG_IGN);
}
