/* SPDX-License-Identifier: BSD-3-Clause */

/* eal: what we must know of the EAL around us, and what we owe it.
 * In:  enable/disable (app), the watch thread's tick, events (a subscriber).
 * Out: yes or no to "is this the DPDK that we were compiled for", the SIGBUS
 *      action, EAL's device event callbacks.
 * Context: app, watch (eal_sigbus_check, eal_owe_event), work (the callbacks). */

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_lcore.h>
#include <rte_version.h>

#include "../eal/host.h"
#include "../eal/monitor.h"
#include "../eal/slots.h"
#include "../main/plugin.h"
#include "../survive/sigbus.h"
#include "device.h"
#include "eal.h"
#include "work.h"

/* "DPDK 22.11.11" -> 22, 11. */
static bool
is_compiled_for(const char *version)
{
	int year, month;

	return sscanf(version, "%*s %d.%d", &year, &month) == 2 &&
		year == RTE_VER_YEAR && month == RTE_VER_MONTH;
}

int
eal_check(void)
{
	plugin_link_pci();
	if (!is_compiled_for(rte_version())) {
		host_log(HOST_ERR, "compiled for DPDK %d.%02d, but this is %s: not enabled (their "
			 "driver structures differ)", RTE_VER_YEAR, RTE_VER_MONTH, rte_version());
		return -ENOTSUP;
	}
	return rte_lcore_count() == 0 ? -EAGAIN : 0;
}

#define N_STAYS 5               /* looks, one a second */

/* EAL's handler as sigaction() shows it; what was found before we came. */
static struct sigaction eal_action, found, below;
static _Atomic bool has_seat;   /* stats ask from any thread */
static struct sigaction foreign;        /* somebody's, on top of ours */
static unsigned int n_foreign;  /* since so many looks */

static bool
is_same_handler(const struct sigaction *a, const struct sigaction *b)
{
	return a->sa_handler == b->sa_handler;
}

/* Take EAL's seat: rte_dev_hotplug_handle_enable() does nothing when its handler
 * is installed already, so the application's own call cannot put it over ours.
 * What lies below EAL's handler shows when it is taken away for a moment. */
static int
take_seat(void)
{
	struct sigaction under_eal;

	if (sigaction(SIGBUS, NULL, &found) < 0)
		return -errno;
	rte_dev_hotplug_handle_disable();
	if (sigaction(SIGBUS, NULL, &under_eal) < 0)
		return -errno;
	rte_dev_hotplug_handle_enable();
	if (sigaction(SIGBUS, NULL, &eal_action) < 0)
		return -errno;
	below = is_same_handler(&found, &eal_action) ? under_eal : found;
	has_seat = true;
	return 0;
}

/* Is it a function of EAL's own library? */
static bool
is_of_eal(const void *function)
{
	Dl_info eal, other;

	return dladdr((const void *)(uintptr_t)rte_eal_init, &eal) != 0 &&
		dladdr(function, &other) != 0 && eal.dli_fbase == other.dli_fbase;
}

/* In the place of sigaction(), where EAL calls it.  While it maps a hugepage it would put
 * a handler over ours that jumps back into its own stack, whichever thread meets a fault.
 * Ours stays, and that one gets the faults of EAL's own thread that are nobody's. */
static int
eal_sigaction(int signo, const struct sigaction *action, struct sigaction *old)
{
	bool is_installed = signo == SIGBUS && action != NULL && has_seat && sigbus_is_on_top();

	if (is_installed && !(action->sa_flags & SA_SIGINFO) && action->sa_handler != SIG_DFL &&
	    action->sa_handler != SIG_IGN &&
	    is_of_eal((const void *)(uintptr_t)action->sa_handler)) {
		sigbus_admit(action->sa_handler);
		return sigaction(signo, NULL, old);
	}
	if (signo == SIGBUS && action != NULL && sigbus_is_ours(action) && sigbus_dismiss())
		return 0;
	return sigaction(signo, action, old);
}

/* Only where EAL is a library of its own: in a static program its calls are not to be told
 * from the application's. */
static void
guide_eal(void)
{
	struct slots slots = { .symbol = "sigaction", .ours = (uintptr_t)eal_sigaction,
			       .only_in = (uintptr_t)rte_eal_init };

	if (!is_of_eal((const void *)(uintptr_t)eal_sigaction))
		(void)slots_take(&slots);
}

int
eal_sigbus_start(void)
{
	int ret = take_seat();

	guide_eal();
	n_foreign = 0;
	return ret != 0 ? ret : sigbus_install(&below);
}

bool
eal_sigbus_is_on_top(void)
{
	return has_seat && sigbus_is_on_top();
}

/* For five seconds: then it is no guest, as EAL is in a static program.  Once. */
static bool
stays(const struct sigaction *now)
{
	if (n_foreign != 0 && !is_same_handler(now, &foreign))
		n_foreign = 0;
	foreign = *now;
	return ++n_foreign == N_STAYS;
}

/* Somebody has changed the action.  EAL's own doings, and a return to what was
 * there or to the default, are undone; another handler is left alone: two that
 * fight for the top serve nobody. */
void
eal_sigbus_check(void)
{
	struct sigaction now;

	if (!has_seat || sigaction(SIGBUS, NULL, &now) < 0)
		return;
	if (sigbus_is_ours(&now)) {
		n_foreign = 0;
		return;
	}
	if (is_same_handler(&now, &eal_action)) {
		sigbus_install(&below);
	} else if (sigbus_is_below(&now) || now.sa_handler == SIG_DFL) {
		below = now;
		rte_dev_hotplug_handle_disable();
		rte_dev_hotplug_handle_enable();
		sigbus_install(&below);
	} else if (stays(&now)) {
		host_log(HOST_WARN, "another SIGBUS handler was installed over ours: it must call "
			 "hotplug_sigbus_dispatch() or pass the signal on");
	}
}

/* Leave the seat as it was found: EAL's handler where it was on top, else the
 * action that was there.  Handlers installed over ours stay. */
void
eal_sigbus_stop(void)
{
	bool was_eals = is_same_handler(&found, &eal_action);

	if (!has_seat)
		return;
	has_seat = false;
	if (!sigbus_is_on_top())
		return;
	if (!was_eals)
		rte_dev_hotplug_handle_disable();
	sigaction(SIGBUS, was_eals ? &eal_action : &below, NULL);
}

/* vfio: the kernel's removal waits until it is let go, and its uevent comes after. */
static bool
is_waited_for(const char *name)
{
	const struct hotplug_device *dev;
	bool is_waited;

	device_lock();
	dev = device_find(NULL, name);
	is_waited = dev != NULL && dev->works_on_request;
	device_unlock();
	return is_waited;
}

/* Does EAL tell of this by itself, when its monitor runs?  Of "add" and "remove" uevents
 * of the pci subsystem; of nothing else. */
static bool
is_known_to_eal(const struct hotplug_event *event)
{
	if (event->type == HOTPLUG_EVENT_GONE && is_waited_for(event->device))
		return false;
	/* a silent device is still listed: EAL tells when the kernel lets it go */
	if (event->type == HOTPLUG_EVENT_GONE && event->cause != HOTPLUG_CAUSE_REMOVED &&
	    event->cause != HOTPLUG_CAUSE_SILENT)
		return false;
	return event->type != HOTPLUG_EVENT_REQUESTED && strcmp(event->bus, "pci") == 0;
}

/* What is owed: 0, or one of these. */
enum { OWES = 1, IS_ADD = 2, IS_KNOWN = 4 };

/* With the lock held.  Of what goes and comes before anybody has been told, the last
 * counts: two words at most, and never the same twice. */
static void
note(struct hotplug_device *dev, uint8_t word)
{
	unsigned int last = dev->eal_owes[1] != 0 ? 1 : 0;

	if (dev->eal_owes[last] == 0)
		dev->eal_owes[0] = word;
	else if ((dev->eal_owes[last] & IS_ADD) == (word & IS_ADD))
		dev->eal_owes[last] &= word;
	else if (last == 0)
		dev->eal_owes[1] = word;
	else
		memcpy(dev->eal_owes, (uint8_t[2]){ word, 0 }, 2);
}

/* In that order; 0: nothing. */
static uint8_t
take(struct hotplug_device *dev)
{
	uint8_t word;

	device_lock();
	word = dev->eal_owes[0];
	dev->eal_owes[0] = dev->eal_owes[1];
	dev->eal_owes[1] = 0;
	device_unlock();
	return word;
}

static void
tell(const char *device)
{
	struct hotplug_device *dev = device_find(NULL, device);
	uint8_t word;

	while (dev != NULL && (word = take(dev)) != 0)
		if (!(word & IS_KNOWN) || !eal_has_monitor())
			rte_dev_event_callback_process(device, word & IS_ADD ?
				RTE_DEV_EVENT_ADD : RTE_DEV_EVENT_REMOVE);
}

/* A device goes once: a request is a removal for EAL's callbacks (as in stock). */
void
eal_owe_event(const struct hotplug_event *event, void *arg)
{
	struct hotplug_device *dev = device_find(NULL, event->device);
	uint8_t word = OWES | (is_known_to_eal(event) ? IS_KNOWN : 0);

	(void)arg;
	if (dev == NULL || (event->type != HOTPLUG_EVENT_REQUESTED &&
			    event->type != HOTPLUG_EVENT_GONE &&
			    event->type != HOTPLUG_EVENT_READY) ||
	    (event->type == HOTPLUG_EVENT_GONE && event->was_requested))
		return;
	if (event->type == HOTPLUG_EVENT_READY)
		word |= IS_ADD;
	device_lock();
	note(dev, word);
	device_unlock();
	work_push(tell, event->device, 0);
}
