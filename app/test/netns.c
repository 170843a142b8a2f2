/* SPDX-License-Identifier: BSD-3-Clause */

/* netns: interfaces of the kernel that tests may make, lose and find again.
 * In:  a test program, before it has threads.  Out: a network namespace that nobody else is
 *      in, veth pairs, and frames on them.
 * Context: app. */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netns.h"
#include "test.h"

#define OUR_TYPE 0x88b5         /* IEEE 802: for local experiments */

static int
write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -errno;

	if (fd >= 0)
		close(fd);
	return ret;
}

static int
become_root(unsigned int uid, unsigned int gid)
{
	char text[32];
	int ret;

	(void)write_file("/proc/self/setgroups", "deny");
	snprintf(text, sizeof(text), "0 %u 1", uid);
	ret = write_file("/proc/self/uid_map", text);
	snprintf(text, sizeof(text), "0 %u 1", gid);
	return ret != 0 ? ret : write_file("/proc/self/gid_map", text);
}

int
netns_enter(bool with_user)
{
	unsigned int uid = getuid(), gid = getgid();
	int ret = 0;

	if (!with_user && unshare(CLONE_NEWNET) == 0)
		return 0;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
		return -errno;
	ret = become_root(uid, gid);
	return ret;
}

void
netns_run(const char *fmt, ...)
{
	char command[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	if (system(command) != 0)
		fail_msg("%s", command);
}

void
netns_make(const char *name)
{
	netns_run("ip link add %s type veth peer name %s-p && ip link set %s up && "
		  "ip link set %s-p up", name, name, name, name);
}

void
netns_delete(const char *name)
{
	netns_run("ip link del %s", name);
}

void
netns_clear(void)
{
	netns_run("ls /proc/self/net/dev_snmp6 | grep -vx lo | "
		  "while read l; do ip link del $l 2>/dev/null; done; true");
}

int
wire_open(const char *name)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(OUR_TYPE) };
	char peer[IFNAMSIZ];
	int fd;

	snprintf(peer, sizeof(peer), "%.13s-p", name);
	at.sll_ifindex = if_nametoindex(peer);
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_true(fd >= 0 && at.sll_ifindex != 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

void
wire_fill(void *frame)
{
	const uint16_t type = htons(OUR_TYPE);

	memset(frame, 0, WIRE_FRAME_LEN);
	memset(frame, 0xff, 6);
	((uint8_t *)frame)[6] = 2;
	memcpy((uint8_t *)frame + 12, &type, sizeof(type));
}

bool
wire_is_ours(const void *frame, unsigned int len)
{
	const uint16_t type = htons(OUR_TYPE);

	return len >= 14 && memcmp((const uint8_t *)frame + 12, &type, sizeof(type)) == 0;
}

void
wire_send(int wire)
{
	uint8_t frame[WIRE_FRAME_LEN];

	wire_fill(frame);
	assert_int_equal(send(wire, frame, sizeof(frame), 0), (ssize_t)sizeof(frame));
}

/* What a socket has sent is given to others, not to itself. */
unsigned int
wire_receive(int wire)
{
	uint8_t frame[2048];
	unsigned int n = 0;
	ssize_t len;

	while ((len = recv(wire, frame, sizeof(frame), 0)) > 0)
		n += wire_is_ours(frame, len);
	return n;
}
