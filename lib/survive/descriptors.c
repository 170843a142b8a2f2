/* SPDX-License-Identifier: BSD-3-Clause */

/* descriptors: what tells of a device by a descriptor, among those that watch waits for.
 * In:  a device that is published, or withdrawn.  Out: dups of ours in the poll set.
 * Lock: device_lock(), held by the caller.
 * Context: app, work. */

#include <string.h>
#include <sys/epoll.h>

#include "../core/pollset.h"
#include "../eal/host.h"
#include "descriptors.h"

static void
close_dup(int *fd)
{
	if (*fd >= 0)
		pollset_forget_dup(*fd);
	*fd = -1;
}

/* Without it looks remain. */
static int
watch_dup(const struct hotplug_device *dev, int fd, unsigned int events)
{
	int own_fd = pollset_add_dup(fd, events, (void *)(uintptr_t)dev);

	if (own_fd < 0)
		host_log(HOST_WARN, "%s: cannot watch its descriptor: %s", dev->name,
			 strerror(-own_fd));
	return own_fd;
}

/* A hang-up is told without being asked for. */
void
descriptors_watch(struct hotplug_device *dev, const struct hotplug_device_info *info)
{
	if (info->sign_fd >= 0)
		dev->sign_fd = watch_dup(dev, info->sign_fd, 0);
	if (info->notice_fd > 0)
		dev->notice_fd = watch_dup(dev, info->notice_fd, EPOLLPRI);
}

void
descriptors_close(struct hotplug_device *dev)
{
	close_dup(&dev->sign_fd);
	close_dup(&dev->notice_fd);
}
