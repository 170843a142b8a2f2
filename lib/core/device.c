/* SPDX-License-Identifier: BSD-3-Clause */

/* device: what the library knows of each device.
 * In:  backends publish, withdraw, unsettle, settle (app, work); any room posts
 *      signs.  Out: watch walks the list and takes the signs.
 * Lock: device_lock() guards the entries and the guard's writers.  Entries are
 *      remembered by name for good, so a pointer to one stays good.
 * Context: app, work, watch; device_post() any, signal too. */

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../report/events.h"
#include "../report/trace.h"
#include "../survive/cutoff.h"
#include "../survive/guard.h"
#include "../survive/intact.h"
#include "../watch/uevent.h"
#include "../watch/watch.h"
#include "device.h"
#include "enable.h"
#include "host.h"

#define TELL_MS 50              /* EAL's interrupt thread waits no longer */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;        /* the table */
static _Atomic(struct hotplug_device *) head;
static _Atomic(struct hotplug_device *) buckets[1024];  /* by name */

static enum hotplug_fill default_fill;
static struct hotplug_driver_fill driver_fill[HOTPLUG_MAX_DRIVER_FILLS];

void
device_lock(void)
{
	pthread_mutex_lock(&lock);
}

void
device_unlock(void)
{
	pthread_mutex_unlock(&lock);
}

uint64_t
device_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void
device_set_fills(enum hotplug_fill fill, const struct hotplug_driver_fill *list)
{
	device_lock();
	default_fill = fill;
	memcpy(driver_fill, list, sizeof(driver_fill));
	device_unlock();
}

static enum hotplug_fill
fill_of(const char *driver)
{
	unsigned int i;

	for (i = 0; i < HOTPLUG_MAX_DRIVER_FILLS && driver_fill[i].driver[0] != '\0'; i++)
		if (strcmp(driver_fill[i].driver, driver) == 0)
			return driver_fill[i].fill;
	return default_fill;
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
		if ((bus == NULL || dev->bus == bus) && strcmp(dev->name, name) == 0)
			return dev;
	return NULL;
}

/* With the lock held. */
static struct hotplug_device *
know(struct hotplug_bus *bus, const char *name)
{
	struct hotplug_device *dev = device_find(bus, name);
	unsigned int bucket = bucket_of(name);

	if (dev != NULL || strlen(name) >= HOTPLUG_NAME_LEN)
		return dev;
	dev = calloc(1, sizeof(*dev));
	if (dev == NULL)
		return NULL;
	dev->bus = bus;
	dev->sign_fd = -1;
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
	dev = know(bus, name);
	device_unlock();
	return dev;
}

/* With the lock held. */
static struct hotplug_device *
find_key(const struct hotplug_bus *bus, const void *key)
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
		watch_wake();
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

static int
fill_regions(struct hotplug_device *dev, const struct hotplug_device_info *info)
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
	if (ret != 0)
		dev->n_regions = 0;
	return ret;
}

static void
copy_name(char *to, const char *from)
{
	to[0] = '\0';
	if (from != NULL)
		strncat(to, from, HOTPLUG_NAME_LEN - 1);
}

static void
close_sign(struct hotplug_device *dev)
{
	if (dev->sign_fd >= 0)
		watch_forget_fd(dev->sign_fd);
	dev->sign_fd = -1;
}

/* A device that was not published: what it is from now on. */
static void
start_anew(struct hotplug_device *dev, const struct hotplug_device_info *info)
{
	dev->key = info->key;
	dev->was_attached = true;
	copy_name(dev->driver, info->driver);
	copy_name(dev->kernel_driver, info->kernel_driver);
	dev->id = info->id;
	dev->n_ports = info->n_ports;
	memcpy(dev->port, info->port, sizeof(dev->port));
	dev->glance.generation = info->id.generation;
	copy_name(dev->glance.kernel_driver, info->kernel_driver);
	dev->glance.is_user_space = true;
	dev->known_seqnum = uevent_last();
	dev->owes_ready = false;
	dev->fill = fill_of(dev->driver);
	dev->works_on_request = info->works_on_request;
	dev->is_cut = dev->wants_cut = dev->has_open_bar = dev->has_hung_up = false;
	dev->is_requested = dev->is_held = dev->is_simulated = false;
	atomic_store(&dev->is_hidden, false);
	dev->cause = HOTPLUG_CAUSE_NONE;
	dev->first_sign = HOTPLUG_SIGN_NONE;
	dev->sign_ns = dev->cut_ns = dev->look_ns = dev->claimed_ns = dev->dark_ns = 0;
	dev->state = HOTPLUG_STATE_ATTACHED;
	atomic_store(&dev->signs, 0);
	atomic_store(&dev->is_gone, false);
	atomic_store(&dev->n_unsettled, 0);
}

/* Undoes all of publish(); with the lock held. */
static void
withdraw(struct hotplug_device *dev)
{
	cutoff_unflip(dev);
	guard_withdraw(dev);
	close_sign(dev);
	dev->key = NULL;
	dev->n_regions = 0;
	dev->is_requested = dev->is_held = false;
	dev->look_ns = dev->claimed_ns = dev->dark_ns = 0;
	if (dev->state != HOTPLUG_STATE_GONE)
		dev->state = HOTPLUG_STATE_READY;
	else if (dev->glance.generation == 0)
		dev->state = HOTPLUG_STATE_ABSENT;
	else
		dev->state = dev->glance.is_user_space ? HOTPLUG_STATE_READY :
			HOTPLUG_STATE_PRESENT;
	device_post(dev, DEVICE_LOOK);
}

static int
publish(struct hotplug_bus *bus, const struct hotplug_device_info *info)
{
	struct hotplug_device *dev = know(bus, info->name);
	int ret;

	if (dev == NULL)
		return -ENOMEM;
	if (dev->key == info->key) {    /* again: only what is mapped may change */
		if (!dev->is_cut && atomic_load(&dev->n_unsettled) == 0)
			cutoff_drop_unmapped(dev);
		return 0;
	}
	if (dev->key != NULL)
		withdraw(dev);
	start_anew(dev, info);
	ret = fill_regions(dev, info);
	if (ret == 0)
		ret = guard_publish(dev);
	if (ret == 0 && info->sign_fd >= 0) {
		dev->sign_fd = watch_add_fd(info->sign_fd, dev);
		if (dev->sign_fd < 0)
			host_log(HOST_WARN, "%s: cannot watch its descriptor: %s", dev->name,
				 strerror(-dev->sign_fd));
	}
	if (ret != 0) {
		withdraw(dev);
		return ret;
	}
	trace(TRACE_ATTACH, dev->name, dev->n_regions);
	device_post(dev, DEVICE_LOOK);  /* it may have gone while it was probed */
	return 0;
}

int
hotplug_device_publish(struct hotplug_bus *bus, const struct hotplug_device_info *info)
{
	int ret;

	if (bus == NULL || info == NULL || info->key == NULL || info->name == NULL ||
	    info->name[0] == '\0' || strlen(info->name) >= HOTPLUG_NAME_LEN ||
	    info->n_regions > HOTPLUG_MAX_REGIONS || info->n_ports > HOTPLUG_MAX_PORTS)
		return -EINVAL;
	device_lock();          /* under which disable closes the door */
	ret = enable_is_on() ? publish(bus, info) : -ENOTCONN;
	device_unlock();
	return ret;
}

int
hotplug_device_withdraw(struct hotplug_bus *bus, const void *key)
{
	struct hotplug_device *dev;

	device_lock();
	dev = find_key(bus, key);
	if (dev != NULL) {
		withdraw(dev);
		trace(TRACE_DETACH, dev->name, 0);
	}
	device_unlock();
	return dev != NULL ? 0 : -ENOENT;
}

void
device_unmap(struct hotplug_bus *bus, const void *key)
{
	struct hotplug_device *dev;

	device_lock();
	dev = find_key(bus, key);
	if (dev != NULL)
		cutoff_unmap(dev);
	device_unlock();
}

int
hotplug_device_unsettle(struct hotplug_bus *bus, const void *key)
{
	struct hotplug_device *dev;

	device_lock();
	dev = find_key(bus, key);
	if (dev != NULL && atomic_fetch_add(&dev->n_unsettled, 1) == 0)
		cutoff_flip(dev);
	device_unlock();
	return dev != NULL ? 0 : -ENOENT;
}

int
hotplug_device_settle(struct hotplug_bus *bus, const void *key)
{
	struct hotplug_device *dev;

	device_lock();
	dev = find_key(bus, key);
	if (dev != NULL && atomic_fetch_sub(&dev->n_unsettled, 1) == 1) {
		cutoff_unflip(dev);
		cutoff_drop_unmapped(dev);
		if (dev->wants_cut)
			cutoff_device(dev);
		dev->wants_cut = false;
	}
	device_unlock();
	return dev != NULL ? 0 : -ENOENT;
}

/* Cut off before anybody else runs, unless it works until it is let go. */
static int
cut_off_now(struct hotplug_device *dev)
{
	if (dev->works_on_request)
		return 0;
	if (dev->bus->ops->handle_hot_unplug != NULL)
		return dev->bus->ops->handle_hot_unplug(dev);
	return hotplug_device_cut_off(dev);
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

/* Not under the lock. */
static enum hotplug_look
look_at(struct hotplug_device *dev)
{
	char kernel_driver[HOTPLUG_NAME_LEN];
	struct hotplug_identity id;

	device_lock();
	id = dev->id;
	memcpy(kernel_driver, dev->kernel_driver, sizeof(kernel_driver));
	device_unlock();
	return device_look(dev, kernel_driver, &id);
}

/* Seen now, not when watch comes to it. */
static void
date_sign(struct hotplug_device *dev, enum hotplug_sign sign)
{
	device_lock();
	if (dev->state == HOTPLUG_STATE_ATTACHED && dev->first_sign == HOTPLUG_SIGN_NONE) {
		dev->first_sign = sign;
		dev->sign_ns = device_now_ns();
	}
	device_unlock();
}

/* Under the lock, under which disable closes what wakes watch. */
static void
post(struct hotplug_device *dev, unsigned int bits)
{
	device_lock();
	device_post(dev, bits);
	device_unlock();
}

static bool
is_told(struct hotplug_device *dev)
{
	bool is_over;

	device_lock();
	is_over = dev->state != HOTPLUG_STATE_ATTACHED && dev->state != HOTPLUG_STATE_SUSPECT &&
		!dev->owes_gone;
	device_unlock();
	return is_over && events_are_told();
}

/* EAL calls its own subscribers when we return: ours, who are told the cause, come
 * first, unless they take their time. */
static void
let_be_told(struct hotplug_device *dev)
{
	const struct timespec pause = { .tv_nsec = 500000 };
	unsigned int i;

	for (i = 0; i < 2 * TELL_MS && !events_is_self() && !is_told(dev); i++)
		nanosleep(&pause, NULL);
}

int
hotplug_bus_report(struct hotplug_bus *bus, const void *key, enum hotplug_sign sign)
{
	enum hotplug_look found = HOTPLUG_LOOK_ABSENT;
	struct hotplug_device *dev;

	if (sign != HOTPLUG_SIGN_EAL && sign != HOTPLUG_SIGN_VFIO && sign != HOTPLUG_SIGN_CALLER)
		return -EINVAL;
	device_lock();
	dev = find_key(bus, key);
	device_unlock();
	if (dev == NULL)
		return -ENOENT;
	if (dev->works_on_request)
		sign = HOTPLUG_SIGN_VFIO;       /* asked for, not gone */
	if (sign == HOTPLUG_SIGN_EAL)
		found = look_at(dev);
	if (found == HOTPLUG_LOOK_PRESENT) {
		post(dev, DEVICE_LOOK);         /* it believes everybody's uevents */
		return 0;
	}
	date_sign(dev, sign);
	(void)cut_off_now(dev);         /* logged where it failed */
	post(dev, DEVICE_SIGN(sign));
	if (sign == HOTPLUG_SIGN_EAL && found == HOTPLUG_LOOK_ABSENT)
		let_be_told(dev);
	return 0;
}

int
hotplug_device_cut_off(struct hotplug_device *dev)
{
	int ret;

	device_lock();
	ret = dev->key != NULL ? cutoff_device(dev) : 0;
	device_unlock();
	return ret;
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
	dev = find_key(bus, key);
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
	dev = find_key(bus, key);
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

void
device_withdraw_all(const struct hotplug_bus *bus)
{
	struct hotplug_device *dev;

	device_lock();
	for (dev = device_first(); dev != NULL; dev = dev->next) {
		if (bus == NULL)
			atomic_store(&dev->is_hidden, false);   /* drills end with us */
		if (dev->key != NULL && (bus == NULL || dev->bus == bus)) {
			cutoff_unflip(dev);
			if (bus == NULL && dev->is_cut)
				cutoff_fill_device(dev);        /* nobody answers any more */
			withdraw(dev);
		}
	}
	device_unlock();
}
