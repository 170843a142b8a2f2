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
 *      call itself is ours: in shared libraries each object's slot for that function
 *      (core/slots.c); in static programs the linker's --wrap.
 * A port that is being torn down is not released at all: its driver is in there.
 * Nor is one a second time, as fail-safe does with its lost sub-device: its number is
 * zeroed by then (25.11: its data is NULL), and ethdev would take port 0's fast
 * path away, or die.  One that leaves a secondary is released as there (leave.c).
 * Context: work, app, events (release_guard); whatever thread runs a PMD. */

#include <errno.h>
#include <string.h>

#include <rte_malloc.h>

#include "../core/slots.h"
#include "leave.h"
#include "release.h"
#include "stuck.h"

/* Ours, where the linker was told --wrap=rte_eth_dev_release_port; then this exists. */
int __wrap_rte_eth_dev_release_port(struct rte_eth_dev *eth);
int __real_rte_eth_dev_release_port(struct rte_eth_dev *eth) __attribute__((weak));

/* The one slot that stays: the way on. */
static int (*volatile in_ethdev)(struct rte_eth_dev *eth) = rte_eth_dev_release_port;

/* Who has found it valid before goes on for a while, over what is freed next: the caller
 * has quiet_wait() in between. */
void
release_hide(struct rte_eth_dev *eth)
{
	eth->state = RTE_ETH_DEV_UNUSED;        /* no DESTROY */
	eth->dev_ops = &dead_ops;
	eth->device = &port_of(eth)->shadow;
	eth->intr_handle = NULL;
	atomic_thread_fence(memory_order_seq_cst);
}

void
release_quietly(struct rte_eth_dev *eth)
{
	struct rte_eth_dev_data *data = eth->data;
	bool is_valid = eth->state != RTE_ETH_DEV_UNUSED;

	release_hide(eth);
	if (is_valid)
		quiet_wait();
	eth->process_private = NULL;
	rte_free(data->rx_queues);
	rte_free(data->tx_queues);
	if (data->mac_addrs != port_of(eth)->addrs)     /* those are kept, for another time */
		rte_free(data->mac_addrs);
	rte_free(data->hash_mac_addrs);
	rte_free(data->dev_private);
	pthread_mutex_destroy(&data->flow_ops_mutex);
	memset(data, 0, sizeof(*data));         /* without a name it is free */
}

static bool
is_released(const struct rte_eth_dev *eth)
{
	return eth->state == RTE_ETH_DEV_UNUSED &&
		(eth->data == NULL || eth->data->name[0] == '\0');
}

int
__wrap_rte_eth_dev_release_port(struct rte_eth_dev *eth)
{
	if (eth != NULL && is_released(eth))
		return 0;
	if (eth != NULL && (port_of(eth)->state == PORT_HEALING ||
			    stuck_is_probing(port_of(eth)))) {
		release_quietly(eth);
		return 0;
	}
	if (eth != NULL && port_of(eth)->state == PORT_LEAVING) {
		leave_release(eth);
		return 0;
	}
	if (eth != NULL && stuck_is(port_of(eth)))
		return -EBUSY;          /* its driver is at what would be freed */
	return __real_rte_eth_dev_release_port != NULL ?
		__real_rte_eth_dev_release_port(eth) : in_ethdev(eth);
}

int
release_guard(void)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* both below */
	static unsigned long long n_loads_then;
	static struct slots slots = { .symbol = "rte_eth_dev_release_port" };
	unsigned long long n_loads = slots_n_loads();

	pthread_mutex_lock(&lock);
	slots.ours = (uintptr_t)__wrap_rte_eth_dev_release_port;
	slots.way_on = (uintptr_t)&in_ethdev;
	if (__real_rte_eth_dev_release_port != NULL)    /* the linker has seen to ours */
		slots.not_in = slots.ours;
	if (n_loads == 0 || n_loads != n_loads_then)
		slots_take(&slots);
	n_loads_then = n_loads;
	pthread_mutex_unlock(&lock);
	return slots.n_taken > 0 || __real_rte_eth_dev_release_port != NULL ? 0 : -ENOTSUP;
}
