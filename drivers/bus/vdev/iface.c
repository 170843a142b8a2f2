/* SPDX-License-Identifier: BSD-3-Clause */

/* iface: what the kernel says of a network interface.
 * In:  a name, an index.  Out: the other one; is it there, is it the same?
 * A name says nothing: an interface can be renamed, and another can take its name.  An index
 * says little more: who goes to another network namespace and comes back has it again, and
 * sockets that were bound to it before are dead.  So we hold a socket as drivers do, bound
 * to the interface and to no protocol: nothing arrives there, and when the interface goes,
 * by whatever way, the kernel takes it from the socket for good.
 * Lock: table.c's, around opening and closing, and what it asks.
 * Context: any but signal; vdev_iface_kind() may block (the kernel's rtnl lock). */

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vdev.h"

static int ask = -1;            /* a socket: ioctls are about its network namespace */
static ino_t netns;

static ino_t
netns_of_thread(void)
{
	struct stat st;

	return stat("/proc/thread-self/ns/net", &st) == 0 ? st.st_ino : 0;
}

int
vdev_iface_open(void)
{
	ask = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	netns = netns_of_thread();
	return ask < 0 ? -errno : 0;
}

void
vdev_iface_close(void)
{
	if (ask >= 0)
		close(ask);
	ask = -1;
}

bool
vdev_iface_is_own_netns(void)
{
	return netns_of_thread() == netns;
}

unsigned int
vdev_iface_index(const char *name)
{
	struct ifreq ifr;

	memset(&ifr, 0, sizeof(ifr));
	memcpy(ifr.ifr_name, name, strnlen(name, IFNAMSIZ - 1));
	return ioctl(ask, SIOCGIFINDEX, &ifr) == 0 ? (unsigned int)ifr.ifr_ifindex : 0;
}

bool
vdev_iface_name(unsigned int index, char name[IFNAMSIZ])
{
	struct ifreq ifr = { .ifr_ifindex = (int)index };

	if (ioctl(ask, SIOCGIFNAME, &ifr) != 0)
		return false;
	memcpy(name, ifr.ifr_name, IFNAMSIZ);
	return true;
}

int
vdev_iface_hold(unsigned int index)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_ifindex = (int)index };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), ret;

	if (fd < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)&at, sizeof(at)) == 0)
		return fd;
	ret = -errno;
	close(fd);
	return ret;
}

/* Who may not have such a socket (CAP_NET_RAW) asks for the index. */
bool
vdev_iface_is_held(int fd, unsigned int index)
{
	struct sockaddr_ll at = { .sll_ifindex = -1 };
	socklen_t len = sizeof(at);
	char name[IFNAMSIZ];

	if (fd < 0)
		return index != 0 && vdev_iface_name(index, name);
	return getsockname(fd, (struct sockaddr *)&at, &len) == 0 &&
		at.sll_ifindex == (int)index;
}

/* FNV-1a (public domain), folded: a name as a number that can be compared. */
static uint16_t
fold(const char *text)
{
	uint32_t hash = 2166136261u;

	for (; *text != '\0'; text++)
		hash = (hash ^ (unsigned char)*text) * 16777619u;
	return hash ^ hash >> 16;
}

/* Its medium (ARPHRD_ETHER ...) and the kernel driver's name, "veth" or "ixgbe". */
void
vdev_iface_kind(const char *name, uint16_t *medium, uint16_t *driver)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr;

	memset(&ifr, 0, sizeof(ifr));
	memcpy(ifr.ifr_name, name, strnlen(name, IFNAMSIZ - 1));
	*medium = ioctl(fd, SIOCGIFHWADDR, &ifr) == 0 ? ifr.ifr_hwaddr.sa_family : 0;
	ifr.ifr_data = (char *)&info;
	if (ioctl(fd, SIOCETHTOOL, &ifr) != 0)
		info.driver[0] = '\0';
	if (fd >= 0)
		close(fd);
	*driver = fold(info.driver);
}
