/* SPDX-License-Identifier: BSD-3-Clause */

/* share: where the processes of one file prefix meet.
 * In:  EAL's memory and its runtime directory.  Out: the table, our slot, who lives.
 * A slot is taken by its lock first, and then cleaned: nobody else writes to it.
 * Context: app (open, close), work (the rest); no lock. */

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
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

int
share_fail(struct share *share, enum reason reason, const char *about)
{
	share->why_error = reason_say(reason, -EIO, about, share->why, sizeof(share->why));
	host_log(HOST_ERR, "sync: %s", share->why);
	return share->why_error;
}

static int
open_life(struct share *share, bool is_new)
{
	const char *folder = rte_eal_get_runtime_dir();
	char about[SYNC_REASON_LEN];
	uint64_t inode = 0;
	int fd;

	share->folder = opendir(folder);
	fd = share->folder != NULL ? life_open(folder, is_new, &inode) : -errno;
	if (fd < 0) {
		snprintf(about, sizeof(about), "%.64s/hotplug_life: %s", folder, strerror(-fd));
		return share_fail(share, REASON_NO_FOLDER, about);
	}
	share->life_fd = fd;
	if (is_new)
		share->table->file = inode;     /* sync_table_mend() puts it there */
	return share->table->file == inode ? 0 : share_fail(share, REASON_OTHER_TABLE,
		"another primary of the same file prefix has replaced its hotplug_life");
}

static int
make_table(struct share *share)
{
	size_t size = sync_table_size(SYNC_N_ENTRIES, SYNC_N_SLOTS, SYNC_TEXT_LEN);
	const struct rte_memzone *zone = rte_memzone_lookup(ZONE);
	int ret;

	if (zone == NULL)
		zone = rte_memzone_reserve_aligned(ZONE, size, SOCKET_ID_ANY, 0, 64);
	if (zone == NULL)
		return share_fail(share, REASON_NO_TABLE, rte_strerror(rte_errno));
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
		return share->is_primary ? make_table(share) :
			share_fail(share, REASON_NO_PRIMARY, NULL);
	fault = sync_table_view(&share->view, zone->addr, zone->len);
	if (fault != NULL)
		return share_fail(share, REASON_OTHER_TABLE, fault);
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
	char about[16];
	int ret = -EAGAIN;

	for (; i < end && ret == -EAGAIN; i++)
		ret = life_take(share->life_fd, i);
	if (ret == -EAGAIN) {
		snprintf(about, sizeof(about), "%u", share->table->n_slots);
		return share_fail(share, REASON_NO_SLOT, about);
	}
	if (ret != 0)
		return share_fail(share, REASON_NO_FOLDER, strerror(-ret));
	share->slot = i - 1;
	sync_slot_claim(share->table, share->slot, getpid());
	return 0;
}

static void
close_files(struct share *share)
{
	if (share->life_fd >= 0)
		close(share->life_fd);
	if (share->folder != NULL)
		closedir(share->folder);
	share->table = NULL;
}

int
share_open(struct share *share)
{
	int ret;

	*share = (struct share){ .slot = SYNC_NOBODY, .life_fd = -1 };
	share->is_primary = rte_eal_process_type() == RTE_PROC_PRIMARY;
	ret = find_table(share);
	if (ret == 0 && share->is_primary) {
		share->view.may_grow = growth_is_possible_here();
		share->view.next_generation = device_now_ns();  /* above any from before */
		(void)sync_table_mend(share->table);
	}
	if (ret == 0) {
		find_gates(share);
		ret = take_slot(share);
	}
	if (ret != 0)
		close_files(share);
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
	close_files(share);
}

bool
share_is_alive(const struct share *share, uint32_t slot)
{
	return slot == share->slot || life_is_alive(share->life_fd, slot);
}

bool
share_has_members(const struct share *share)
{
	uint32_t i;

	sync_table_look(share->table);
	for (i = 0; i < share->table->n_used; i++)
		if (i != share->slot && atomic_load(&sync_slot(share->table, i)->is_member) != 0 &&
		    share_is_alive(share, i))
			return true;
	return false;
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
	if (atomic_load(&slot->request.state) == SYNC_REQUEST_DONE)
		share_wake(&slot->request.state);       /* a thread there waits for that */
}
