/* SPDX-License-Identifier: BSD-3-Clause */

/* ids: probe a device so that its ports get the ids that they had.
 * In:  the ids of held ports (heal).  Out: probed under them, or held as before.
 * ethdev gives the lowest free id: placeholders (allocated, never announced) hold
 * the others meanwhile, and ours too, until the driver asks for a port of that name: so
 * another heal, or an attach, that is beside a slow probe takes none of them.  A driver that
 * makes its ports in another order, or one that had been closed before these, is given each
 * by its name.
 * Others may be at these ids, polling and asking: ethdev's release, ours and that of a
 * PMD whose probe fails, never gets to clear them (release.c).
 * Lock: the caller has port_probe_lock(): EAL's probe is not thread-safe.  `exchange` from
 * the moment that an id is let go until somebody has it: never in a driver.
 * Context: work. */

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "../sync/sync.h"
#include "calls.h"
#include "found.h"
#include "ids.h"
#include "local.h"
#include "release.h"
#include "shared.h"
#include "steps.h"
#include "stuck.h"

#define PLACEHOLDER "hotplug-hold-"

/* Free ids; who releases a placeholder with it held takes it again (raise.c). */
static pthread_mutex_t exchange = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

void
ids_lock(void)
{
	pthread_mutex_lock(&exchange);
}

void
ids_unlock(void)
{
	pthread_mutex_unlock(&exchange);
}

static bool
is_placeholder(const struct rte_eth_dev *eth)
{
	return strncmp(eth->data->name, PLACEHOLDER, strlen(PLACEHOLDER)) == 0;
}

static void
release(struct rte_eth_dev *eth)
{
	STORE(eth->state, RTE_ETH_DEV_UNUSED);        /* no DESTROY */
	rte_eth_dev_release_port(eth);
}

static bool
is_one_of(uint16_t id, const uint16_t *ids, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (ids[i] == id)
			return true;
	return false;
}

/* Hold every free id up to the last of ours; how many.  With `exchange` held. */
static unsigned int
hold_free_ids(uint16_t last, uint16_t *held)
{
	static unsigned int number;     /* those of another heal, or of before, are there still */
	char name[RTE_ETH_NAME_MAX_LEN];
	struct rte_eth_dev *eth;
	unsigned int n = 0;

	do {
		snprintf(name, sizeof(name), PLACEHOLDER "%u", number++);
		eth = WAY_ON(rte_eth_dev_allocate)(name);
		if (eth == NULL)
			break;
		held[n++] = eth->data->port_id;
	} while (held[n - 1] < last);
	return n;
}

/* All but ours. */
static void
release_others(const uint16_t *held, unsigned int n_held, const uint16_t *ids, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n_held; i++)
		if (!is_one_of(held[i], ids, n))
			release(&rte_eth_devices[held[i]]);
}

/* --- by their names --------------------------------------------------------------------- */

/* What the probe in this thread is to give. */
static _Thread_local struct {
	const uint16_t *ids;
	unsigned int n;
} wanted;

/* Where a port of that name belongs: its own id, or behind all of ours. */
static unsigned int
place_of(const char *name)
{
	unsigned int i;

	for (i = 0; i < wanted.n; i++)
		if (strcmp(port_of(&rte_eth_devices[wanted.ids[i]])->name, name) == 0)
			return wanted.ids[i];
	return wanted.ids[wanted.n - 1] + 1u;
}

/* Of ours, which nobody has been given yet: all others are held. */
static unsigned int
hold_below(unsigned int id, struct rte_eth_dev **held)
{
	char name[RTE_ETH_NAME_MAX_LEN];
	struct rte_eth_dev *eth;
	unsigned int n = 0;

	for (;;) {
		snprintf(name, sizeof(name), "hotplug-below-%u-%u", id, n);
		eth = WAY_ON(rte_eth_dev_allocate)(name);
		if (eth == NULL)
			return n;
		if (eth->data->port_id >= id)
			break;
		held[n++] = eth;
	}
	release(eth);
	return n;
}

/* Ours are held by our placeholders, but for those that the driver has had and let go. */
static struct rte_eth_dev *
allocate_in_place(const char *name)
{
	struct rte_eth_dev *held[RTE_MAX_ETHPORTS], *eth;
	unsigned int n, id = place_of(name);

	if (is_one_of(id, wanted.ids, wanted.n) && is_placeholder(&rte_eth_devices[id]))
		release_quietly(&rte_eth_devices[id]);
	n = hold_below(id, held);
	eth = WAY_ON(rte_eth_dev_allocate)(name);
	while (n-- > 0)         /* one that was closed meanwhile is not ours */
		if (is_one_of(held[n]->data->port_id, wanted.ids, wanted.n))
			release_quietly(held[n]);
		else
			release(held[n]);
	return eth;
}

struct rte_eth_dev *
__wrap_rte_eth_dev_allocate(const char *name)
{
	struct rte_eth_dev *eth;

	pthread_mutex_lock(&exchange);
	eth = wanted.n == 0 || name == NULL ? WAY_ON(rte_eth_dev_allocate)(name) :
		allocate_in_place(name);
	pthread_mutex_unlock(&exchange);
	return eth;
}

/* --- the probe ---------------------------------------------------------------------------- */

/* The probe has returned: from here on they are found valid.  Not before, as ethdev has it:
 * rte_eth_dev_info_get() follows device->driver, which a bus sets when its driver's probe has
 * returned. */
static void
show(const uint16_t *ids, unsigned int n)
{
	struct rte_eth_dev *eth;
	unsigned int i;

	atomic_thread_fence(memory_order_release);
	for (i = 0; i < n; i++) {
		eth = &rte_eth_devices[ids[i]];
		if (LOAD(eth->state) == RTE_ETH_DEV_UNUSED && eth->data->name[0] != '\0' &&
		    !is_placeholder(eth))
			STORE(eth->state, RTE_ETH_DEV_ATTACHED);
	}
}

/* Probed under our ids, each under its own? */
static bool
has_ids(const char *device, const uint16_t *ids, unsigned int n)
{
	const struct rte_eth_dev *eth;
	unsigned int i;

	for (i = 0; i < n; i++) {
		eth = &rte_eth_devices[ids[i]];
		if (LOAD(eth->state) != RTE_ETH_DEV_ATTACHED ||
		    strcmp(eth->data->name, port_of(eth)->name) != 0 ||
		    strcmp(port_device_name(eth), device) != 0)
			return false;
	}
	return true;
}

/* One that was closed while its device was gone comes with the card all the same: it stays
 * closed.  It was told of as NEW, so its application may be closing it just now, too: in turn. */
static void
close_others(const char *device, const uint16_t *ids, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < RTE_MAX_ETHPORTS; i++)
		if (LOAD(rte_eth_devices[i].state) == RTE_ETH_DEV_ATTACHED && !is_one_of(i, ids, n) &&
		    strcmp(port_device_name(&rte_eth_devices[i]), device) == 0)
			(void)rte_eth_dev_close(i);
}

/* Other ports came than there were, or in another order: not that card.  Or one that was
 * probed beside has taken an id, or one that was closed beside has left a lower one, which the
 * driver was given: once more. */
static int
undo(const char *device, bool was_any_released)
{
	struct rte_device *dev = found_probed(device);

	if (dev != NULL && sync_is_on())
		(void)local_remove(device);
	else if (dev != NULL)
		(void)local_remove_told(dev);
	return port_probe_was_alone() && !was_any_released ? -EADDRINUSE : -EAGAIN;
}

static int
probe_here(const char *device, const char *devargs)
{
	int ret = local_probe(device, devargs);

	return ret == 0 ? -EEXIST : ret;        /* somebody was faster, and it is his */
}

static int
probe(const char *device, const char *devargs, const uint16_t *ids, unsigned int n)
{
	uint16_t held[RTE_MAX_ETHPORTS];
	unsigned long n_released;
	unsigned int i, n_held;
	int ret;

	n_released = release_number();  /* before the free ids are held */
	pthread_mutex_lock(&exchange);
	for (i = 0; i < n; i++)
		release_quietly(&rte_eth_devices[ids[i]]);
	n_held = hold_free_ids(ids[n - 1], held);
	pthread_mutex_unlock(&exchange);
	step_before(STEP_HEAL_PROBE, device);
	stuck_begin_probe(device, ids, n);
	wanted.ids = ids;
	wanted.n = n;
	/* in this process alone: the others come when it works here (together.c) */
	ret = sync_is_on() ? probe_here(device, devargs) :
		local_probe_told(device, devargs);
	wanted.n = 0;
	stuck_end_probe(ids, n);
	release_others(held, n_held, ids, n);
	if (ret >= 0)
		show(ids, n);
	if (ret >= 0)
		ret = has_ids(device, ids, n) ? 0 :
			undo(device, release_number() != n_released);
	if (ret == 0)
		return 0;
	pthread_mutex_lock(&exchange);
	n_held = hold_free_ids(ids[n - 1], held);
	pthread_mutex_unlock(&exchange);
	release_others(held, n_held, ids, n);
	return ret;
}

int
ids_probe(const char *device, const char *devargs, const uint16_t *ids, unsigned int n)
{
	struct port_own_now before;
	int ret;

	if (calls_guard() != 0)
		return -ENOSYS;
	release_hide_all(ids, n);       /* who waits for the caller's lock sleeps, and is outside */
	before = port_own_begin(PORT_OWN_DRIVER, port_of(&rte_eth_devices[ids[0]])->dev);
	ret = probe(device, devargs, ids, n);
	port_own_end(before);
	if (ret == 0)
		close_others(device, ids, n);
	return ret;
}
