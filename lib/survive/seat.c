/* SPDX-License-Identifier: BSD-3-Clause */

/* seat: EAL's place as handler of SIGBUS, with ours on top of it.
 * In:  enable/disable (app), the watch thread's tick; EAL's own calls of sigaction().
 * Out: the SIGBUS action.
 * Context: app, watch (seat_check). */

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>

#include <rte_dev.h>
#include <rte_eal.h>

#include "../eal/host.h"
#include "../eal/slots.h"
#include "seat.h"
#include "sigbus.h"

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

bool
seat_is_on_top(void)
{
	return has_seat && sigbus_is_on_top();
}

int
seat_start(void)
{
	int ret;

	n_foreign = 0;
	if (seat_is_on_top())   /* it has stayed */
		return 0;
	ret = take_seat();
	guide_eal();
	return ret != 0 ? ret : sigbus_install(&below);
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
seat_check(void)
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
 * action that was there.  Handlers installed over ours stay; so does ours, once a device was left
 * cut off: a thread that has met it may still be on its way to the handler. */
void
seat_stop(void)
{
	bool was_eals = is_same_handler(&found, &eal_action);

	if (!has_seat || sigbus_has_left())
		return;
	has_seat = false;
	if (!sigbus_is_on_top())
		return;
	if (!was_eals)
		rte_dev_hotplug_handle_disable();
	sigaction(SIGBUS, was_eals ? &eal_action : &below, NULL);
}
