/* SPDX-License-Identifier: BSD-3-Clause */

/* pages: what is laid over the BARs of a lost device.
 * In:  a region (cutoff), or one address of it (SIGBUS handler).
 * Out: an empty file is mapped over the whole BAR, one system call whatever its
 *      size, and nothing resident, also under mlockall(); each 64 KiB chunk that
 *      is then touched faults once and gets readable pages from the handler.
 * Order: idempotent; two threads that fault together map the same thing.
 * Context: start and stop: app; all else signal-safe: mmap() and atomics. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "../eal/host.h"
#include "pages.h"

#define EAGER_WINDOW (2u * 1024 * 1024) /* without a handler: fewer mappings */

/* The files that are laid: nothing, ones, zeros. */
enum { EMPTY, ONES, ZEROS, N_FILES };

static int fds[N_FILES] = { -1, -1, -1 };
static dev_t devs[N_FILES];      /* not all the same when one memfd was refused */
static ino_t inodes[N_FILES];
static size_t window_len;       /* of ONES and ZEROS */
static bool has_files, has_handler;

/* A file in memory; where memfd_create() is forbidden, a nameless one. */
int
pages_memory_file(const char *name)
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
		PAGES_NAME "empty", PAGES_NAME "ones", PAGES_NAME "zeros"
	};
	struct stat st;
	int ret = 0;

	fds[i] = pages_memory_file(names[i]);
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
pages_start(bool is_answered)
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
	pages_stop();
	host_log(HOST_WARN, "no file in memory (%s): a lost device's registers will read zeros, "
		 "and are allocated whole", strerror(-ret));
}

void
pages_stop(void)
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
pages_lay_ones(uintptr_t start, size_t len)
{
	return has_files ? map_over(start, len, 0, fds[ONES]) :
		map_over(start, len, MAP_ANONYMOUS, -1);
}

int
pages_lay_chunk(struct region *region, uintptr_t addr)
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

int
pages_lay_region(struct region *region)
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
bool
pages_is_lazy(const struct region *region)
{
	return has_files && has_handler && region->end - region->start > CUTOFF_CHUNK;
}

size_t
pages_piece_len(const struct region *region)
{
	size_t len = region->end - region->start;

	if (has_handler || len <= CUTOFF_CHUNK)
		return CUTOFF_CHUNK;
	return len < EAGER_WINDOW ? len : EAGER_WINDOW;
}

int
pages_cut_region(struct region *region)
{
	if (!pages_is_lazy(region))
		return pages_lay_region(region);
	return map_over(region->start, region->end - region->start, 0, fds[EMPTY]);
}

bool
pages_is_file(const struct vma *vma)
{
	static const char name[] = "/memfd:" PAGES_NAME;
	unsigned int i;

	if (strncmp(vma->path, name, sizeof(name) - 1) == 0)
		return true;
	for (i = 0; i < N_FILES && has_files; i++)
		if (makedev(vma->dev_major, vma->dev_minor) == devs[i] && vma->inode == inodes[i])
			return true;
	return false;
}
