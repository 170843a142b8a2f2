/* SPDX-License-Identifier: BSD-3-Clause */

/* table: which devices stand on which interfaces.
 * In:  a device before and after its probe (vdev.c).
 * Out: what the kernel has under the names that the device was made with; of a device that
 *      is attached, whether the interfaces that it was attached to are there, whatever they
 *      are called (looks.c).
 * A device is remembered for good, as the library does: it can come back.
 * Lock: `lock` guards what is in a record; nothing blocks below it.  Records are never
 *      freed, so the list is walked without it.
 * Context: app, work, hand, teardown, watch, look. */

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vdev.h"

/* What comes back after a loss is another one, also with the index that it had: as one that
 * has gone to another namespace has. */
#define COME_BACK (1ull << 62)

struct record {
	struct record *next;
	char device[HOTPLUG_NAME_LEN];
	struct vdev_names names;
	bool is_held;                   /* a driver is attached, or about to be */
	bool was_lost;                  /* when it was let go of */
	bool was_attached;              /* else its interfaces are nobody's business */
	unsigned int index[VDEV_MAX_IFACES];    /* 0: it has never been there */
	int fd[VDEV_MAX_IFACES];        /* -1: none */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* records, is_open */
static _Atomic(struct record *) head;
static bool is_open;            /* the library is enabled */

static struct record *
find(const char *device)
{
	struct record *r;

	for (r = atomic_load(&head); r != NULL; r = r->next)
		if (strcmp(r->device, device) == 0)
			return r;
	return NULL;
}

/* With the lock held. */
static struct record *
make(const char *device)
{
	struct record *r = find(device);

	if (r != NULL || strlen(device) >= sizeof(r->device))
		return r;
	r = calloc(1, sizeof(*r));
	if (r == NULL)
		return NULL;
	strcpy(r->device, device);
	r->next = atomic_load(&head);
	atomic_store(&head, r);
	return r;
}

/* With the lock held.  One number for all; 0: not all are there. */
static uint64_t
generation_held(const struct record *r)
{
	uint64_t all = 0;
	unsigned int i;

	for (i = 0; i < r->names.n; i++) {
		if (!vdev_iface_is_held(r->fd[i], r->index[i]))
			return 0;
		all = all * 1000003 + r->index[i];
	}
	return all & ~COME_BACK;
}

/* With the lock held. */
static void
release(struct record *r)
{
	unsigned int i;

	if (r->is_held)
		r->was_lost = generation_held(r) == 0;
	for (i = 0; r->is_held && i < r->names.n; i++)
		if (r->fd[i] >= 0)
			close(r->fd[i]);
	r->is_held = false;
}

/* With the lock held. */
static void
hold(struct record *r)
{
	unsigned int i;

	r->is_held = true;
	for (i = 0; i < r->names.n; i++) {
		r->index[i] = vdev_iface_index(r->names.name[i]);
		r->fd[i] = r->index[i] != 0 ? vdev_iface_hold(r->index[i]) : -1;
		if (r->fd[i] == -ENODEV)        /* gone in between */
			r->index[i] = 0;
	}
}

int
vdev_table_hold(const char *device, const struct vdev_names *names)
{
	struct record *r;

	pthread_mutex_lock(&lock);
	r = make(device);
	if (r != NULL) {
		release(r);
		r->names = *names;
		hold(r);
	}
	pthread_mutex_unlock(&lock);
	return r != NULL ? 0 : -ENOMEM;
}

/* With the lock held: what we hold is not what its driver has. */
static void
take_for_gone(struct record *r)
{
	release(r);
	r->is_held = true;
	r->index[0] = 0;
	r->fd[0] = -1;
}

void
vdev_table_attach(const char *device, unsigned int index)
{
	struct record *r = find(device);

	pthread_mutex_lock(&lock);
	if (r != NULL)
		r->was_attached = true;
	if (r != NULL && r->is_held && index != 0 && r->names.n == 1 && r->index[0] != index)
		take_for_gone(r);
	pthread_mutex_unlock(&lock);
}

void
vdev_table_release(const char *device)
{
	struct record *r = find(device);

	pthread_mutex_lock(&lock);
	if (r != NULL)
		release(r);
	if (r != NULL && !r->was_attached)
		r->names.n = 0;
	pthread_mutex_unlock(&lock);
}

int
vdev_table_open(void)
{
	int ret;

	pthread_mutex_lock(&lock);
	ret = vdev_iface_open();
	is_open = ret == 0;
	pthread_mutex_unlock(&lock);
	return ret;
}

void
vdev_table_close(void)
{
	struct record *r;

	pthread_mutex_lock(&lock);
	is_open = false;
	for (r = atomic_load(&head); r != NULL; r = r->next)
		release(r);
	vdev_iface_close();
	pthread_mutex_unlock(&lock);
}

/* With the lock held. */
static uint64_t
generation_by_name(const struct record *r)
{
	unsigned int i, index;
	uint64_t all = 0;

	for (i = 0; i < r->names.n; i++) {
		index = vdev_iface_index(r->names.name[i]);
		if (index == 0)
			return 0;
		all = all * 1000003 + index;
	}
	if (r->names.n == 0)
		return 0;
	return r->is_held || r->was_lost ? all | COME_BACK : all & ~COME_BACK;
}

bool
vdev_table_see(const char *device, struct vdev_seen *seen)
{
	const struct record *r = find(device);

	memset(seen, 0, sizeof(*seen));
	if (r == NULL)
		return false;
	pthread_mutex_lock(&lock);
	seen->names = r->names;
	seen->is_open = is_open;
	seen->was_attached = r->was_attached;
	seen->is_held = r->is_held;
	if (is_open) {
		seen->held = r->is_held ? generation_held(r) : 0;
		seen->by_name = generation_by_name(r);
	}
	pthread_mutex_unlock(&lock);
	return true;
}

const char *
vdev_table_next(const char *after)
{
	const struct record *r = after != NULL ? find(after) : NULL;

	if (after == NULL)
		r = atomic_load(&head);
	else if (r != NULL)
		r = r->next;
	return r != NULL ? r->device : NULL;
}
