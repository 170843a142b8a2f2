/* SPDX-License-Identifier: BSD-3-Clause */

/* bus_2211: the one op of any stock bus that we call, as DPDK 22.11 to 26.03 have it.
 * Context: app, events. */

#include <bus_driver.h>

#include "../port/port.h"

struct rte_device *
bus_find_device(struct rte_bus *bus, int (*match)(const struct rte_device *dev, const void *data),
		const void *data)
{
	return bus->find_device(NULL, match, data);
}
