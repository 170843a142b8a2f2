/* SPDX-License-Identifier: BSD-3-Clause */

/* bus_2607: the one op of any stock bus that we call, as DPDK 26.07 and later have it.
 * Context: app, events. */

#include <bus_driver.h>

#include "../port/port.h"

struct rte_device *
bus_find_device(struct rte_bus *bus, int (*match)(const struct rte_device *dev, const void *data),
		const void *data)
{
	return bus->find_device(bus, NULL, match, data);
}
