/* SPDX-License-Identifier: BSD-3-Clause */

/* queues: what the application has set up of each queue, for a later life: PMDs need not
 * say (virtio, vmxnet3).
 * In:  ethdev's queue setup (app), which the PMD has taken.  Out: a record of it; what heal
 *      sets up is what is on record; and whoever asks for a queue of a port that is away hears
 *      what its driver said: testpmd leaves out a queue that is stopped for good.
 * One that was set up while its port was not ours: earlier.c.
 * Lock: port_lock() around the record, never around the PMD.
 * Context: app; queues_forget(): whoever closes. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "inside.h"
#include "queues.h"
#include "shared.h"

/* Room for queue i; with the lock held. */
static bool
has_room(void **array, unsigned int *n, unsigned int i, size_t size)
{
	unsigned int wanted = i + 1;
	void *p;

	if (i < *n)
		return true;
	p = realloc(*array, wanted * size);
	if (p == NULL)
		return false;
	memset((char *)p + *n * size, 0, (wanted - *n) * size);
	*array = p;
	*n = wanted;
	return true;
}

static void *
copy(const void *from, size_t size)
{
	void *p = size != 0 && from != NULL ? malloc(size) : NULL;

	return p != NULL ? memcpy(p, from, size) : NULL;
}

static void
drop_rxq(struct port_rxq *rxq)
{
	free(rxq->conf.rx_seg);
	free(rxq->conf.rx_mempools);
}

/* What it names in memory is the caller's: several pools, segments of a buffer split.  For
 * want of memory they are missing, and the queue is refused when the port heals. */
static void
keep_rxq(struct port_rxq *rxq, const struct port_rxq *now)
{
	drop_rxq(rxq);
	*rxq = *now;
	rxq->conf.rx_seg = copy(now->conf.rx_seg,
				now->conf.rx_nseg * sizeof(*now->conf.rx_seg));
	rxq->conf.rx_mempools = copy(now->conf.rx_mempools,
				     now->conf.rx_nmempool * sizeof(*now->conf.rx_mempools));
}

void
queues_record_rx(struct port *port, uint16_t queue, const struct port_rxq *now)
{
	void *array = port->rxq;

	if (!has_room(&array, &port->n_rxq, queue, sizeof(*port->rxq)))
		return;
	port->rxq = array;
	keep_rxq(&port->rxq[queue], now);
	port->rxq[queue].is_set_up = true;
}

void
queues_record_tx(struct port *port, uint16_t queue, const struct port_txq *now)
{
	void *array = port->txq;

	if (!has_room(&array, &port->n_txq, queue, sizeof(*port->txq)))
		return;
	port->txq = array;
	port->txq[queue] = *now;
	port->txq[queue].is_set_up = true;
}

static int
rx_queue_setup(struct rte_eth_dev *eth, uint16_t queue, uint16_t n_desc, unsigned int socket,
	       const struct rte_eth_rxconf *conf, struct rte_mempool *pool)
{
	struct port *port = port_of(eth);
	int ret;

	if (!inside_enter(eth))
		return -EIO;
	ret = port->pmd_ops->rx_queue_setup(eth, queue, n_desc, socket, conf, pool);
	inside_leave(eth);
	if (ret != 0 || port_own(eth) == PORT_OWN_SET_UP)
		return ret;
	port_lock();
	queues_record_rx(port, queue, &(struct port_rxq){ .n_desc = n_desc, .socket = socket,
		.conf = *conf, .pool = pool });
	port_unlock();
	return 0;
}

static int
tx_queue_setup(struct rte_eth_dev *eth, uint16_t queue, uint16_t n_desc, unsigned int socket,
	       const struct rte_eth_txconf *conf)
{
	struct port *port = port_of(eth);
	int ret;

	if (!inside_enter(eth))
		return -EIO;
	ret = port->pmd_ops->tx_queue_setup(eth, queue, n_desc, socket, conf);
	inside_leave(eth);
	if (ret != 0 || port_own(eth) == PORT_OWN_SET_UP)
		return ret;
	port_lock();
	queues_record_tx(port, queue, &(struct port_txq){ .n_desc = n_desc, .socket = socket,
		.conf = *conf });
	port_unlock();
	return 0;
}

void
queues_wrap(struct eth_dev_ops *ops)
{
	if (ops->rx_queue_setup != NULL)
		ops->rx_queue_setup = rx_queue_setup;
	if (ops->tx_queue_setup != NULL)
		ops->tx_queue_setup = tx_queue_setup;
}

void
queues_take(const struct rte_eth_dev *eth, struct port *port)
{
	const struct rte_eth_dev_data *data = eth->data;
	unsigned int i;

	for (i = 0; i < port->n_rxq && i < data->nb_rx_queues; i++)
		port->rxq[i].state = data->rx_queue_state[i];
	for (i = 0; i < port->n_txq && i < data->nb_tx_queues; i++)
		port->txq[i].state = data->tx_queue_state[i];
	port->config.tells_of_rxq = port->pmd_ops->rxq_info_get != NULL;
	port->config.tells_of_txq = port->pmd_ops->txq_info_get != NULL;
}

/* With the lock held: from the loss until it works again; its data says what ethdev and its
 * driver are just at. */
static bool
is_away(const struct port *port)
{
	return port->state != PORT_NONE && port->state != PORT_LIVE &&
		port->state != PORT_CLOSING && port->state != PORT_LEAVING;
}

/* With the lock held, of a port that is away.  then: its queue at the loss, NULL: not on
 * record.  -ENOTSUP: its driver has no such op. */
static int
say_state(const struct port *port, bool tells, const uint8_t *then, uint8_t *state)
{
	if (!tells)
		return -ENOTSUP;
	if (then != NULL)
		*state = port->config.is_started ? *then : RTE_ETH_QUEUE_STATE_STOPPED;
	return 0;
}

int
__wrap_rte_eth_rx_queue_info_get(uint16_t id, uint16_t queue, struct rte_eth_rxq_info *info)
{
	int ret = WAY_ON(rte_eth_rx_queue_info_get)(id, queue, info);
	const struct port *port;

	if (ret != 0)
		return ret;
	port = port_of(&rte_eth_devices[id]);
	port_lock();
	if (is_away(port))
		ret = say_state(port, port->config.tells_of_rxq,
				queue < port->n_rxq ? &port->rxq[queue].state : NULL,
				&info->queue_state);
	port_unlock();
	return ret;
}

int
__wrap_rte_eth_tx_queue_info_get(uint16_t id, uint16_t queue, struct rte_eth_txq_info *info)
{
	int ret = WAY_ON(rte_eth_tx_queue_info_get)(id, queue, info);
	const struct port *port;

	if (ret != 0)
		return ret;
	port = port_of(&rte_eth_devices[id]);
	port_lock();
	if (is_away(port))
		ret = say_state(port, port->config.tells_of_txq,
				queue < port->n_txq ? &port->txq[queue].state : NULL,
				&info->queue_state);
	port_unlock();
	return ret;
}

void
queues_forget(struct port *port)
{
	unsigned int i;

	for (i = 0; i < port->n_rxq; i++)
		drop_rxq(&port->rxq[i]);
	free(port->rxq);
	free(port->txq);
	port->rxq = NULL;
	port->txq = NULL;
	port->n_rxq = port->n_txq = 0;
}
