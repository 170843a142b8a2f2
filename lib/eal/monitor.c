/* SPDX-License-Identifier: BSD-3-Clause */

/* monitor: does EAL's own device event monitor run in this process?
 * In:  whoever must know who tears a port down, or tells; once a second (watch).
 * Out: yes or no, by EAL itself.
 * EAL does not say so, and its socket is not to be told from others': SPDK opens one that
 * is the same, and any library may.  But EAL counts: where its monitor runs, starting it once
 * more opens nothing, and stopping it once closes nothing; where it does not run, a
 * socket comes, and goes.  What has been asked holds for as long as the process has the
 * very same uevent sockets, since EAL's comes and goes with its monitor.
 * So it is asked when a socket has come or gone, and not while there is none.  Asking beside a
 * foreign one runs EAL's monitor for the moment; the look each second is there so that
 * this is seldom the moment of a loss.
 * Lock: `lock` guards all below.
 * Context: app (enable), watch, work; not EAL's interrupt thread. */

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_dev.h>

#include "monitor.h"
#include "uevent.h"

#define N_MAX 64                /* more of them: asked each time */

/* Sockets for the kernel's uevents but our own, by inode, as the kernel lists them. */
struct sockets {
	unsigned int n;         /* may be more than there is room for */
	unsigned long inode[N_MAX];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* all below */
static struct sockets listed, own;      /* when it was asked: of the namespace; ours */
static bool is_running;                 /* what was answered */
static bool owes_stop;                  /* EAL was busy, and did not let us */

static bool
is_same(const struct sockets *a, const struct sockets *b)
{
	return a->n == b->n && a->n <= N_MAX &&
		memcmp(a->inode, b->inode, a->n * sizeof(a->inode[0])) == 0;
}

static void
add(struct sockets *sockets, unsigned long inode)
{
	if (sockets->n < N_MAX)
		sockets->inode[sockets->n] = inode;
	sockets->n++;
}

/* Kobject uevents are protocol 15, the kernel's are group 1 of it: EAL listens to that, and
 * did so to all 32 before. */
static void
list_all(struct sockets *sockets)
{
	FILE *f = fopen("/proc/self/net/netlink", "re");
	unsigned int protocol, groups;
	unsigned long inode;
	char line[256];

	sockets->n = 0;
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "%*s %u %*u %x %*d %*d %*d %*d %*d %lu", &protocol, &groups,
			   &inode) == 3 && protocol == 15 && (groups & 1) &&
		    inode != uevent_inode())
			add(sockets, inode);
	if (f != NULL)
		fclose(f);
}

static bool
has(const struct sockets *sockets, unsigned long inode)
{
	unsigned int i;

	for (i = 0; i < sockets->n && i < N_MAX; i++)
		if (sockets->inode[i] == inode)
			return true;
	return false;
}

/* Those of them that this process has open. */
static void
keep_own(const struct sockets *all, struct sockets *ours)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	unsigned long inode;
	char link[64];
	ssize_t n;

	ours->n = 0;
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		n = readlinkat(dirfd(dir), entry->d_name, link, sizeof(link) - 1);
		if (n <= 0)
			continue;
		link[n] = '\0';
		if (sscanf(link, "socket:[%lu]", &inode) == 1 && has(all, inode) &&
		    !has(ours, inode))
			add(ours, inode);
	}
	if (dir != NULL)
		closedir(dir);
}

/* It refuses while its handler runs. */
static void
stop_again(void)
{
	if (owes_stop)
		owes_stop = rte_dev_event_monitor_stop() < 0;
}

/* Does it open nothing when it is started? */
static bool
ask(void)
{
	struct sockets all, after;
	unsigned int i;
	bool is = true;

	if (rte_dev_event_monitor_start() != 0)
		return false;
	list_all(&all);
	keep_own(&all, &after);
	for (i = 0; i < after.n && i < N_MAX; i++)
		is = is && has(&own, after.inode[i]);
	owes_stop = true;
	stop_again();
	return is;
}

bool
eal_has_monitor(void)
{
	struct sockets all, ours;
	bool is;

	pthread_mutex_lock(&lock);
	stop_again();
	list_all(&all);
	if (!owes_stop && !is_same(&all, &listed)) {
		keep_own(&all, &ours);
		if (!is_same(&ours, &own)) {
			own = ours;
			is_running = own.n > 0 && ask();
		}
		listed = all;
	}
	is = is_running;
	pthread_mutex_unlock(&lock);
	return is;
}
