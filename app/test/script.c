/* SPDX-License-Identifier: BSD-3-Clause */

/* script: uevents and time, as a test wants them.
 * In:  tests (app).  Out: eal/uevent.h and device_now_ns(), wrapped (watch).
 * Lock: `lock` guards the queue; an eventfd in semaphore mode is its descriptor.
 * Context: app, watch. */

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "eal/uevent.h"
#include "script.h"
#include "test.h"

#define MAX_ITEMS 1024

struct item {
	char action[16], devpath[128], driver[32];
	struct uevent_origin origin;
	int err;
};

uint64_t __real_device_now_ns(void);
uint64_t __wrap_device_now_ns(void);
int __wrap_uevent_open(unsigned int buffer_kb);
void __wrap_uevent_close(void);
int __wrap_uevent_next(struct hotplug_uevent *uevent, struct uevent_origin *origin);
const char *__wrap_uevent_obstacle(void);
uint64_t __wrap_uevent_last(void);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* items, n_sent, n_read, n_held */
static struct item items[MAX_ITEMS];
static unsigned int n_sent, n_read, n_held;
static bool is_held;
static uint64_t seqnum;
static int fd = -1;
static bool has_none;
static const char *obstacle;
static _Atomic uint64_t skipped_ns;

uint64_t
__wrap_device_now_ns(void)
{
	return __real_device_now_ns() + atomic_load(&skipped_ns);
}

void
script_skip_ms(unsigned int ms)
{
	atomic_fetch_add(&skipped_ns, ms * 1000000ull);
}

int
__wrap_uevent_open(unsigned int buffer_kb)
{
	(void)buffer_kb;
	if (has_none)
		return -EPERM;
	fd = eventfd(0, EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC);
	return fd;
}

void
__wrap_uevent_close(void)
{
	if (fd >= 0)
		close(fd);
	fd = -1;
}

const char *
__wrap_uevent_obstacle(void)
{
	return obstacle;
}

uint64_t
__wrap_uevent_last(void)
{
	uint64_t last;

	pthread_mutex_lock(&lock);
	last = seqnum;
	pthread_mutex_unlock(&lock);
	return last;
}

int
__wrap_uevent_next(struct hotplug_uevent *uevent, struct uevent_origin *origin)
{
	const struct item *item;
	uint64_t one;

	if (read(fd, &one, sizeof(one)) != sizeof(one))
		return 0;
	pthread_mutex_lock(&lock);
	item = &items[n_read++];
	pthread_mutex_unlock(&lock);
	if (item->err != 0)
		return item->err;
	*uevent = (struct hotplug_uevent){
		.action = item->action, .subsystem = "sim", .devpath = item->devpath,
		.sysname = strrchr(item->devpath, '/') + 1,
		.driver = item->driver[0] != '\0' ? item->driver : NULL,
	};
	*origin = item->origin;
	return 1;
}

void
script_reset(void)
{
	n_sent = n_read = n_held = 0;
	is_held = has_none = false;
	obstacle = NULL;
}

void
script_no_monitor(void)
{
	has_none = true;
}

void
script_obstacle(const char *why)
{
	obstacle = why;
}

static void
send(const struct item *item)
{
	const uint64_t one = 1;

	assert_true(n_sent < MAX_ITEMS);
	pthread_mutex_lock(&lock);
	items[n_sent] = *item;
	if (item->err == 0)
		items[n_sent].origin.seqnum = ++seqnum;
	n_sent++;
	n_held += is_held;
	pthread_mutex_unlock(&lock);
	if (!is_held)
		assert_int_equal(write(fd, &one, sizeof(one)), sizeof(one));
}

static struct item
about(const char *action, const char *name)
{
	struct item item = { .devpath = "/devices/sim0/" };

	strcpy(item.action, action);
	strcat(item.devpath, name);
	return item;
}

void
script_uevent(const char *action, const char *name, const char *driver)
{
	struct item item = about(action, name);

	if (driver != NULL)
		strcpy(item.driver, driver);
	send(&item);
}

void
script_synthetic(const char *action, const char *name)
{
	struct item item = about(action, name);

	item.origin.is_synthetic = true;
	send(&item);
}

void
script_error(int err)
{
	const struct item item = { .err = err };

	send(&item);
}

void
script_hold(void)
{
	is_held = true;
}

void
script_let_go(void)
{
	const uint64_t n = n_held;

	is_held = false;
	n_held = 0;
	assert_int_equal(write(fd, &n, sizeof(n)), sizeof(n));
}

bool
script_is_read(void)
{
	bool is_read;

	pthread_mutex_lock(&lock);
	is_read = n_read == n_sent;
	pthread_mutex_unlock(&lock);
	return is_read && hotplug_scan() >= 0;
}
