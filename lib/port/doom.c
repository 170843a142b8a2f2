/* SPDX-License-Identifier: BSD-3-Clause */

/* doom: which ports of a lost device does the library tear down?
 * In:  a device that is lost, or asked for (lost.c).  Out: those that are ours are DOOMED, all in
 *      one moment; who else has one: its owner, the application, EAL's own event monitor.
 * Lock: port_lock() around the table.
 * Context: work; watch, for a device that was reset. */

#include <rte_eal.h>

#include "../eal/monitor.h"
#include "die.h"
#include "doom.h"

bool
doom_has_owner(const struct rte_eth_dev *eth)
{
	enum port_state state;
	bool is_owned;

	port_lock();    /* one that was released, or is just now, has no data (25.11) */
	state = port_of(eth)->state;
	is_owned = state != PORT_NONE && state != PORT_CLOSING &&
		eth->data->owner.id != RTE_ETH_DEV_NO_OWNER;
	port_unlock();
	return is_owned;
}

/* A heal's probe says it anew. */
enum hotplug_policy
doom_policy_of(const struct rte_eth_dev *eth)
{
	enum hotplug_policy policy;

	port_lock();
	policy = port_of(eth)->policy;
	port_unlock();
	return policy;
}

/* Do we tear it down?  An application that runs EAL's event monitor does itself. */
static bool
is_ours(const struct rte_eth_dev *eth)
{
	return doom_policy_of(eth) != HOTPLUG_POLICY_TELL &&
		rte_eal_process_type() == RTE_PROC_PRIMARY && !eal_has_monitor();
}

/* All of a device's ports, or none: it would be detached under who owns one of them. */
static void
keep_ours(struct ports *ports)
{
	unsigned int i, n = 0;

	for (i = 0; i < ports->n; i++) {
		if (doom_has_owner(&rte_eth_devices[ports->id[i]])) {
			ports->n = 0;
			return;
		}
		if (!is_ours(&rte_eth_devices[ports->id[i]]))
			continue;
		ports->id[n] = ports->id[i];
		ports->life[n++] = ports->life[i];
	}
	ports->n = n;
}

/* All at once: a teardown, whoever starts it, finds all of them or none, and takes their device
 * from under no other.  The kernel may ask for a device that works. */
void
doom_take(const char *device, bool is_asked_for, struct ports *taken)
{
	(void)ports_find(taken, device, PORT_NONE);
	keep_ours(taken);
	if (is_asked_for && taken->n > 0)
		die_of_loss(taken, device);
	(void)ports_move(taken, PORT_DEAD, PORT_DOOMED);
}
