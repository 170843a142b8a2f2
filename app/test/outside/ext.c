/* SPDX-License-Identifier: BSD-3-Clause */

/* ext: a bus and a driver of somebody else, written against what is installed.
 * In:  cards that a test inserts and pulls; EAL probes and removes them.
 * Out: hotplug_bus.h, and nothing else of dpdk-hotplug.
 * EAL's side is its vdev bus, for which a driver is a name, a probe and a remove.
 * Context: app, work; ext_look(), ext_glance(): look, watch. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <rte_malloc.h>

#include <ethdev_driver.h>
#include <ethdev_vdev.h>
#include <hotplug_bus.h>

#include "ext.h"

_Atomic unsigned int ext_n_probed, ext_n_closed, ext_n_disarmed, ext_n_lost;
static _Atomic bool refuses_to_disarm;

static volatile uint32_t *bar;          /* as the driver has it mapped */

static uint64_t
generation_now(void)
{
	int file, sign;

	return ext_card(&file, &sign);
}

unsigned int
ext_read(void)
{
	return bar[EXT_REGISTER / sizeof(*bar)];
}

void
ext_disarm_refuses(bool it_does)
{
	refuses_to_disarm = it_does;
}

/* --- the bus, as the library asks it --------------------------------------------------- */

static enum hotplug_look
ext_look(const char *name, const char *kernel_driver, const struct hotplug_identity *id)
{
	uint64_t now = generation_now();

	(void)name;
	(void)kernel_driver;
	if (now == 0)
		return HOTPLUG_LOOK_ABSENT;
	return id->generation != 0 && now != id->generation ? HOTPLUG_LOOK_OTHER :
		HOTPLUG_LOOK_PRESENT;
}

static int
ext_identify(const char *name, struct hotplug_identity *id)
{
	(void)name;
	*id = (struct hotplug_identity){ .vendor = 0xe, .device = 1, .serial = 7,
		.generation = generation_now() };
	return id->generation != 0 ? 0 : -ENOENT;
}

static int
ext_glance(const char *name, struct hotplug_glance *glance)
{
	(void)name;
	glance->generation = generation_now();
	strcpy(glance->kernel_driver, "ext-uio");
	glance->is_user_space = true;
	return glance->generation != 0 ? 0 : -ENOENT;
}

static int
ext_enumerate(void (*fn)(const char *name, void *arg), void *arg)
{
	if (generation_now() != 0)
		fn(EXT_CARD, arg);
	return 0;
}

static int
ext_disarm(const char *name)
{
	(void)name;
	if (refuses_to_disarm)
		return -ENOTSUP;
	ext_n_disarmed++;
	return 0;
}

static void
ext_lost(const void *key)
{
	(void)key;
	ext_n_lost++;
}

static const struct hotplug_bus_ops ops = {
	.look = ext_look, .identify = ext_identify, .glance = ext_glance,
	.enumerate = ext_enumerate, .disarm = ext_disarm, .lost = ext_lost,
};

static struct hotplug_bus bus = { .name = "ext", .ops = &ops };

int
ext_register(void)
{
	return hotplug_bus_register(&bus);
}

int
ext_unregister(void)
{
	return hotplug_bus_unregister(&bus);
}

/* --- the driver ---------------------------------------------------------------------------- */

/* To configure, and to see everything, takes nothing. */
static int
port_nothing(struct rte_eth_dev *eth)
{
	(void)eth;
	return 0;
}

static int
port_start(struct rte_eth_dev *eth)
{
	eth->data->dev_link.link_status = RTE_ETH_LINK_UP;
	return 0;
}

static int
port_stop(struct rte_eth_dev *eth)
{
	while (bar[EXT_REGISTER / sizeof(*bar)] == 0)       /* half of a driver's polls are so */
		;
	eth->data->dev_link.link_status = RTE_ETH_LINK_DOWN;
	return 0;
}

static int
port_close(struct rte_eth_dev *eth)
{
	eth->data->mac_addrs = NULL;    /* the driver's own, not on the heap */
	if (bar != NULL)
		munmap((void *)(uintptr_t)bar, EXT_BAR_LEN);
	bar = NULL;
	ext_n_closed++;
	return 0;
}

static int
port_infos(struct rte_eth_dev *eth, struct rte_eth_dev_info *info)
{
	(void)eth;
	info->max_rx_queues = info->max_tx_queues = 1;
	info->max_mac_addrs = 1;
	info->max_rx_pktlen = RTE_ETHER_MAX_LEN;
	return 0;
}

static int
port_rxq(struct rte_eth_dev *eth, uint16_t queue, uint16_t n, unsigned int socket,
	 const struct rte_eth_rxconf *conf, struct rte_mempool *pool)
{
	(void)n;
	(void)socket;
	(void)conf;
	(void)pool;
	eth->data->rx_queues[queue] = eth;
	return 0;
}

static int
port_txq(struct rte_eth_dev *eth, uint16_t queue, uint16_t n, unsigned int socket,
	 const struct rte_eth_txconf *conf)
{
	(void)n;
	(void)socket;
	(void)conf;
	eth->data->tx_queues[queue] = eth;
	return 0;
}

static int
port_link(struct rte_eth_dev *eth, int wait)
{
	(void)eth;
	(void)wait;
	return 0;
}

static const struct eth_dev_ops port_ops = {
	.dev_configure = port_nothing, .dev_start = port_start, .dev_stop = port_stop,
	.dev_close = port_close, .dev_infos_get = port_infos, .rx_queue_setup = port_rxq,
	.tx_queue_setup = port_txq, .promiscuous_enable = port_nothing,
	.promiscuous_disable = port_nothing, .link_update = port_link,
};

static uint16_t
burst(void *queue, struct rte_mbuf **pkts, uint16_t n)
{
	(void)queue;
	(void)pkts;
	(void)n;
	(void)ext_read();
	return 0;
}

static int
publish(struct rte_vdev_device *dev, const struct rte_eth_dev *eth)
{
	struct hotplug_device_info info = {
		.key = &dev->device, .name = EXT_CARD, .driver = "ext", .kernel_driver = "ext-uio",
		.n_regions = 1, .n_ports = 1, .port = { eth->data->port_id },
		.region = { { .addr = (void *)(uintptr_t)bar, .len = EXT_BAR_LEN, .restore_fd = -1 } },
	};
	int file, ret = ext_identify(EXT_CARD, &info.id);

	ext_card(&file, &info.sign_fd);
	return ret == 0 ? hotplug_device_publish(&bus, &info) : ret;
}

static struct rte_vdev_driver driver;

static bool
is_in_driver(const void *dev)
{
	return dev != NULL;
}

static struct rte_eth_dev *
make_port(struct rte_vdev_device *dev)
{
	static struct rte_ether_addr mac = { .addr_bytes = { 2, 0, 0, 0, 0, 7 } };
	struct rte_eth_dev *eth = rte_eth_vdev_allocate(dev, 64);
	int file, sign;

	if (eth == NULL)
		return NULL;
	eth->dev_ops = &port_ops;
	eth->rx_pkt_burst = eth->tx_pkt_burst = burst;
	eth->data->mac_addrs = &mac;
	eth->data->dev_flags |= RTE_ETH_DEV_AUTOFILL_QUEUE_XSTATS;
	ext_card(&file, &sign);
	bar = mmap(NULL, EXT_BAR_LEN, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	return eth;
}

static int
probe(struct rte_vdev_device *dev)
{
	struct rte_eth_dev *eth;

	if (generation_now() == 0)
		return -ENODEV;
	hotplug_probe_begin(&dev->device, is_in_driver);
	eth = make_port(dev);
	if (eth != NULL)
		rte_eth_dev_probing_finish(eth);
	hotplug_probe_end(&dev->device);
	if (eth == NULL)
		return -ENOMEM;
	dev->device.driver = &driver.driver;    /* ports are asked about by its name */
	ext_n_probed++;
	return publish(dev, eth);
}

static int
unplug(struct rte_device *dev, void *arg)
{
	struct rte_eth_dev *eth = rte_eth_dev_allocated(dev->name);

	(void)arg;
	if (eth != NULL) {
		port_close(eth);
		rte_eth_dev_release_port(eth);
	}
	return 0;
}

static int
remove_device(struct rte_vdev_device *dev)
{
	return hotplug_unplug(&bus, &dev->device, unplug, NULL);
}

static struct rte_vdev_driver driver = { .probe = probe, .remove = remove_device };

RTE_PMD_REGISTER_VDEV(ext, driver);
