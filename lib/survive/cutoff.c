/* SPDX-License-Identifier: BSD-3-Clause */

/* cutoff: take a device's BARs out of this process's way.
 * In:  a published device (watch, EAL's interrupt thread), or one address of it
 *      (SIGBUS handler).
 * Out: an empty file is mapped over the whole BAR, one system call whatever its
 *      size, and nothing resident, also under mlockall(); each 64 KiB chunk that
 *      is then touched faults once and gets readable pages from the handler.
 * Order: idempotent; two threads that fault together map the same thing.
 *      Nothing is replaced where the recorded mapping is no more.
 * Context: device_lock() is held, but for the last two calls, which are
 *      signal-safe: they use mmap and /proc/self/maps, and nothing else. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "../core/host.h"
#include "cutoff.h"
#include "guard.h"
#include "stats.h"

#define EAGER_WINDOW (2u * 1024 * 1024) /* without a handler: fewer mappings */

/* The files that are laid: nothing, ones, zeros. */
enum { EMPTY, ONES, ZEROS, N_FILES };

static int fds[N_FILES] = { -1, -1, -1 };
static dev_t own_dev;
static ino_t inodes[N_FILES];
static size_t window_len;       /* of ONES and ZEROS */
static bool has_files, has_handler;

/* A file in memory; where memfd_create() is forbidden, a nameless one. */
static int
memory_file(const char *name)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		fd = open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : fd;
}

static int
fill_file(int fd, int byte, size_t len)
{
	char page[4096];
	size_t done;

	memset(page, byte, sizeof(page));
	for (done = 0; done < len; done += sizeof(page)) {
		errno = ENOSPC;
		if (write(fd, page, sizeof(page)) != (ssize_t)sizeof(page))
			return -errno;
	}
	return 0;
}

static int
make_file(unsigned int i)
{
	static const char *const names[N_FILES] = {
		"hotplug-empty", "hotplug-ones", "hotplug-zeros"
	};
	struct stat st;
	int ret = 0;

	fds[i] = memory_file(names[i]);
	if (fds[i] < 0)
		return fds[i];
	if (i != EMPTY)
		ret = fill_file(fds[i], i == ONES ? 0xff : 0, window_len);
	if (ret == 0 && fstat(fds[i], &st) < 0)
		ret = -errno;
	if (ret != 0)
		return ret;
	own_dev = st.st_dev;
	inodes[i] = st.st_ino;
	/* for good; a nameless file cannot be sealed, and need not be */
	(void)fcntl(fds[i], F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_WRITE);
	return 0;
}

void
cutoff_start(bool is_answered)
{
	unsigned int i;
	int ret = 0;

	has_handler = is_answered;
	window_len = is_answered ? CUTOFF_CHUNK : EAGER_WINDOW;
	for (i = 0; i < N_FILES && ret == 0; i++)
		ret = make_file(i);
	has_files = ret == 0;
	if (has_files)
		return;
	cutoff_stop();
	host_log(HOST_WARN, "no file in memory (%s): a lost device's registers will read zeros, "
		 "and are allocated whole", strerror(-ret));
}

void
cutoff_stop(void)
{
	unsigned int i;

	for (i = 0; i < N_FILES; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
	has_files = false;
}

static int
map_over(uintptr_t start, size_t len, int flags, int fd)
{
	void *p = mmap((void *)start, len, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE | flags, fd, 0);

	return p == MAP_FAILED ? -errno : 0;
}

static int
lay_anonymous(struct region *region, uintptr_t start, size_t len)
{
	atomic_store(&region->has_anonymous, true);
	return map_over(start, len, MAP_ANONYMOUS, -1);
}

/* Readable pages over [start, start + len), len at most window_len. */
static int
lay_pages(struct region *region, uintptr_t start, size_t len)
{
	if (!has_files)
		return lay_anonymous(region, start, len);
	return map_over(start, len, 0,
			fds[region->dev->fill == HOTPLUG_FILL_ZEROS ? ZEROS : ONES]);
}

int
cutoff_lay_chunk(struct region *region, uintptr_t addr)
{
	uintptr_t start = addr - (addr - region->start) % CUTOFF_CHUNK;
	size_t len = region->end - start;
	int ret;

	if (len > CUTOFF_CHUNK)
		len = CUTOFF_CHUNK;
	ret = lay_pages(region, start, len);
	if (ret != -ENOMEM)
		return ret;
	/* too many mappings: one for all the rest of the region is none more */
	return lay_anonymous(region, start, region->end - start);
}

static int
lay_region(struct region *region)
{
	uintptr_t at;
	size_t len;
	int ret;

	if (!has_files)
		return lay_anonymous(region, region->start, region->end - region->start);
	for (at = region->start; at < region->end; at += window_len) {
		len = region->end - at;
		ret = lay_pages(region, at, len < window_len ? len : window_len);
		if (ret != 0)
			return ret;
	}
	return 0;
}

/* One BAR of one chunk gets its pages at once; so does every BAR when nobody
 * would answer the faults. */
static int
cut_region(struct region *region)
{
	size_t len = region->end - region->start;

	if (!has_files || !has_handler || len <= CUTOFF_CHUNK)
		return lay_region(region);
	return map_over(region->start, len, 0, fds[EMPTY]);
}

static bool
is_own_file(const struct vma *vma)
{
	return has_files && makedev(vma->dev_major, vma->dev_minor) == own_dev &&
		(vma->inode == inodes[EMPTY] || vma->inode == inodes[ONES] ||
		 vma->inode == inodes[ZEROS]);
}

/* A mapping of ours.  An anonymous one in the place of a file is anybody's, but
 * where we had to lay some ourselves. */
static bool
is_own(const struct region *region, const struct vma *now)
{
	return is_own_file(now) || (now->inode == 0 && !now->is_shared &&
		atomic_load(&region->has_anonymous));
}

static int
check_vma(const struct vma *now, void *arg)
{
	const struct region *region = arg;
	unsigned int i;

	if (is_own(region, now))
		return 0;
	for (i = 0; i < region->n_vmas; i++)
		if (region->vma[i].start < now->end && now->start < region->vma[i].end)
			return !maps_is_same(&region->vma[i], now);
	return 1;       /* something where nothing was */
}

struct coverage {
	const struct region *region;
	size_t mapped;
	bool is_foreign;
};

static int
cover_vma(const struct vma *now, void *arg)
{
	struct coverage *c = arg;
	uintptr_t start = now->start > c->region->start ? now->start : c->region->start;
	uintptr_t end = now->end < c->region->end ? now->end : c->region->end;

	c->mapped += end - start;
	c->is_foreign = check_vma(now, (void *)(uintptr_t)c->region) != 0;
	return c->is_foreign;
}

/* Is all of the region still what it was, or ours? */
static bool
is_intact(const struct region *region)
{
	struct coverage c = { .region = region };

	return maps_walk(region->start, region->end, cover_vma, &c) == 0 &&
		!c.is_foreign && c.mapped == region->end - region->start;
}

bool
cutoff_is_mapped(const struct region *region, uintptr_t addr)
{
	struct coverage c = { .region = region };

	return maps_walk(addr, addr + 1, cover_vma, &c) == 0 && !c.is_foreign &&
		c.mapped != 0;
}

static int
record_vma(const struct vma *now, void *arg)
{
	struct region *region = arg;

	if (region->n_vmas == DEVICE_MAX_VMAS)
		return -ESTALE;
	region->vma[region->n_vmas++] = *now;
	return 0;
}

int
cutoff_record(struct region *region)
{
	struct coverage c = { .region = region };
	int ret;

	region->n_vmas = 0;
	atomic_store(&region->has_anonymous, false);
	ret = maps_walk(region->start, region->end, record_vma, region);
	if (ret == 0)
		ret = maps_walk(region->start, region->end, cover_vma, &c);
	if (ret != 0)
		return ret < 0 ? ret : -ESTALE;
	return c.mapped == region->end - region->start ? 0 : -ESTALE;
}

void
cutoff_drop_unmapped(struct hotplug_device *dev)
{
	unsigned int i, n = 0;
	bool keep[HOTPLUG_MAX_REGIONS];

	for (i = 0; i < dev->n_regions; i++) {
		keep[i] = is_intact(&dev->region[i]);
		n += keep[i];
	}
	if (n == dev->n_regions)
		return;
	guard_withdraw(dev);
	for (i = 0, n = 0; i < dev->n_regions; i++)
		if (keep[i])
			dev->region[n++] = dev->region[i];
	dev->n_regions = n;
	if (n > 0 && guard_publish(dev) != 0)
		dev->n_regions = 0;     /* no memory: better unguarded than wrong */
}

int
cutoff_device(struct hotplug_device *dev)
{
	unsigned int i;
	int ret = 0, err;

	if (dev->is_cut)
		return 0;
	if (atomic_load(&dev->n_unsettled) > 0) {
		dev->wants_cut = true;
		return -EBUSY;
	}
	cutoff_drop_unmapped(dev);
	for (i = 0; i < dev->n_regions; i++) {
		err = cut_region(&dev->region[i]);
		if (err == 0)
			continue;
		ret = err;
		STATS_ADD(cut_failures, 1);
		host_log(HOST_ERR, "%s: BAR at %#lx (%zu KiB) not cut off: %s%s", dev->name,
			 (unsigned long)dev->region[i].start,
			 (size_t)(dev->region[i].end - dev->region[i].start) / 1024, strerror(-err),
			 err == -EAGAIN ? "; this process locks its memory: raise ulimit -l" : "");
	}
	dev->is_cut = true;
	dev->cut_ns = device_now_ns();
	STATS_ADD(cut_offs, 1);
	return ret;
}

void
cutoff_fill_device(struct hotplug_device *dev)
{
	unsigned int i;
	int ret;

	for (i = 0; i < dev->n_regions; i++) {
		if (!is_intact(&dev->region[i]))
			continue;
		ret = lay_region(&dev->region[i]);
		if (ret != 0)
			host_log(HOST_ERR, "%s: BAR at %#lx not filled: %s", dev->name,
				 (unsigned long)dev->region[i].start, strerror(-ret));
	}
}

static int
restore_vma(const struct region *region, const struct vma *vma)
{
	int prot = (vma->is_readable ? PROT_READ : 0) | (vma->is_writable ? PROT_WRITE : 0);
	int fd = region->restore_fd, flags = MAP_FIXED;
	struct stat st;
	void *p;
	int ret = 0;

	if (vma->inode == 0) {
		flags |= MAP_PRIVATE | MAP_ANONYMOUS;   /* vfio's hole, PROT_NONE */
	} else {
		flags |= vma->is_shared ? MAP_SHARED : MAP_PRIVATE;
		if (region->restore_fd < 0)
			fd = open(vma->path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			return -errno;
		if (region->restore_fd < 0 && (fstat(fd, &st) < 0 || st.st_ino != vma->inode))
			ret = -ESTALE;
	}
	if (ret == 0) {
		p = mmap((void *)vma->start, vma->end - vma->start, prot, flags, fd, vma->offset);
		ret = p == MAP_FAILED ? -errno : 0;
	}
	if (fd >= 0 && region->restore_fd < 0)
		close(fd);
	return ret;
}

int
cutoff_restore(struct hotplug_device *dev)
{
	unsigned int i, j;
	int ret = 0, err;

	if (atomic_load(&dev->n_unsettled) > 0) {
		dev->wants_cut = false;
		return -EBUSY;
	}
	cutoff_drop_unmapped(dev);
	for (i = 0; i < dev->n_regions; i++) {
		for (j = 0; j < dev->region[i].n_vmas; j++) {
			err = restore_vma(&dev->region[i], &dev->region[i].vma[j]);
			if (err != 0)
				ret = err;
		}
		if (ret == 0)
			atomic_store(&dev->region[i].has_anonymous, false);
	}
	if (ret != 0)
		return ret;
	dev->is_cut = false;
	STATS_ADD(restored, 1);
	return 0;
}
