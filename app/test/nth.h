/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_TEST_NTH_H
#define HOTPLUG_TEST_NTH_H

/* Included before everything else in the library's own files (-include): each call
 * that may be refused for want of something can be made to fail, by count.  What
 * libc, libudev and DPDK call themselves is left alone. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libudev.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* The nth call from now on fails, and `more` after it; 0: none. */
void nth_arm(unsigned int n, unsigned int more);
/* How many have failed since; none do any more. */
unsigned int nth_disarm(void);
/* Meanwhile no call fails, or counts. */
void nth_hold(bool is_held);
/* What failed last: a line of the library, or a path. */
const char *nth_last(void);
/* Memory that the library has taken and not given back: pieces. */
unsigned int nth_n_pieces(void);

bool nth_fails(int err, const char *where);
void *nth_taken(void *p, const char *file);
void nth_given(void *p);
void *nth_moved(void *p, size_t len);   /* realloc() */
int nth_open(const char *path, int flags, ...);

#ifdef NTH_LIBRARY              /* the tests wrap host_thread_start() by the linker */
#define NTH_TEXT_(x) #x
#define NTH_TEXT(x) NTH_TEXT_(x)
#define NTH(err) nth_fails(err, __FILE__ ":" NTH_TEXT(__LINE__))

#ifndef NTH_DPDK                /* in whose headers it is an attribute too */
#define malloc(...) (NTH(ENOMEM) ? NULL : nth_taken(malloc(__VA_ARGS__), __FILE__))
#endif
#define calloc(...) (NTH(ENOMEM) ? NULL : nth_taken(calloc(__VA_ARGS__), __FILE__))
#define realloc(...) (NTH(ENOMEM) ? NULL : nth_moved(__VA_ARGS__))
#define strdup(...) (NTH(ENOMEM) ? NULL : (char *)nth_taken(strdup(__VA_ARGS__), __FILE__))
#define free(p) do { void *nth_p = (void *)(uintptr_t)(p); nth_given(nth_p); free(nth_p); } while (0)
#define mmap(...) (NTH(ENOMEM) ? MAP_FAILED : mmap(__VA_ARGS__))
#define mremap(...) (NTH(ENOMEM) ? MAP_FAILED : mremap(__VA_ARGS__))
#define socket(...) (NTH(EMFILE) ? -1 : socket(__VA_ARGS__))
#define memfd_create(...) (NTH(EMFILE) ? -1 : memfd_create(__VA_ARGS__))
#define ftruncate(...) (NTH(ENOSPC) ? -1 : ftruncate(__VA_ARGS__))
#define open nth_open   /* it is the name of members too */
#define fopen(...) (NTH(EMFILE) ? NULL : fopen(__VA_ARGS__))
#define opendir(...) (NTH(EMFILE) ? NULL : opendir(__VA_ARGS__))
#define fcntl(...) (NTH(EMFILE) ? -1 : fcntl(__VA_ARGS__))
#define eventfd(...) (NTH(EMFILE) ? -1 : eventfd(__VA_ARGS__))
#define epoll_create1(...) (NTH(EMFILE) ? -1 : epoll_create1(__VA_ARGS__))
#define epoll_ctl(...) (NTH(ENOSPC) ? -1 : epoll_ctl(__VA_ARGS__))
#define pthread_create(...) (NTH(EAGAIN) ? EAGAIN : pthread_create(__VA_ARGS__))
#define udev_new() (NTH(ENOMEM) ? NULL : udev_new())
#define udev_monitor_new_from_netlink(...) \
	(NTH(ENOMEM) ? NULL : udev_monitor_new_from_netlink(__VA_ARGS__))
#define udev_monitor_enable_receiving(...) \
	(NTH(EINVAL) ? -EINVAL : udev_monitor_enable_receiving(__VA_ARGS__))
#endif /* NTH_LIBRARY */

#endif /* HOTPLUG_TEST_NTH_H */
