/* SPDX-License-Identifier: BSD-3-Clause */

/* strangers: processes of EAL's that are no members.
 * In:  the sockets in EAL's runtime directory, the members.  Out: one, or none, or why that
 *      cannot be told: the folder is open since the start, so that neither a lack of
 *      descriptors nor of permissions reads as a lack of strangers.
 * It is read again when it, or the members, have changed.
 * Context: work (the sync thread). */

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <rte_common.h>
#include <rte_eal.h>

#include "share.h"

static bool
is_pid_of_member(const struct share *share, int32_t pid)
{
	const struct sync_slot *slot;
	uint32_t i;

	for (i = 0; i < share->table->n_used; i++) {
		slot = sync_slot(share->table, i);
		if (atomic_load(&slot->is_member) != 0 && slot->pid == pid &&
		    share_is_alive(share, i))
			return true;
	}
	return false;
}

/* Does somebody still listen there?  A killed process leaves its socket behind. */
static bool
has_listener(const char *name)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd, ret, n;

	n = snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/%s", rte_eal_get_runtime_dir(),
		     name);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || n >= (int)sizeof(addr.sun_path)) {
		if (fd >= 0)
			close(fd);
		return true;            /* cannot be told */
	}
	ret = connect(fd, (const struct sockaddr *)&addr, sizeof(addr));
	if (ret < 0)
		ret = errno == ECONNREFUSED || errno == ENOENT ? 0 : 1;
	else
		ret = 1;
	close(fd);
	return ret == 1;
}

/* Who comes changes the folder's time, if in steps of some milliseconds; who stops being a
 * member changes the members. */
#define TIME_STEP_NS 100000000ll

static uint64_t
sum_members(const struct share *share)
{
	const struct sync_slot *slot;
	uint64_t sum = 0;
	uint32_t i;

	for (i = 0; i < share->table->n_used; i++) {
		slot = sync_slot(share->table, i);
		if (atomic_load(&slot->is_member) != 0)
			sum += (uint64_t)slot->pid * (2 * i + 1);
	}
	return sum;
}

/* 1: it is as it was when there was none. */
static int
look_at_folder(struct share *share, uint64_t members, struct timespec *changed)
{
	struct timespec now;
	struct stat st;

	if (fstat(dirfd(share->folder), &st) < 0)
		return -errno;
	clock_gettime(CLOCK_REALTIME, &now);
	*changed = st.st_mtim;
	if ((now.tv_sec - changed->tv_sec) * 1000000000ll + now.tv_nsec - changed->tv_nsec <
	    TIME_STEP_NS)
		*changed = (struct timespec){ 0 };      /* somebody may have come since */
	return changed->tv_sec != 0 && changed->tv_sec == share->seen_folder.tv_sec &&
		changed->tv_nsec == share->seen_folder.tv_nsec && members == share->seen_members;
}

/* DPDK's own tools for a look from outside.  They read what the primary has, and poll no port
 * (what dpdk-dumpcap and dpdk-pdump get comes from the primary, through rings): one that does
 * not see what has been attached, and keeps what has been detached until it ends, harms
 * nobody.  Who runs one must not have to stop it for an attach, or for a heal. */
static bool
is_tool(int pid)
{
	static const char *const names[] = { "dpdk-dumpcap", "dpdk-pdump", "dpdk-proc-info" };
	char path[32], name[32] = "";
	unsigned int i;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	f = fopen(path, "re");
	if (f == NULL)
		return false;
	if (fgets(name, sizeof(name), f) != NULL)
		name[strcspn(name, "\n")] = '\0';
	fclose(f);
	for (i = 0; i < RTE_DIM(names); i++)
		if (strcmp(name, names[i]) == 0)
			return say_tool(pid, name);
	return false;
}

/* EAL's sockets of secondaries are mp_socket_PID_TIME. */
static int
find_stranger(const struct share *share)
{
	struct dirent *entry;
	int pid;

	rewinddir(share->folder);
	for (errno = 0; (entry = readdir(share->folder)) != NULL; errno = 0)
		if (sscanf(entry->d_name, "mp_socket_%d_", &pid) == 1 &&
		    !is_pid_of_member(share, pid) && has_listener(entry->d_name) &&
		    !is_tool(pid))
			return pid;
	return -errno;
}

int
share_has_stranger(struct share *share, char *text)
{
	uint64_t members = sum_members(share);
	struct timespec changed;
	int ret = look_at_folder(share, members, &changed);
	char about[16];

	if (ret == 0)
		ret = find_stranger(share);
	else if (ret == 1)
		return 0;
	if (ret < 0)
		return reason_say(REASON_CANNOT_LOOK, ret, strerror(-ret), text, SYNC_REASON_LEN);
	if (ret == 0) {
		share->seen_folder = changed;
		share->seen_members = members;
		return 0;
	}
	snprintf(about, sizeof(about), "%d", ret);
	(void)reason_say(REASON_STRANGER, 0, about, text, SYNC_REASON_LEN);
	return 1;
}
