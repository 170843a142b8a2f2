/* SPDX-License-Identifier: BSD-3-Clause */

/* share: where the processes of one file prefix meet.
 * In:  EAL's memory and its runtime directory.  Out: the table, our slot, who lives,
 *      who is there without us.
 * A slot is taken by its lock first, and then cleaned: nobody else writes to it.
 * Context: app (open, close), work (the rest); no lock. */

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_memzone.h>

#include "../core/device.h"
#include "../eal/host.h"
#include "growth.h"
#include "life.h"
#include "share.h"

#define ZONE "hotplug_sync"
#define GATES "hotplug_gates"

/* EAL's configuration is mapped from a file there when it is shared; it says so in
 * no other way. */
static bool
has_shared_config(void)
{
	char line[PATH_MAX + 128], path[PATH_MAX], real[PATH_MAX];
	FILE *f = fopen("/proc/self/maps", "re");
	bool is_found = false;

	snprintf(path, sizeof(path), "%s/config", rte_eal_get_runtime_dir());
	if (realpath(path, real) == NULL)
		real[0] = '\0';
	while (f != NULL && real[0] != '\0' && !is_found && fgets(line, sizeof(line), f) != NULL)
		is_found = strstr(line, real) != NULL;
	if (f != NULL)
		fclose(f);
	return is_found;
}

bool
share_is_possible(void)
{
	return rte_eal_has_hugepages() != 0 && has_shared_config();
}

static int
open_life(struct share *share, bool is_new)
{
	uint64_t inode = 0;
	int fd = life_open(rte_eal_get_runtime_dir(), is_new, &inode);

	if (fd < 0) {
		host_log(HOST_ERR, "sync: %s/hotplug_life: %s", rte_eal_get_runtime_dir(),
			 strerror(-fd));
		return fd;
	}
	share->life_fd = fd;
	if (is_new)
		share->table->file = inode;     /* sync_table_mend() puts it there */
	if (share->table->file == inode)
		return 0;
	host_log(HOST_ERR, "sync: %s/hotplug_life is not the file of this table: another process "
		 "of the same file prefix has replaced it", rte_eal_get_runtime_dir());
	close(fd);
	return -ESTALE;
}

static int
make_table(struct share *share)
{
	size_t size = sync_table_size(SYNC_N_ENTRIES, SYNC_N_SLOTS, SYNC_TEXT_LEN);
	const struct rte_memzone *zone = rte_memzone_lookup(ZONE);
	int ret;

	if (zone == NULL)
		zone = rte_memzone_reserve_aligned(ZONE, size, SOCKET_ID_ANY, 0, 64);
	if (zone == NULL) {
		host_log(HOST_ERR, "sync: no %zu KiB of shared memory for the table: %s",
			 size / 1024, rte_strerror(rte_errno));
		return -ENOMEM;
	}
	sync_table_format(&share->view, zone->addr, SYNC_N_ENTRIES, SYNC_N_SLOTS, SYNC_TEXT_LEN);
	share->table = &share->view;
	ret = open_life(share, true);
	if (ret != 0)
		share->table->head->magic = 0;  /* there is none: the next time makes it */
	return ret;
}

static int
find_table(struct share *share)
{
	const struct rte_memzone *zone = rte_memzone_lookup(ZONE);
	const char *fault;

	if (zone == NULL || ((const struct sync_head *)zone->addr)->magic == 0)
		return -ENOTCONN;
	fault = sync_table_view(&share->view, zone->addr, zone->len);
	if (fault != NULL) {
		host_log(HOST_ERR, "sync: the table that processes share cannot be used: %s", fault);
		return -EPROTO;
	}
	share->table = &share->view;
	return open_life(share, false);
}

/* Without them secondaries poll as with stock. */
static void
find_gates(struct share *share)
{
	const struct rte_memzone *zone = rte_memzone_lookup(GATES);

	if (zone == NULL && share->is_primary)
		zone = rte_memzone_reserve_aligned(GATES, sizeof(*share->gates), SOCKET_ID_ANY, 0,
						   64);
	if (zone != NULL && zone->len >= sizeof(*share->gates))
		share->gates = zone->addr;
}

static int
take_slot(struct share *share)
{
	uint32_t i = share->is_primary ? SYNC_PRIMARY : SYNC_PRIMARY + 1;
	uint32_t end = share->is_primary ? i + 1 : share->table->n_slots;
	int ret = -EAGAIN;

	for (; i < end && ret == -EAGAIN; i++)
		ret = life_take(share->life_fd, i);
	if (ret == 0) {
		share->slot = i - 1;
		sync_slot_claim(share->table, share->slot, getpid());
	} else if (ret == -EAGAIN) {
		host_log(HOST_ERR, "sync: no room for another process: the table has %u slots",
			 share->table->n_slots);
		ret = -ENOSPC;
	}
	return ret;
}

int
share_open(struct share *share)
{
	int ret;

	*share = (struct share){ .slot = SYNC_NOBODY, .life_fd = -1 };
	share->is_primary = rte_eal_process_type() == RTE_PROC_PRIMARY;
	ret = find_table(share);
	if (ret == -ENOTCONN && share->is_primary)
		ret = make_table(share);
	if (ret == 0 && share->is_primary) {
		share->view.may_grow = growth_is_possible_here();
		share->view.next_generation = device_now_ns();  /* above any from before */
		(void)sync_table_mend(share->table);
	}
	if (ret == 0) {
		find_gates(share);
		ret = take_slot(share);
		if (ret != 0)
			close(share->life_fd);
	}
	if (ret != 0)
		share->table = NULL;
	return ret;
}

void
share_peek(void (*fn)(const char *text))
{
	const struct rte_memzone *zone = rte_memzone_lookup(ZONE);
	struct sync_table table;
	struct sync_entry *copy;
	uint32_t i;

	if (zone == NULL || sync_table_view(&table, zone->addr, zone->len) != NULL)
		return;
	copy = malloc(sync_entry_len(&table));
	for (i = 0; copy != NULL && i < table.n_entries; i++)
		if (sync_entry_read(&table, i, copy) == 0 && copy->want == SYNC_WANT_ATTACHED)
			fn(copy->text);
	free(copy);
}

/* The table stays: other processes have it mapped. */
void
share_close(struct share *share)
{
	if (share->table == NULL)
		return;
	atomic_store(&sync_slot(share->table, share->slot)->is_member, 0);
	life_leave(share->life_fd, share->slot);
	close(share->life_fd);
	share->table = NULL;
}

bool
share_is_alive(const struct share *share, uint32_t slot)
{
	return slot == share->slot || life_is_alive(share->life_fd, slot);
}

static bool
is_pid_of_member(const struct share *share, int32_t pid)
{
	const struct sync_slot *slot;
	uint32_t i;

	for (i = 0; i < share->table->n_slots; i++) {
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

/* EAL's sockets of secondaries are mp_socket_PID_TIME. */
bool
share_has_stranger(const struct share *share, char *reason)
{
	DIR *dir = opendir(rte_eal_get_runtime_dir());
	struct dirent *entry;
	bool is_found = false;
	int pid;

	while (dir != NULL && !is_found && (entry = readdir(dir)) != NULL) {
		if (sscanf(entry->d_name, "mp_socket_%d_", &pid) != 1 ||
		    is_pid_of_member(share, pid) || !has_listener(entry->d_name))
			continue;
		snprintf(reason, SYNC_REASON_LEN, "process %d has not enabled dpdk-hotplug", pid);
		is_found = true;
	}
	if (dir != NULL)
		closedir(dir);
	return is_found;
}

/* Shared memory: not FUTEX_PRIVATE. */
void
share_sleep(_Atomic uint32_t *word, uint32_t seen, unsigned int timeout_ms)
{
	const struct timespec ts = { timeout_ms / 1000, timeout_ms % 1000 * 1000000L };

	syscall(SYS_futex, word, FUTEX_WAIT, seen, timeout_ms != 0 ? &ts : NULL, NULL, 0);
}

void
share_wake(_Atomic uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

void
share_wake_slot(const struct share *share, uint32_t i)
{
	struct sync_slot *slot = sync_slot(share->table, i);

	atomic_fetch_add(&slot->wake, 1);
	share_wake(&slot->wake);
	if (atomic_load(&slot->request.state) != SYNC_REQUEST_NONE)
		share_wake(&slot->request.state);       /* a thread there asks */
}
