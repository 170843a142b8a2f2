/* SPDX-License-Identifier: BSD-3-Clause */

/* thread: what do the other threads of this process do just now?
 * In:  a thread's id, and the code of a driver.  Out: the processor time that it has had;
 *      whether it runs, or sleeps in a system call, and for whom.
 * The time is read from the thread's own clock: of one that runs on another processor,
 * one without a tick too, it is exact; schedstat is as old as that one's last tick.
 * Who sleeps for a driver has an address of its code on the stack, to return to.  The
 * kernel says where the stack is, of one that did not move meanwhile (syscall in /proc).
 * A frame of the driver stays there until the driver returns: that the thread may wake
 * while its stack is read takes nothing away.  An address that an earlier call has left
 * looks the same (seen in idle workers): so a hit is a guess, and nothing found an answer.
 * There are calls in which no burst sleeps, whatever is on the stack: those in which the
 * threads of EAL and of applications wait for work.
 * Context: any but signal. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "thread.h"

#define STACK_LEN (12 * 1024)   /* of what a burst calls: the log, with stdio's 8 KiB */
#define TASKS "/proc/self/task"

#ifdef __aarch64__
#define CODE_BITS 0x0000fffffffffffful  /* above: a signature (pac-ret) */
#else
#define CODE_BITS UINTPTR_MAX
#endif

int64_t
thread_cpu_ns(pid_t tid)
{
	clockid_t clock = ~(clockid_t)tid * 8 + 6;      /* CPUCLOCK_SCHED | PERTHREAD */
	struct timespec ts;

	if (clock_gettime(clock, &ts) < 0)
		return -errno;
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* Once through the list; how many there are, with our own. */
static int
read_list(pid_t *tids, int size)
{
	DIR *dir = opendir(TASKS);
	struct dirent *entry;
	int n = 0;

	if (dir == NULL)
		return -errno;
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		if (n < size)
			tids[n] = atoi(entry->d_name);
		n++;
	}
	closedir(dir);
	return n;
}

/* The list loses its place when the thread that it is at ends.  What has been read is all
 * when it is as many as there were before and are after (each has a link). */
static int
count_tasks(void)
{
	struct stat st;

	return stat(TASKS, &st) < 0 ? -errno : (int)st.st_nlink - 2;
}

/* -ESRCH: it is not in there, so /proc is of another namespace. */
static int
leave_out(pid_t *tids, int n, pid_t tid)
{
	int i;

	for (i = 0; i < n && tids[i] != tid; i++)
		;
	tids[i < n ? i : 0] = tids[n - 1];
	return i < n ? n - 1 : -ESRCH;
}

int
thread_list(pid_t **tids)
{
	int before, n, ret = -EAGAIN, tries;
	pid_t *list = NULL, *more;

	for (tries = 0; tries < 64 && ret < 0; tries++) {
		before = count_tasks();
		if (before < 0)
			break;
		more = realloc(list, (before + 1) * sizeof(*list));
		if (more == NULL)
			break;
		list = more;
		n = read_list(list, before);
		if (n == before && count_tasks() == before)
			ret = leave_out(list, n, gettid());
	}
	if (ret >= 0 && thread_cpu_ns(gettid()) < 0)
		ret = -ENOTSUP;
	if (ret < 0)
		free(list);
	else
		*tids = list;
	return ret;
}

/* How many bytes, and a 0 behind them. */
static ssize_t
read_file(pid_t tid, const char *file, char *text, size_t len)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), TASKS "/%d/%s", (int)tid, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, text, len - 1);
	if (n < 0)
		n = -errno;
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n;
}

void
thread_name(pid_t tid, char *name, size_t len)
{
	if (read_file(tid, "comm", name, len) > 0)
		name[strcspn(name, "\n")] = '\0';
	else
		name[0] = '\0';
}

/* In no system call, or in one that is not to be interrupted (D), or stopped: it runs. */
static enum thread_place
place_by_state(pid_t tid)
{
	char text[512], *state;

	if (read_file(tid, "stat", text, sizeof(text)) <= 0)
		return THREAD_SLEEPS;   /* it is no more */
	state = strrchr(text, ')');     /* "tid (name) S ..." */
	return state != NULL && state[1] == ' ' && strchr("SZXI", state[2]) != NULL ?
		THREAD_SLEEPS : THREAD_RUNS;
}

static bool
is_code(uintptr_t address, const struct code *code, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (code[i].start <= address && address < code[i].end)
			return true;
	return false;
}

static bool
knows_all(const struct code *code, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n && code[i].start != 0; i++)
		;
	return i == n;
}

/* From sp upwards; its memory may be unmapped at any time, so it is read as a file. */
static bool
has_on_stack(uintptr_t sp, const struct code *code, unsigned int n)
{
	uintptr_t word[STACK_LEN / sizeof(uintptr_t)];
	ssize_t len, i;
	int fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return true;
	sp &= ~(sizeof(*word) - 1);
	len = pread(fd, word, sizeof(word), (off_t)sp);
	close(fd);
	if (len <= 0)
		return true;
	for (i = 0; i < len / (ssize_t)sizeof(*word); i++)
		if (is_code(word[i] & CODE_BITS, code, n))
			return true;
	return false;
}

/* Waiting for work: for a descriptor, a child, a signal. */
static bool
is_idle_call(long call)
{
	static const long idle[] = {
		SYS_read, SYS_ppoll, SYS_pselect6, SYS_epoll_pwait, SYS_accept4, SYS_recvfrom,
		SYS_recvmsg, SYS_recvmmsg, SYS_wait4, SYS_waitid, SYS_rt_sigtimedwait,
		SYS_rt_sigsuspend, SYS_accept,
#ifdef SYS_epoll_wait           /* calls that younger machines have not got */
		SYS_epoll_wait, SYS_poll, SYS_select, SYS_pause,
#endif
#ifdef SYS_epoll_pwait2
		SYS_epoll_pwait2,
#endif
	};
	unsigned int i;

	for (i = 0; i < sizeof(idle) / sizeof(idle[0]) && idle[i] != call; i++)
		;
	return i < sizeof(idle) / sizeof(idle[0]);
}

/* "running", "-1 SP PC", "CALL ARGUMENT... SP PC".  SP 0: a thread of the kernel's that
 * counts as ours (vhost, io_uring). */
static enum thread_place
place_by_call(pid_t tid, const char *text, const struct code *code, unsigned int n)
{
	const char *pc = strrchr(text, ' '), *sp = pc;
	uintptr_t stack;

	if (pc == NULL)
		return THREAD_RUNS;
	while (sp > text && sp[-1] != ' ')
		sp--;
	stack = strtoul(sp, NULL, 16);
	if (stack == 0)
		return THREAD_SLEEPS;
	if (text[0] == '-')
		return THREAD_RUNS;     /* in a page fault, or stopped anywhere */
	if (is_idle_call(strtol(text, NULL, 10)))
		return THREAD_SLEEPS;
	if (is_code(strtoul(pc, NULL, 16), code, n) || has_on_stack(stack, code, n))
		return THREAD_SLEEPS_INSIDE;
	return knows_all(code, n) ? THREAD_SLEEPS : place_by_state(tid);
}

enum thread_place
thread_place(pid_t tid, const struct code *code, unsigned int n)
{
	char text[256];
	ssize_t len = n > 0 ? read_file(tid, "syscall", text, sizeof(text)) : 0;

	/* else it is no more, or the kernel has no such file */
	return len > 0 ? place_by_call(tid, text, code, n) : place_by_state(tid);
}
