/* SPDX-License-Identifier: BSD-3-Clause */

/* guard: which device owns this address?
 * In:  publish/withdraw (app, work).  Out: guard_find(), called from the SIGBUS
 *      handler.
 * Order: a new table becomes visible by one store, and the old one is freed when
 *      no reader is inside; withdrawing needs no new table (and so no memory), it
 *      blanks entries, which the next publish leaves out.  A reader counts itself
 *      in before it loads, a writer stores before it reads the count (both
 *      sequentially consistent): a reader that the writer did not see has seen
 *      what the writer stored.  What stays guarded is found at any moment: its entry is
 *      replaced by one store, or by a new table that has it.
 * Context: readers are signal-safe: no lock, no libc, no log, no errno.
 *      Writers hold device_lock(). */

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "guard.h"

struct range {
	uintptr_t start, end;
	_Atomic(struct region *) region;        /* NULL: withdrawn */
};

struct table {
	struct table *older;    /* of those that are no more */
	size_t n;
	struct range range[];   /* sorted, none overlaps another */
};

static struct table empty_table;
static _Atomic(struct table *) current = &empty_table;
static _Atomic unsigned int n_readers;
static _Atomic unsigned int n_lookers;  /* nobody waits for them */
static struct table *retired;           /* that they may be in */

void
guard_enter(void)
{
	atomic_fetch_add(&n_readers, 1);
}

void
guard_leave(void)
{
	atomic_fetch_sub(&n_readers, 1);
}

/* Index of the first range that ends behind addr. */
static size_t
lower_bound(const struct table *table, uintptr_t addr)
{
	size_t low = 0, high = table->n, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (table->range[mid].end <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct region *
guard_find(uintptr_t addr)
{
	struct table *table = atomic_load(&current);
	size_t i = lower_bound(table, addr);

	if (i == table->n || addr < table->range[i].start)
		return NULL;
	return atomic_load(&table->range[i].region);
}

void
guard_look_begin(void)
{
	atomic_fetch_add(&n_lookers, 1);
}

void
guard_look_end(void)
{
	atomic_fetch_sub(&n_lookers, 1);
}

bool
guard_has(uintptr_t start, uintptr_t end)
{
	struct table *table = atomic_load(&current);
	size_t i;

	for (i = lower_bound(table, start); i < table->n && table->range[i].start < end; i++)
		if (atomic_load(&table->range[i].region) != NULL)
			return true;
	return false;
}

void
guard_wait(void)
{
	while (atomic_load(&n_readers) != 0)
		sched_yield();
}

static void
insert(struct table *table, struct region *region)
{
	size_t i = lower_bound(table, region->start);

	memmove(&table->range[i + 1], &table->range[i],
		(table->n - i) * sizeof(table->range[0]));
	table->range[i].start = region->start;
	table->range[i].end = region->end;
	atomic_init(&table->range[i].region, region);
	table->n++;
}

/* A copy of the current table without dev and without what was withdrawn, with
 * room for n_more ranges. */
static struct table *
copy_without(const struct hotplug_device *dev, size_t n_more)
{
	struct table *old = atomic_load(&current), *table;
	struct region *region;
	size_t i;

	table = malloc(sizeof(*table) + (old->n + n_more) * sizeof(table->range[0]));
	if (table == NULL)
		return NULL;
	table->n = 0;
	for (i = 0; i < old->n; i++) {
		region = atomic_load(&old->range[i].region);
		if (region != NULL && region->dev != dev)
			insert(table, region);
	}
	return table;
}

static int
overlaps(const struct table *table, const struct region *region)
{
	size_t i = lower_bound(table, region->start);

	return i < table->n && table->range[i].start < region->end;
}

/* All of those that are no more, when nobody is in one: who comes now finds the new one. */
static void
retire(struct table *old)
{
	if (old != &empty_table) {
		old->older = retired;
		retired = old;
	}
	while (retired != NULL && atomic_load(&n_lookers) == 0) {
		old = retired;
		retired = old->older;
		free(old);
	}
}

int
guard_publish(struct hotplug_device *dev)
{
	struct table *old = atomic_load(&current);
	struct table *table = copy_without(dev, dev->n_regions);
	unsigned int i;

	if (table == NULL)
		return -ENOMEM;
	for (i = 0; i < dev->n_regions; i++) {
		if (overlaps(table, &dev->region[i])) {
			free(table);
			return -EINVAL;
		}
		insert(table, &dev->region[i]);
	}
	atomic_store(&current, table);
	guard_wait();
	retire(old);
	return 0;
}

void
guard_withdraw(const struct hotplug_device *dev)
{
	struct table *table = atomic_load(&current);
	struct region *region;
	size_t i;

	for (i = 0; i < table->n; i++) {
		region = atomic_load(&table->range[i].region);
		if (region != NULL && region->dev == dev)
			atomic_store(&table->range[i].region, NULL);
	}
	guard_wait();
}

void
guard_move(const struct region *from, struct region *to)
{
	struct table *table = atomic_load(&current);
	size_t i;

	for (i = lower_bound(table, from->start); i < table->n && table->range[i].start < from->end; i++)
		if (atomic_load(&table->range[i].region) == from)
			atomic_store(&table->range[i].region, to);
	guard_wait();
}

void
guard_bring_back(struct region *region)
{
	struct table *table = atomic_load(&current);
	size_t i = lower_bound(table, region->start);

	if (i < table->n && table->range[i].start == region->start)
		atomic_store(&table->range[i].region, region);
}

void
guard_withdraw_range(uintptr_t start, uintptr_t end)
{
	struct table *table = atomic_load(&current);
	size_t i;

	for (i = lower_bound(table, start); i < table->n && table->range[i].start < end; i++)
		atomic_store(&table->range[i].region, NULL);
	guard_wait();
}
