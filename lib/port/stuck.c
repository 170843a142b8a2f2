/* SPDX-License-Identifier: BSD-3-Clause */

/* stuck: a dead port's driver does not return from its stop, close or remove, or that of
 * one that heals from its probe.
 * In:  the deadline of a teardown or a probe (work); exit.
 * Out: the port is STUCK: said once, in the log, as an event, as RECOVERY_FAILED.  A
 *      close is -EBUSY, and ethdev frees nothing (close.c, release.c).  At exit the thread is
 *      parked where it is, by a signal whose handler never returns: so nobody runs on
 *      memory that EAL gives back.  Its device is left out of the bus's cleanup.
 * If the driver returns after all, teardown goes on, and the port can be closed; it is
 * healed only when its card comes anew.  A probe goes on, and the port is healed.
 * Who is STUCK is still in the hand that it was in (port.h): that one makes it HELD, or
 * HEALING again, and nobody else makes it anything.
 * Context: work (stuck_check, probes), app (stuck_park), teardown (enter and leave),
 *      signal (park: atomics and pause() only). */

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../core/device.h"
#include "../core/enable.h"
#include "../core/stats.h"
#include "../core/work.h"
#include "../eal/clock.h"
#include "../eal/host.h"
#include "doom.h"
#include "hand.h"
#include "kept.h"
#include "raise.h"
#include "stuck.h"

static _Thread_local volatile sig_atomic_t is_in_driver;
static atomic_bool is_over;             /* the process ends */
static _Atomic unsigned int n_parked;

/* Its driver is in a probe that heals it, in time or late. */
bool
stuck_is_probing(const struct port *port)
{
	return atomic_load(&port->probe_due_ns) != 0;
}

bool
stuck_is_in_probe(const char *device)
{
	bool is_probing = false;
	unsigned int i;

	port_lock();
	for (i = 0; i < RTE_MAX_ETHPORTS; i++)
		is_probing = is_probing || (stuck_is_probing(port_of(&rte_eth_devices[i])) &&
			strcmp(port_of(&rte_eth_devices[i])->device, device) == 0);
	port_unlock();
	return is_probing;
}

/* Those that are still dying, or being probed, are stuck; how many.  One that is probed is
 * no valid port: its driver may be making its addresses just now, and nobody reads them. */
static unsigned int
mark(const char *device, struct ports *ports)
{
	struct port *port;
	unsigned int i;

	ports->n = 0;
	port_lock();
	for (i = 0; i < RTE_MAX_ETHPORTS; i++) {
		port = port_of(&rte_eth_devices[i]);
		if (strcmp(port->device, device) != 0 || (port->state != PORT_DYING &&
		    (port->state != PORT_HEALING || !stuck_is_probing(port))))
			continue;
		if (port->state == PORT_DYING)
			kept_hold_addresses(&rte_eth_devices[i]);
		port->state = PORT_STUCK;
		ports->id[ports->n] = i;
		ports->life[ports->n++] = port->life;
	}
	port_unlock();
	return ports->n;
}

/* Of a teardown, or else of a probe; TEARDOWN_NONE: neither runs. */
static unsigned int
left_of(const char *device)
{
	unsigned int i, left_ms = teardown_left_ms(device);
	uint64_t now = device_now_ns(), due_ns = 0;

	if (left_ms != TEARDOWN_NONE)
		return left_ms;
	port_lock();
	for (i = 0; i < RTE_MAX_ETHPORTS && due_ns == 0; i++)
		if (strcmp(port_of(&rte_eth_devices[i])->device, device) == 0)
			due_ns = atomic_load(&port_of(&rte_eth_devices[i])->probe_due_ns);
	port_unlock();
	if (due_ns == 0)
		return TEARDOWN_NONE;
	return due_ns > now ? (due_ns - now) / MS + 1 : 0;
}

void
stuck_begin_probe(const char *device, const uint16_t *ids, unsigned int n)
{
	uint64_t due_ns = device_now_ns() + enable_config()->stuck_ms * (uint64_t)MS;
	unsigned int i;

	for (i = 0; i < n; i++)
		atomic_store(&port_of(&rte_eth_devices[ids[i]])->probe_due_ns, due_ns);
	work_push_beside(stuck_check, device, enable_config()->stuck_ms);
	stuck_enter();
}

/* It heals further, late or not. */
void
stuck_end_probe(const uint16_t *ids, unsigned int n)
{
	struct port *port;
	unsigned int i;

	stuck_leave();
	port_lock();
	for (i = 0; i < n; i++) {
		port = port_of(&rte_eth_devices[ids[i]]);
		if (port->state == PORT_STUCK)
			port->state = PORT_HEALING;
		atomic_store(&port->probe_due_ns, 0);
	}
	port_unlock();
}

void
stuck_check(const char *device)
{
	unsigned int i, left_ms = left_of(device);
	struct ports ports;
	const struct port *port;

	if (left_ms != 0) {
		if (left_ms != TEARDOWN_NONE)
			work_push_beside(stuck_check, device, left_ms);
		return;
	}
	if (mark(device, &ports) == 0)
		return;
	port_probe_abandon(device);
	STATS_ADD(stuck, 1);
	port = port_of(&rte_eth_devices[ports.id[0]]);
	host_log(HOST_ERR, "%s: its driver has not returned from %s for %u ms: port %u is stuck",
		 device, stuck_is_probing(port) ? "probe" : "stop, close or remove",
		 enable_config()->stuck_ms, ports.id[0]);
	ports_tell(&ports, HOTPLUG_EVENT_STUCK);
	for (i = 0; i < ports.n; i++)
		if (doom_policy_of(&rte_eth_devices[ports.id[i]]) == HOTPLUG_POLICY_HEAL)
			raise_event(ports.id[i], ports.life[i], RTE_ETH_EVENT_RECOVERY_FAILED);
}

bool
stuck_is(const struct port *port)
{
	return port->state == PORT_DYING || port->state == PORT_STUCK;
}

/* --- the end of the process --------------------------------------------------------- */

static void
park(void)
{
	atomic_fetch_add(&n_parked, 1);
	for (;;)
		pause();
}

/* One that is not in a driver has locks of ours, and parks when it goes there. */
static void
on_signal(int number)
{
	(void)number;
	if (is_in_driver)
		park();
}

/* The process ends, or the library was disabled meanwhile: who comes back finds nothing as
 * it was. */
static bool
is_to_park(void)
{
	return atomic_load(&is_over) || work_is_left();
}

/* Others may still attach something. */
static void
give_up(void)
{
	port_probe_unlock();
	park();
}

void
stuck_enter(void)
{
	is_in_driver = 1;
	if (is_to_park())
		give_up();
}

void
stuck_leave(void)
{
	is_in_driver = 0;
	if (is_to_park())
		give_up();
}

/* A real-time signal that nobody has a handler for. */
static int
find_signal(void)
{
	struct sigaction action;
	int number;

	for (number = SIGRTMAX; number >= SIGRTMIN; number--)
		if (sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_DFL)
			return number;
	return -ENOENT;
}

void
stuck_park(void)
{
	const struct timespec pause = { .tv_nsec = MS };
	struct sigaction action = { .sa_handler = on_signal };
	unsigned int n, tries;
	int number = find_signal();

	if (number < 0)
		return;
	atomic_store(&is_over, true);
	sigaction(number, &action, NULL);
	n = teardown_signal(number) + work_signal(number) + hand_signal(number);
	for (tries = 0; tries < 1000 && atomic_load(&n_parked) < n; tries++)
		nanosleep(&pause, NULL);
	if (atomic_load(&n_parked) < n)
		host_log(HOST_WARN, "a driver that does not return cannot be interrupted either");
}
