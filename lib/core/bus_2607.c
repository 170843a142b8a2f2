/* SPDX-License-Identifier: BSD-3-Clause */

/* bus_2607: the one op of any stock bus that we call, as DPDK 26.07 and later have it.
 * Context: app, events. */

#include <bus_driver.h>

#include "../port/port.h"

struct rte_device *
bus_find_device(struct rte_bus *bus, rte_dev_cmp_t match, const void *data)
{
	return bus->find_device(bus, NULL, match, data);
}
