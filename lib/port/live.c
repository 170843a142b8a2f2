/* SPDX-License-Identifier: BSD-3-Clause */

/* live: our ops in front of a living port's.
 * In:  ethdev's control calls (app).  Out: the PMD's own op, and a record of what
 *      the application has set up, which a later life needs.
 * dev_close: some PMDs unmap their BARs there (virtio); dev_stop, dev_close: on a
 * dead device the PMD polls, so its registers flip meanwhile, also when it dies then.
 * Lock: port_lock() around the record, never around the PMD.
 * Context: app, teardown. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../core/device.h"
#include "inside.h"
#include "settings.h"
#include "stats.h"

int
live_stop(struct rte_eth_dev *eth)
{
	struct port *port = port_of(eth);
	struct hotplug_device *dev = port->dev;
	int ret;

	device_enter(dev);
	ret = port->pmd_ops->dev_stop(eth);
	device_leave(dev);
	return ret;
}

int
live_close(struct rte_eth_dev *eth)
{
	struct port *port = port_of(eth);
	struct hotplug_device *dev = port->dev;
	int ret;

	device_enter(dev);      /* until it returns, also when we are disabled meanwhile */
	hotplug_device_unsettle(port->bus, port->key);
	ret = port->pmd_ops->dev_close(eth);
	hotplug_device_settle(port->bus, port->key);
	device_leave(dev);
	return ret;
}

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

static int
rx_queue_setup(struct rte_eth_dev *eth, uint16_t queue, uint16_t n_desc, unsigned int socket,
	       const struct rte_eth_rxconf *conf, struct rte_mempool *pool)
{
	struct port *port = port_of(eth);
	void *array;
	int ret;

	if (!inside_enter(eth))
		return -EIO;
	ret = port->pmd_ops->rx_queue_setup(eth, queue, n_desc, socket, conf, pool);
	inside_leave(eth);
	if (ret != 0)
		return ret;
	port_lock();
	array = port->rxq;
	if (has_room(&array, &port->n_rxq, queue, sizeof(*port->rxq)))
		((struct port_rxq *)array)[queue] = (struct port_rxq){
			n_desc, socket, *conf, pool,
		};
	port->rxq = array;
	port_unlock();
	return 0;
}

static int
tx_queue_setup(struct rte_eth_dev *eth, uint16_t queue, uint16_t n_desc, unsigned int socket,
	       const struct rte_eth_txconf *conf)
{
	struct port *port = port_of(eth);
	void *array;
	int ret;

	if (!inside_enter(eth))
		return -EIO;
	ret = port->pmd_ops->tx_queue_setup(eth, queue, n_desc, socket, conf);
	inside_leave(eth);
	if (ret != 0)
		return ret;
	port_lock();
	array = port->txq;
	if (has_room(&array, &port->n_txq, queue, sizeof(*port->txq)))
		((struct port_txq *)array)[queue] = (struct port_txq){
			n_desc, socket, *conf, true,
		};
	port->txq = array;
	port_unlock();
	return 0;
}

/* With the lock held: only what the PMD has. */
void
live_wrap(struct rte_eth_dev *eth, struct port *port)
{
	(void)eth;
	inside_wrap(port->ops);
	settings_wrap(port->ops);
	port->ops->dev_close = close_port;
	if (port->ops->dev_stop != NULL)
		port->ops->dev_stop = close_stop;
	if (port->ops->stats_get != NULL)
		port->ops->stats_get = stats_live_get;
	if (port->ops->stats_reset != NULL)
		port->ops->stats_reset = stats_live_reset;
	if (port->ops->rx_queue_setup != NULL)
		port->ops->rx_queue_setup = rx_queue_setup;
	if (port->ops->tx_queue_setup != NULL)
		port->ops->tx_queue_setup = tx_queue_setup;
}
