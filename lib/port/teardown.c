/* SPDX-License-Identifier: BSD-3-Clause */

/* teardown: close a dead port's PMD and detach its device, on a thread of its own.
 * In:  a device whose ports are DYING (events).  Out: they are HELD: the PMD closed,
 *      the device detached, the id kept; meanwhile STUCK, when the PMD takes too long
 *      (stuck.c).
 * Order: pollers out of the PMD; its queues out of the fast path; control calls out of
 *      it; the other processes out of it (they first, whoever of them is stopped); its
 *      stop and close, called directly (ethdev's own would reset the fast path
 *      under the pollers); then the device.
 * Nobody waits for it but an application that closes the port itself, and exit.
 * Lock: `lock` guards the list of running teardowns; never held in a PMD.
 * Context: teardown (one thread for each dying device). */

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_dev.h>

#include "../core/device.h"
#include "../core/enable.h"
#include "../core/host.h"
#include "../core/work.h"
#include "../sync/local.h"
#include "../sync/sync.h"
#include "inside.h"
#include "kept.h"
#include "stuck.h"

#define AGAIN_MS 100        /* when there was no thread to be had */
#define MS 1000000ull

struct teardown {
	struct teardown *next;
	struct host_thread thread;
	char device[HOTPLUG_NAME_LEN];
	uint64_t due_ns;        /* its deadline */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* running */
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct teardown *running;

/* With the lock held; NULL: any. */
static struct teardown *
find(const char *device, uint64_t due_after_ns)
{
	struct teardown *t;

	for (t = running; t != NULL; t = t->next)
		if ((device == NULL || strcmp(t->device, device) == 0) && t->due_ns > due_after_ns)
			return t;
	return NULL;
}

/* NULL: all.  Those that have passed their deadline are waited for by nobody. */
static void
wait_for(const char *device)
{
	struct timespec until;

	pthread_mutex_lock(&lock);
	while (find(device, device_now_ns()) != NULL) {
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += (until.tv_nsec + 50 * MS) / 1000000000;
		until.tv_nsec = (until.tv_nsec + 50 * MS) % 1000000000;
		pthread_cond_clockwait(&changed, &lock, CLOCK_MONOTONIC, &until);
	}
	pthread_mutex_unlock(&lock);
}

void
teardown_wait(const char *device)
{
	wait_for(device);
}

void
teardown_wait_all(void)
{
	wait_for(NULL);
}

bool
teardown_is_running(const char *device)
{
	bool is_running;

	pthread_mutex_lock(&lock);
	is_running = find(device, 0) != NULL;
	pthread_mutex_unlock(&lock);
	return is_running;
}

unsigned int
teardown_left_ms(const char *device)
{
	uint64_t now = device_now_ns();
	struct teardown *t;
	unsigned int left_ms = TEARDOWN_NONE;

	pthread_mutex_lock(&lock);
	t = find(device, 0);
	if (t != NULL)
		left_ms = t->due_ns > now ? (t->due_ns - now) / MS + 1 : 0;
	pthread_mutex_unlock(&lock);
	return left_ms;
}

unsigned int
teardown_signal(int number)
{
	struct teardown *t;
	unsigned int n = 0;

	pthread_mutex_lock(&lock);
	for (t = running; t != NULL; t = t->next)
		n += pthread_kill(t->thread.id, number) == 0;
	pthread_mutex_unlock(&lock);
	return n;
}

static unsigned int
list_dying(const char *device, uint16_t *ids)
{
	unsigned int i, n = 0;

	port_lock();
	for (i = 0; i < RTE_MAX_ETHPORTS && n < HOTPLUG_MAX_PORTS; i++)
		if (port_of(&rte_eth_devices[i])->state == PORT_DYING &&
		    strcmp(port_of(&rte_eth_devices[i])->device, device) == 0)
			ids[n++] = i;
	port_unlock();
	return n;
}

static void
close_pmd(struct rte_eth_dev *eth)
{
	stuck_enter();
	if (eth->data->dev_started && port_of(eth)->pmd_ops->dev_stop != NULL)
		live_stop(eth);
	eth->data->dev_started = 0;
	live_close(eth);
	kept_hold(eth);
	stuck_leave();
}

/* The others have let go of it, or are not waited for any more. */
static int
remove_device(struct rte_device *dev, bool is_shared)
{
	char name[HOTPLUG_NAME_LEN];
	int ret;

	snprintf(name, sizeof(name), "%s", rte_dev_name(dev));
	port_probe_lock();
	port_probe_own(name);
	stuck_enter();
	ret = is_shared ? local_remove(name) : rte_dev_remove(dev);
	stuck_leave();
	port_probe_unlock();
	return ret > 0 ? 0 : ret;
}

/* The PMD's remove looks for a port by the device's name, and would close it once
 * more: it does not find it for that moment. */
static int
detach(struct rte_device *dev, bool is_shared, const uint16_t *ids, unsigned int n)
{
	struct rte_eth_dev *eth;
	unsigned int i;
	int ret;

	kept_let_go(ids, n);
	for (i = 0; i < n; i++) {
		eth = &rte_eth_devices[ids[i]];
		snprintf(eth->data->name, sizeof(eth->data->name), "hotplug-held-%u", ids[i]);
	}
	ret = remove_device(dev, is_shared);
	for (i = 0; i < n; i++)
		memcpy(rte_eth_devices[ids[i]].data->name,
		       port_of(&rte_eth_devices[ids[i]])->name, RTE_ETH_NAME_MAX_LEN);
	return ret;
}

static void
set_state(const uint16_t *ids, unsigned int n, enum port_state state)
{
	unsigned int i;

	port_lock();
	for (i = 0; i < n; i++)
		port_of(&rte_eth_devices[ids[i]])->state = state;
	port_unlock();
}

static void
let_others_go(const char *device)
{
	struct hotplug_outcome outcome = { .size = sizeof(outcome) };

	if (sync_clear(device, &outcome) != 0)
		host_log(HOST_WARN, "%s goes, but process %d: %s", device, outcome.pid,
			 outcome.reason);
}

static void
tear_down(const char *device)
{
	uint16_t ids[HOTPLUG_MAX_PORTS];
	unsigned int i, n = list_dying(device, ids);
	bool is_shared = sync_is_on() && sync_has_others();
	uint64_t start = device_now_ns();
	struct rte_device *dev;
	int ret;

	if (n == 0)
		return;
	dev = rte_eth_devices[ids[0]].device;
	for (i = 0; i < n; i++)
		quiet_begin(ids[i]);
	quiet_wait();
	for (i = 0; i < n; i++)
		quiet_detach_queues(ids[i]);
	for (i = 0; i < n; i++)
		inside_wait(&rte_eth_devices[ids[i]]);
	if (is_shared)          /* their pollers use what the PMD frees */
		let_others_go(device);
	for (i = 0; i < n; i++)
		close_pmd(&rte_eth_devices[ids[i]]);
	ret = detach(dev, is_shared, ids, n);
	set_state(ids, n, PORT_HELD);
	if (ret != 0)
		host_log(HOST_ERR, "%s: its driver does not let it go (%s): port %u is kept",
			 device, strerror(-ret), ids[0]);
	else
		host_log(HOST_NOTICE, "%s detached after %u ms; port %u is kept", device,
			 (unsigned int)((device_now_ns() - start) / 1000000), ids[0]);
}

static void
run(void *arg)
{
	struct teardown *t = arg, **at;

	tear_down(t->device);
	if (device_now_ns() < t->due_ns)
		heal_soon(t->device);   /* the card may be back already */
	pthread_mutex_lock(&lock);
	for (at = &running; *at != t; at = &(*at)->next)
		;
	*at = t->next;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	free(t);
}

static int
start(const char *device)
{
	struct teardown *t = calloc(1, sizeof(*t));
	int ret;

	if (t == NULL)
		return -ENOMEM;
	snprintf(t->device, sizeof(t->device), "%s", device);
	t->due_ns = device_now_ns() + enable_config()->stuck_ms * MS;
	pthread_mutex_lock(&lock);
	t->next = running;
	running = t;
	ret = host_thread_start(&t->thread, "hotplug-end", run, t);
	if (ret == 0)
		pthread_detach(t->thread.id);
	else
		running = t->next;
	pthread_mutex_unlock(&lock);
	if (ret != 0) {
		free(t);
	} else {
		work_push_beside(stuck_check, device, enable_config()->stuck_ms);
	}
	return ret;
}

static void
start_again(const char *device)
{
	if (start(device) != 0)
		work_push(start_again, device, AGAIN_MS);
}

void
teardown_start(const char *device)
{
	int ret = start(device);

	if (ret == 0)
		return;
	host_log(HOST_ERR, "%s: no thread to tear it down, tried again: %s", device,
		 strerror(-ret));
	work_push(start_again, device, AGAIN_MS);
}
