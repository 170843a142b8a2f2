/* SPDX-License-Identifier: BSD-3-Clause */

/* signs: a device that one process sees go is a sign for all.
 * A vfio secondary has none of its own: the kernel asks one process only, the primary,
 * and sends no uevent until the last one has let go.
 * In:  what watch has seen here (sync_signs_add), the rings of the others.  Out: a
 *      sign for this process's own device of that name, which is cut off at once and
 *      then looked at, like after any other.
 * A card that is not the one which the others saw go is left alone.
 * Order: a ring's count is raised after its sign is written; a reader that was lapped, or
 *      finds another thing than a sign, has lost some, and looks at every device.
 * Context: watch (add), work (take, the sync thread). */

#include <stdio.h>
#include <string.h>

#include "../core/bus.h"
#include "../core/device.h"
#include "machine.h"

void
sync_signs_begin(const struct sync_table *table, uint32_t *seen)
{
	uint32_t i;

	for (i = 0; i < table->n_slots; i++)
		seen[i] = atomic_load(&sync_slot(table, i)->n_signs);
}

void
sync_signs_add(const struct sync_table *table, uint32_t slot, const char *name,
	       uint64_t generation)
{
	struct sync_slot *own = sync_slot(table, slot);
	uint32_t n = atomic_load(&own->n_signs);
	struct sync_sign *sign = &own->sign[n % SYNC_N_SIGNS];

	sign->generation = generation;
	snprintf(sign->name, sizeof(sign->name), "%s", name);
	sign->sum = sync_sign_sum(sign, n);
	atomic_store(&own->n_signs, n + 1);
}

static void
report(struct hotplug_bus *bus, const struct sync_sign *sign)
{
	struct hotplug_device *dev = device_find(bus, sign->name);
	const void *key = NULL;

	if (dev == NULL)
		return;
	device_lock();
	if (dev->id.generation == 0 || sign->generation == 0 ||
	    dev->id.generation == sign->generation)
		key = dev->key;
	device_unlock();
	if (key != NULL)
		hotplug_bus_report(bus, key, HOTPLUG_SIGN_CALLER);
}

static void
look_at_all(void)
{
	struct hotplug_device *dev;

	for (dev = device_first(); dev != NULL; dev = dev->next)
		device_post(dev, DEVICE_LOOK);
}

static void
take_from(const struct sync_slot *slot, uint32_t *seen)
{
	uint32_t n = atomic_load(&slot->n_signs);
	struct hotplug_bus *bus;
	struct sync_sign sign;

	if (n - *seen > SYNC_N_SIGNS) {
		look_at_all();
		*seen = n;
	}
	for (; *seen != n; (*seen)++) {
		sign = slot->sign[*seen % SYNC_N_SIGNS];
		if (atomic_load(&slot->n_signs) - *seen > SYNC_N_SIGNS ||
		    sign.sum != sync_sign_sum(&sign, *seen) ||
		    memchr(sign.name, '\0', sizeof(sign.name)) == NULL) {
			look_at_all();
			continue;
		}
		for (bus = bus_next(NULL); bus != NULL; bus = bus_next(bus))
			report(bus, &sign);
	}
}

void
sync_signs_take(const struct sync_table *table, uint32_t own, uint32_t *seen)
{
	uint32_t i;

	for (i = 0; i < table->n_used; i++)
		if (i != own && atomic_load(&sync_slot(table, i)->n_signs) != seen[i])
			take_from(sync_slot(table, i), &seen[i]);
}
