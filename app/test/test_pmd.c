/* SPDX-License-Identifier: BSD-3-Clause */

/* test_pmd: a driver as small as the real pci bus accepts.
 * In:  the bus (probe, remove) and ethdev (close).  Out: mem_resource and the
 *      interrupt descriptor, as rte_pci_map_device() would leave them.
 * Context: app. */

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <rte_ethdev.h>
#include <rte_flow_driver.h>
#include <rte_interrupts.h>
#include <rte_malloc.h>
#include <rte_version.h>

#include <bus_pci_driver.h>
#include <ethdev_driver.h>
#include <ethdev_pci.h>

#include "burst_code.h"
#include "mock_sysfs.h"
#include "test_pmd.h"

#define PRIVATE_LEN 64

static struct test_pmd pmds[128];

bool test_pmd_unmaps_at_close;
bool test_pmd_takes_macs;
unsigned int test_pmd_max_macs = 8;
bool test_pmd_has_fd = true;
int test_pmd_probe_answer;
unsigned int test_pmd_bad_inits;
enum rte_pci_kernel_driver test_pmd_kdrv = RTE_PCI_KDRV_UIO_GENERIC;
unsigned int test_pmd_n_ports = 1;
bool test_pmd_has_rx_intr;
unsigned int test_pmd_max_queues = 1;
bool test_pmd_sets_link = true;
bool test_pmd_tells_queues;
int (*test_pmd_in_configure)(struct test_pmd *pmd);
bool (*test_pmd_refuses)(const char *op);
void (*test_pmd_in_probe)(struct test_pmd *pmd);
void (*_Atomic test_pmd_in_receive)(struct test_pmd *pmd);
void (*_Atomic test_pmd_in_init)(struct test_pmd *pmd);
void (*_Atomic test_pmd_in_finish)(struct test_pmd *pmd);
void (*_Atomic test_pmd_in_start)(struct test_pmd *pmd);
void (*_Atomic test_pmd_in_stop)(struct test_pmd *pmd);
void (*_Atomic test_pmd_in_close)(struct test_pmd *pmd);
void (*_Atomic test_pmd_in_mac)(struct test_pmd *pmd);
void (*_Atomic test_pmd_in_reset)(struct test_pmd *pmd);
void (*_Atomic test_pmd_in_info)(struct test_pmd *pmd);
void (*_Atomic test_pmd_in_link)(struct test_pmd *pmd);
void (*_Atomic test_pmd_is_closed)(struct test_pmd *pmd);
void (*_Atomic test_pmd_in_remove)(struct test_pmd *pmd);
void (*_Atomic test_pmd_in_stats)(struct test_pmd *pmd);
_Atomic unsigned int test_pmd_n_inside, test_pmd_n_strays, test_pmd_n_received;
static _Atomic bool test_pmd_is_there;

struct test_pmd *
test_pmd_of(const char *name)
{
	struct test_pmd *pmd = pmds;

	while (pmd->name[0] != '\0' && strcmp(pmd->name, name) != 0)
		pmd++;
	if (pmd->name[0] == '\0') {
		snprintf(pmd->name, sizeof(pmd->name), "%s", name);
		pmd->port = UINT16_MAX;
	}
	return pmd;
}

static void
unmap(struct test_pmd *pmd)
{
	if (pmd->bar != NULL)
		munmap(pmd->bar, MOCK_BAR_LEN);
	pmd->bar = NULL;
}

static void
release_queue(struct rte_eth_dev *eth, uint16_t queue)
{
	free(eth->data->rx_queues[queue]);
	eth->data->rx_queues[queue] = NULL;
}

static void release_txq(struct rte_eth_dev *eth, uint16_t queue);

static bool
refuses(const char *op)
{
	return test_pmd_refuses != NULL && test_pmd_refuses(op);
}

static int
set_up_queue(struct rte_eth_dev *eth, uint16_t queue, uint16_t n_desc, unsigned int socket,
	     const struct rte_eth_rxconf *conf, struct rte_mempool *pool)
{
	struct test_queue *q = refuses(__func__) ? NULL : calloc(1, sizeof(*q));

	(void)n_desc;
	(void)socket;
	if (pool == NULL && conf->rx_nmempool > 0)
		test_pmd_of(eth->device->name)->told.last_pool =
			conf->rx_mempools[conf->rx_nmempool - 1];
	if (q == NULL)
		return -ENOMEM;
	q->pmd = test_pmd_of(eth->device->name);
	q->pool = pool;
	eth->data->rx_queues[queue] = q;
	return 0;
}

#if RTE_VERSION >= RTE_VERSION_NUM(25, 11, 0, 0)
static int
get_stats(struct rte_eth_dev *eth, struct rte_eth_stats *stats,
	  __rte_unused struct eth_queue_stats *queues)
#else
static int
get_stats(struct rte_eth_dev *eth, struct rte_eth_stats *stats)
#endif
{
	struct test_pmd *pmd = test_pmd_of(eth->device->name);
	void (*in_stats)(struct test_pmd *pmd) = test_pmd_in_stats;
	unsigned int *heap = pmd->heap;

	if (in_stats != NULL)
		in_stats(pmd);
	stats->ipackets = ++*heap;
	return 0;
}

static void
call(void (*fn)(struct test_pmd *pmd), struct test_pmd *pmd)
{
	if (fn != NULL)
		fn(pmd);
}

/* All that it has on the heap, as PMDs do. */
static int
close_port(struct rte_eth_dev *eth)
{
	struct test_pmd *pmd = test_pmd_of(eth->device->name);
	void (*in_close)(struct test_pmd *pmd) = test_pmd_in_close;
	unsigned int i;

	if (in_close != NULL)
		in_close(pmd);
	for (i = 0; i < eth->data->nb_rx_queues; i++)
		release_queue(eth, i);
	for (i = 0; i < eth->data->nb_tx_queues; i++)
		release_txq(eth, i);
	pmd->n_closes++;
	if (--pmd->n_open > 0)
		return 0;
	free(pmd->heap);
	pmd->heap = NULL;
	if (pmd->bar != NULL)
		pmd->read_at_close = *(volatile uint8_t *)pmd->bar;
	if (test_pmd_unmaps_at_close)
		unmap(pmd);
	if (test_pmd_takes_macs) {
		rte_free(eth->data->mac_addrs);
		eth->data->mac_addrs = NULL;
	}
	call(test_pmd_is_closed, pmd);
	return 0;
}

static int
get_info(struct rte_eth_dev *eth, struct rte_eth_dev_info *info)
{
	struct test_pmd *pmd = test_pmd_of(eth->device->name);

	if (atomic_load(&pmd->is_in_reset))
		atomic_fetch_add(&pmd->n_asked_in_reset, 1);
	call(test_pmd_in_info, pmd);
	info->switch_info.name = eth->device->name;     /* as bnxt, ixgbe's representors */
	info->max_rx_queues = info->max_tx_queues = test_pmd_max_queues;
	info->max_rx_pktlen = 1518;
	info->max_rx_mempools = 2;      /* cnxk */
	info->max_mac_addrs = test_pmd_max_macs;
	info->hash_key_size = sizeof(((struct test_settings *)0)->key);
	info->flow_type_rss_offloads = RTE_ETH_RSS_IP;
	info->reta_size = 128;
	info->rx_desc_lim.nb_max = 1024;
	info->rx_desc_lim.nb_align = 1;
	return 0;
}

static int
configure_port(struct rte_eth_dev *eth)
{
	struct test_pmd *pmd = test_pmd_of(eth->device->name);

	const struct rte_eth_rss_conf *rss = &eth->data->dev_conf.rx_adv_conf.rss_conf;

	if (refuses(__func__))
		return -EIO;
	pmd->n_configures++;
	if (rss->rss_key != NULL)
		memcpy(pmd->told.configured_key, rss->rss_key, rss->rss_key_len);
	return test_pmd_in_configure == NULL ? 0 : test_pmd_in_configure(pmd);
}

static int
begin_interrupts(struct rte_eth_dev *eth)
{
	unsigned int i;

	if (!test_pmd_has_rx_intr || eth->data->dev_conf.intr_conf.rxq == 0)
		return 0;
	if (rte_intr_type_set(eth->intr_handle, RTE_INTR_HANDLE_VFIO_MSIX) != 0 ||
	    rte_intr_efd_enable(eth->intr_handle, eth->data->nb_rx_queues) != 0 ||
	    rte_intr_vec_list_alloc(eth->intr_handle, "test", eth->data->nb_rx_queues) != 0)
		return -ENOMEM;
	for (i = 0; i < eth->data->nb_rx_queues; i++)
		rte_intr_vec_list_index_set(eth->intr_handle, i, RTE_INTR_VEC_RXTX_OFFSET + i);
	return 0;
}

static void
end_interrupts(struct rte_eth_dev *eth)
{
	if (!test_pmd_has_rx_intr || eth->data->dev_conf.intr_conf.rxq == 0)
		return;
	rte_intr_efd_disable(eth->intr_handle);
	rte_intr_vec_list_free(eth->intr_handle);
}

static int
start_port(struct rte_eth_dev *eth)
{
	struct test_pmd *pmd = test_pmd_of(eth->device->name);

	if (refuses(__func__))
		return -EIO;
	call(test_pmd_in_start, pmd);
	pmd->n_starts++;
	return begin_interrupts(eth);
}

static int
disable_interrupt(struct rte_eth_dev *eth, uint16_t queue)
{
	test_pmd_of(eth->device->name)->told.interrupts &= ~(1u << queue);
	return 0;
}

static int
stop_port(struct rte_eth_dev *eth)
{
	struct test_pmd *pmd = test_pmd_of(eth->device->name);

	call(test_pmd_in_stop, pmd);
	end_interrupts(eth);
	++*pmd->heap;
	pmd->n_stops++;
	return 0;
}

static int
update_link(struct rte_eth_dev *eth, int wait)
{
	call(test_pmd_in_link, test_pmd_of(eth->device->name));
	const struct rte_eth_link link = {
		.link_status = eth->data->dev_started ? RTE_ETH_LINK_UP : RTE_ETH_LINK_DOWN,
	};

	(void)wait;
	++*test_pmd_of(eth->device->name)->heap;
	return rte_eth_linkstatus_set(eth, &link);
}

static void
receive(void *queue)
{
	void (*in_receive)(struct test_pmd *pmd) = test_pmd_in_receive;
	struct test_queue *q = queue;

	if (q == NULL)
		return;         /* it was not set up */
	if (in_receive != NULL)
		in_receive(q->pmd);
	q->n_bursts++;
}

/* In a secondary queues are of no use: they are on the primary's heap. */
static void
receive_in_secondary(void *queue)
{
	const struct timespec a_while = { .tv_nsec = 200000 };

	atomic_fetch_add(&test_pmd_n_inside, 1);
	if (queue == NULL)
		atomic_fetch_add(&test_pmd_n_strays, 1);
	nanosleep(&a_while, NULL);
	if (!test_pmd_is_there)
		atomic_fetch_add(&test_pmd_n_strays, 1);
	atomic_fetch_sub(&test_pmd_n_inside, 1);
	atomic_fetch_add(&test_pmd_n_received, 1);
}

static int
update_rss(struct rte_eth_dev *eth, struct rte_eth_rss_conf *conf)
{
	struct test_settings *told = &test_pmd_of(eth->device->name)->told;

	told->hash = conf->rss_hf;
	if (conf->rss_key != NULL)
		memcpy(told->key, conf->rss_key, sizeof(told->key));
	return 0;
}

static int
update_reta(struct rte_eth_dev *eth, struct rte_eth_rss_reta_entry64 *reta, uint16_t size)
{
	struct test_settings *told = &test_pmd_of(eth->device->name)->told;
	unsigned int i;

	for (i = 0; i < size; i++)
		if (reta[i / 64].mask >> (i % 64) & 1)
			told->reta[i] = reta[i / 64].reta[i % 64];
	return 0;
}

static int
set_flow_ctrl(struct rte_eth_dev *eth, struct rte_eth_fc_conf *conf)
{
	test_pmd_of(eth->device->name)->told.high_water = conf->high_water;
	return 0;
}

static int
add_mac(struct rte_eth_dev *eth, struct rte_ether_addr *mac, uint32_t i, uint32_t pool)
{
	struct test_settings *told = &test_pmd_of(eth->device->name)->told;

	(void)i;
	(void)pool;
	told->n_macs++;
	told->last_mac_byte = mac->addr_bytes[5];
	return 0;
}

static int
set_mac(struct rte_eth_dev *eth, struct rte_ether_addr *mac)
{
	call(test_pmd_in_mac, test_pmd_of(eth->device->name));
	(void)mac;
	return 0;
}

static int
set_link_down(struct rte_eth_dev *eth)
{
	test_pmd_of(eth->device->name)->told.is_link_down = true;
	return 0;
}

static int
set_link_up(struct rte_eth_dev *eth)
{
	test_pmd_of(eth->device->name)->told.is_link_down = false;
	return 0;
}

/* In the driver: what it has on the heap is there, or the sanitizer says so. */
static int
touch(struct rte_eth_dev *eth)
{
	++*test_pmd_of(eth->device->name)->heap;
	return 0;
}

static int
get_xstats(struct rte_eth_dev *eth, struct rte_eth_xstat *values, unsigned int n)
{
	touch(eth);
	if (n > 0)
		values[0] = (struct rte_eth_xstat){ .id = 0, .value = 1 };
	return 1;
}

static int
get_xstats_names(struct rte_eth_dev *eth, struct rte_eth_xstat_name *names, unsigned int n)
{
	touch(eth);
	if (n > 0)
		snprintf(names[0].name, sizeof(names[0].name), "calls");
	return 1;
}

static void
get_rxq_info(struct rte_eth_dev *eth, uint16_t queue, struct rte_eth_rxq_info *info)
{
	touch(eth);
	info->nb_desc = 64 + queue;
	if (test_pmd_tells_queues)
		info->mp = ((const struct test_queue *)eth->data->rx_queues[queue])->pool;
}

static void
get_txq_info(struct rte_eth_dev *eth, uint16_t queue, struct rte_eth_txq_info *info)
{
	(void)eth;
	info->nb_desc = 64 + queue;
}

static int
read_time(struct rte_eth_dev *eth, struct timespec *time)
{
	memset(time, 0, sizeof(*time));
	return touch(eth);
}

static int
enable_interrupt(struct rte_eth_dev *eth, uint16_t queue)
{
	test_pmd_of(eth->device->name)->told.interrupts |= 1u << queue;
	return touch(eth);
}

static int
get_flow_ops(struct rte_eth_dev *eth, const struct rte_flow_ops **ops)
{
	static const struct rte_flow_ops none;

	*ops = &none;
	return touch(eth);
}

/* As vmxnet3's, but it says so and does not die of it. */
static int
set_promiscuous(struct rte_eth_dev *eth)
{
	test_pmd_of(eth->device->name)->n_promiscuous++;
	return eth->data->dev_configured ? 0 : -EFAULT;
}

static int
clear_promiscuous(struct rte_eth_dev *eth)
{
	(void)eth;
	return refuses(__func__) ? -EIO : 0;
}

static int
set_up_txq(struct rte_eth_dev *eth, uint16_t queue, uint16_t n_desc, unsigned int socket,
	   const struct rte_eth_txconf *conf)
{
	struct test_queue *q = calloc(1, sizeof(*q));

	(void)n_desc;
	(void)socket;
	(void)conf;
	if (q == NULL)
		return -ENOMEM;
	q->pmd = test_pmd_of(eth->device->name);
	eth->data->tx_queues[queue] = q;
	return 0;
}

static void
release_txq(struct rte_eth_dev *eth, uint16_t queue)
{
	free(eth->data->tx_queues[queue]);
	eth->data->tx_queues[queue] = NULL;
}

/* No look whether there is one, as drivers have it. */
static int
clean_up_txq(void *queue, uint32_t n)
{
	struct test_queue *q = queue;

	(void)n;
	q->n_bursts++;
	return 0;
}

static int
is_removed(struct rte_eth_dev *eth)
{
	touch(eth);
	return 0;
}

/* As those of VFs, which make the port anew. */
static int
reset_port(struct rte_eth_dev *eth)
{
	struct test_pmd *pmd = test_pmd_of(eth->device->name);

	touch(eth);
	atomic_store(&pmd->is_in_reset, true);
	call(test_pmd_in_reset, pmd);
	atomic_store(&pmd->is_in_reset, false);
	eth->dev_ops = pmd->ops;
	return touch(eth);
}

static const struct eth_dev_ops port_ops = {
	.dev_reset = reset_port,
	.tx_queue_setup = set_up_txq,
	.tx_queue_release = release_txq,
	.tx_done_cleanup = clean_up_txq,
	.is_removed = is_removed,
	.dev_configure = configure_port,
	.dev_start = start_port,
	.dev_stop = stop_port,
	.link_update = update_link,
	.promiscuous_enable = set_promiscuous,
	.promiscuous_disable = clear_promiscuous,
	.dev_close = close_port,
	.dev_infos_get = get_info,
	.stats_get = get_stats,
	.rss_hash_update = update_rss,
	.reta_update = update_reta,
	.flow_ctrl_set = set_flow_ctrl,
	.mac_addr_add = add_mac,
	.mac_addr_set = set_mac,
	.dev_set_link_down = set_link_down,
	.dev_set_link_up = set_link_up,
	.rx_queue_intr_enable = enable_interrupt,
	.rx_queue_intr_disable = disable_interrupt,
	.rx_queue_setup = set_up_queue,
	.rx_queue_release = release_queue,
	.rxq_info_get = get_rxq_info,
	.xstats_get = get_xstats,
	.xstats_get_names = get_xstats_names,
	.timesync_read_time = read_time,
	.flow_ops_get = get_flow_ops,
};

/* As e1000e's. */
static const struct eth_dev_ops *
ops_that_tell(void)
{
	static struct eth_dev_ops ops;

	ops = port_ops;
	ops.txq_info_get = get_txq_info;
	return &ops;
}

static const struct eth_dev_ops *
ops_without_link(void)
{
	static struct eth_dev_ops ops;

	ops = port_ops;
	ops.dev_set_link_down = NULL;
	ops.dev_set_link_up = NULL;
	return &ops;
}

static int
map(struct rte_pci_device *dev, struct test_pmd *pmd)
{
	int fd = open(mock_sysfs_path(dev->name, "resource0"), O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return -1;
	pmd->bar = mmap(NULL, MOCK_BAR_LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (pmd->bar == MAP_FAILED) {
		pmd->bar = NULL;
		return -1;
	}
	dev->mem_resource[0].addr = pmd->bar;
	/* said now: the bus wants physical addresses for what it finds on uio,
	 * which there are none of without hugepages */
	dev->kdrv = test_pmd_kdrv;
	if (!test_pmd_has_fd)
		return 0;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pmd->sign) < 0)
		return -1;
	rte_intr_fd_set(dev->intr_handle, pmd->sign[0]);
	return rte_intr_type_set(dev->intr_handle, RTE_INTR_HANDLE_UIO_INTX);
}

/* As mlx5's and ice's representors. */
static const char *
further_name(const struct rte_pci_device *dev, unsigned int i)
{
	static char name[64];

	snprintf(name, sizeof(name), "%s_representor_%u", dev->name, i);
	return name;
}

static bool
is_secondary(void)
{
	return rte_eal_process_type() == RTE_PROC_SECONDARY;
}

static int
add_port(struct rte_eth_dev *eth, struct test_pmd *pmd, uint16_t *port)
{
	if (eth == NULL)
		return -1;
	if (!is_secondary())
		eth->data->mac_addrs = rte_zmalloc(NULL,
			test_pmd_max_macs * sizeof(*eth->data->mac_addrs), 0);
	if (eth->data->mac_addrs == NULL)
		return -1;
	eth->data->mac_addrs[0].addr_bytes[0] = 2;
	pmd->ops = test_pmd_tells_queues ? ops_that_tell() :
		test_pmd_sets_link ? &port_ops : ops_without_link();
	eth->dev_ops = pmd->ops;
	burst_code_fn = is_secondary() ? receive_in_secondary : receive;
	eth->rx_pkt_burst = burst_code_receive;
	test_pmd_is_there = true;
	*port = eth->data->port_id;
	pmd->n_open++;
	rte_eth_dev_probing_finish(eth);
	return 0;
}

static int
add_further(struct rte_pci_device *dev, struct test_pmd *pmd)
{
	struct rte_eth_dev *eth;
	unsigned int i;

	for (i = 1; i < test_pmd_n_ports; i++) {
		eth = rte_eth_dev_allocate(further_name(dev, i));
		if (eth == NULL)
			return -ENOMEM;
		rte_eth_copy_pci_info(eth, dev);
		eth->device = &dev->device;
		if (add_port(eth, pmd, &pmd->ports[i]) != 0)
			return -ENOMEM;
	}
	pmd->ports[0] = pmd->port;
	pmd->port2 = pmd->ports[1];
	return 0;
}

/* A step of its probe has failed. */
static int
give_up(struct rte_eth_dev *eth, struct test_pmd *pmd, int error)
{
	free(pmd->heap);
	pmd->heap = NULL;
	pmd->n_open = 0;
	if (eth != NULL)
		rte_eth_dev_release_port(eth);
	unmap(pmd);
	return error;
}

static int
drop(struct rte_pci_device *dev)
{
	struct test_pmd *pmd = test_pmd_of(dev->name);
	struct rte_eth_dev *eth = rte_eth_dev_allocated(dev->device.name);

	void (*in_remove)(struct test_pmd *pmd) = test_pmd_in_remove;
	unsigned int i;

	if (in_remove != NULL)
		in_remove(pmd);
	test_pmd_is_there = false;
	pmd->n_removes++;
	if (pmd->bar != NULL)
		pmd->read_at_remove = *(volatile uint8_t *)(pmd->bar + MOCK_BAR_LEN / 2);
	if (eth != NULL)
		rte_eth_dev_release_port(eth);
	for (i = 1; i < TEST_PMD_MAX_PORTS; i++) {
		eth = rte_eth_dev_allocated(further_name(dev, i));
		if (eth != NULL)
			rte_eth_dev_release_port(eth);
	}
	unmap(pmd);
	return 0;
}

static int
probe(struct rte_pci_driver *driver, struct rte_pci_device *dev)
{
	struct test_pmd *pmd = test_pmd_of(dev->name);
	struct rte_eth_dev *eth;

	(void)driver;
	pmd->n_probes++;
	if (test_pmd_probe_answer != 0)
		return test_pmd_probe_answer;
	if (map(dev, pmd) != 0)
		return give_up(NULL, pmd, -ENODEV);
	if (test_pmd_in_probe != NULL)
		test_pmd_in_probe(pmd);
	if (test_pmd_probe_answer != 0)
		return give_up(NULL, pmd, test_pmd_probe_answer);
	eth = rte_eth_dev_pci_allocate(dev, PRIVATE_LEN);
	if (eth == NULL)
		return give_up(NULL, pmd, -ENOMEM);
	if (test_pmd_bad_inits > 0) {
		test_pmd_bad_inits--;
		return give_up(eth, pmd, -EIO);
	}
	pmd->heap = calloc(1, sizeof(*pmd->heap));
	call(test_pmd_in_init, pmd);
	memset(eth->data->dev_private, 1, PRIVATE_LEN);
	memset(&pmd->told, 0, sizeof(pmd->told));
	pmd->n_open = 0;
	if (pmd->heap == NULL || add_port(eth, pmd, &pmd->port) != 0)
		return give_up(eth, pmd, -ENOMEM);
	call(test_pmd_in_finish, pmd);
	if (add_further(dev, pmd) != 0) {       /* as mlx5 and ice: by its name, whoever's it is */
		(void)drop(dev);
		return -ENOMEM;
	}
	return 0;
}

static const struct rte_pci_id ids[] = {
	{ RTE_PCI_DEVICE(MOCK_VENDOR, MOCK_DEVICE) },
	{ .vendor_id = 0 },
};

static struct rte_pci_driver driver = {
	.id_table = ids,
	.probe = probe,
	.remove = drop,
};

RTE_PMD_REGISTER_PCI(net_hotplug_test, driver);
