/* SPDX-License-Identifier: BSD-3-Clause */

/* release: a port is given back under the feet of those who use it.
 * In:  heal, which makes room for a new life; then the PMD, whose probe fails and
 *      calls rte_eth_dev_release_port().
 * Out: the same, but the port's fast path keeps its quiet functions, its ops are the
 *      dead ones and its data stays where it is: ethdev would clear the fast path,
 *      zeros first, and a thread that polls meanwhile takes a NULL for its queues (in
 *      the guest 7 of 12 probes that failed under a poller ended in SIGSEGV); and it
 *      makes ops and data NULL, which a thread that reads statistics takes.  Nothing is
 *      freed or cleared before the port is invalid, and who found it valid has let go.
 * How: there is no callback at that point (the port is UNUSED during a probe), so the
 *      call itself is ours (calls.c), and the end of a probe, which would announce the
 *      port as NEW.
 * A port that is being torn down is not released at all: its driver is in there.
 * Nor is one a second time, as fail-safe does with its lost sub-device: its number is
 * zeroed by then (25.11: its data is NULL), and ethdev would take port 0's fast
 * path away, or die.  One that leaves a secondary is released as there (leave.c).
 * Context: work, app; whatever thread runs a PMD. */

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <rte_malloc.h>

#include "calls.h"
#include "kept.h"
#include "lead.h"
#include "leave.h"
#include "raise.h"
#include "release.h"
#include "shared.h"
#include "steps.h"
#include "stuck.h"

static _Atomic unsigned long n_released;

static void
release_hide(struct rte_eth_dev *eth)
{
	STORE(eth->state, RTE_ETH_DEV_UNUSED);        /* no DESTROY */
	STORE(eth->dev_ops, &dead_ops);
	STORE(eth->device, &port_of(eth)->shadow);
	eth->intr_handle = NULL;
	atomic_thread_fence(memory_order_seq_cst);
}

static bool
is_any_valid(const uint16_t *ids, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n && LOAD(rte_eth_devices[ids[i]].state) == RTE_ETH_DEV_UNUSED; i++)
		;
	return i < n;
}

/* Who has found it valid before goes on for a while, over what is freed next.  And who had
 * asked whether it is removed (ethdev does, after each call that failed) stores REMOVED when
 * it comes back, also over UNUSED: that is valid for the next one. */
void
release_hide_all(const uint16_t *ids, unsigned int n)
{
	unsigned int i;

	do {
		for (i = 0; i < n; i++)
			release_hide(&rte_eth_devices[ids[i]]);
		quiet_wait();
	} while (is_any_valid(ids, n));
}

/* Without a name it is free.  Who has become its owner since the loss stays that: ethdev sets it
 * under a lock of its own.  Callbacks are told its number. */
static void
forget_life(struct rte_eth_dev_data *data, uint16_t id)
{
	const size_t owner = offsetof(struct rte_eth_dev_data, owner);
	const size_t after = owner + sizeof(data->owner);

	memset(data, 0, owner);
	memset((char *)data + after, 0, sizeof(*data) - after);
	data->port_id = id;
}

void
release_quietly(struct rte_eth_dev *eth)
{
	struct rte_eth_dev_data *data = eth->data;
	uint16_t id = eth - rte_eth_devices;

	if (LOAD(eth->state) != RTE_ETH_DEV_UNUSED)
		release_hide_all(&id, 1);
	else
		release_hide(eth);
	eth->process_private = NULL;
	rte_free(data->rx_queues);
	rte_free(data->tx_queues);
	if (data->mac_addrs != port_of(eth)->addrs)     /* those are kept, for another time */
		rte_free(data->mac_addrs);
	rte_free(data->hash_mac_addrs);
	rte_free(data->dev_private);
	pthread_mutex_destroy(&data->flow_ops_mutex);
	forget_life(data, id);
}

static bool
is_released(const struct rte_eth_dev *eth)
{
	return LOAD(eth->state) == RTE_ETH_DEV_UNUSED &&
		(eth->data == NULL || eth->data->name[0] == '\0');
}

/* ethdev's own. */
static int
release(struct rte_eth_dev *eth, enum port_own own)
{
	char device[HOTPLUG_NAME_LEN];
	uint16_t id = eth - rte_eth_devices;
	int ret;

	snprintf(device, sizeof(device), "%s", port_of(eth)->device);
	raise_hold(id);
	ret = WAY_ON(rte_eth_dev_release_port)(eth);
	close_end(eth);
	lead_note(id, false, false);
	lead_forget(id);
	if (own != PORT_OWN_DRIVER)
		step_before(STEP_GIVEN_BACK, device);
	raise_let_go(id);
	return ret;
}

int
__wrap_rte_eth_dev_release_port(struct rte_eth_dev *eth)
{
	enum port_own own = eth != NULL ? port_own(eth) : PORT_OWN_NOTHING;
	int ret;

	if (eth != NULL && is_released(eth))
		return 0;
	if (eth != NULL && port_is_healing(port_of(eth))) {
		if (own != PORT_OWN_DRIVER)
			return -EBUSY;  /* a close that was refused: the probe is at it */
		release_quietly(eth);
		return 0;
	}
	if (eth != NULL && port_of(eth)->state == PORT_LEAVING) {
		leave_release(eth);
		return 0;
	}
	if (eth != NULL && stuck_is(port_of(eth)))
		return -EBUSY;          /* its driver is at what would be freed */
	ret = eth != NULL ? release(eth, own) : WAY_ON(rte_eth_dev_release_port)(eth);
	if (own != PORT_OWN_DRIVER)
		atomic_fetch_add(&n_released, 1);
	return ret;
}

unsigned long
release_number(void)
{
	return atomic_load(&n_released);
}

/* A port that only pauses is not NEW: nobody hears of it before it is set up. */
void
__wrap_rte_eth_dev_probing_finish(struct rte_eth_dev *eth)
{
	if (eth != NULL && port_own(eth) == PORT_OWN_DRIVER && port_is_healing(port_of(eth)))
		kept_hold_tx(eth);      /* it is found valid when the bus knows its driver (ids.c) */
	else if (eth == NULL || !lead_finish(eth))
		WAY_ON(rte_eth_dev_probing_finish)(eth);
}
