/* SPDX-License-Identifier: BSD-3-Clause */

/* device: what the library knows of each device: the table, and questions to it.
 * In:  devices by bus and name, from publish.c and watch; signs, from any room.
 * Out: watch walks the list and takes the signs.
 * Lock: device_lock() guards the entries and the guard's writers.  Entries are
 *      remembered by name for good, so a pointer to one stays good.
 * Context: app, work, watch; device_post() any, signal too. */

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bus.h"
#include "device.h"
#include "pollset.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;        /* the table */
static _Thread_local bool has_lock;
static _Atomic(struct hotplug_device *) head;
static _Atomic(struct hotplug_device *) buckets[1024];  /* by name */

void
device_lock(void)
{
	pthread_mutex_lock(&lock);
	has_lock = true;
}

void
device_unlock(void)
{
	has_lock = false;
	pthread_mutex_unlock(&lock);
}

bool
device_lock_is_mine(void)
{
	return has_lock;
}

uint64_t
device_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

struct hotplug_device *
device_first(void)
{
	return atomic_load(&head);
}

/* FNV-1a (public domain). */
static unsigned int
bucket_of(const char *name)
{
	uint32_t hash = 2166136261u;

	for (; *name != '\0'; name++)
		hash = (hash ^ (unsigned char)*name) * 16777619u;
	return hash % (sizeof(buckets) / sizeof(buckets[0]));
}

struct hotplug_device *
device_find(const struct hotplug_bus *bus, const char *name)
{
	struct hotplug_device *dev;

	for (dev = atomic_load(&buckets[bucket_of(name)]); dev != NULL; dev = dev->same_hash)
		if ((bus == NULL ? dev->bus != bus_none() : dev->bus == bus) &&
		    strcmp(dev->name, name) == 0)
			return dev;
	return NULL;
}

void
device_forget(struct hotplug_device *dev)
{
	dev->n_changes = 0;
	memset(dev->change_ns, 0, sizeof(dev->change_ns));
	dev->is_flapping = dev->owes_ready = false;
}

void
device_orphan_all(const struct hotplug_bus *bus)
{
	struct hotplug_device *dev;

	device_lock();
	for (dev = device_first(); dev != NULL; dev = dev->next) {
		if (dev->bus != bus)
			continue;
		dev->bus = bus_none();
		dev->state = HOTPLUG_STATE_ABSENT;
		dev->glance = (struct hotplug_glance){ .generation = 0 };
		device_forget(dev);
	}
	device_unlock();
}

struct hotplug_device *
device_make(struct hotplug_bus *bus, const char *name)
{
	struct hotplug_device *dev = device_find(bus, name);
	unsigned int bucket = bucket_of(name);

	if (dev != NULL || strlen(name) >= HOTPLUG_NAME_LEN)
		return dev;
	dev = device_find(bus_none(), name);
	if (dev != NULL) {
		dev->bus = bus;
		return dev;
	}
	dev = calloc(1, sizeof(*dev));
	if (dev == NULL)
		return NULL;
	dev->bus = bus;
	dev->sign_fd = dev->notice_fd = -1;
	strcpy(dev->name, name);
	dev->next = device_first();
	dev->same_hash = atomic_load(&buckets[bucket]);
	atomic_store(&buckets[bucket], dev);
	atomic_store(&head, dev);
	return dev;
}

struct hotplug_device *
device_know(struct hotplug_bus *bus, const char *name)
{
	struct hotplug_device *dev;

	device_lock();
	dev = device_make(bus, name);
	device_unlock();
	return dev;
}

struct hotplug_device *
device_find_key(const struct hotplug_bus *bus, const void *key)
{
	struct hotplug_device *dev;

	for (dev = device_first(); dev != NULL; dev = dev->next)
		if (dev->bus == bus && dev->key == key && key != NULL)
			return dev;
	return NULL;
}

void
device_post(struct hotplug_device *dev, unsigned int bits)
{
	if ((atomic_fetch_or(&dev->signs, bits) & bits) != bits)
		pollset_wake();
}

void
device_forget_look(struct hotplug_device *dev)
{
	if (dev->look.is_under_way && dev->look.kind == LOOK_WHO)
		dev->look.wants |= 1u << LOOK_WHO;
	dev->look.number++;
	dev->look.is_under_way = dev->look.is_answered = dev->look.is_outdated = false;
	dev->look.wants &= 1u << LOOK_WHO;
	dev->was_bound = dev->asks = false;
}

enum hotplug_look
device_look(struct hotplug_device *dev, const char *kernel_driver,
	    const struct hotplug_identity *id)
{
	if (atomic_load(&dev->is_hidden))
		return HOTPLUG_LOOK_ABSENT;
	return dev->bus->ops->look(dev->name, kernel_driver, id);
}

int
device_glance(const struct hotplug_bus *bus, const char *name, struct hotplug_glance *glance)
{
	const struct hotplug_device *dev = device_find(bus, name);

	if (dev != NULL && atomic_load(&dev->is_hidden))
		return -ENOENT;
	return bus->ops->glance(name, glance);
}

const char *
hotplug_device_name(const struct hotplug_device *dev)
{
	return dev->name;
}

const void *
hotplug_device_key(const struct hotplug_device *dev)
{
	return dev->key;
}

bool
device_is_lost(const struct hotplug_bus *bus, const void *key)
{
	struct hotplug_device *dev;
	bool is_lost;

	device_lock();
	dev = device_find_key(bus, key);
	is_lost = dev != NULL && (dev->state != HOTPLUG_STATE_ATTACHED || dev->is_requested);
	device_unlock();
	return is_lost;
}

bool
device_is_cut(const struct hotplug_bus *bus, const void *key)
{
	struct hotplug_device *dev;
	bool is_cut;

	device_lock();
	dev = device_find_key(bus, key);
	is_cut = dev != NULL && dev->is_cut;
	device_unlock();
	return is_cut;
}

enum hotplug_card
device_compare_cards(const struct hotplug_identity *lost, const struct hotplug_identity *now)
{
	if (lost->vendor == 0 && lost->device == 0 && lost->generation == 0)
		return HOTPLUG_CARD_NEW;
	if (lost->vendor != now->vendor || lost->device != now->device ||
	    lost->subsystem_vendor != now->subsystem_vendor ||
	    lost->subsystem_device != now->subsystem_device ||
	    /* generation 0: it could not be read at its time, the serial neither */
	    (lost->generation != 0 && lost->serial != now->serial))
		return HOTPLUG_CARD_OTHER;
	return now->serial != 0 ? HOTPLUG_CARD_SAME : HOTPLUG_CARD_ALIKE;
}

unsigned int
device_count_published(void)
{
	struct hotplug_device *dev;
	unsigned int n = 0;

	device_lock();
	for (dev = device_first(); dev != NULL; dev = dev->next)
		n += dev->key != NULL;
	device_unlock();
	return n;
}

unsigned int
device_count_zombies(void)
{
	struct hotplug_device *dev;
	unsigned int n = 0;

	device_lock();
	for (dev = device_first(); dev != NULL; dev = dev->next)
		n += dev->state == HOTPLUG_STATE_GONE && dev->cause == HOTPLUG_CAUSE_SILENT &&
			dev->glance.generation != 0;
	device_unlock();
	return n;
}
