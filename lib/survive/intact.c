/* SPDX-License-Identifier: BSD-3-Clause */

/* intact: is what is mapped at a region still the BAR that was there, or ours?
 * In:  a device when it is published (record), and whenever something is to be
 *      mapped over it.  Out: yes or no for each region, from /proc/self/maps.
 * Who unmaps a BAR without a word may have got something else in its place: that
 * is never mapped over.
 * Context: device_lock() is held; intact_is_mapped() and intact_is_bar()
 *      signal-safe: /proc/self/maps, and nothing else. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "flip.h"
#include "intact.h"
#include "pages.h"

/* Of what we had laid there before, in many pieces. */
static bool
is_one_more_piece(const struct region *region, const struct vma *now)
{
	const struct vma *last;

	if (region->n_vmas == 0 || !pages_is_file(now))
		return false;
	last = &region->vma[region->n_vmas - 1];
	return last->end == now->start && pages_is_file(last);
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
		if (is_one_more_piece(region, now)) {
			region->vma[region->n_vmas - 1].end = now->end;
			continue;
		}
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
intact_record(struct hotplug_device *dev)
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

/* A mapping of ours.  An anonymous one in the place of a file is anybody's, but
 * where we had to lay some ourselves. */
static bool
is_own(const struct region *region, const struct vma *now)
{
	return pages_is_file(now) || flip_is_mapped(region->dev->flip, now) ||
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

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "/0000:01:00.0/resource0", or "_wc"; then nothing, or that it is deleted. */
static bool
is_resource(const char *path)
{
	static const char name[] = "/resource";
	const char *s = path, *at = NULL;

	while ((s = strstr(s, name)) != NULL)
		at = s++;               /* the last one */
	if (at == NULL || at - path < 8 || !is_digit(at[-1]) || at[-2] != '.' || at[-5] != ':')
		return false;
	at += sizeof(name) - 1;
	if (!is_digit(*at++))
		return false;
	if (strncmp(at, "_wc", 3) == 0)
		at += 3;
	return *at == '\0' || strcmp(at, " (deleted)") == 0;
}

/* By name: a BAR as EAL maps it, through sysfs, uio or vfio.  No other file of the
 * application's has such a name. */
bool
intact_is_bar(const struct vma *vma)
{
	return vma->is_shared && vma->inode != 0 && (is_resource(vma->path) ||
		(strncmp(vma->path, "/dev/uio", 8) == 0 && is_digit(vma->path[8])) ||
		strncmp(vma->path, "/dev/vfio/", 10) == 0 ||
		strncmp(vma->path, "anon_inode:[vfio", 16) == 0);
}

/* In the place of a device that was cut off when we were disabled; where files have no name, the
 * one that was there first. */
bool
intact_was_laid(const struct hotplug_device *dev, const struct vma *vma)
{
	const struct vma *left = &dev->left;

	return left->end != 0 && (pages_is_file(vma) ||
		(vma->inode == left->inode && vma->is_shared == left->is_shared &&
		 vma->dev_major == left->dev_major && vma->dev_minor == left->dev_minor));
}

/* A name that is too long to be read whole says nothing. */
static bool
is_of_file(const struct vma *vma, const char *file)
{
	if (vma->is_shared && strlen(vma->path) == VMA_PATH_LEN - 1)
		return true;
	return intact_is_bar(vma) && (!is_resource(vma->path) || strstr(vma->path, file) != NULL);
}

/* Where the kernel lets no part of it be mapped (MSI-X), vfio leaves a reservation.  What we have
 * laid is there, too: a fault in its probe was answered. */
bool
intact_is_devices(const struct region *region, const char *file)
{
	const struct vma *vma;
	unsigned int i, n = 0;

	for (i = 0; i < region->n_vmas; i++) {
		vma = &region->vma[i];
		if (vma->inode == 0 && !vma->is_readable && !vma->is_writable)
			continue;
		if (!is_of_file(vma, file) && !pages_is_file(vma) && !intact_was_laid(region->dev, vma))
			return false;
		n++;
	}
	return n > 0 || region->n_vmas == 0;
}

/* Is a mapping with exactly these ends, of the file with this name, still there?  One
 * system call: the kernel finds it by its ends.  The name of a file that is no more, as
 * a lost card's, ends in " (deleted)" there. */
static bool
is_listed(const struct vma *vma)
{
	char name[64], path[VMA_PATH_LEN + 16];
	size_t len = strlen(vma->path);
	ssize_t n;

	snprintf(name, sizeof(name), "/proc/self/map_files/%lx-%lx", (unsigned long)vma->start,
		 (unsigned long)vma->end);
	n = readlink(name, path, sizeof(path) - 1);
	if (n < 0 || len == VMA_PATH_LEN - 1)
		return false;
	path[n] = '\0';
	return strncmp(path, vma->path, len) == 0 &&
		(path[len] == '\0' || strcmp(path + len, " (deleted)") == 0);
}

/* A BAR, and in a folder where nobody else puts files. */
static bool
is_kernels(const struct vma *vma)
{
	return intact_is_bar(vma) && (strncmp(vma->path, "/sys/", 5) == 0 ||
		strncmp(vma->path, "/dev/", 5) == 0 || strncmp(vma->path, "anon_inode:", 11) == 0);
}

/* Without a walk, where that is long: only for what is a BAR by its name, which no other
 * file has.  All of vfio's have one name: but another device's does not come to these ends
 * while this one is guarded. */
static bool
is_surely_intact(const struct region *region)
{
	unsigned int i;

	for (i = 0; i < region->n_vmas; i++)
		if (region->vma[i].inode != 0 &&
		    (!is_kernels(&region->vma[i]) || !is_listed(&region->vma[i])))
			return false;
	return region->n_vmas != 0;
}

/* One walk for all regions of a device: it is on the way to the cut-off.  Where
 * /proc cannot be read the record is believed: withdrawal before unmapping is
 * the rule, this is the belt. */
void
intact_find(const struct hotplug_device *dev, bool is_intact[HOTPLUG_MAX_REGIONS])
{
	struct coverage c = { .region = dev->region, .n_regions = dev->n_regions };
	uintptr_t start = UINTPTR_MAX, end = 0;
	unsigned int i;
	bool is_known, is_sure = !maps_is_quick();

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

static int
find_own(const struct vma *now, void *arg)
{
	const struct region *region = arg;

	return pages_is_file(now) || flip_is_mapped(region->dev->flip, now);
}

bool
intact_has_own(const struct hotplug_device *dev)
{
	unsigned int i;

	for (i = 0; i < dev->n_regions; i++)
		if (maps_walk(dev->region[i].start, dev->region[i].end, find_own,
			      &dev->region[i]) > 0)
			return true;
	return false;
}

bool
intact_is_mapped(const struct region *region, uintptr_t addr)
{
	struct coverage c = { .region = region, .n_regions = 1 };
	bool is_known = maps_walk(addr, addr + 1, cover_vma, &c) == 0;

	return !is_known || c.expected[0] != 0;
}
