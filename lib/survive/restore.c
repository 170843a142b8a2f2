/* SPDX-License-Identifier: BSD-3-Clause */

/* restore: a device that was cut off is there after all; map its BARs again.
 * In:  a region, and what was recorded of its mappings (intact.c).  Out: the same
 *      files at the same places; or -errno, and the caller cuts off what is mapped.
 * Context: device_lock() is held. */

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "restore.h"

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
restore_region(const struct region *region)
{
	unsigned int i;
	int ret = 0, err;

	for (i = 0; i < region->n_vmas; i++) {
		err = restore_vma(region, &region->vma[i]);
		if (err != 0)
			ret = err;
	}
	return ret;
}
