/* SPDX-License-Identifier: BSD-3-Clause */

/* lead: a secondary polls a port when the primary has started it, and not after it stops it.
 * A secondary's port has its fast path from the end of the driver's probe on: over queues
 * that are not there when the primary sets the port up afterwards, and over those that the
 * primary has freed when it closes it.
 * In:  the primary's start and stop (change.c, stop.c), which the gates carry to all
 *      (sync/gates.h); the end of a probe in a secondary (release.c).
 * Out: a secondary that polls too early, or too late, finds functions that do nothing.
 * Order: out: functions, wait, queues; in: queues, wait, functions (quiet.c).  A gate is read
 *      with the lock held: who changes it afterwards has all ports followed again.
 * Lock: `lock` guards led, and in the primary what it says (a look at dev_started and the gate
 *      that follows from it are one step); held while a secondary's threads are waited for,
 *      never in a driver or a callback.
 * Context: app (the primary), work (the sync thread, the hand). */

#include <errno.h>
#include <pthread.h>

#include <rte_eal.h>

#include "../core/enable.h"
#include "../sync/gates.h"
#include "../sync/sync.h"
#include "calls.h"
#include "lead.h"
#include "port.h"
#include "port_ops.h"   /* made from this DPDK's headers (list-ops) */
#include "shared.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* led, and the fast path of such */

/* n_changing: the primary's.  While it is not 0 `dev_started` may be what it will not be a moment
 * later (a driver's stop runs before ethdev clears it): it is not looked at. */
static struct led {
	struct rte_eth_fp_ops functions;        /* the driver's, while others are in their place */
	bool is_out;
	unsigned int n_changing;
} led[RTE_MAX_ETHPORTS];

void
lead_lock(void)
{
	pthread_mutex_lock(&lock);
}

void
lead_unlock(void)
{
	pthread_mutex_unlock(&lock);
}

static bool
is_secondary(void)
{
	return rte_eal_process_type() == RTE_PROC_SECONDARY;
}

static void
count_change(uint16_t id, int n)
{
	if (id >= RTE_MAX_ETHPORTS)
		return;
	pthread_mutex_lock(&lock);
	led[id].n_changing += n;
	pthread_mutex_unlock(&lock);
}

void
lead_begin(uint16_t id)
{
	count_change(id, 1);
}

void
lead_end(uint16_t id)
{
	count_change(id, -1);
}

void
lead_note(uint16_t id, bool is_started, bool waits)
{
	uint32_t turn;
	bool is_new;

	if (id >= RTE_MAX_ETHPORTS || is_secondary())
		return;
	pthread_mutex_lock(&lock);
	is_new = sync_gate_set(id, is_started, &turn);
	pthread_mutex_unlock(&lock);
	if (is_new && waits)
		sync_gate_wait(id, is_started, turn, enable_config()->sync_deadline_ms);
}

/* Of a port whose change is under way that one says what it is. */
int
lead_note_all(void)
{
	const struct rte_eth_dev_data *data;
	unsigned int i;
	uint32_t turn;

	if (calls_guard() != 0)
		return -ENOTSUP;
	pthread_mutex_lock(&lock);
	for (i = 0; i < RTE_MAX_ETHPORTS; i++) {
		data = rte_eth_devices[i].data;
		if (led[i].n_changing == 0)
			(void)sync_gate_set(i, data != NULL && data->dev_started != 0, &turn);
	}
	pthread_mutex_unlock(&lock);
	return 0;
}

/* --- in a secondary; all with the lock held ----------------------------------------------- */

#define KEEP(member) functions->member = eth->member;
#define GIVE_BACK(member) eth->member = fp->member = functions->member;

static void
take_functions(struct rte_eth_dev *eth, struct led *port)
{
	struct rte_eth_fp_ops *functions = &port->functions;

	FAST_PATH(KEEP)
	port->is_out = true;
	quiet_begin(eth - rte_eth_devices);
}

static void
give_functions(struct rte_eth_dev *eth, struct led *port)
{
	const struct rte_eth_fp_ops *functions = &port->functions;
	struct rte_eth_fp_ops *fp = &rte_eth_fp_ops[eth - rte_eth_devices];

	FAST_PATH(GIVE_BACK)
	port->is_out = false;
	atomic_thread_fence(memory_order_seq_cst);
}

/* Where nobody leads any more, what is started is polled as ethdev has it.
 * One that is leaving is out already (leave.c); one that is not probed is nobody's. */
static bool
is_followed(uint16_t id)
{
	const struct rte_eth_dev *eth = &rte_eth_devices[id];

	return LOAD(eth->state) == RTE_ETH_DEV_ATTACHED && eth->data != NULL &&
		port_of(eth)->state <= PORT_LIVE;
}

static bool
goes_out(uint16_t id)
{
	return is_followed(id) && !led[id].is_out && sync_gate(id) == GATE_SHUT;
}

static bool
comes_in(uint16_t id)
{
	const struct rte_eth_dev_data *data = rte_eth_devices[id].data;

	return is_followed(id) && led[id].is_out && sync_gate(id) != GATE_SHUT &&
		data->dev_started != 0 &&
		(data->rx_queues != NULL || data->nb_rx_queues == 0) &&
		(data->tx_queues != NULL || data->nb_tx_queues == 0);
}

/* Those between first and end, together: one wait each way. */
static void
lead_ports(unsigned int first, unsigned int end)
{
	bool is_going[RTE_MAX_ETHPORTS], is_coming[RTE_MAX_ETHPORTS], is_any = false;
	unsigned int i;

	for (i = first; i < end; i++) {
		is_going[i] = goes_out(i);
		is_coming[i] = !is_going[i] && comes_in(i);
		if (is_going[i])
			take_functions(&rte_eth_devices[i], &led[i]);
		if (is_coming[i])
			quiet_attach_queues(i);
		is_any = is_any || is_going[i] || is_coming[i];
	}
	if (!is_any)
		return;
	quiet_wait();
	for (i = first; i < end; i++) {
		if (is_going[i])
			quiet_detach_queues(i);
		if (is_coming[i])
			give_functions(&rte_eth_devices[i], &led[i]);
	}
}

/* --- */

void
lead_follow(void)
{
	pthread_mutex_lock(&lock);
	lead_ports(0, RTE_MAX_ETHPORTS);
	pthread_mutex_unlock(&lock);
}

/* As rte_eth_dev_probing_finish() does it, but for the fast path: that one lays the driver's
 * functions first, then their queues, under the feet of who polls this id already. */
bool
lead_finish(struct rte_eth_dev *eth)
{
	uint16_t id = eth - rte_eth_devices;

	if (!is_secondary() || sync_gate(id) == GATE_UNKNOWN)
		return false;
	pthread_mutex_lock(&lock);
	take_functions(eth, &led[id]);
	quiet_detach_queues(id);        /* nobody is in the driver: it was in no fast path */
	pthread_mutex_unlock(&lock);
	rte_eth_dev_callback_process(eth, RTE_ETH_EVENT_NEW, NULL);
	STORE(eth->state, RTE_ETH_DEV_ATTACHED);
	lead_resume(id);
	return true;
}

bool
lead_is_out(uint16_t id)
{
	bool is_out;

	pthread_mutex_lock(&lock);
	is_out = led[id].is_out;
	pthread_mutex_unlock(&lock);
	return is_out;
}

void
lead_resume(uint16_t id)
{
	pthread_mutex_lock(&lock);
	lead_ports(id, id + 1);
	pthread_mutex_unlock(&lock);
}

void
lead_forget(uint16_t id)
{
	pthread_mutex_lock(&lock);
	led[id].is_out = false;
	pthread_mutex_unlock(&lock);
}
