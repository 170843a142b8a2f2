/* SPDX-License-Identifier: BSD-3-Clause */

/* inside: which of the application's control calls are in a PMD just now?
 * In:  ethdev's control calls (app, any thread).  Out: the PMD's own op, or what a
 *      dead port answers, also of one that heal is setting up; inside_wait(), after which
 *      none is left in there.
 * Without it a thread that reads statistics or the link is in the PMD while teardown
 * frees what it reads.
 * Order: a call counts itself, then looks whether the port is dead; the port is dead
 * before inside_wait() looks at the count.  Whichever comes second sees the other.
 * Context: app; inside_wait(): teardown. */

#include <errno.h>
#include <stdatomic.h>
#include <time.h>

#include "../core/device.h"
#include "../eal/clock.h"
#include "../survive/publish.h"
#include "change.h"
#include "inside.h"
#include "port_ops.h"   /* made from this DPDK's header (list-ops) */
#include "shared.h"
#include "turn.h"

/* Nobody's registers are made to flip for a call that is refused. */
static bool
is_refused(const struct rte_eth_dev *eth)
{
	const struct port *port = port_of(eth);

	return LOAD(eth->dev_ops) == &dead_ops || (port_own(eth) == PORT_OWN_NOTHING &&
		(port_is_healing(port) || port->state == PORT_LEAVING));
}

/* Whose registers flip for the calls that this thread is in: a port's id may be another device's by
 * the time that a call comes back.  Calls nest, in callbacks. */
#define MAX_NESTED 32
static _Thread_local struct {
	struct hotplug_device *dev[MAX_NESTED];
	unsigned int n;
} entered;

static void
enter_device(struct hotplug_device *dev)
{
	if (entered.n < MAX_NESTED)
		entered.dev[entered.n] = dev;
	entered.n++;
	device_enter(dev);
}

static void
leave_device(const struct port *port)
{
	entered.n--;
	device_leave(entered.n < MAX_NESTED ? entered.dev[entered.n] : port->dev);
}

bool
inside_enter(const struct rte_eth_dev *eth)
{
	struct port *port = port_of(eth);

	if (is_refused(eth))
		return false;
	enter_device(port->dev);        /* whose registers flip, should it die meanwhile */
	turn_enter(port);
	atomic_fetch_add(&port->n_inside, 1);
	atomic_thread_fence(memory_order_seq_cst);
	if (!is_refused(eth))
		return true;
	inside_leave(eth);
	return false;
}

void
inside_leave(const struct rte_eth_dev *eth)
{
	atomic_fetch_sub(&port_of(eth)->n_inside, 1);
	turn_leave(port_of(eth));
	leave_device(port_of(eth));
}

void
inside_wait(struct rte_eth_dev *eth)
{
	const struct timespec pause = { .tv_nsec = MS };
	struct port *port = port_of(eth);

	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load(&port->n_inside) == 0)
		return;
	while (atomic_load(&port->n_inside) != 0)       /* it may be polling registers: they flip */
		nanosleep(&pause, NULL);
}

/* The PMD's own op, counted; a dead port's answer. */
#define COUNTED(type, op, parameters, arguments) \
	static type \
	op parameters \
	{ \
		type answer_; \
\
		if (!inside_enter(eth)) \
			return dead_ops.op arguments; \
		answer_ = port_of(eth)->pmd_ops->op arguments; \
		inside_leave(eth); \
		return answer_; \
	}
#define COUNTED_VOID(type, op, parameters, arguments) \
	static void \
	op parameters \
	{ \
		if (!inside_enter(eth)) { \
			dead_ops.op arguments; \
			return; \
		} \
		port_of(eth)->pmd_ops->op arguments; \
		inside_leave(eth); \
	}

PORT_OPS(COUNTED)
PORT_OPS_OTHER(COUNTED)
PORT_OPS_VOID(COUNTED_VOID)

/* Before configure vmxnet3 has no place for these, and dies of them; testpmd's `port
 * attach` asks for one then.  ethdev remembers them, and asks again at start. */
#define MODE(op) \
	static int \
	op##_late(struct rte_eth_dev *eth) \
	{ \
		int ret; \
\
		if (eth->data->dev_configured || !inside_enter(eth)) { \
			ret = op(eth); \
			return ret == -ENOTSUP ? ret : change_keep_refusal(eth, ret); \
		} \
		inside_leave(eth); \
		return 0; \
	}

MODE(promiscuous_enable)
MODE(promiscuous_disable)
MODE(allmulticast_enable)
MODE(allmulticast_disable)

/* It makes the port anew, its ops too. */
static int
dev_reset_again(struct rte_eth_dev *eth)
{
	int ret;

	if (!inside_enter(eth))
		return dead_ops.dev_reset(eth);
	ret = port_of(eth)->pmd_ops->dev_reset(eth);
	port_stand_again(eth);
	inside_leave(eth);
	return ret;
}

/* What it wants from now on, also of a life that comes in the middle of this.  Heal starts
 * what is to be started: it wants nothing, and a stop may come in the middle of that. */
static int
dev_start_wanted(struct rte_eth_dev *eth)
{
	struct port *port = port_of(eth);
	int ret = dev_start(eth);

	if (ret != 0 || port_own(eth) == PORT_OWN_SET_UP)
		return ret;
	port_lock();
	port->config.is_started = true;
	port_unlock();
	return 0;
}

/* Whoever is refused an op (-EIO) while a port heals asks this next (ethdev's eth_err()), and
 * ethdev remembers a yes in the port's state for good: the card is there. */
static int
is_removed_healing(struct rte_eth_dev *eth)
{
	if (LOAD(eth->dev_ops) != &dead_ops && is_refused(eth))
		return 0;
	return is_removed(eth);
}

#define WRAP(type, op, parameters, arguments) \
	do { \
		if (ops->op != NULL) \
			ops->op = op; \
	} while (0);
#define WRAP_MODE(op) \
	do { \
		if (ops->op != NULL) \
			ops->op = op##_late; \
	} while (0)

/* What is given a queue knows no port: who is in there is waited for as in a burst. */
void
inside_wrap(struct eth_dev_ops *ops)
{
	PORT_OPS(WRAP)
	PORT_OPS_OTHER(WRAP)
	PORT_OPS_VOID(WRAP)
	if (ops->dev_start != NULL)
		ops->dev_start = dev_start_wanted;
	if (ops->dev_reset != NULL)
		ops->dev_reset = dev_reset_again;
	if (ops->is_removed != NULL)
		ops->is_removed = is_removed_healing;
	WRAP_MODE(promiscuous_enable);
	WRAP_MODE(promiscuous_disable);
	WRAP_MODE(allmulticast_enable);
	WRAP_MODE(allmulticast_disable);
}
