/* SPDX-License-Identifier: BSD-3-Clause */

/* pollset: what the watch thread waits for: descriptors, and whoever wakes it.
 * In:  descriptors of devices (publish), the monitor's (watch); wakings of any thread.
 * Out: the tokens of those that have something to say.
 * Order: it is closed after the last withdrawal, with device_lock() held, under which
 *      descriptors come and go.
 * Context: open, wait, close: watch and who starts it; add, forget: any thread; wake:
 *      signal. */

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "enable.h"
#include "pollset.h"

static _Atomic int wake_fd = -1;        /* its token is its own address */
static _Atomic bool is_woken;
static int epoll_fd = -1;

void
pollset_wake(void)
{
	const uint64_t one = 1;
	int fd = atomic_load(&wake_fd);

	atomic_store(&is_woken, true);
	if (fd >= 0 && write(fd, &one, sizeof(one)) < 0)
		return; /* EAGAIN: it is awake already */
}

bool
pollset_was_woken(void)
{
	return atomic_exchange(&is_woken, false);
}

int
pollset_add(int fd, unsigned int events, void *token)
{
	struct epoll_event ev = { .events = events, .data.ptr = token };

	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : 0;
}

void
pollset_remove(int fd)
{
	if (!enable_is_child())         /* whose epoll is its parent's */
		epoll_ctl(epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

int
pollset_add_dup(int fd, unsigned int events, void *token)
{
	int own_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0), ret;

	if (own_fd < 0)
		return -errno;
	ret = pollset_add(own_fd, events, token);
	if (ret == 0)
		return own_fd;
	close(own_fd);
	return ret;
}

void
pollset_forget_dup(int own_fd)
{
	pollset_remove(own_fd);
	close(own_fd);
}

unsigned int
pollset_wait(void *tokens[POLLSET_MAX_AT_ONCE], int timeout_ms)
{
	struct epoll_event ev[POLLSET_MAX_AT_ONCE];
	unsigned int n = 0;
	uint64_t count;
	int i, n_ready = epoll_wait(epoll_fd, ev, POLLSET_MAX_AT_ONCE, timeout_ms);

	for (i = 0; i < n_ready; i++) {
		if (ev[i].data.ptr == &wake_fd)
			(void)!read(wake_fd, &count, sizeof(count));
		else
			tokens[n++] = ev[i].data.ptr;
	}
	return n;
}

int
pollset_open(void)
{
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (epoll_fd < 0 || wake_fd < 0)
		return -errno;
	return pollset_add(wake_fd, EPOLLIN, &wake_fd);
}

void
pollset_close(void)
{
	int fd = atomic_exchange(&wake_fd, -1);

	if (fd >= 0)
		close(fd);
	if (epoll_fd >= 0)
		close(epoll_fd);
	epoll_fd = -1;
}
