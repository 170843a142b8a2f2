/* SPDX-License-Identifier: BSD-3-Clause */

/* cutoff: take a device's BARs out of this process's way, and give them back.
 * In:  a published device (watch, EAL's interrupt thread), or an address of one that
 *      is just being probed (SIGBUS handler).
 * Out: pages (pages.c) over each BAR that is still what was recorded (intact.c);
 *      or the BARs again (restore.c).
 * Order: idempotent.  Nothing is replaced where the recorded mapping is no more.
 * Context: device_lock() is held, but for the last call, which is signal-safe. */

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "../core/stats.h"
#include "../eal/host.h"
#include "../report/log.h"
#include "../report/trace.h"
#include "cutoff.h"
#include "flip.h"
#include "guard.h"
#include "intact.h"
#include "pages.h"
#include "restore.h"

/* A handler may lay something in `from` meanwhile; it has no reader when guard_move() returns. */
static void
move_region(struct region *from, struct region *to)
{
	to->start = from->start;
	to->end = from->end;
	to->restore_fd = from->restore_fd;
	to->restore_offset = from->restore_offset;
	to->n_vmas = from->n_vmas;
	memcpy(to->vma, from->vma, sizeof(to->vma));
	atomic_store(&to->has_anonymous, false);
	guard_move(from, to);
	if (atomic_load(&from->has_anonymous))
		atomic_store(&to->has_anonymous, true);
}

/* The others stay in the guard throughout: a thread may meet one of them just now. */
void
cutoff_drop_unmapped(struct hotplug_device *dev)
{
	bool is_intact[HOTPLUG_MAX_REGIONS];
	unsigned int i, n = 0;

	intact_find(dev, is_intact);
	for (i = 0; i < dev->n_regions; i++)
		if (!is_intact[i])
			guard_move(&dev->region[i], NULL);
	for (i = 0; i < dev->n_regions; i++) {
		if (!is_intact[i])
			continue;
		if (n != i)
			move_region(&dev->region[i], &dev->region[n]);
		n++;
	}
	dev->n_regions = n;
}

/* What flips, while a driver is at work on it. */
static int
cover(struct hotplug_device *dev, struct region *region)
{
	return dev->flip != NULL ? flip_lay_region(dev->flip, region) : pages_cut_region(region);
}

static int
cut_regions(struct hotplug_device *dev)
{
	unsigned int i;
	int ret = 0, err;

	cutoff_drop_unmapped(dev);
	for (i = 0; i < dev->n_regions; i++) {
		err = cover(dev, &dev->region[i]);
		if (err == 0)
			continue;
		ret = err;
		STATS_ADD(cut_failures, 1);
		log_device(dev, HOST_ERR, ": BAR at %#lx (%zu KiB) not cut off: %s%s",
			   (unsigned long)dev->region[i].start,
			   (size_t)(dev->region[i].end - dev->region[i].start) / 1024,
			   strerror(-err), err == -EAGAIN ?
			   "; this process locks its memory: raise ulimit -l" : "");
	}
	dev->has_open_bar = ret != 0;
	return ret;
}

void
cutoff_unmap(struct hotplug_device *dev)
{
	unsigned int i;

	cutoff_drop_unmapped(dev);
	guard_withdraw(dev);
	for (i = 0; i < dev->n_regions; i++)
		munmap((void *)dev->region[i].start,
		       dev->region[i].end - dev->region[i].start);
	dev->n_regions = 0;
}

int
cutoff_device(struct hotplug_device *dev)
{
	int ret;

	if (dev->is_cut)
		return 0;
	ret = cut_regions(dev);
	atomic_store(&dev->is_cut, true);
	dev->cut_ns = device_now_ns();
	cutoff_check_flip(dev);
	STATS_ADD(cut_offs, 1);
	trace(TRACE_REPLACEMENT, dev->name, 1);
	return ret;
}

void
cutoff_retry(void)
{
	struct hotplug_device *dev;

	device_lock();
	for (dev = device_first(); dev != NULL; dev = dev->next)
		if (dev->key != NULL && dev->is_cut && dev->has_open_bar) {
			cutoff_check_flip(dev);
			(void)cut_regions(dev);
		}
	device_unlock();
}

static bool
start_flip(struct hotplug_device *dev)
{
	struct flip *flip;
	unsigned int i;

	flip = flip_start(dev);
	if (flip == NULL)
		return false;
	atomic_store(&dev->flip, flip);
	guard_wait();           /* who would lay constant ones has done so */
	cutoff_drop_unmapped(dev);
	for (i = 0; i < dev->n_regions; i++)
		(void)flip_lay_region(flip, &dev->region[i]);   /* else it stays cut off */
	return true;
}

/* What flips counts as ours until it is out of sight. */
static void
stop_flip(struct hotplug_device *dev)
{
	struct flip *flip = atomic_load(&dev->flip);
	unsigned int i;

	cutoff_drop_unmapped(dev);
	atomic_store(&dev->flip, NULL);
	guard_wait();           /* who would lay what flips has done so */
	for (i = 0; i < dev->n_regions && dev->is_cut; i++)
		(void)pages_cut_region(&dev->region[i]);      /* else it flips no more, that is all */
	flip_stop(flip);
}

/* Who comes or leaves while this is under way has seen what was before, and does not ask for
 * the lock (device_enter(), device_leave()): so each change is followed by another look. */
void
cutoff_check_flip(struct hotplug_device *dev)
{
	bool has_changed = true;

	while (has_changed) {
		has_changed = false;
		if (dev->is_cut && dev->flip == NULL && atomic_load(&dev->n_at_work) > 0) {
			has_changed = start_flip(dev);
		} else if (dev->flip != NULL && atomic_load(&dev->n_at_work) == 0) {
			stop_flip(dev);
			has_changed = true;
		}
	}
}

void
cutoff_fill_device(struct hotplug_device *dev)
{
	unsigned int i;
	int ret;

	cutoff_drop_unmapped(dev);
	for (i = 0; i < dev->n_regions; i++) {
		ret = dev->flip != NULL ? flip_fill_region(dev->flip, &dev->region[i]) :
			pages_lay_region(&dev->region[i]);
		if (ret != 0)
			log_device(dev, HOST_ERR, ": BAR at %#lx not filled: %s",
				   (unsigned long)dev->region[i].start, strerror(-ret));
	}
}

static int
restore_regions(struct hotplug_device *dev)
{
	unsigned int i;
	int ret = 0, err;

	for (i = 0; i < dev->n_regions; i++) {
		err = restore_region(&dev->region[i]);
		if (err != 0)
			ret = err;
	}
	return ret;
}

/* A handler that began before may lay its chunk after: over what is restored.  One that
 * begins later does not take the fault for the restored mapping's (sigbus.c). */
int
cutoff_restore(struct hotplug_device *dev)
{
	unsigned int i;
	int ret;

	cutoff_drop_unmapped(dev);
	ret = restore_regions(dev);
	atomic_fetch_add(&dev->n_restored, 1);
	atomic_store(&dev->is_cut, ret != 0);
	guard_wait();
	if (ret == 0 && intact_has_own(dev))
		ret = restore_regions(dev);
	atomic_store(&dev->is_cut, ret != 0);
	for (i = 0; i < dev->n_regions && ret != 0; i++)
		(void)cover(dev, &dev->region[i]);      /* all or nothing */
	if (ret != 0)
		return ret;
	for (i = 0; i < dev->n_regions; i++)
		atomic_store(&dev->region[i].has_anonymous, false);
	if (dev->flip != NULL)
		stop_flip(dev);
	STATS_ADD(restored, 1);
	trace(TRACE_REPLACEMENT, dev->name, 0);
	return 0;
}

enum { LAID = 2, NO_BAR = 1 };

static int
lay_on_bar(const struct vma *vma, void *arg)
{
	uintptr_t addr = *(const uintptr_t *)arg;
	uintptr_t start = addr - (addr - vma->start) % CUTOFF_CHUNK;
	size_t len = vma->end - start < CUTOFF_CHUNK ? vma->end - start : CUTOFF_CHUNK;
	int ret;

	if (!intact_is_bar(vma))
		return NO_BAR;
	ret = pages_lay_ones(start, len);
	return ret != 0 ? ret : LAID;
}

int
cutoff_lay_unguarded(uintptr_t addr)
{
	int ret = maps_walk(addr, addr + 1, lay_on_bar, &addr);

	return ret == LAID ? 0 : ret < 0 ? ret : NO_BAR;
}
