/* SPDX-License-Identifier: BSD-3-Clause */

/* addresses: a port's MAC addresses, for whoever asks while its driver's close takes them away.
 * In:  rte_eth_macaddr_get(), rte_eth_macaddrs_get() (calls.c); the text that telemetry's
 *      /ethdev/info makes of them.
 * Out: those of a port that is torn down from its record (kept.c); of any other, what ethdev
 *      has.  A driver may leave NULL in data->mac_addrs from the middle of its close until
 *      that returns and kept.c holds them, and ethdev follows it without a look.
 *      A pointer that was loaded before, and is made text of later, is looked for among those
 *      that drivers have had (driver_addrs).
 * Lock: port_lock() around a copy: no teardown begins meanwhile.
 * Context: any but signal. */

#include <errno.h>
#include <string.h>

#include <rte_ether.h>

#include "calls.h"
#include "port.h"
#include "shared.h"

static bool
is_ours(uint16_t id)
{
	return id < RTE_MAX_ETHPORTS && rte_eth_dev_is_valid_port(id) != 0 &&
		port_of(&rte_eth_devices[id])->state != PORT_NONE;
}

/* Up to n; how many.  -ENODEV: there are none. */
static int
copy(uint16_t id, struct rte_ether_addr *to, unsigned int n)
{
	const struct rte_eth_dev *eth = &rte_eth_devices[id];
	const struct rte_ether_addr *from = NULL;
	const struct port *port = port_of(eth);

	port_lock();
	if (port->state == PORT_DYING || port->state == PORT_STUCK) {
		from = port->addrs;
		n = RTE_MIN(n, port->n_addrs);
	} else if (eth->data != NULL) {
		from = eth->data->mac_addrs;
	}
	if (from != NULL)
		memcpy(to, from, n * sizeof(*to));
	port_unlock();
	return from != NULL ? (int)n : -ENODEV;
}

int
__wrap_rte_eth_macaddr_get(uint16_t id, struct rte_ether_addr *addr)
{
	int ret;

	if (!is_ours(id) || addr == NULL)
		return WAY_ON(rte_eth_macaddr_get)(id, addr);
	ret = copy(id, addr, 1);
	return ret < 0 ? ret : 0;
}

int
__wrap_rte_eth_macaddrs_get(uint16_t id, struct rte_ether_addr *addrs, unsigned int n)
{
	struct rte_eth_dev_info info;
	int ret;

	if (!is_ours(id) || addrs == NULL)
		return WAY_ON(rte_eth_macaddrs_get)(id, addrs, n);
	ret = rte_eth_dev_info_get(id, &info);
	return ret != 0 ? ret : copy(id, addrs, RTE_MIN(n, info.max_mac_addrs));
}

/* With the lock held.  Is it one of a port that is not being torn down? */
static bool
is_of_living(const struct rte_ether_addr *addr)
{
	const struct rte_eth_dev *eth;
	unsigned int i;

	for (i = 0; i < RTE_MAX_ETHPORTS; i++) {
		eth = &rte_eth_devices[i];
		if (port_of(eth)->state == PORT_LIVE && addr == eth->data->mac_addrs)
			return true;
	}
	return false;
}

/* With the lock held.  Who has loaded it from a port's data may come when a driver's close has
 * given it back, and EAL's heap has given it to somebody else: then it is what is on record. */
static struct rte_ether_addr
read_one(const struct rte_ether_addr *addr)
{
	const struct port *port;
	unsigned int i;

	for (i = 0; i < RTE_MAX_ETHPORTS; i++) {
		port = port_of(&rte_eth_devices[i]);
		if (addr == port->driver_addrs && port->n_addrs > 0 && !is_of_living(addr))
			return port->addrs[0];
	}
	return *addr;
}

void
__wrap_rte_ether_format_addr(char *text, uint16_t size, const struct rte_ether_addr *addr)
{
	struct rte_ether_addr copy = { .addr_bytes = { 0 } };

	if (addr != NULL) {
		port_lock();
		copy = read_one(addr);
		port_unlock();
	}
	WAY_ON(rte_ether_format_addr)(text, size, &copy);
}
