/* SPDX-License-Identifier: BSD-3-Clause */

/* ethdev: the bridge to DPDK's ports (the only user of ethdev_driver.h).
 * In:  a bus backend, after a probe.  Out: each port has its own copy of the
 *      PMD's dev_ops, in which dev_stop and dev_close are ours.
 * Why: some PMDs unmap their BARs when a port is closed (virtio), and no bus op
 *      sees it; the guard must not act on a range that is somebody else's.  And a
 *      driver that stops or closes a dead device polls its registers.
 * Lock: `lock` guards the table of wrapped ports; never held in a PMD.
 * Context: app, work. */

#include <pthread.h>
#include <stdlib.h>

#include <rte_ethdev.h>

#include <ethdev_driver.h>

#include "../core/device.h"
#include "../core/host.h"
#include "ethdev.h"

struct port {
	struct hotplug_bus *bus;
	const void *key;
	const struct eth_dev_ops *pmd_ops;
	struct eth_dev_ops *ops;        /* ours; stays allocated for the next */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* ports */
static struct port ports[RTE_MAX_ETHPORTS];

static struct port
port_of(const struct rte_eth_dev *eth)
{
	struct port port;

	pthread_mutex_lock(&lock);
	port = ports[eth->data->port_id];
	pthread_mutex_unlock(&lock);
	return port;
}

/* A driver stops a living device as ever: it unmaps nothing.  A dead one's polls
 * are to end soon. */
static int
stop_port(struct rte_eth_dev *eth)
{
	struct port port = port_of(eth);
	bool is_dead = device_is_cut(port.bus, port.key);
	int ret;

	if (is_dead)
		hotplug_device_unsettle(port.bus, port.key);
	ret = port.pmd_ops->dev_stop(eth);
	if (is_dead)
		hotplug_device_settle(port.bus, port.key);
	return ret;
}

static int
close_port(struct rte_eth_dev *eth)
{
	struct port port = port_of(eth);
	int ret;

	hotplug_device_unsettle(port.bus, port.key);
	ret = port.pmd_ops->dev_close(eth);
	hotplug_device_settle(port.bus, port.key);
	return ret;
}

/* With the lock held. */
static void
wrap_port(struct rte_eth_dev *eth, struct port *port, struct hotplug_bus *bus)
{
	if (port->ops == NULL)
		port->ops = malloc(sizeof(*port->ops));
	if (port->ops == NULL) {
		host_log(HOST_WARN, "port %u: no memory to see it close", eth->data->port_id);
		return;
	}
	port->bus = bus;
	port->key = eth->device;
	port->pmd_ops = eth->dev_ops;
	*port->ops = *eth->dev_ops;
	port->ops->dev_close = close_port;
	if (port->ops->dev_stop != NULL)
		port->ops->dev_stop = stop_port;
	eth->dev_ops = port->ops;
}

void
ethdev_wrap(struct hotplug_bus *bus, const struct rte_device *dev)
{
	struct rte_eth_dev *eth;
	unsigned int i;

	pthread_mutex_lock(&lock);
	for (i = 0; i < RTE_MAX_ETHPORTS; i++) {
		eth = &rte_eth_devices[i];
		if (eth->state == RTE_ETH_DEV_UNUSED || eth->device != dev ||
		    eth->dev_ops == NULL || eth->dev_ops->dev_close == NULL ||
		    eth->dev_ops == ports[i].ops)
			continue;
		wrap_port(eth, &ports[i], bus);
	}
	pthread_mutex_unlock(&lock);
}

unsigned int
ethdev_ports(const struct rte_device *dev, uint16_t *port)
{
	unsigned int i, n = 0;

	for (i = 0; i < RTE_MAX_ETHPORTS && n < HOTPLUG_MAX_PORTS; i++)
		if (rte_eth_devices[i].state != RTE_ETH_DEV_UNUSED &&
		    rte_eth_devices[i].device == dev)
			port[n++] = i;
	return n;
}

void
ethdev_unwrap_all(void)
{
	unsigned int i;

	pthread_mutex_lock(&lock);
	for (i = 0; i < RTE_MAX_ETHPORTS; i++)
		if (ports[i].ops != NULL && rte_eth_devices[i].dev_ops == ports[i].ops)
			rte_eth_devices[i].dev_ops = ports[i].pmd_ops;
	pthread_mutex_unlock(&lock);
}
