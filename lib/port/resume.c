/* SPDX-License-Identifier: BSD-3-Clause */

/* resume: the library is enabled again; what has become of the ports that were dead then?
 * In:  ports that were not LIVE when it was disabled.  Out: a device whose port had not been torn
 *      down is lost once more (it may answer, but what its driver has of it was cut off); a card
 *      that has come back meanwhile is healed, as one that comes now.
 * Lock: port_lock() around the table.
 * Context: app. */

#include <stdio.h>
#include <string.h>

#include "../core/config.h"
#include "../core/device.h"
#include "../core/enable.h"
#include "../survive/publish.h"
#include "die.h"
#include "shared.h"

/* What the configuration of this enable says of it. */
static void
take_policy(struct port *port, const char *device)
{
	char driver[HOTPLUG_NAME_LEN];
	enum hotplug_policy policy;

	device_lock();
	snprintf(driver, sizeof(driver), "%s", port->dev->driver);
	device_unlock();
	policy = config_policy(enable_config(), device, driver[0] != '\0' ? driver : NULL);
	port_lock();
	port->policy = policy;
	port_unlock();
}

static void
see_to(struct rte_eth_dev *eth)
{
	struct port *port = port_of(eth);
	char device[HOTPLUG_NAME_LEN];
	enum port_state state;

	port_lock();
	state = port->state;
	snprintf(device, sizeof(device), "%s", port->device);
	port_unlock();
	if (state >= PORT_DEAD && state <= PORT_STUCK)
		take_policy(port, device);
	if (state == PORT_DEAD && !device_stays_lost(port->dev, LOAD(eth->device)))
		lost_unseen(port->bus, LOAD(eth->device), device);
	if (state >= PORT_DEAD && state <= PORT_STUCK)
		port_returned(device);
}

void
port_resume(void)
{
	unsigned int i;

	for (i = 0; i < RTE_MAX_ETHPORTS; i++)
		see_to(&rte_eth_devices[i]);
	lost_go_on();
}
