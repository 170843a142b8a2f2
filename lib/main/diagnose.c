/* SPDX-License-Identifier: BSD-3-Clause */

/* diagnose: what in this process would defeat us, before it does.
 * In:  enable (app), the watch thread's tick: threads and limits change.
 * Out: one warning for each finding.
 *  - A thread that blocks SIGBUS is killed by a fault, handler or not.
 *  - Locked memory (mlockall) counts every new mapping against RLIMIT_MEMLOCK,
 *    which the BARs themselves never did.
 * Context: app, watch. */

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../core/device.h"
#include "../eal/host.h"
#include "diagnose.h"

#define CAP_IPC_LOCK_BIT 14

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* enable against watch */
static _Atomic bool has_said_blocked, has_said_locked;   /* enable resets, watch sets */

/* Threads seen with SIGBUS blocked, now and the time before: pthread_create() has
 * everything blocked for a moment, in both threads, and that is no finding. */
static int suspects[2][16];
static unsigned int n_suspects[2], now;

void
diagnose_reset(void)
{
	pthread_mutex_lock(&lock);
	has_said_blocked = has_said_locked = false;
	n_suspects[0] = n_suspects[1] = 0;
	pthread_mutex_unlock(&lock);
}

/* The value of "Key:" in a /proc status file, as a number; 0: none. */
static uint64_t
status_value(const char *status, const char *key, int base)
{
	const char *at = strstr(status, key);

	return at != NULL ? strtoull(at + strlen(key), NULL, base) : 0;
}

static int
read_status(const char *path, char *status, size_t len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = read(fd, status, len - 1);
	close(fd);
	if (n <= 0)
		return -1;
	status[n] = '\0';
	return 0;
}

static bool
is_suspected_again(int tid)
{
	unsigned int i;

	if (n_suspects[now] < sizeof(suspects[0]) / sizeof(suspects[0][0]))
		suspects[now][n_suspects[now]++] = tid;
	for (i = 0; i < n_suspects[!now]; i++)
		if (suspects[!now][i] == tid)
			return true;
	return false;
}

static void
diagnose_thread(const char *tid)
{
	char path[64], status[4096], name[32] = "?";

	snprintf(path, sizeof(path), "/proc/self/task/%.16s/status", tid);
	if (read_status(path, status, sizeof(status)) < 0)
		return;
	if (!(status_value(status, "\nSigBlk:", 16) >> (SIGBUS - 1) & 1))
		return;
	if (!is_suspected_again(atoi(tid)))
		return;
	sscanf(status, "Name:\t%31[^\n]", name);
	host_log(HOST_WARN, "thread %s (%s) blocks SIGBUS: a fault on a lost device kills the "
		 "process from there, whatever handles it", tid, name);
	has_said_blocked = true;
}

static void
diagnose_threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;

	if (dir == NULL)
		return;
	now = !now;
	n_suspects[now] = 0;
	while ((entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.')
			diagnose_thread(entry->d_name);
	closedir(dir);
}

static uint64_t
guarded_bytes(void)
{
	struct hotplug_device *dev;
	uint64_t sum = 0;
	unsigned int i;

	device_lock();
	for (dev = device_first(); dev != NULL; dev = dev->next)
		for (i = 0; dev->key != NULL && i < dev->n_regions; i++)
			sum += dev->region[i].end - dev->region[i].start;
	device_unlock();
	return sum;
}

static void
diagnose_locked(void)
{
	uint64_t locked, guarded = guarded_bytes();
	char status[4096];
	struct rlimit limit;

	if (getrlimit(RLIMIT_MEMLOCK, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY ||
	    read_status("/proc/self/status", status, sizeof(status)) < 0)
		return;
	locked = status_value(status, "\nVmLck:", 10) * 1024;
	if (status_value(status, "\nCapEff:", 16) >> CAP_IPC_LOCK_BIT & 1)
		return;
	if (locked == 0 || locked + guarded <= limit.rlim_cur)
		return;
	host_log(HOST_WARN, "this process locks its memory (%" PRIu64 " KiB), and its limit (ulimit "
		 "-l, %" PRIu64 " KiB) leaves no room for the %" PRIu64 " KiB of BARs that a removal "
		 "would have to replace: raise it", locked / 1024,
		 (uint64_t)limit.rlim_cur / 1024, guarded / 1024);
	has_said_locked = true;
}

void
diagnose(void)
{
	pthread_mutex_lock(&lock);
	if (!has_said_blocked)
		diagnose_threads();
	if (!has_said_locked)
		diagnose_locked();
	pthread_mutex_unlock(&lock);
}
