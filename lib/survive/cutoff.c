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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "../core/host.h"
#include "../report/log.h"
#include "../report/trace.h"
#include "cutoff.h"
#include "flip.h"
#include "guard.h"
#include "stats.h"

#define EAGER_WINDOW (2u * 1024 * 1024) /* without a handler: fewer mappings */

/* The files that are laid: nothing, ones, zeros. */
enum { EMPTY, ONES, ZEROS, N_FILES };

static int fds[N_FILES] = { -1, -1, -1 };
static dev_t devs[N_FILES];      /* not all the same when one memfd was refused */
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
	devs[i] = st.st_dev;
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
	/* too many mappings: one for the whole region is never one more, and leaves
	 * none to be wanted */
	return lay_anonymous(region, region->start, region->end - region->start);
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
	unsigned int i;

	for (i = 0; i < N_FILES && has_files; i++)
		if (makedev(vma->dev_major, vma->dev_minor) == devs[i] && vma->inode == inodes[i])
			return true;
	return false;
}

/* A mapping of ours.  An anonymous one in the place of a file is anybody's, but
 * where we had to lay some ourselves. */
static bool
is_own(const struct region *region, const struct vma *now)
{
	return is_own_file(now) || flip_is_mapped(region->dev->flip, now) ||
		(now->inode == 0 && !now->is_shared && atomic_load(&region->has_anonymous));
}

/* Is what is mapped here now what was recorded, or ours?  Without a record (no
 * /proc) it is taken to be. */
static bool
is_expected(const struct region *region, const struct vma *now)
{
	unsigned int i;

	if (region->n_vmas == 0 || is_own(region, now))
		return true;
	for (i = 0; i < region->n_vmas; i++)
		if (region->vma[i].start < now->end && now->start < region->vma[i].end)
			return maps_is_same(&region->vma[i], now);
	return false;   /* something where nothing was */
}

/* How much of each region is mapped as expected. */
struct coverage {
	const struct region *region;
	unsigned int n_regions;
	size_t expected[HOTPLUG_MAX_REGIONS];
};

static int
cover_vma(const struct vma *now, void *arg)
{
	struct coverage *c = arg;
	const struct region *r;
	uintptr_t start, end;
	unsigned int i;

	for (i = 0; i < c->n_regions; i++) {
		r = &c->region[i];
		start = now->start > r->start ? now->start : r->start;
		end = now->end < r->end ? now->end : r->end;
		if (start < end && is_expected(r, now))
			c->expected[i] += end - start;
	}
	return 0;
}

/* By name: a BAR as EAL maps it, through sysfs, uio or vfio. */
static bool
is_bar(const struct vma *vma)
{
	return vma->is_shared && vma->inode != 0 && (strstr(vma->path, "/resource") != NULL ||
		strncmp(vma->path, "/dev/uio", 8) == 0 || strstr(vma->path, "vfio") != NULL);
}

/* Is a mapping with exactly these ends, of the file with this name, still there?  One
 * system call: the kernel finds it by its ends. */
static bool
is_listed(const struct vma *vma)
{
	char name[64], path[VMA_PATH_LEN];
	ssize_t n;

	snprintf(name, sizeof(name), "/proc/self/map_files/%lx-%lx", (unsigned long)vma->start,
		 (unsigned long)vma->end);
	n = readlink(name, path, sizeof(path));
	return n > 0 && n < VMA_PATH_LEN - 1 && (size_t)n == strlen(vma->path) &&
		memcmp(path, vma->path, n) == 0;
}

/* Without a walk: only for what is a BAR by its name, which no other file has. */
static bool
is_surely_intact(const struct region *region)
{
	unsigned int i;

	for (i = 0; i < region->n_vmas; i++)
		if (region->vma[i].inode != 0 &&
		    (strncmp(region->vma[i].path, "/sys/", 5) != 0 || !is_bar(&region->vma[i]) ||
		     !is_listed(&region->vma[i])))
			return false;
	return region->n_vmas != 0;
}

/* One walk for all regions of a device: it is on the way to the cut-off.  Where
 * /proc cannot be read the record is believed: withdrawal before unmapping is
 * the rule, this is the belt. */
static void
find_intact(const struct hotplug_device *dev, bool is_intact[HOTPLUG_MAX_REGIONS])
{
	struct coverage c = { .region = dev->region, .n_regions = dev->n_regions };
	uintptr_t start = UINTPTR_MAX, end = 0;
	unsigned int i;
	bool is_known, is_sure = true;

	for (i = 0; i < dev->n_regions; i++) {
		is_intact[i] = is_sure = is_sure && is_surely_intact(&dev->region[i]);
		start = dev->region[i].start < start ? dev->region[i].start : start;
		end = dev->region[i].end > end ? dev->region[i].end : end;
	}
	if (is_sure)
		return;
	is_known = maps_walk(start, end, cover_vma, &c) == 0;
	for (i = 0; i < dev->n_regions; i++)
		is_intact[i] = !is_known ||
			c.expected[i] == dev->region[i].end - dev->region[i].start;
}

bool
cutoff_is_mapped(const struct region *region, uintptr_t addr)
{
	struct coverage c = { .region = region, .n_regions = 1 };

	return maps_walk(addr, addr + 1, cover_vma, &c) == 0 && c.expected[0] != 0;
}

enum { LAID = 2, NO_BAR = 1 };

static int
lay_on_bar(const struct vma *vma, void *arg)
{
	uintptr_t addr = *(const uintptr_t *)arg;
	uintptr_t start = addr - (addr - vma->start) % CUTOFF_CHUNK;
	size_t len = vma->end - start < CUTOFF_CHUNK ? vma->end - start : CUTOFF_CHUNK;
	int ret;

	if (!is_bar(vma))
		return NO_BAR;
	ret = has_files ? map_over(start, len, 0, fds[ONES]) :
		map_over(start, len, MAP_ANONYMOUS, -1);
	return ret != 0 ? ret : LAID;
}

int
cutoff_lay_unguarded(uintptr_t addr)
{
	int ret = maps_walk(addr, addr + 1, lay_on_bar, &addr);

	return ret == LAID ? 0 : ret < 0 ? ret : NO_BAR;
}

static int
record_vma(const struct vma *now, void *arg)
{
	struct hotplug_device *dev = arg;
	struct region *region;
	unsigned int i;

	for (i = 0; i < dev->n_regions; i++) {
		region = &dev->region[i];
		if (now->end <= region->start || region->end <= now->start)
			continue;
		if (region->n_vmas == DEVICE_MAX_VMAS)
			return -ESTALE;
		region->vma[region->n_vmas++] = *now;
	}
	return 0;
}

/* Are the recorded mappings all of the region, without a gap? */
static bool
is_complete(const struct region *region)
{
	size_t sum = 0;
	unsigned int i;

	for (i = 0; i < region->n_vmas; i++)
		sum += (region->vma[i].end < region->end ? region->vma[i].end : region->end) -
			(region->vma[i].start > region->start ? region->vma[i].start :
			 region->start);
	return sum == region->end - region->start;
}

/* One walk for all regions: with every PMD loaded there are thousands of lines. */
int
cutoff_record(struct hotplug_device *dev)
{
	uintptr_t start = UINTPTR_MAX, end = 0;
	unsigned int i;
	int ret;

	for (i = 0; i < dev->n_regions; i++) {
		dev->region[i].n_vmas = 0;
		atomic_store(&dev->region[i].has_anonymous, false);
		start = dev->region[i].start < start ? dev->region[i].start : start;
		end = dev->region[i].end > end ? dev->region[i].end : end;
	}
	if (dev->n_regions == 0)
		return 0;
	ret = maps_walk(start, end, record_vma, dev);
	if (ret != 0)
		return ret == -ESTALE ? ret : 0;        /* no /proc: no record */
	for (i = 0; i < dev->n_regions; i++)
		if (!is_complete(&dev->region[i]))
			return -ESTALE;
	return 0;
}

void
cutoff_drop_unmapped(struct hotplug_device *dev)
{
	bool is_intact[HOTPLUG_MAX_REGIONS];
	unsigned int i, n = 0;

	find_intact(dev, is_intact);
	for (i = 0; i < dev->n_regions; i++)
		n += is_intact[i];
	if (n == dev->n_regions)
		return;
	guard_withdraw(dev);
	for (i = 0, n = 0; i < dev->n_regions; i++)
		if (is_intact[i])
			dev->region[n++] = dev->region[i];
	dev->n_regions = n;
	if (n > 0 && guard_publish(dev) != 0)
		dev->n_regions = 0;     /* no memory: better unguarded than wrong */
}

static int
cut_regions(struct hotplug_device *dev)
{
	unsigned int i;
	int ret = 0, err;

	cutoff_drop_unmapped(dev);
	for (i = 0; i < dev->n_regions; i++) {
		err = cut_region(&dev->region[i]);
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
	if (atomic_load(&dev->n_unsettled) > 0) {
		dev->wants_cut = true;
		return -EBUSY;
	}
	ret = cut_regions(dev);
	dev->is_cut = true;
	dev->cut_ns = device_now_ns();
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
		if (dev->key != NULL && dev->is_cut && dev->has_open_bar && dev->flip == NULL &&
		    atomic_load(&dev->n_unsettled) == 0)
			(void)cut_regions(dev);
	device_unlock();
}

void
cutoff_flip(struct hotplug_device *dev)
{
	if (!dev->is_cut || dev->flip != NULL)
		return;
	cutoff_drop_unmapped(dev);
	dev->flip = flip_start(dev);
}

/* The flipping mapping counts as ours until the regions are cut off again. */
void
cutoff_unflip(struct hotplug_device *dev)
{
	unsigned int i;

	if (dev->flip == NULL)
		return;
	cutoff_drop_unmapped(dev);
	for (i = 0; i < dev->n_regions; i++)
		(void)cut_region(&dev->region[i]);      /* else it flips no more, that is all */
	flip_stop(dev->flip);
	dev->flip = NULL;
}

void
cutoff_fill_device(struct hotplug_device *dev)
{
	unsigned int i;
	int ret;

	cutoff_drop_unmapped(dev);
	for (i = 0; i < dev->n_regions; i++) {
		ret = lay_region(&dev->region[i]);
		if (ret != 0)
			log_device(dev, HOST_ERR, ": BAR at %#lx not filled: %s",
				   (unsigned long)dev->region[i].start, strerror(-ret));
	}
}

/* Map elsewhere, then move: 6.1 and 6.12 leave a hole where a driver refuses
 * a MAP_FIXED (mm/mmap.c unmaps first). */
static int
map_file(const struct vma *vma, int prot, int fd, uint64_t offset)
{
	size_t len = vma->end - vma->start;
	void *p = mmap(NULL, len, prot, vma->is_shared ? MAP_SHARED : MAP_PRIVATE, fd, offset);
	int ret;

	if (p == MAP_FAILED)
		return -errno;
	if (mremap(p, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)vma->start) != MAP_FAILED)
		return 0;
	ret = -errno;
	munmap(p, len);
	return ret;
}

/* Where in its file a mapping begins.  What /proc shows for a file of sysfs is the
 * physical address, far behind the file's end: those are mapped from the start. */
static uint64_t
file_offset(const struct region *region, const struct vma *vma, const struct stat *st)
{
	uint64_t end = vma->offset + (vma->end - vma->start);

	if (S_ISCHR(st->st_mode) || end <= (uint64_t)st->st_size)
		return vma->offset;
	return vma->start - region->start;
}

/* uio: sysfs resourceN, opened again; is it still the same file? */
static int
restore_by_path(const struct region *region, const struct vma *vma, int prot)
{
	int fd = open(vma->path, O_RDWR | O_CLOEXEC), ret;
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || st.st_ino != vma->inode)
		ret = -ESTALE;
	else
		ret = map_file(vma, prot, fd, file_offset(region, vma, &st));
	close(fd);
	return ret;
}

/* A vfio mapping's offset in /proc is a physical one: not what to ask for. */
static int
restore_vma(const struct region *region, const struct vma *vma)
{
	int prot = (vma->is_readable ? PROT_READ : 0) | (vma->is_writable ? PROT_WRITE : 0);
	void *p;

	if (vma->inode == 0) {  /* vfio's hole for the MSI-X table */
		p = mmap((void *)vma->start, vma->end - vma->start, prot,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		return p == MAP_FAILED ? -errno : 0;
	}
	if (region->restore_fd < 0)
		return restore_by_path(region, vma, prot);
	return map_file(vma, prot, region->restore_fd,
			region->restore_offset + (vma->start - region->start));
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
	for (i = 0; i < dev->n_regions && ret != 0; i++)
		(void)cut_region(&dev->region[i]);      /* all or nothing */
	if (ret != 0)
		return ret;
	dev->is_cut = false;
	STATS_ADD(restored, 1);
	trace(TRACE_REPLACEMENT, dev->name, 0);
	return 0;
}
