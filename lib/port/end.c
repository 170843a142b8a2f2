/* SPDX-License-Identifier: BSD-3-Clause */

/* end: the steps of one teardown: close a dead port's PMD and detach its device.
 * In:  a device whose ports are DOOMED.  Out: they are HELD: the PMD closed, the device
 *      detached, the id kept.
 * Order: pollers out of the PMD; its queues out of the fast path; control calls out of
 *      it; the other processes out of it (they first, whoever of them is stopped); its
 *      stop and close, called directly (ethdev's own would reset the fast path
 *      under the pollers); the application's closes of the device's other ports; who
 *      has found the device by one of its ports (kept.c); then the device.
 * Context: teardown. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <rte_dev.h>

#include "../core/device.h"
#include "../eal/clock.h"
#include "../eal/host.h"
#include "../sync/sync.h"
#include "die.h"
#include "inside.h"
#include "interrupts.h"
#include "kept.h"
#include "local.h"
#include "shared.h"
#include "steps.h"
#include "stuck.h"

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
remove_device(struct rte_device *dev, bool is_shared, const struct hotplug_device *whose)
{
	struct port_own_now before;
	char name[HOTPLUG_NAME_LEN];
	int ret;

	snprintf(name, sizeof(name), "%s", rte_dev_name(dev));
	port_probe_lock();
	port_probe_own(name);
	before = port_own_begin(PORT_OWN_DRIVER, whose);
	stuck_enter();
	ret = is_shared ? local_remove(name) : local_remove_told(dev);
	stuck_leave();
	port_own_end(before);
	port_probe_unlock();
	return ret > 0 ? 0 : ret;
}

/* The PMD's remove looks for a port by the device's name, and would close it once
 * more: it does not find it for that moment. */
static int
detach(struct rte_device *dev, bool is_shared, const struct ports *ports)
{
	struct rte_eth_dev *eth;
	unsigned int i;
	int ret;

	kept_let_go(ports->id, ports->n);
	for (i = 0; i < ports->n; i++) {
		eth = &rte_eth_devices[ports->id[i]];
		snprintf(eth->data->name, sizeof(eth->data->name), "hotplug-held-%u",
			 ports->id[i]);
	}
	ret = remove_device(dev, is_shared, port_of(&rte_eth_devices[ports->id[0]])->dev);
	for (i = 0; i < ports->n; i++)
		memcpy(rte_eth_devices[ports->id[i]].data->name,
		       port_of(&rte_eth_devices[ports->id[i]])->name, RTE_ETH_NAME_MAX_LEN);
	return ret;
}

/* Late or not. */
static void
hold(const struct ports *ports)
{
	unsigned int i;

	port_lock();
	for (i = 0; i < ports->n; i++)
		port_of(&rte_eth_devices[ports->id[i]])->state = PORT_HELD;
	port_unlock();
}

/* The application closes another port of the device: its close is in the driver, too. */
static void
wait_for_closes(const char *device)
{
	const struct timespec pause = { .tv_nsec = MS };

	while (ports_has(device, PORT_CLOSING))
		nanosleep(&pause, NULL);
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
lay_quiet(const struct ports *ports)
{
	unsigned int i;

	for (i = 0; i < ports->n; i++)
		if (!quiet_is(ports->id[i]))
			quiet_begin(ports->id[i]);
}

/* Nobody polls them, and nobody is in a control call of their PMD: nor in one that has just
 * started it, and lays its bursts and its queues after the driver's own start.  Those are out
 * before the queues are taken away: else a burst of the driver's would meet none. */
static void
empty(const char *device, const struct ports *ports)
{
	unsigned int i;

	step_before(STEP_END_QUIET, device);
	lay_quiet(ports);
	step_before(STEP_END_INSIDE, device);
	for (i = 0; i < ports->n; i++) {
		inside_wait(&rte_eth_devices[ports->id[i]]);
		die_with_what_was_set(&rte_eth_devices[ports->id[i]]);
	}
	lay_quiet(ports);
	quiet_wait();
	step_before(STEP_END_QUEUES, device);
	for (i = 0; i < ports->n; i++)
		quiet_detach_queues(ports->id[i]);
}

static int
end(struct rte_device *dev, const char *device, const struct ports *ports)
{
	bool is_shared = sync_is_on() && sync_has_others();
	unsigned int i;

	empty(device, ports);
	step_before(STEP_END_OTHERS, device);
	if (is_shared)          /* their pollers use what the PMD frees */
		let_others_go(device);
	step_before(STEP_END_CLOSE, device);
	for (i = 0; i < ports->n; i++)
		interrupts_take(&rte_eth_devices[ports->id[i]]);
	for (i = 0; i < ports->n; i++)
		close_pmd(&rte_eth_devices[ports->id[i]]);
	step_before(STEP_END_CLOSED, device);
	wait_for_closes(device);
	step_before(STEP_END_DETACH, device);
	return detach(dev, is_shared, ports);
}

/* From the claim to HELD they are this thread's (port.h): who closes one waits. */
static void
run(const char *device)
{
	uint64_t start = device_now_ns();
	struct ports ports;
	int ret;

	step_before(STEP_END_CLAIM, device);
	ports_find(&ports, device, PORT_DOOMED);
	if (ports_move(&ports, PORT_DOOMED, PORT_DYING) == 0)
		return;         /* the application has closed them all */
	ret = end(LOAD(rte_eth_devices[ports.id[0]].device), device, &ports);
	step_before(STEP_END_HELD, device);
	if (ret != 0)
		host_log(HOST_ERR, "%s: its driver does not let it go (%s): port %u is kept",
			 device, strerror(-ret), ports.id[0]);
	else
		host_log(HOST_NOTICE, "%s detached after %u ms; port %u is kept", device,
			 (unsigned int)((device_now_ns() - start) / 1000000), ports.id[0]);
	hold(&ports);
}

void
end_run(const char *device)
{
	run(device);
	step_before(STEP_END_OVER, device);
}
