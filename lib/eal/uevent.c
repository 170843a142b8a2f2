/* SPDX-License-Identifier: BSD-3-Clause */

/* uevent: the kernel's own announcements, through libudev.
 * In:  netlink (libudev drops what does not come from the kernel, is cut short
 *      or is of a subsystem that nobody asked for).
 * Out: one struct hotplug_uevent after the other; loss is an answer, not an end.
 * Group "kernel": it needs no udevd, and is the earlier of the two.
 * Context: watch, but for open and close (app), uevent_last() and uevent_inode() (any). */

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libudev.h>

#include "uevent.h"

#define INIT_USER_NS_INODE 0xEFFFFFFDu  /* include/linux/proc_ns.h: fixed */

static struct udev *udev;
static struct udev_monitor *monitor;
static struct udev_device *device;      /* the one that was handed out last */
static _Atomic unsigned long inode;     /* of the monitor's socket */

static void
note_inode(int fd)
{
	struct stat st;

	atomic_store(&inode, fstat(fd, &st) == 0 ? st.st_ino : 0);
}

unsigned long
uevent_inode(void)
{
	return atomic_load(&inode);
}

int
uevent_open(unsigned int buffer_kb)
{
	udev = udev_new();
	if (udev == NULL)
		return -ENOMEM;
	errno = 0;
	monitor = udev_monitor_new_from_netlink(udev, "kernel");
	if (monitor == NULL)
		goto unref_udev;
	/* the kernel's messages of all subsystems arrive and are sorted out
	 * here: leave room for a burst; without the right to, it stays small */
	(void)udev_monitor_set_receive_buffer_size(monitor, (int)(buffer_kb * 1024 - 1));
	errno = 0;
	if (udev_monitor_enable_receiving(monitor) == 0) {
		note_inode(udev_monitor_get_fd(monitor));
		return udev_monitor_get_fd(monitor);
	}
	udev_monitor_unref(monitor);
	monitor = NULL;
unref_udev:
	udev_unref(udev);
	udev = NULL;
	return errno != 0 ? -errno : -EPERM;
}

void
uevent_close(void)
{
	atomic_store(&inode, 0);
	if (device != NULL)
		udev_device_unref(device);
	if (monitor != NULL)
		udev_monitor_unref(monitor);
	if (udev != NULL)
		udev_unref(udev);
	device = NULL;
	monitor = NULL;
	udev = NULL;
}

static int
why_none(int err)
{
	if (err == EAGAIN || err == EINTR || err == 0)
		return 0;
	return -err;
}

int
uevent_next(struct hotplug_uevent *uevent, struct uevent_origin *origin)
{
	if (device != NULL)
		udev_device_unref(device);
	errno = 0;
	device = udev_monitor_receive_device(monitor);
	if (device == NULL)
		return why_none(errno);
	uevent->action = udev_device_get_action(device);
	uevent->subsystem = udev_device_get_subsystem(device);
	uevent->devpath = udev_device_get_devpath(device);
	uevent->sysname = udev_device_get_sysname(device);
	uevent->driver = udev_device_get_property_value(device, "DRIVER");
	origin->seqnum = udev_device_get_seqnum(device);
	origin->is_synthetic = udev_device_get_property_value(device, "SYNTH_UUID") != NULL;
	return 1;
}

uint64_t
uevent_last(void)
{
	int fd = open("/sys/kernel/uevent_seqnum", O_RDONLY | O_CLOEXEC);
	char text[32] = "";
	ssize_t n;

	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	return n > 0 ? strtoull(text, NULL, 10) : 0;
}

/* Kernel uevents reach only network namespaces that the initial user namespace
 * owns (lib/kobject_uevent.c). */
const char *
uevent_obstacle(void)
{
	struct stat st;
	int net_fd, user_fd;
	bool is_other;

	net_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (net_fd < 0)
		return NULL;
	user_fd = ioctl(net_fd, NS_GET_USERNS);
	close(net_fd);
	if (user_fd < 0)
		return NULL;    /* EPERM: its owner is above us */
	is_other = fstat(user_fd, &st) == 0 && st.st_ino != INIT_USER_NS_INODE;
	close(user_fd);
	return is_other ? "this network namespace belongs to a user namespace, "
		"which the kernel sends no uevents" : NULL;
}
