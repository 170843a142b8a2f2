/* SPDX-License-Identifier: BSD-3-Clause */

/* rings: a virtio driver waits in memory for a device that is gone.
 * In:  a lost device with ports of net_virtio's (die.c).
 * Out: the command that waits in a port's control queue is used, as its device would have
 *      said so; how it ended is left at what the driver had put there: it failed.
 * Why: net_virtio waits for that without end, in promiscuous mode's op, in a MAC address's, in
 *      a start, in EAL's interrupt thread (an announced link), and registers that flip do not end
 *      it: the application's thread never returned, and its port was STUCK (seen in the
 *      guest's storm).
 * How: the driver names its memory: "portP_vqQ" is a ring, and "portP_vqQ_hdr" with an even Q
 *      what its commands are in (an odd Q's is a transmit queue's).  What a ring looks like is in
 *      virtio 1.2, 2.7 (split) and 2.8 (packed); the driver's own alignment is 4,096.  Neither
 *      its size nor its kind can be had any more.  So nothing is written but where all of a
 *      ring's fields say that one command waits, and its first descriptor leads to the commands'
 *      memory; there is never more than one, and this driver's packed ids are the places.
 * Order: a zone is found, read and written under EAL's own lock of zones (rte_memzone_walk()):
 *      the driver's rte_memzone_free() waits for that before it gives the memory back.
 * The other processes may answer too, a second thread of ours (lost again in a heal), and a device
 * that lives after all (a drill): the driver may be commands ahead when one comes to write.  So
 * what says "used" is exchanged: only from what was seen when the command waited.
 * Context: work, beside the heal or whatever else waits. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_common.h>
#include <rte_memzone.h>

#include "../core/device.h"
#include "../core/work.h"
#include "../eal/clock.h"
#include "rings.h"
#include "shared.h"

#define DRIVER "net_virtio"
#define ALIGNMENT 4096u
#define MAX_ENTRIES 32768u
#define HEADER_LEN 2u           /* a class and a command */
#define F_NEXT 1u
#define F_AVAIL (1u << 7)       /* packed */
#define F_USED (1u << 15)
#define FIRST_MS 1u
#define LONGEST_MS 1000u        /* what waits does so since the loss */

struct split_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};

struct packed_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t id, flags;
};

struct avail {
	uint16_t flags, idx, ring[];
};

struct used {
	uint16_t flags, idx;
	struct { uint32_t id, len; } ring[];
};

/* What is looked for. */
struct search {
	uint16_t port;
	unsigned int queue;             /* control; UINT_MAX: none */
	uint64_t commands[2];           /* at which addresses, as devices and as we see it */
	bool is_answered;
};

static bool
is_first(const struct search *search, uint64_t addr, uint32_t len)
{
	return len == HEADER_LEN && (addr == search->commands[0] || addr == search->commands[1]);
}

/* In a ring of n entries one command waits behind so many used ones; its descriptor, or -1. */
static int
find_split(const struct search *search, const uint8_t *ring, unsigned int n, uint16_t n_used)
{
	const struct split_desc *desc = (const void *)ring;
	const struct avail *avail = (const void *)(desc + n);
	uint16_t idx = __atomic_load_n(&avail->idx, __ATOMIC_ACQUIRE);
	uint16_t head = avail->ring[n_used & (n - 1)];

	if (avail->flags > 1 || head >= n || (uint16_t)(idx - n_used) != 1)
		return -1;
	return desc[head].flags == F_NEXT &&
		is_first(search, desc[head].addr, desc[head].len) ? head : -1;
}

static bool
answer_split(const struct search *search, uint8_t *ring, size_t len)
{
	unsigned int n, at;
	struct used *used;
	uint16_t n_used;
	int head;

	for (n = 2; n <= MAX_ENTRIES; n *= 2) {
		at = RTE_ALIGN_CEIL(n * sizeof(struct split_desc) + sizeof(struct avail) +
				    n * sizeof(uint16_t), ALIGNMENT);
		used = (void *)(ring + at);
		if (at + sizeof(*used) + n * sizeof(used->ring[0]) > len)
			return false;
		n_used = __atomic_load_n(&used->idx, __ATOMIC_RELAXED);
		head = find_split(search, ring, n, n_used);
		if (head < 0)
			continue;
		used->ring[n_used & (n - 1)].id = head;
		used->ring[n_used & (n - 1)].len = 1;
		return __atomic_compare_exchange_n(&used->idx, &n_used, n_used + 1, false,
						   __ATOMIC_RELEASE, __ATOMIC_RELAXED);
	}
	return false;
}

static bool
answer_packed(const struct search *search, uint8_t *ring, size_t len)
{
	struct packed_desc *desc = (void *)ring;
	unsigned int i, n = RTE_MIN(len / sizeof(*desc), MAX_ENTRIES);
	uint16_t flags;

	for (i = 0; i < n; i++) {
		flags = __atomic_load_n(&desc[i].flags, __ATOMIC_ACQUIRE);
		if (desc[i].id != i || !is_first(search, desc[i].addr, desc[i].len) ||
		    (flags != (F_NEXT | F_AVAIL) && flags != (F_NEXT | F_USED)))
			continue;
		return __atomic_compare_exchange_n(&desc[i].flags, &flags,
						   flags & F_AVAIL ? F_AVAIL | F_USED : 0, false,
						   __ATOMIC_RELEASE, __ATOMIC_RELAXED);
	}
	return false;
}

static void
find_commands(const struct rte_memzone *zone, void *arg)
{
	struct search *search = arg;
	unsigned int port, queue;
	int end = 0;

	if (sscanf(zone->name, "port%u_vq%u_hdr%n", &port, &queue, &end) == 2 && end > 0 &&
	    zone->name[end] == '\0' && port == search->port && queue % 2 == 0) {
		search->queue = queue;
		search->commands[0] = zone->iova;
		search->commands[1] = (uintptr_t)zone->addr;
	}
}

static void
answer_ring(const struct rte_memzone *zone, void *arg)
{
	char name[RTE_MEMZONE_NAMESIZE];
	struct search *search = arg;

	snprintf(name, sizeof(name), "port%u_vq%u", search->port, search->queue);
	if (strcmp(zone->name, name) == 0)
		search->is_answered = answer_split(search, zone->addr, zone->len) ||
			answer_packed(search, zone->addr, zone->len);
}

bool
rings_answer(uint16_t port)
{
	struct search search = { .port = port, .queue = UINT_MAX };

	rte_memzone_walk(find_commands, &search);
	if (search.queue != UINT_MAX)
		rte_memzone_walk(answer_ring, &search);
	return search.is_answered;
}

/* A driver may be at work on it, or a thread of the application's in that driver, and what they
 * wait for is gone. */
static bool
is_waited_for(const struct rte_eth_dev *eth)
{
	enum port_state state = port_of(eth)->state;

	if (state == PORT_HEALING || state == PORT_STUCK)
		return LOAD(eth->dev_ops) == &dead_ops;
	return state == PORT_DEAD || state == PORT_DOOMED || state == PORT_DYING ||
		state == PORT_CLOSING;
}

/* Who waits has done so since the loss: soon at first; and at once again for one who gives
 * several commands. */
static unsigned int
pause_of(const char *device, bool is_answered)
{
	const struct hotplug_device *dev;
	uint64_t age_ms = 0;

	if (is_answered)
		return FIRST_MS;
	device_lock();
	dev = device_find(NULL, device);
	if (dev != NULL)
		age_ms = (device_now_ns() - dev->sign_ns) / MS;
	device_unlock();
	return RTE_MAX(FIRST_MS, RTE_MIN(age_ms / 8, LONGEST_MS));
}

/* Job, until nobody waits. */
static void
answer(const char *device)
{
	bool is_answered = false, is_waited = false;
	const struct rte_eth_dev *eth;
	unsigned int i;

	for (i = 0; i < RTE_MAX_ETHPORTS; i++) {
		eth = &rte_eth_devices[i];
		if (strcmp(port_of(eth)->device, device) != 0 || !is_waited_for(eth))
			continue;
		is_waited = true;
		is_answered = rings_answer(i) || is_answered;
	}
	if (is_waited)
		work_push_beside(answer, device, pause_of(device, is_answered));
}

/* By the name that its last life left: its device may be freed just now. */
int
rings_begin(const struct rte_eth_dev *eth)
{
	const struct port *port = port_of(eth);
	bool is_virtio;

	port_lock();
	is_virtio = strncmp(port->driver_name, DRIVER, strlen(DRIVER)) == 0;
	port_unlock();
	return is_virtio ? work_push_beside(answer, port->device, FIRST_MS) : -ENOENT;
}
