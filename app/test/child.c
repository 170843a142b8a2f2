/* SPDX-License-Identifier: BSD-3-Clause */

/* child: run what may die in a process of its own.
 * In:  tests (app).  Out: how it ended; its complaints come back by a pipe.
 * The child must be forked before the parent has threads (ThreadSanitizer).
 * Context: app. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <elf.h>

#include "child.h"
#include "test.h"

#define LIFETIME_S 60

static int complaint_fd[2];

void
child_fail(const char *file, int line, const char *what)
{
	char text[512];
	int n;

	n = snprintf(text, sizeof(text), "%s:%d: not so: %s", file, line, what);
	if (write(complaint_fd[1], text, n) != n)
		_exit(2);
	_exit(1);
}

static void
become_child(bool is_traced, void (*fn)(void *arg), void *arg)
{
	static const int signals[] = { SIGBUS, SIGSEGV, SIGILL, SIGFPE, SIGSYS, SIGABRT };
	unsigned int i;

	for (i = 0; i < N_ELEMENTS(signals); i++)
		signal(signals[i], SIG_DFL);
	if (freopen("/dev/null", "w", stdout) == NULL)
		_exit(3);
	alarm(LIFETIME_S);
	if (is_traced && ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
		child_fail(__FILE__, __LINE__, "ptrace");
	fn(arg);
	_exit(0);
}

static pid_t
start(bool is_traced, void (*fn)(void *arg), void *arg)
{
	pid_t pid;

	assert_int_equal(pipe(complaint_fd), 0);
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		become_child(is_traced, fn, arg);
	close(complaint_fd[1]);
	return pid;
}

static void
read_complaint(char *text, size_t len)
{
	ssize_t n = read(complaint_fd[0], text, len - 1);

	text[n > 0 ? n : 0] = '\0';
	close(complaint_fd[0]);
}

static int
end(pid_t pid, char *complaint, size_t len)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	read_complaint(complaint, len);
	return status;
}

int
child_run(void (*fn)(void *arg), void *arg)
{
	char complaint[512];
	int status = end(start(false, fn, arg), complaint, sizeof(complaint));

	if (complaint[0] != '\0')
		print_message("child: %s\n", complaint);
	return status;
}

void
child_passes(void (*fn)(void *arg), void *arg)
{
	char complaint[512];
	int status = end(start(false, fn, arg), complaint, sizeof(complaint));

	if (status != 0)
		fail_msg("child: status %#x%s%s", status, complaint[0] != '\0' ? ", " : "",
			 complaint);
}

void
child_dies(void (*fn)(void *arg), void *arg, int signo)
{
	char complaint[512];
	int status = end(start(false, fn, arg), complaint, sizeof(complaint));

	if (!WIFSIGNALED(status) || WTERMSIG(status) != signo)
		fail_msg("child: status %#x, not signal %d; %s", status, signo, complaint);
}

static uintptr_t
program_counter(pid_t pid)
{
	struct user_regs_struct regs;
	struct iovec iov = { &regs, sizeof(regs) };

	assert_int_equal(ptrace(PTRACE_GETREGSET, pid, (void *)NT_PRSTATUS, &iov), 0);
#if defined(__x86_64__)
	return regs.rip;
#elif defined(__aarch64__)
	return regs.pc;
#else
	return 0;
#endif
}

void
child_trace(void (*fn)(void *arg), void *arg, struct child_death *death)
{
	pid_t pid = start(true, fn, arg);
	int signo;

	memset(death, 0, sizeof(*death));
	for (;;) {
		assert_int_equal(waitpid(pid, &death->status, 0), pid);
		if (!WIFSTOPPED(death->status))
			break;
		signo = WSTOPSIG(death->status);
		if (signo == SIGBUS) {
			death->pc = program_counter(pid);
			ptrace(PTRACE_GETSIGINFO, pid, NULL, &death->info);
		}
		ptrace(PTRACE_CONT, pid, NULL, (void *)(uintptr_t)signo);
	}
	close(complaint_fd[0]);
}
