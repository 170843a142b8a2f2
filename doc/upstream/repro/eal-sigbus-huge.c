/* SPDX-License-Identifier: BSD-3-Clause */

/* Where a SIGBUS of one thread goes while another has EAL map hugepages.
 * In:  hugepages; no device.  Out: what became of the process; status 1: a bug. */

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_malloc.h>

#define N_FAULTS 200000

static char *page;      /* beyond the end of its file: an access is a SIGBUS */
static int empty_fd;

/* The application's: it knows what to do with a fault there. */
static void
on_sigbus(int sig, siginfo_t *info, void *context)
{
	(void)context;
	if (info->si_addr != page)
		raise(sig);
	mmap(page, 4096, PROT_READ, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0);
}

/* The heap grows by some hugepages, and shrinks again. */
static void *
allocate(void *arg)
{
	for (;;)
		rte_free(rte_malloc(NULL, 8u << 20, 0));
	return arg;
}

static void
use_eal_and_fault(void)
{
	char *argv[] = {"repro", "--no-pci", "--in-memory", "--file-prefix=repro", "--no-telemetry",
			"-l", "0", "--log-level=*:emergency", NULL};
	struct sigaction action = {.sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO};
	pthread_t thread;
	int i;

	if (rte_eal_init(sizeof(argv) / sizeof(argv[0]) - 1, argv) < 0)
		_exit(2);
	sigaction(SIGBUS, &action, NULL);
	empty_fd = memfd_create("empty", 0);
	page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, empty_fd, 0);
	if (page == MAP_FAILED || pthread_create(&thread, NULL, allocate, NULL) != 0)
		_exit(2);
	for (i = 0; i < N_FAULTS; i++) {
		(void)*(volatile char *)page;
		mmap(page, 4096, PROT_READ, MAP_SHARED | MAP_FIXED, empty_fd, 0);
	}
	_exit(0);
}

int
main(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		use_eal_and_fault();
	waitpid(pid, &status, 0);
	if (WIFSIGNALED(status))
		printf("killed by signal %d\n", WTERMSIG(status));
	else
		printf("each fault reached the application's handler\n");
	return WIFSIGNALED(status) ? 1 : WEXITSTATUS(status);
}
