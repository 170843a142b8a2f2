/* SPDX-License-Identifier: BSD-3-Clause */

/* look: ask a bus what there is at a device, where asking may block: the kernel keeps who
 * reads a card's configuration for as long as the card is being reset.
 * In:  devices that watch wants to know of.  Out: what was found, in the device, and a
 *      sign for watch (DEVICE_FOUND).
 * One look at a device at a time.  A device that has been attached or withdrawn meanwhile
 * has another number, and the answer is nobody's.
 * Lock: device_lock() for a look's own fields in a device; not held while a bus is asked.
 * Context: watch; read_question() to look_at(): look (lookers.c). */

#include <string.h>

#include "../eal/clock.h"
#include "look.h"
#include "lookers.h"

#define BLOCKED_NS (500 * MS)   /* a look that takes longer */

static uint64_t n_begun;        /* watch's */

/* --- a look */

/* What the bus is asked, and about whom; 0: nobody asks any more. */
struct question {
	uint64_t number;
	enum look_kind kind;
	const void *key;
	struct hotplug_identity id;
	char kernel_driver[HOTPLUG_NAME_LEN];
};

static struct question
read_question(struct hotplug_device *dev)
{
	struct question q;

	device_lock();
	q.number = dev->look.number;
	q.kind = dev->look.kind;
	q.key = dev->key;
	q.id = dev->id;
	memcpy(q.kernel_driver, dev->kernel_driver, sizeof(q.kernel_driver));
	device_unlock();
	return q;
}

static struct look_result
ask(struct hotplug_device *dev, const struct question *q)
{
	struct look_result result = { .kind = q->kind, .key = q->key };

	if (q->kind == LOOK_AT)
		result.found = device_look(dev, q->kernel_driver, &q->id);
	if (q->kind == LOOK_WHO ||
	    (result.found == HOTPLUG_LOOK_RESET && dev->bus->ops->identify != NULL))
		result.error = dev->bus->ops->identify(dev->name, &result.id);
	return result;
}

static void
answer(struct hotplug_device *dev, uint64_t number, const struct look_result *result)
{
	device_lock();          /* under which disable closes what wakes watch */
	if (dev->look.number == number && dev->look.is_under_way) {
		dev->look.result = *result;
		dev->look.is_answered = true;
		device_post(dev, DEVICE_FOUND);
	}
	device_unlock();
}

static void
look_at(struct hotplug_device *dev)
{
	struct question q = read_question(dev);
	struct look_result result = ask(dev, &q);

	answer(dev, q.number, &result);
}

/* --- what watch asks */

/* With device_lock() held. */
static void
begin(struct hotplug_device *dev, enum look_kind kind)
{
	struct look *look = &dev->look;

	look->is_under_way = true;
	look->is_answered = look->is_outdated = false;
	look->wants &= ~(1u << kind);
	look->kind = kind;
	look->number++;
	look->since_ns = device_now_ns();
	look->ticket = ++n_begun;
}

void
look_begin(struct hotplug_device *dev, enum look_kind kind)
{
	bool is_new;

	device_lock();
	is_new = !dev->look.is_under_way;
	if (is_new)
		begin(dev, kind);
	else
		dev->look.wants |= 1u << kind;
	device_unlock();
	if (is_new)
		lookers_put(dev);
}

bool
look_take(struct hotplug_device *dev, struct look_result *result)
{
	struct look *look = &dev->look;
	bool is_news = look->is_answered && !look->is_outdated && look->result.key == dev->key;

	if (!look->is_answered)
		return false;
	*result = look->result;
	if (look->is_outdated)
		look->wants |= 1u << look->kind;
	look->is_under_way = look->is_answered = look->is_outdated = false;
	return is_news;
}

void
look_outdate(struct hotplug_device *dev)
{
	dev->look.is_outdated = dev->look.is_under_way;
}

uint64_t
look_n_begun(void)
{
	return n_begun;
}

bool
look_is_any_before(uint64_t ticket)
{
	uint64_t now = device_now_ns();
	struct hotplug_device *dev;
	bool is_any = false;

	device_lock();
	for (dev = device_first(); dev != NULL && !is_any; dev = dev->next)
		is_any = dev->look.is_under_way && dev->look.ticket <= ticket &&
			now - dev->look.since_ns < BLOCKED_NS;
	device_unlock();
	return is_any;
}

/* --- start and stop */

/* Looks of a former life are nobody's. */
static void
forget_all(void)
{
	struct hotplug_device *dev;

	device_lock();
	for (dev = device_first(); dev != NULL; dev = dev->next)
		device_forget_look(dev);
	device_unlock();
}

int
look_start(void)
{
	forget_all();
	return lookers_start(look_at);
}
