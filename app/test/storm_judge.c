/* SPDX-License-Identifier: BSD-3-Clause */

/* storm_judge: what must hold whenever the storm is quiet.
 * In:  all cards are there, no thread of the application calls.
 * Out: each open port lives, under its id, started or stopped as it was told last; each closed
 *      one is closed, and can be had again; each loss was told once; no driver hangs; the same
 *      threads, descriptors and memory as at the first quiet point.
 * Context: the main thread; on_event(): events. */

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include <rte_ethdev.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>

#include <hotplug.h>

#include "../../drivers/bus/pci/pci.h"
#include "core/device.h"
#include "mock_sysfs.h"
#include "port/port.h"
#include "storm.h"
#include "test.h"

#define QUIET_MS 30000          /* with sanitizers, on a busy machine */
#define FD_SLACK 16             /* wakers, one for each queue, are kept (lib/port/port.h) */
/* On EAL's heap: callbacks that callers have registered and not taken away yet (8 kinds, 4
 * threads, 28 ports). */
#define HEAP_SLACK (8 * 4 * 28)
#define MALLOC_SLACK (512 * 1024)

static struct {
	unsigned int n_fds, n_threads;
	size_t n_objects, n_bytes;
	bool is_taken;
} first;

/* --- events ---------------------------------------------------------------------------- */

/* GONE is said when no register is the card's any more; the mapping may be none by now. */
static void
look_at_registers(const struct storm_card *card)
{
	unsigned int life = atomic_load(&card->bad->life);
	uint8_t *bar = card->bad->bar;
	uint32_t value = 0;
	struct iovec here = { &value, sizeof(value) }, there = { bar, sizeof(value) };

	if (bar == NULL || process_vm_readv(getpid(), &here, 1, &there, 1, 0) != sizeof(value))
		return;
	if (value == 0x5a5a5a5a && atomic_load(&card->bad->life) == life &&
	    card->bad->bar == bar && atomic_load(&card->bad->is_lost))
		storm_fail("GONE, and a register is the card's still", card->name, life, 0);
}

static void
on_event(const struct hotplug_event *event, void *arg)
{
	struct storm_card *card = storm_card_of(event->device);

	(void)arg;
	if (card == NULL || event->type != HOTPLUG_EVENT_GONE)
		return;
	look_at_registers(card);
	atomic_fetch_add(&card->told.n_gone, 1);
}

void
judge_subscribe(void)
{
	if (hotplug_event_subscribe(NULL, on_event, NULL) <= 0)
		storm_fail("hotplug_event_subscribe()", "", -1, 1);
}

/* --- cards ----------------------------------------------------------------------------- */

static bool
is_alive(const struct storm_card *card)
{
	const struct storm_port *port;
	unsigned int i;

	for (i = 0; i < card->bad->is->n_ports; i++) {
		port = &card->port[i];
		if (atomic_load(&port->is_open) &&
		    port_of(&rte_eth_devices[port->id])->state != PORT_LIVE)
			return false;
	}
	return hotplug_device_state(card->name) == HOTPLUG_STATE_ATTACHED;
}

static uint64_t
n_looks(const struct storm_card *card)
{
	const struct hotplug_device *dev = device_find(NULL, card->name);
	uint64_t n = 0;

	device_lock();
	if (dev != NULL)
		n = dev->look.number;
	device_unlock();
	return n;
}

/* A reset is noticed by a look.  One that began before the last reset may be under way, so
 * the third has begun when one from after it has been answered; and no card is at a reset. */
static bool
is_looked_at(const struct storm_card *card, uint64_t n_before)
{
	const struct hotplug_device *dev = device_find(NULL, card->name);
	bool is;

	device_lock();
	is = dev != NULL && dev->muted_ns == 0 && dev->look.number - n_before >= 3;
	device_unlock();
	return is;
}

/* A teardown of a card whose ports the application has all closed needs no heal. */
static bool
is_settled(struct storm_card *card, uint64_t n_before)
{
	struct dice dice = { 1 };

	return app_pick(card, &dice) == NULL ||
		(is_looked_at(card, n_before) && is_alive(card));
}

/* What the library knows of it, where it has missed a loss. */
static void
show_card(const struct storm_card *card)
{
	const struct hotplug_device *dev = device_find(NULL, card->name);

	if (dev == NULL)
		return;
	device_lock();
	printf("# %s (%s): state %d, life %u, last sure loss in life %u, may be told %u, resets %" PRIu64
	       " of %" PRIu64 ", owes %d, key %p, unguarded %d, look %d\n", card->name,
	       card->bad->is->of, dev->state, card->bad->life, card->told.life_lost,
	       card->told.n_may, dev->id.resets,
	       pci_read_resets(card->name), dev->owes_gone, dev->key, dev->unguarded,
	       dev->look.is_under_way);
	device_unlock();
}

static void
wait_for_card(struct storm_card *card)
{
	const struct storm_port *port = &card->port[0];
	uint64_t n_before = n_looks(card);
	unsigned int i;

	for (i = 0; i < QUIET_MS / 10 && !is_settled(card, n_before); i++) {
		if (i % 100 == 99)      /* in the place of the kernel's uevents */
			(void)hotplug_scan();
		test_sleep_ms(10);
	}
	if (is_settled(card, n_before))
		return;
	printf("# %s (%s): state %d, probed %d, life %u\n", card->name, card->bad->is->of,
	       hotplug_device_state(card->name), card->bad->is_probed, card->bad->life);
	for (i = 0; i < card->bad->is->n_ports; i++, port++)
		printf("#   port %u: open %d, state %d, ethdev's %d\n", port->id, port->is_open,
		       port_of(&rte_eth_devices[port->id])->state,
		       rte_eth_devices[port->id].state);
	show_card(card);
	storm_fail("a card that does not heal", card->name, 0, 1);
}

static void
judge_told(struct storm_card *card)
{
	struct storm_told *told = &card->told;

	(void)WAIT_FOR(told->n_gone >= told->n_must);
	if (told->n_gone < told->n_must) {
		show_card(card);
		storm_fail("losses told", card->name, told->n_gone, told->n_must);
	}
	if (told->n_gone > told->n_must + told->n_may)
		storm_fail("losses told (too many)", card->name, told->n_gone,
			   told->n_must + told->n_may);
	told->n_gone = told->n_must = told->n_may = 0;
}

static void
judge_port(const struct storm_card *card, const struct storm_port *port)
{
	const struct rte_eth_dev *eth = &rte_eth_devices[port->id];
	struct rte_eth_dev_info info;
	struct rte_mbuf *pkts[4];
	unsigned int n_rx = card->bad->n_rx;

	if (rte_eth_dev_info_get(port->id, &info) != 0 ||
	    strcmp(rte_dev_name(info.device), card->name) != 0)
		storm_fail("the id is another card's", card->name, port->id, 0);
	if (rte_eth_dev_is_removed(port->id) != 0) {
		show_card(card);
		storm_fail("rte_eth_dev_is_removed()", card->name, 1, 0);
	}
	if (eth->data->dev_started != port->is_started)
		printf("# port %u: state %d, our ops %d, configure says %d, start %d, stop %d\n",
		       port->id, port_of(eth)->state, eth->dev_ops == port_of(eth)->ops,
		       port->said[0], port->said[1], port->said[2]);
	if (eth->data->dev_started != port->is_started)
		storm_fail("started", card->name, eth->data->dev_started, port->is_started);
	if (!port->is_started)
		return;
	if (rte_eth_fp_ops[port->id].rxq.data[0] == NULL) {
		show_card(card);
		printf("# port %u: state %d, started %d, queue %p, our ops %d\n", port->id,
		       port_of(eth)->state, eth->data->dev_started, eth->data->rx_queues[0],
		       eth->dev_ops == port_of(eth)->ops);
		storm_fail("a port that runs has no queue", card->name, port->id, 0);
		return;
	}
	(void)rte_eth_rx_burst(port->id, 0, pkts, N_ELEMENTS(pkts));
	if (card->bad->n_rx != n_rx + 1)
		storm_fail("a burst has not come to the driver", card->name, port->id, 0);
}

/* What the application has closed is closed, and can be attached again. */
static void
make_whole(struct storm_card *card)
{
	unsigned int i;

	for (i = 0; i < card->bad->is->n_ports; i++)
		if (!atomic_load(&card->port[i].is_open))
			break;
	if (i < card->bad->is->n_ports) {
		app_leave(card, true);
		if (atomic_load(&card->bad->is_probed))
			storm_fail("its driver has it still", card->name, 1, 0);
		app_attach(card);
	}
	for (i = 0; i < card->bad->is->n_ports; i++)
		if (!atomic_load(&card->port[i].is_open))
			storm_fail("a port that cannot be had again", card->name, i, 0);
		else if (!card->port[i].is_started && !app_set_up(card, &card->port[i]))
			storm_fail("a port that cannot be set up", card->name, i, 0);
}

static void
judge_card(struct storm_card *card)
{
	unsigned int i;

	wait_for_card(card);
	judge_told(card);
	for (i = 0; i < card->bad->is->n_ports; i++)
		if (atomic_load(&card->port[i].is_open))
			judge_port(card, &card->port[i]);
	if (atomic_load(&card->bad->n_hung) != 0)
		storm_fail("a register that never came", card->name, card->bad->n_hung, 0);
	make_whole(card);
	for (i = 0; i < card->bad->is->n_ports; i++)
		judge_port(card, &card->port[i]);
}

/* --- what it costs --------------------------------------------------------------------- */

static unsigned int
count(const char *folder)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	unsigned int n = 0;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		n += entry->d_name[0] != '.';
	if (dir != NULL)
		closedir(dir);
	return n;
}

static size_t
n_objects(void)
{
	struct rte_malloc_socket_stats stats;
	size_t n = 0;
	int i;

	for (i = 0; i < RTE_MAX_NUMA_NODES; i++)
		if (rte_malloc_get_socket_stats(i, &stats) == 0)
			n += stats.alloc_count;
	return n;
}

/* Made once for an id, and kept (lib/port/port.h): bytes and descriptors. */
static size_t
n_kept(bool are_fds)
{
	const struct waker *wakers;
	size_t n = 0, n_fds = 0;
	int i, j;

	for (i = 0; i < RTE_MAX_ETHPORTS; i++) {
		wakers = port_of(&rte_eth_devices[i])->wakers;
		n += wakers != NULL;
		for (j = 0; wakers != NULL && j < RTE_MAX_QUEUES_PER_PORT; j++)
			n_fds += wakers[j].fd > 0;
	}
	return are_fds ? n_fds : n * RTE_MAX_QUEUES_PER_PORT * sizeof(struct waker);
}

static unsigned int
n_fds(void)
{
	return count("/proc/self/fd") - n_kept(true);
}

/* A sanitizer's own allocator counts for itself. */
static size_t
n_bytes(void)
{
	return IS_SANITIZED ? 0 : mallinfo2().uordblks - n_kept(false);
}

/* Whose it is says its name; what it waits in, the number of its system call. */
static void
show_thread(const char *id)
{
	static const char *const says[] = { "comm", "syscall", "stat" };
	char path[320], line[512] = "";
	unsigned int i;
	FILE *f;

	printf("# thread %s:", id);
	for (i = 0; i < N_ELEMENTS(says); i++) {
		snprintf(path, sizeof(path), "/proc/self/task/%s/%s", id, says[i]);
		f = fopen(path, "re");
		if (f != NULL && fgets(line, sizeof(line), f) != NULL)
			printf(" %.*s", (int)strcspn(line, "\n"), line);
		if (f != NULL)
			fclose(f);
	}
	printf("\n");
}

static void
show_threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	const struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.')
			show_thread(entry->d_name);
	if (dir != NULL)
		closedir(dir);
}

/* Shown while they are too many, not only when the wait is over. */
static void
judge_threads(void)
{
	unsigned int n, tries;

	for (tries = 1; (n = count("/proc/self/task")) > first.n_threads; tries++) {
		if (tries % 5000 == 0) {
			printf("# %u threads, not %u\n", n, first.n_threads);
			show_threads();
		}
		if (tries == 20000) {
			storm_fail("threads", "", n, first.n_threads);
			return;
		}
		test_sleep_ms(1);
	}
}

static void
judge_costs(void)
{
	if (!first.is_taken) {
		first.n_fds = n_fds();
		first.n_threads = count("/proc/self/task");
		first.n_objects = n_objects();
		first.n_bytes = n_bytes();
		first.is_taken = true;
		return;
	}
	judge_threads();
	if (!WAIT_FOR(n_fds() <= first.n_fds + FD_SLACK))
		storm_fail("descriptors", "", n_fds(), first.n_fds);
	if (n_objects() > first.n_objects + HEAP_SLACK)
		storm_fail("objects on EAL's heap", "", n_objects(), first.n_objects);
	if (n_bytes() > first.n_bytes + MALLOC_SLACK)
		storm_fail("bytes on the heap", "", n_bytes(), first.n_bytes);
}

void
judge(bool with_costs)
{
	unsigned int i;

	for (i = 0; i < storm_n_cards; i++)
		(void)weather_return(&storm_cards[i]);
	for (i = 0; i < storm_n_cards; i++)
		judge_card(&storm_cards[i]);
	if (with_costs)
		judge_costs();
}
