/* SPDX-License-Identifier: BSD-3-Clause */

/* life: which processes are alive, by locks of the kernel's own keeping.
 * In:  a folder that all of them see.  Out: a byte taken, or who has it.
 * Open file description locks go when the last descriptor of them closes, at the
 * latest with the process; only a child that was forked without exec keeps them.
 * Context: any thread; no lock of ours. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "life.h"

static int
open_file(const char *path, bool is_new)
{
	int fd;

	if (is_new && unlink(path) < 0 && errno != ENOENT)
		return -errno;
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | (is_new ? O_CREAT | O_EXCL : 0), 0600);
	return fd < 0 ? -errno : fd;
}

int
life_open(const char *folder, bool is_new, uint64_t *inode)
{
	char path[4096];
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "%s/hotplug_life", folder);
	fd = open_file(path, is_new);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0) {
		int ret = -errno;

		close(fd);
		return ret;
	}
	*inode = st.st_ino;
	return fd;
}

static struct flock
byte_of(uint32_t slot, short type)
{
	return (struct flock){ .l_type = type, .l_whence = SEEK_SET, .l_start = slot, .l_len = 1 };
}

int
life_take(int fd, uint32_t slot)
{
	struct flock lock = byte_of(slot, F_WRLCK);

	if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
		return 0;
	return errno == EACCES ? -EAGAIN : -errno;
}

void
life_leave(int fd, uint32_t slot)
{
	struct flock lock = byte_of(slot, F_UNLCK);

	(void)fcntl(fd, F_OFD_SETLK, &lock);
}

bool
life_is_alive(int fd, uint32_t slot)
{
	struct flock lock = byte_of(slot, F_WRLCK);

	return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}
