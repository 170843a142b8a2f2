/* SPDX-License-Identifier: BSD-3-Clause */

/* regions: which BARs of a device are guarded, and what they read as when it is lost.
 * In:  what a backend publishes; the configuration's fills.  Out: the device's regions, with what
 *      is mapped there on record.
 * Lock: device_lock(), the caller's, but for the first call.
 * Context: app, work. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "intact.h"
#include "publish.h"
#include "regions.h"

static enum hotplug_fill default_fill;
static struct hotplug_driver_fill driver_fill[HOTPLUG_MAX_DRIVER_FILLS];

void
device_set_fills(enum hotplug_fill fill, const struct hotplug_driver_fill *list)
{
	device_lock();
	default_fill = fill;
	memcpy(driver_fill, list, sizeof(driver_fill));
	device_unlock();
}

enum hotplug_fill
regions_fill_of(const char *driver)
{
	unsigned int i;

	for (i = 0; i < HOTPLUG_MAX_DRIVER_FILLS && driver_fill[i].driver[0] != '\0'; i++)
		if (strcmp(driver_fill[i].driver, driver) == 0)
			return driver_fill[i].fill;
	return default_fill;
}

static int
fill_region(struct region *region, const struct hotplug_region *from, struct hotplug_device *dev)
{
	uintptr_t page = sysconf(_SC_PAGESIZE), start = (uintptr_t)from->addr;

	region->dev = dev;
	region->start = start & ~(page - 1);
	region->end = (start + from->len + page - 1) & ~(page - 1);
	region->restore_fd = from->restore_fd;
	region->restore_offset = from->restore_offset;
	return start == 0 || from->len == 0 || region->end <= region->start ? -EINVAL : 0;
}

int
regions_take(struct hotplug_device *dev, const struct hotplug_device_info *info)
{
	unsigned int i;
	int ret;

	dev->n_regions = 0;
	if (dev->region == NULL)
		dev->region = calloc(HOTPLUG_MAX_REGIONS, sizeof(*dev->region));
	if (dev->region == NULL)
		return -ENOMEM;
	for (i = 0; i < info->n_regions; i++) {
		ret = fill_region(&dev->region[i], &info->region[i], dev);
		if (ret != 0)
			return ret;
	}
	dev->n_regions = info->n_regions;
	ret = intact_record(dev);
	for (i = 0; i < info->n_regions && ret == 0; i++)
		if (info->region[i].file != NULL &&
		    !intact_is_devices(&dev->region[i], info->region[i].file))
			ret = -ESTALE;
	if (ret != 0)
		dev->n_regions = 0;
	return ret;
}
