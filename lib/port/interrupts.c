/* SPDX-License-Identifier: BSD-3-Clause */

/* interrupts: threads that sleep until a queue has packets go on when their port heals.
 * In:  rte_eth_dev_rx_intr_enable(), _disable(), _ctl*() (app); a teardown, before the driver's
 *      stop takes the descriptors away; a heal, after the start.
 * Out: each queue that was in somebody's epoll set is in it again, with his data, and on
 *      if it was on; then each such set has an event, so that nobody sleeps on who found
 *      his port dead, or whose interrupt went with the card.
 * The set is the application's.  The event comes from a descriptor of ours that is added
 * as EAL adds a queue's (RTE_EPOLL_PER_THREAD's sets have no other way in); it and its
 * entry stay until the next time: a sleeper may be about to read it.
 * Lock: port_lock() around the record.
 * Context: app; interrupts_take(): teardown; the rest: work. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <rte_interrupts.h>

#include "../eal/host.h"
#include "calls.h"
#include "inside.h"
#include "interrupts.h"
#include "shared.h"
#include "turn.h"

static void
keep(struct port *port, uint16_t queue, bool is)
{
	port_lock();
	if (queue < port->n_rxq)
		port->rxq[queue].is_intr_on = is;
	port_unlock();
}

static bool
is_on(const struct port *port, uint16_t queue)
{
	bool is;

	port_lock();
	is = port->rxq[queue].is_intr_on;
	port_unlock();
	return is;
}

static int
enable(struct rte_eth_dev *eth, uint16_t queue)
{
	int ret;

	if (!inside_enter(eth))
		return -EIO;
	ret = port_of(eth)->pmd_ops->rx_queue_intr_enable(eth, queue);
	inside_leave(eth);
	if (ret == 0)
		keep(port_of(eth), queue, true);
	return ret;
}

static int
disable(struct rte_eth_dev *eth, uint16_t queue)
{
	int ret;

	keep(port_of(eth), queue, false);
	if (!inside_enter(eth))
		return -EIO;
	ret = port_of(eth)->pmd_ops->rx_queue_intr_disable(eth, queue);
	inside_leave(eth);
	return ret;
}

void
interrupts_wrap(struct eth_dev_ops *ops)
{
	if (ops->rx_queue_intr_enable != NULL)
		ops->rx_queue_intr_enable = enable;
	if (ops->rx_queue_intr_disable != NULL)
		ops->rx_queue_intr_disable = disable;
}

/* Those that have no op of the driver's: ethdev follows the device's handle, whose vectors a
 * driver frees in its stop.  A dead port has none. */
#define COUNTED(function, name, none, parameters, arguments) \
	function parameters \
	{ \
		const struct rte_eth_dev *eth = &rte_eth_devices[id]; \
		int ret; \
\
		if (id >= RTE_MAX_ETHPORTS || !is_ours(eth)) \
			return WAY_ON(name) arguments; \
		if (!inside_enter(eth)) \
			return none; \
		ret = WAY_ON(name) arguments; \
		inside_leave(eth); \
		return ret; \
	}

static bool
is_ours(const struct rte_eth_dev *eth)
{
	const struct eth_dev_ops *ops = LOAD(eth->dev_ops);

	return ops != NULL && (ops == &dead_ops || ops == port_of(eth)->ops);
}

COUNTED(static int ctl, rte_eth_dev_rx_intr_ctl, -ENOTSUP,
	(uint16_t id, int epfd, int op, void *data), (id, epfd, op, data))
COUNTED(static int ctl_q, rte_eth_dev_rx_intr_ctl_q, -ENOTSUP,
	(uint16_t id, uint16_t queue, int epfd, int op, void *data), (id, queue, epfd, op, data))
COUNTED(int __wrap_rte_eth_dev_rx_intr_ctl_q_get_fd, rte_eth_dev_rx_intr_ctl_q_get_fd, -1,
	(uint16_t id, uint16_t queue), (id, queue))

/* With the lock held. */
static void
leave(struct port *port, unsigned int queue)
{
	port->rxq[queue].is_slept_on = false;
	port->rxq[queue].has_left = port->state == PORT_DEAD || port->state == PORT_DOOMED;
}

/* Of a port that is away no descriptor is in any set, and none is to come back.  -EAGAIN: it
 * works again. */
static int
leave_set(uint16_t id, unsigned int first, unsigned int n)
{
	struct port *port = port_of(&rte_eth_devices[id]);
	int ret = -ENOTSUP;
	unsigned int i;

	port_lock();
	turn_wait(port);        /* a teardown or a heal reads who is in which */
	if (port->state == PORT_LIVE)
		ret = -EAGAIN;
	for (i = first; i < port->n_rxq && i < first + n && ret != -EAGAIN &&
	     !turn_is_refused(port); i++) {
		leave(port, i);
		ret = 0;
	}
	port_unlock();
	return ret;
}

/* Who comes is in it. */
static void
note_come(uint16_t id, unsigned int first, unsigned int n)
{
	struct port *port = port_of(&rte_eth_devices[id]);
	unsigned int i;

	port_lock();
	for (i = first; i < port->n_rxq && i < first + n; i++)
		port->rxq[i].has_left = false;
	port_unlock();
}

static bool
is_to_leave(uint16_t id, int op, int ret)
{
	return ret == -ENOTSUP && op == RTE_INTR_EVENT_DEL && id < RTE_MAX_ETHPORTS &&
		is_ours(&rte_eth_devices[id]);
}

int
__wrap_rte_eth_dev_rx_intr_ctl(uint16_t id, int epfd, int op, void *data)
{
	int ret = ctl(id, epfd, op, data);

	if (is_to_leave(id, op, ret))
		ret = leave_set(id, 0, RTE_MAX_QUEUES_PER_PORT);
	if (ret == -EAGAIN)
		ret = ctl(id, epfd, op, data);
	if (ret == 0 && op == RTE_INTR_EVENT_ADD)
		note_come(id, 0, RTE_MAX_QUEUES_PER_PORT);
	return ret;
}

int
__wrap_rte_eth_dev_rx_intr_ctl_q(uint16_t id, uint16_t queue, int epfd, int op, void *data)
{
	int ret = ctl_q(id, queue, epfd, op, data);

	if (is_to_leave(id, op, ret))
		ret = leave_set(id, queue, 1);
	if (ret == -EAGAIN)
		ret = ctl_q(id, queue, epfd, op, data);
	if (ret == 0 && op == RTE_INTR_EVENT_ADD)
		note_come(id, queue, 1);
	return ret;
}

/* The queue's entry, as EAL finds it; NULL: it is in nobody's set. */
static const struct rte_epoll_event *
entry_of(struct rte_intr_handle *handle, unsigned int queue)
{
	const struct rte_epoll_event *entry;
	int vec = rte_intr_vec_list_index_get(handle, queue);

	if (vec < 0)
		return NULL;
	if (vec >= RTE_INTR_VEC_RXTX_OFFSET)
		vec -= RTE_INTR_VEC_RXTX_OFFSET;
	if (vec >= rte_intr_nb_efd_get(handle))
		return NULL;
	entry = rte_intr_elist_index_get(handle, vec);
	return entry != NULL && entry->status != RTE_EPOLL_INVALID ? entry : NULL;
}

void
interrupts_take(struct rte_eth_dev *eth)
{
	struct port *port = port_of(eth);
	const struct rte_epoll_event *entry;
	struct port_rxq *rxq;
	unsigned int i;

	if (eth->data->dev_started == 0 || eth->intr_handle == NULL ||
	    eth->data->dev_conf.intr_conf.rxq == 0 || port->has_intr)
		return;         /* has_intr: of a life before, that has not come back yet */
	for (i = 0; i < port->n_rxq; i++) {
		rxq = &port->rxq[i];
		entry = entry_of(eth->intr_handle, i);
		rxq->is_slept_on = entry != NULL && !rxq->has_left;
		rxq->has_left = false;
		if (!rxq->is_slept_on)
			continue;
		rxq->epfd = entry->epfd;
		rxq->intr_data = entry->epdata.data;
		port->has_intr = true;
	}
}

static void
restore(uint16_t id, const struct port *port, uint16_t queue)
{
	const struct port_rxq *rxq = &port->rxq[queue];
	int ret;

	ret = rte_eth_dev_rx_intr_ctl_q(id, queue, rxq->epfd, RTE_INTR_EVENT_ADD, rxq->intr_data);
	if (ret == 0 && is_on(port, queue))
		ret = rte_eth_dev_rx_intr_enable(id, queue);
	if (ret != 0 && ret != -EEXIST)
		host_log(HOST_WARN, "%s: the rx interrupt of queue %u does not come back: %s",
			 port->device, queue, strerror(-ret));
}

void
interrupts_restore(uint16_t id, const struct port *port)
{
	unsigned int i;

	for (i = 0; port->has_intr && i < port->n_rxq; i++)
		if (port->rxq[i].is_slept_on)
			restore(id, port, i);
}

/* The event in one set; of the port's queues that are in the same, too. */
static void
wake(struct port_rxq *rxq, struct waker *waker)
{
	if (waker->fd > 0) {
		(void)rte_epoll_ctl(waker->event.epfd, EPOLL_CTL_DEL, waker->fd, &waker->event);
		close(waker->fd);
	}
	waker->fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
	waker->event = (struct rte_epoll_event){
		.epdata = { .event = EPOLLIN | EPOLLET, .data = rxq->intr_data },
	};
	if (waker->fd < 0 ||
	    rte_epoll_ctl(rxq->epfd, EPOLL_CTL_ADD, waker->fd, &waker->event) != 0)
		host_log(HOST_WARN, "who sleeps on a queue of a healed port is not woken");
}

void
interrupts_wake(struct port *port)
{
	unsigned int i;

	if (!port->has_intr)
		return;
	if (port->wakers == NULL)       /* for good: a sleeper may be about to read one */
		port->wakers = calloc(RTE_MAX_QUEUES_PER_PORT, sizeof(*port->wakers));
	for (i = 0; port->wakers != NULL && i < port->n_rxq; i++)
		if (port->rxq[i].is_slept_on)
			wake(&port->rxq[i], &port->wakers[i]);
	port->has_intr = false;
}
