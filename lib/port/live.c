/* SPDX-License-Identifier: BSD-3-Clause */

/* live: our ops in front of a living port's.
 * In:  ethdev's control calls (app).  Out: the PMD's own op; what a later life needs is
 *      recorded (queues.c, settings.c).
 * dev_close: some PMDs unmap their BARs there (virtio); dev_stop, dev_close: on a
 * dead device the PMD polls, so its registers flip meanwhile, also when it dies then.
 * Context: app, teardown. */

#include "../core/device.h"
#include "../survive/publish.h"
#include "inside.h"
#include "interrupts.h"
#include "kept.h"
#include "queues.h"
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

/* At once: what follows takes milliseconds, and whoever reads the port's addresses finds none.
 * Of a teardown, which keeps the port; one that the application closes is ethdev's to free. */
static void
hold_addresses(struct rte_eth_dev *eth, const struct port *port)
{
	port_lock();
	if (port->state == PORT_DYING || port->state == PORT_STUCK)
		kept_hold_addresses(eth);
	port_unlock();
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
	hold_addresses(eth, port);
	hotplug_device_settle(port->bus, port->key);
	device_leave(dev);
	return ret;
}

/* Only what the PMD has. */
void
live_wrap(struct eth_dev_ops *ops)
{
	inside_wrap(ops);
	settings_wrap(ops);
	ops->dev_close = close_port;
	if (ops->dev_stop != NULL)
		ops->dev_stop = stop_port;
	if (ops->stats_get != NULL)
		ops->stats_get = stats_live_get;
	if (ops->stats_reset != NULL)
		ops->stats_reset = stats_live_reset;
	queues_wrap(ops);
	interrupts_wrap(ops);
}
