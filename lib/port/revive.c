/* SPDX-License-Identifier: BSD-3-Clause */

/* revive: give the ports of a card that is back a new life, under the same ids.
 * In:  a device that is there and bound, its ports HELD (heal.c).
 * Out: probed (ids.c), configured and started as before (set_up.c), in the other
 *      processes too (together.c): LIVE.  Or HELD further, where the probe fails; or
 *      DYING, where the device is lost again meanwhile, does not take the
 *      configuration, or fails elsewhere: torn down like any other.
 * NEW and DESTROY are not delivered for a port that only pauses: its callbacks are
 * out of the list from release to start.
 * A port that is HEALING belongs to this thread: who finds it lost only lays its dead
 * ops over it (lost.c), and we see them in the end.
 * Context: work. */

#include <errno.h>
#include <string.h>

#include "../core/device.h"
#include "ids.h"
#include "port.h"
#include "together.h"

/* NEW and DESTROY are for the application; a pause is neither.  The entries stay
 * where they are: only the head, which they point back to, is emptied for a while. */
static void
hide_callbacks(struct rte_eth_dev *eth, struct rte_eth_dev_cb_list *hidden)
{
	*hidden = eth->link_intr_cbs;
	TAILQ_INIT(&eth->link_intr_cbs);
}

/* ethdev keeps struct rte_eth_dev_callback to itself; its links come first in it. */
struct callback_links {
	struct rte_eth_dev_callback *next;
	struct rte_eth_dev_callback **prev;
};

/* In front of those that were registered meanwhile. */
static void
show_callbacks(struct rte_eth_dev *eth, const struct rte_eth_dev_cb_list *hidden)
{
	struct rte_eth_dev_cb_list newer = eth->link_intr_cbs;

	if (hidden->tqh_first == NULL)
		return;
	eth->link_intr_cbs = *hidden;
	if (newer.tqh_first == NULL)
		return;
	*hidden->tqh_last = newer.tqh_first;
	((struct callback_links *)newer.tqh_first)->prev = hidden->tqh_last;
	eth->link_intr_cbs.tqh_last = newer.tqh_last;
}

static void
set_state(const uint16_t *ids, unsigned int n, enum port_state from, enum port_state to)
{
	unsigned int i;

	port_lock();
	for (i = 0; i < n; i++)
		if (port_of(&rte_eth_devices[ids[i]])->state == from)
			port_of(&rte_eth_devices[ids[i]])->state = to;
	port_unlock();
}

static bool
is_any_dead(const uint16_t *ids, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (rte_eth_devices[ids[i]].dev_ops == &dead_ops)
			return true;
	return false;
}

/* The device is probed: its ports live, or go the way of all that are lost. */
static int
settle(const char *device, const uint16_t *ids, unsigned int n, int ret)
{
	unsigned int i;

	port_lock();
	if (is_any_dead(ids, n))
		ret = -EIO;     /* whatever a dead card seemed to lack */
	for (i = 0; i < n; i++)
		if (port_of(&rte_eth_devices[ids[i]])->state == PORT_HEALING) {
			port_of(&rte_eth_devices[ids[i]])->state =
				ret == 0 ? PORT_LIVE : PORT_DYING;
			if (ret != 0)
				rte_eth_devices[ids[i]].dev_ops = &dead_ops;
		}
	port_unlock();
	if (ret != 0)
		teardown_start(device);
	return ret;
}

int
revive(const char *device, const uint16_t *ids, unsigned int n)
{
	struct rte_eth_dev_cb_list hidden[HOTPLUG_MAX_PORTS];
	char devargs[sizeof(((struct port *)0)->devargs)];
	struct port *port = port_of(&rte_eth_devices[ids[0]]);
	unsigned int i;
	uint64_t start = device_now_ns();
	bool is_probed;
	int ret;

	if (port->devargs[0] == '\0')
		return -E2BIG;
	memcpy(devargs, port->devargs, sizeof(devargs));
	for (i = 0; i < n; i++) {
		hide_callbacks(&rte_eth_devices[ids[i]], &hidden[i]);
		port_of(&rte_eth_devices[ids[i]])->base = port_of(&rte_eth_devices[ids[i]])->last;
	}
	set_state(ids, n, PORT_HELD, PORT_HEALING);
	ret = ids_probe(device, devargs, ids, n);
	is_probed = ret == 0;
	if (!is_probed) {
		for (i = 0; i < n; i++)
			dead_hold(&rte_eth_devices[ids[i]]);
		set_state(ids, n, PORT_HEALING, PORT_HELD);
	} else {
		for (i = 0; i < n && ret == 0; i++)
			ret = set_up_port(ids[i], port_of(&rte_eth_devices[ids[i]]));
		if (ret == 0)
			ret = together_share(device, devargs, device_now_ns() - start);
	}
	for (i = 0; i < n; i++)
		show_callbacks(&rte_eth_devices[ids[i]], &hidden[i]);
	return is_probed ? settle(device, ids, n, ret) : ret;
}
