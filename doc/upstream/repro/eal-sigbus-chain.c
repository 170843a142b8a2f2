/* SPDX-License-Identifier: BSD-3-Clause */

/* What EAL's SIGBUS handler does with a fault that is not of a device, for each kind of
 * action that was there before rte_dev_hotplug_handle_enable().
 * In:  nothing; no device, no hugepage, no root.  Out: a line for each; status 1: a bug. */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rte_dev.h>
#include <rte_eal.h>

static char *page;      /* beyond the end of its file: an access is a SIGBUS */

static void
say(const char *text, size_t len)
{
	if (write(STDOUT_FILENO, text, len) < 0)
		_exit(2);
}

#define SAY(text) say(text, sizeof(text) - 1)

static void
application_handler(int sig, siginfo_t *info, void *context)
{
	static int ends[2];
	siginfo_t copy;

	(void)sig;
	(void)context;
	/* info may be no pointer at all: let the kernel look */
	if (pipe(ends) != 0 || write(ends[1], info, sizeof(copy)) != (ssize_t)sizeof(copy) ||
	    read(ends[0], &copy, sizeof(copy)) != (ssize_t)sizeof(copy)) {
		SAY("called with a siginfo that cannot be read\n");
		_exit(1);
	}
	if (copy.si_signo == SIGBUS && copy.si_addr == page) {
		SAY("called with the fault's own siginfo\n");
		_exit(0);
	}
	SAY("called with a siginfo that is none\n");
	_exit(1);
}

static void
use_eal_and_fault(void)
{
	char *argv[] = {"repro", "--no-pci", "--no-huge", "-m", "32", "--no-shconf", "--file-prefix=repro",
			"--no-telemetry", "-l", "0", "--log-level=*:emergency", NULL};

	if (rte_eal_init(sizeof(argv) / sizeof(argv[0]) - 1, argv) < 0 ||
	    rte_dev_hotplug_handle_enable() != 0)
		_exit(2);
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, memfd_create("empty", 0), 0);
	if (page == MAP_FAILED)
		_exit(2);
	*(volatile char *)page = 1;
	_exit(0);
}

/* How does a process end that had this action? */
static int
try(const char *name, void (*handler)(int), int flags)
{
	struct sigaction action = {.sa_flags = flags};
	int status;

	action.sa_handler = handler;
	printf("%-20s ", name);
	fflush(stdout);
	if (fork() == 0) {
		sigaction(SIGBUS, &action, NULL);
		use_eal_and_fault();
	}
	wait(&status);
	if (flags & SA_SIGINFO)
		return WEXITSTATUS(status);
	if (WIFSIGNALED(status))
		printf("killed by signal %d\n", WTERMSIG(status));
	else
		printf("exit status %d, no signal\n", WEXITSTATUS(status));
	return !WIFSIGNALED(status) || WTERMSIG(status) != SIGBUS;
}

int
main(void)
{
	union {
		void (*three)(int, siginfo_t *, void *);
		void (*one)(int);
	} handler = {.three = application_handler};
	int bad = 0;

	bad |= try("SA_SIGINFO", handler.one, SA_SIGINFO);
	bad |= try("SA_SIGINFO|RESTART", handler.one, SA_SIGINFO | SA_RESTART);
	bad |= try("SIG_DFL", SIG_DFL, 0);
	bad |= try("SIG_IGN", SIG_IGN, 0);
	return bad;
}
