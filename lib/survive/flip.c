/* SPDX-License-Identifier: BSD-3-Clause */

/* flip: let a driver's stop and close of a dead device end soon.
 * In:  a cut-off device whose driver is about to run (device.c: unsettle).
 * Out: its BARs are a shared file in memory that a thread fills with zeros and ones
 *      in turn, each millisecond.
 * Why: half of a driver's polls wait for a bit to be set, half for one to clear; on
 *      constant registers either kind runs into its time-out, or never ends
 *      (measured: e1000e 29.5 s on zeros, 72 s on ones; igb never ends on ones;
 *      flipping 0.03 to 0.11 s).
 * The thread writes through a mapping of its own, so the driver may unmap its BARs
 * meanwhile.  Nobody else uses those registers then.
 * Context: app, teardown (start, stop), with device_lock() held. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "../core/host.h"
#include "flip.h"

#define WINDOW_MAX (2u * 1024 * 1024)   /* a larger BAR repeats it */
#define HALF_PERIOD_NS 1000000

struct flip {
	struct host_thread thread;
	_Atomic bool is_stopping;
	int fd;
	size_t len;
	unsigned char *window;
	dev_t dev;
	ino_t inode;
};

static void
run(void *arg)
{
	const struct timespec half = { .tv_nsec = HALF_PERIOD_NS };
	struct flip *flip = arg;
	unsigned int n;

	for (n = 0; !atomic_load(&flip->is_stopping); n++) {
		memset(flip->window, n % 2 != 0 ? 0xff : 0, flip->len);
		nanosleep(&half, NULL);
	}
}

static size_t
window_len(const struct hotplug_device *dev)
{
	size_t len = 0;
	unsigned int i;

	for (i = 0; i < dev->n_regions; i++)
		if (dev->region[i].end - dev->region[i].start > len)
			len = dev->region[i].end - dev->region[i].start;
	return len < WINDOW_MAX ? len : WINDOW_MAX;
}

static int
map_window(struct flip *flip)
{
	struct stat st;
	void *p;

	if (ftruncate(flip->fd, flip->len) < 0 || fstat(flip->fd, &st) < 0)
		return -errno;
	p = mmap(NULL, flip->len, PROT_READ | PROT_WRITE, MAP_SHARED, flip->fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	flip->window = p;
	flip->dev = st.st_dev;
	flip->inode = st.st_ino;
	return 0;
}

static int
map_region(const struct flip *flip, const struct region *region)
{
	uintptr_t at;
	size_t len;

	for (at = region->start; at < region->end; at += flip->len) {
		len = region->end - at < flip->len ? region->end - at : flip->len;
		if (mmap((void *)at, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, flip->fd,
			 0) == MAP_FAILED)
			return -errno;
	}
	return 0;
}

static void
destroy(struct flip *flip)
{
	if (flip->window != NULL)
		munmap(flip->window, flip->len);
	close(flip->fd);
	free(flip);
}

struct flip *
flip_start(const struct hotplug_device *dev)
{
	struct flip *flip;
	unsigned int i;
	int ret;

	if (dev->n_regions == 0)
		return NULL;
	flip = calloc(1, sizeof(*flip));
	if (flip == NULL)
		return NULL;
	flip->len = window_len(dev);
	flip->fd = memfd_create("hotplug-flip", MFD_CLOEXEC);
	if (flip->fd < 0) {
		free(flip);
		return NULL;
	}
	ret = map_window(flip);
	if (ret == 0)
		ret = host_thread_start(&flip->thread, "hotplug-flip", run, flip);
	if (ret != 0) {
		host_log(HOST_WARN, "%s: its driver's close may take long: %s", dev->name,
			 strerror(-ret));
		destroy(flip);
		return NULL;
	}
	for (i = 0; i < dev->n_regions; i++)
		(void)map_region(flip, &dev->region[i]);        /* else it stays cut off */
	return flip;
}

void
flip_stop(struct flip *flip)
{
	if (flip == NULL)
		return;
	atomic_store(&flip->is_stopping, true);
	host_thread_join(&flip->thread);
	destroy(flip);
}

bool
flip_is_mapped(const struct flip *flip, const struct vma *vma)
{
	return flip != NULL && makedev(vma->dev_major, vma->dev_minor) == flip->dev &&
		vma->inode == flip->inode;
}
