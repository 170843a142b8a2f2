/* SPDX-License-Identifier: BSD-3-Clause */

/* flip: let a driver's work on a dead device end soon.
 * In:  a cut-off device on which a driver is at work (cutoff.c).
 * Out: its BARs are a shared file in memory that a thread fills with zeros and ones
 *      in turn, each millisecond.
 * Why: half of a driver's polls wait for a bit to be set, half for one to clear; on
 *      constant registers either kind runs into its time-out, or never ends
 *      (measured: e1000e 29.5 s on zeros, 72 s on ones; igb never ends on ones;
 *      flipping 0.03 to 0.11 s).
 * A small BAR gets it at once: no fault is raised then, whoever has the SIGBUS handler.  A
 * large one is empty, and each chunk of it that is touched gets the file from our handler:
 * a system call, whatever its size, also under mlockall().
 * The thread writes through a mapping of its own, so the driver may unmap its BARs
 * meanwhile.  Nobody else uses those registers then.
 * Context: any thread (start, stop), with device_lock() held; flip_lay_chunk()
 *      signal-safe. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "../eal/host.h"
#include "flip.h"
#include "pages.h"

#define HALF_PERIOD_NS 1000000
#define FILLED_LEN (2u * 1024 * 1024)   /* 32 pieces; what is larger waits to be touched */

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

/* As long as what is mapped in one piece. */
static size_t
window_len(const struct hotplug_device *dev)
{
	unsigned int i;

	for (i = 0; i < dev->n_regions; i++)
		if (pages_piece_len(&dev->region[i]) > CUTOFF_CHUNK)
			return pages_piece_len(&dev->region[i]);
	return CUTOFF_CHUNK;
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
map_piece(const struct flip *flip, uintptr_t start, size_t len)
{
	void *p = mmap((void *)start, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		       flip->fd, 0);

	return p == MAP_FAILED ? -errno : 0;
}

int
flip_lay_chunk(const struct flip *flip, const struct region *region, uintptr_t addr)
{
	uintptr_t start = addr - (addr - region->start) % CUTOFF_CHUNK;
	size_t len = region->end - start;

	return map_piece(flip, start, len < CUTOFF_CHUNK ? len : CUTOFF_CHUNK);
}

int
flip_fill_region(const struct flip *flip, const struct region *region)
{
	uintptr_t at;
	size_t len;
	int ret;

	for (at = region->start; at < region->end; at += flip->len) {
		len = region->end - at;
		ret = map_piece(flip, at, len < flip->len ? len : flip->len);
		if (ret != 0)
			return ret;
	}
	return 0;
}

int
flip_lay_region(const struct flip *flip, struct region *region)
{
	if (pages_is_lazy(region) && region->end - region->start > FILLED_LEN)
		return pages_cut_region(region);
	return flip_fill_region(flip, region);
}

static void
destroy(struct flip *flip)
{
	if (flip->window != NULL)
		munmap(flip->window, flip->len);
	if (flip->fd >= 0)
		close(flip->fd);
	free(flip);
}

static int
make(struct flip *flip, const struct hotplug_device *dev)
{
	int ret;

	flip->len = window_len(dev);
	flip->fd = pages_memory_file(PAGES_NAME "flip");
	if (flip->fd < 0)
		return flip->fd;
	ret = map_window(flip);
	return ret != 0 ? ret : host_thread_start(&flip->thread, "hotplug-flip", run, flip);
}

struct flip *
flip_start(const struct hotplug_device *dev)
{
	struct flip *flip;
	int ret = -ENOMEM;

	if (dev->n_regions == 0)
		return NULL;
	flip = calloc(1, sizeof(*flip));
	if (flip != NULL)
		ret = make(flip, dev);
	if (ret == 0)
		return flip;
	host_log(HOST_WARN, "%s: its registers do not flip, its driver may take long: %s",
		 dev->name, strerror(-ret));
	if (flip != NULL)
		destroy(flip);
	return NULL;
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

/* The thread's own window is nobody's BAR: the kernel may have put it where one was. */
static bool
is_window(const struct flip *flip, const struct vma *vma)
{
	uintptr_t window = (uintptr_t)flip->window;

	return vma->start < window + flip->len && window < vma->end;
}

bool
flip_is_mapped(const struct flip *flip, const struct vma *vma)
{
	return flip != NULL && makedev(vma->dev_major, vma->dev_minor) == flip->dev &&
		vma->inode == flip->inode && !is_window(flip, vma);
}
