/* SPDX-License-Identifier: BSD-3-Clause */

/* table: the ports that stand on guarded devices.
 * In:  devices that are published, of any bus.  Out: each port has its own copy of the PMD's
 *      dev_ops with ours in front (live.c).
 * Lock: port_lock() guards the table; never held in a PMD.
 * Context: app, work. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../core/config.h"
#include "../core/device.h"
#include "../core/enable.h"
#include "../eal/devargs.h"
#include "../eal/host.h"
#include "port_ops.h"   /* made from this DPDK's header (list-ops) */
#include "queues.h"
#include "shared.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* ports */
static struct port ports[RTE_MAX_ETHPORTS];

void
port_say_no_memory(unsigned int id)
{
	host_log(HOST_WARN, "port %u: no memory to stand in front of it", id);
}

void
port_lock(void)
{
	pthread_mutex_lock(&lock);
}

void
port_unlock(void)
{
	pthread_mutex_unlock(&lock);
}

struct port *
port_of(const struct rte_eth_dev *eth)
{
	return &ports[eth - rte_eth_devices];
}

/* As a probe takes them; cut short they would be others. */
static void
remember_devargs(struct port *port, const struct rte_device *dev)
{
	if (devargs_text(port->device, dev->devargs, port->devargs, sizeof(port->devargs)) != 0)
		host_log(HOST_WARN, "%s: its devargs are longer than %zu bytes: it will not be "
			 "healed", port->device, sizeof(port->devargs) - 1);
}

/* What is on record is another port's, which had this id. */
static bool
is_new(const struct rte_eth_dev *eth, const struct port *port)
{
	return !port_is_healing(port) &&
		(!eth->data->dev_configured || strcmp(port->device, port_device_name(eth)) != 0);
}

static void
forget(const struct rte_eth_dev *eth, struct port *port)
{
	if (!queues_are_noted(eth, port))
		queues_forget(port);
	port->has_intr = false;
	memset(&port->base, 0, sizeof(port->base));
	memset(&port->last, 0, sizeof(port->last));
	memset(&port->settings, 0, sizeof(port->settings));
}

/* Those that are given a queue know no port, and so cannot look whether it is set up: while a
 * port heals they are a dead port's (port_wrap_healed() lays the driver's). */
#define KEEP_AWAY(type, op, parameters, arguments) \
	if (ops->op != NULL) \
		ops->op = dead_ops.op;
#define LET_IN(type, op, parameters, arguments) \
	__atomic_store_n(&port->ops->op, port->pmd_ops->op, __ATOMIC_RELEASE);

/* With the lock held.  A control call on another processor finds them filled (arm64), and who
 * has our table from a former life reads none of the driver's own in it meanwhile. */
static void
stand_in_front(struct rte_eth_dev *eth, struct port *port)
{
	struct eth_dev_ops all = *LOAD(eth->dev_ops), *ops = &all;

	port->pmd_ops = LOAD(eth->dev_ops);
	live_wrap(&all);
	if (port_is_healing(port)) {
		QUEUE_OPS(KEEP_AWAY)
	}
	*port->ops = all;
	STORE(eth->dev_ops, port->ops);
}

void
port_wrap_healed(struct rte_eth_dev *eth)
{
	struct port *port = port_of(eth);

	if (LOAD(eth->dev_ops) == port->ops) {
		QUEUE_OPS(LET_IN)
	}
}

/* A driver lays its own table again when its dev_reset makes the port anew (ixgbe, i40e, ice,
 * iavf, hns3 and their VFs), or lays another (mlx5, rte_flow_isolate()).  Whose the port is by
 * then says its state: ours stand in front of one that lives; one that has died meanwhile, whose
 * dead ops the driver has written over, is dead.  Who is in such a call is counted, or sets the
 * port up (change.c): so a teardown closes no driver whose ops are to be had. */
void
port_stand_again(struct rte_eth_dev *eth)
{
	struct port *port = port_of(eth);
	const struct eth_dev_ops *ops;

	port_lock();
	ops = LOAD(eth->dev_ops);
	if (ops != NULL && ops != &dead_ops && ops != port->ops) {
		if (port->state == PORT_LIVE)
			stand_in_front(eth, port);
		else if (port->state >= PORT_DEAD && port->state <= PORT_HELD)
			STORE(eth->dev_ops, &dead_ops);
	}
	port_unlock();
}

void
port_wrap(struct rte_eth_dev *eth, struct port *port, struct hotplug_bus *bus)
{
	const struct rte_device *device = LOAD(eth->device);
	struct hotplug_device *dev = device_find(bus, device->name);

	if (port->ops == NULL)
		port->ops = malloc(sizeof(*port->ops));
	if (port->ops == NULL) {
		port_say_no_memory(eth->data->port_id);
		return;
	}
	if (is_new(eth, port))
		forget(eth, port);
	if (port->state == PORT_NONE)
		queues_adopt(eth, port);
	port->bus = bus;
	port->key = device;
	if (port->dev != dev)   /* a heal's is read meanwhile */
		port->dev = dev;
	if (!port_is_healing(port)) {   /* that ends with heal */
		port->state = PORT_LIVE;
		port->life++;
		port->is_told = false;
		port->config.is_started = eth->data->dev_started;
	}
	snprintf(port->device, sizeof(port->device), "%s", device->name);
	remember_devargs(port, device);
	port->policy = config_policy(enable_config(), device->name,
		device->driver != NULL ? device->driver->name : NULL);
	eth->data->dev_flags |= RTE_ETH_DEV_INTR_RMV;   /* INTR_RMV comes, whatever the PMD */
	if (LOAD(eth->dev_ops) != port->ops)
		stand_in_front(eth, port);
}

/* One that heals is hidden until all of it is there. */
bool
port_is_there(const struct rte_eth_dev *eth)
{
	return LOAD(eth->state) != RTE_ETH_DEV_UNUSED || port_is_healing(port_of(eth));
}

void
port_released(const struct rte_eth_dev *eth)
{
	struct port *port = port_of(eth);

	port_lock();
	if (port->state == PORT_LIVE || port->state == PORT_DEAD ||
	    port->state == PORT_DOOMED) {
		port->state = PORT_NONE;
		port->life++;
	}
	port_unlock();
}

unsigned int
port_list(const struct rte_device *dev, uint16_t *ids)
{
	unsigned int i, n = 0;

	for (i = 0; i < RTE_MAX_ETHPORTS; i++)
		if (port_is_there(&rte_eth_devices[i]) && LOAD(rte_eth_devices[i].device) == dev)
			ids[n++] = i;
	return n;
}

unsigned int
port_list_held(const char *device, uint16_t *ids)
{
	unsigned int i, n = 0;

	port_lock();
	for (i = 0; i < RTE_MAX_ETHPORTS; i++)
		if (ports[i].state == PORT_HELD && strcmp(ports[i].device, device) == 0)
			ids[n++] = i;
	port_unlock();
	return n;
}

bool
port_is_shadow(const struct rte_device *dev)
{
	const char *p = (const char *)dev;

	return p >= (const char *)ports && p < (const char *)(ports + RTE_MAX_ETHPORTS);
}

int
port_close_shadow(const struct rte_device *dev)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < RTE_MAX_ETHPORTS && ret == 0; i++)
		if (LOAD(rte_eth_devices[i].state) != RTE_ETH_DEV_UNUSED &&
		    port_is_shadow(LOAD(rte_eth_devices[i].device)) &&
		    strcmp(port_device_name(&rte_eth_devices[i]), dev->name) == 0)
			ret = rte_eth_dev_close(i);
	return ret;
}

/* Living ports get their PMD's own table back; dead ones keep theirs: their PMD
 * is not to be reached any more. */
void
port_unwrap_all(void)
{
	unsigned int i;

	port_lock();
	for (i = 0; i < RTE_MAX_ETHPORTS; i++) {
		if (ports[i].ops != NULL && LOAD(rte_eth_devices[i].dev_ops) == ports[i].ops) {
			STORE(rte_eth_devices[i].dev_ops, ports[i].pmd_ops);
			ports[i].state = PORT_NONE;
			ports[i].life++;
		}
		if (ports[i].state == PORT_DOOMED)      /* and nobody tears it down any more */
			ports[i].state = PORT_DEAD;
	}
	port_unlock();
}
