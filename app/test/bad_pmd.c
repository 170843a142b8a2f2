/* SPDX-License-Identifier: BSD-3-Clause */

/* bad_pmd: a driver whose character is another for each card (characters.c).
 * In:  the bus (probe, remove), ethdev (close); a case, that loses a card.
 * Out: ports as real drivers make them; what real drivers take away at close is gone.
 * A register of a card that is there has at once what is waited for; of one that is lost it
 * has what the library lays there: a wait that is not over after HUNG_NS counts as hung.
 * Lock: a card's: its sign, and whether it is in sysfs.
 * Context: app; the library's threads. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <rte_interrupts.h>
#include <rte_malloc.h>

#include <bus_pci_driver.h>
#include <ethdev_pci.h>

#include "bad_pmd.h"
#include "core/device.h"
#include "mock_sysfs.h"

#define HUNG_NS 4000000000ull
#define MEMORY_US 2000

_Atomic bool bad_polls_end;

static struct bad_card cards[32];

struct bad_card *
bad_card_of(const char *name)
{
	struct bad_card *card = cards;

	while (card->name[0] != '\0' && strcmp(card->name, name) != 0)
		card++;
	if (card->name[0] == '\0') {
		snprintf(card->name, sizeof(card->name), "%s", name);
		pthread_mutex_init(&card->lock, NULL);
		card->sign[0] = card->sign[1] = -1;
		card->is = &characters[1];
	}
	return card;
}

void
bad_card_is(struct bad_card *card, const struct character *is)
{
	card->is = is;
}

/* With the lock held. */
static void
close_sign(struct bad_card *card, unsigned int end)
{
	if (card->sign[end] >= 0)
		close(card->sign[end]);
	card->sign[end] = -1;
}

/* In sysfs all of it is there, or nothing; and the name of what is mapped still is what it was. */
static void
remove_folder(struct bad_card *card)
{
	char old[64];

	(void)mkdir(mock_sysfs_path(".old", ""), 0700);
	snprintf(old, sizeof(old), ".old/%s", card->name);
	if (rename(mock_sysfs_path(card->name, ""), mock_sysfs_path(old, "")) == 0)
		mock_sysfs_remove(old);
}

static void
add_folder(struct bad_card *card)
{
	char new[64];

	snprintf(new, sizeof(new), ".new-%s", card->name);
	mock_sysfs_add(new, "hotplug_mock");
	(void)rename(mock_sysfs_path(new, ""), mock_sysfs_path(card->name, ""));
}

bool
bad_card_lose(struct bad_card *card)
{
	bool is_new;

	pthread_mutex_lock(&card->lock);
	is_new = !atomic_exchange(&card->is_lost, true);
	if (is_new) {
		remove_folder(card);
		close_sign(card, 1);
	}
	pthread_mutex_unlock(&card->lock);
	return is_new;
}

bool
bad_card_return(struct bad_card *card)
{
	bool is_new;

	pthread_mutex_lock(&card->lock);
	is_new = atomic_load(&card->is_lost);
	if (is_new) {
		add_folder(card);
		atomic_store(&card->is_lost, false);
	}
	pthread_mutex_unlock(&card->lock);
	return is_new;
}

bool
bad_card_reset(struct bad_card *card, bool is_counted)
{
	static unsigned int n_resets;   /* of all; with the lock of one */
	bool is_there;

	pthread_mutex_lock(&card->lock);
	is_there = !atomic_load(&card->is_lost);
	if (is_there && is_counted) {
		mock_sysfs_count(card->name, "igb_uio/resets",
				 __atomic_add_fetch(&n_resets, 1, __ATOMIC_RELAXED));
	} else if (is_there) {
		mock_sysfs_config(card->name, 0x04, 0);
		usleep(70000);
		mock_sysfs_config(card->name, 0x04, 0x6);
	}
	pthread_mutex_unlock(&card->lock);
	return is_there;
}

static void
sleep_us(unsigned int us)
{
	const struct timespec a_while = { .tv_nsec = us * 1000l };

	if (us > 0)
		nanosleep(&a_while, NULL);
}

static void
poll_register(struct bad_card *card, uint32_t wanted)
{
	uint64_t until = device_now_ns() + HUNG_NS;

	while (device_now_ns() < until) {
		if (card->bar == NULL || !atomic_load(&card->is_lost) ||
		    atomic_load(&bad_polls_end) ||
		    *(volatile uint32_t *)(card->bar + MOCK_BAR_LEN / 2) == wanted)
			return;
		sleep_us(100);
	}
	atomic_fetch_add(&card->n_hung, 1);
	if (getenv("STORM_ABORT") != NULL)
		abort();
}

void
bad_wait(struct bad_card *card, unsigned int us)
{
	enum bad_poll polls = card->is->polls;

	sleep_us(us);
	if (polls == BAD_POLLS_ZERO || polls == BAD_POLLS_BOTH)
		poll_register(card, 0);
	if (polls == BAD_POLLS_ONES || polls == BAD_POLLS_BOTH)
		poll_register(card, UINT32_MAX);
	if (polls == BAD_POLLS_MEMORY && atomic_load(&card->is_lost))
		sleep_us(MEMORY_US);
}

struct bad_life *
bad_life_of(const struct rte_eth_dev *eth)
{
	struct bad_private *private = eth->data->dev_private;

	return private->life;
}

static void
unmap(struct bad_card *card)
{
	if (card->bar != NULL)
		munmap(card->bar, MOCK_BAR_LEN);
	card->bar = NULL;
}

int
bad_close(struct rte_eth_dev *eth)
{
	struct bad_private *private = eth->data->dev_private;
	struct bad_card *card = private->life->card;
	unsigned int ways = card->is->ways;

	bad_wait(card, card->is->close_us);
	bad_free_queues(eth);
	if (ways & BAD_TAKES_BURSTS) {
		eth->rx_pkt_burst = rte_eth_pkt_burst_dummy;
		eth->tx_pkt_burst = rte_eth_pkt_burst_dummy;
	}
	if (ways & BAD_TAKES_MACS) {
		rte_free(eth->data->mac_addrs);
		rte_free(eth->data->hash_mac_addrs);
		eth->data->hash_mac_addrs = NULL;
	}
	free(eth->process_private);
	eth->process_private = NULL;
	free(private->life);
	private->life = NULL;
	if (ways & BAD_WIPES_PRIVATE)
		memset(private, 0, sizeof(*private));
	if (atomic_fetch_sub(&card->n_open, 1) == 1 && (ways & BAD_UNMAPS))
		unmap(card);
	if (ways & (BAD_TAKES_MACS | BAD_MACS_INSIDE))
		eth->data->mac_addrs = NULL;    /* at the very end, as theirs: lib/port/kept.c */
	return 0;
}

/* --- probe ---------------------------------------------------------------------------- */

static int
map(struct rte_pci_device *dev, struct bad_card *card)
{
	int fd = open(mock_sysfs_path(dev->name, "resource0"), O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return -ENODEV;
	card->bar = mmap(NULL, MOCK_BAR_LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (card->bar == MAP_FAILED) {
		card->bar = NULL;
		return -ENOMEM;
	}
	dev->mem_resource[0].addr = card->bar;
	dev->kdrv = RTE_PCI_KDRV_UIO_GENERIC;   /* said now: test_pmd.c:map() */
	return 0;
}

static int
make_sign(struct rte_pci_device *dev, struct bad_card *card)
{
	int ret = 0;

	if (card->is->ways & BAD_HAS_NO_SIGN)
		return 0;
	pthread_mutex_lock(&card->lock);
	if (atomic_load(&card->is_lost) ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, card->sign) < 0)
		ret = -ENODEV;
	else
		ret = rte_intr_fd_set(dev->intr_handle, card->sign[0]);
	pthread_mutex_unlock(&card->lock);
	return ret != 0 ? ret : rte_intr_type_set(dev->intr_handle, RTE_INTR_HANDLE_UIO_INTX);
}

static void
lose_sign(struct bad_card *card)
{
	pthread_mutex_lock(&card->lock);
	close_sign(card, 0);
	close_sign(card, 1);
	pthread_mutex_unlock(&card->lock);
}

static int
fill_port(struct rte_eth_dev *eth, struct bad_card *card)
{
	struct bad_private *private = eth->data->dev_private;
	unsigned int ways = card->is->ways;

	private->life = calloc(1, sizeof(*private->life));
	if (private->life == NULL)
		return -ENOMEM;
	private->life->card = card;
	if (ways & BAD_IS_SHARED)
		eth->process_private = calloc(1, 64);
	eth->data->mac_addrs = ways & BAD_MACS_INSIDE ? private->macs :
		rte_zmalloc(NULL, sizeof(private->macs), 0);
	if (ways & BAD_TAKES_MACS)
		eth->data->hash_mac_addrs = rte_zmalloc(NULL, sizeof(private->macs), 0);
	if (eth->data->mac_addrs == NULL)
		return -ENOMEM;
	eth->data->mac_addrs[0].addr_bytes[0] = 2;
	eth->data->mac_addrs[0].addr_bytes[5] = eth->data->port_id;
	return 0;
}

static int
add_port(struct rte_eth_dev *eth, struct bad_card *card)
{
	int ret = eth == NULL ? -ENOMEM : fill_port(eth, card);

	if (ret != 0)
		return ret;
	eth->dev_ops = bad_ops(card->is);
	bad_set_bursts(eth, card->is);
	atomic_fetch_add(&card->n_open, 1);
	rte_eth_dev_probing_finish(eth);
	return 0;
}

/* As mlx5's and ice's representors. */
static const char *
port_name(const struct rte_pci_device *dev, unsigned int i, char name[64])
{
	if (i == 0)
		return dev->device.name;
	snprintf(name, 64, "%s_representor_%u", dev->name, i);
	return name;
}

static struct rte_eth_dev *
allocate(struct rte_pci_device *dev, unsigned int i)
{
	struct rte_eth_dev *eth;
	char name[64];

	if (i == 0)
		return rte_eth_dev_pci_allocate(dev, sizeof(struct bad_private));
	port_name(dev, i, name);
	eth = rte_eth_dev_allocate(name);
	if (eth == NULL)
		return NULL;
	eth->data->dev_private = rte_zmalloc(NULL, sizeof(struct bad_private), 0);
	rte_eth_copy_pci_info(eth, dev);
	eth->device = &dev->device;
	return eth;
}

static int
drop(struct rte_pci_device *dev)
{
	struct bad_card *card = bad_card_of(dev->name);
	struct rte_eth_dev *eth;
	unsigned int i;
	char name[64];

	for (i = 0; i < BAD_MAX_PORTS; i++) {
		eth = rte_eth_dev_allocated(port_name(dev, i, name));
		if (eth == NULL)
			continue;
		if (((struct bad_private *)eth->data->dev_private)->life != NULL)
			bad_close(eth);
		if (card->is->ways & BAD_TAKES_OPS) {
			eth->dev_ops = NULL;
			eth->rx_pkt_burst = NULL;
			eth->tx_pkt_burst = NULL;
		}
		rte_eth_dev_release_port(eth);
	}
	atomic_fetch_add(&card->n_removes, 1);
	atomic_store(&card->is_probed, false);
	lose_sign(card);
	unmap(card);
	return 0;
}

static int
give_up(struct rte_pci_device *dev, int error)
{
	(void)drop(dev);
	return error;
}

static int
probe(struct rte_pci_driver *driver, struct rte_pci_device *dev)
{
	struct bad_card *card = bad_card_of(dev->name);
	struct rte_eth_dev *eth;
	unsigned int i;
	int ret;

	(void)driver;
	atomic_fetch_add(&card->life, 1);
	ret = map(dev, card);
	if (ret != 0)
		return ret;
	ret = make_sign(dev, card);
	if (ret != 0)
		return give_up(dev, ret);
	sleep_us(card->is->probe_us);   /* resets are bounded: nobody guards it yet (doc/limits.md) */
	for (i = 0; i < card->is->n_ports; i++) {
		eth = allocate(dev, i);
		ret = add_port(eth, card);
		if (ret != 0)
			return give_up(dev, ret);
	}
	atomic_store(&card->is_probed, true);
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

RTE_PMD_REGISTER_PCI(net_hotplug_bad, driver);
