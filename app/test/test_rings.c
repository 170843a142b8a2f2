/* SPDX-License-Identifier: BSD-3-Clause */

/* test_rings: who waits in a virtio ring for a device that is gone goes on, and his command has
 * failed.
 * In:  a driver's half of a control queue, after virtio 1.2 (split, packed), in memory named as
 *      net_virtio names it; ports on mock functions, whose driver sends through it.
 * Context: app; the library's own threads answer. */

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <rte_dev.h>
#include <rte_ethdev.h>
#include <rte_memzone.h>

#include <ethdev_driver.h>
#include <hotplug.h>

#include "mock_port.h"
#include "port/rings.h"
#include "test.h"

#define PAGE 4096u
#define N_DESC 3u               /* header, data, status: one command */
#define FAILED 0xff
#define N_COMMANDS 700u         /* round a ring of 256, and its packed wrap counter */
#define QUEUE 2                 /* one pair, and control */

struct desc {
	uint64_t addr;
	uint32_t len;
	uint16_t a, b;          /* flags, next; packed: id, flags */
};

struct queue {
	const struct rte_memzone *ring, *commands;
	unsigned int n, at;             /* the next free place */
	uint16_t sent;
	bool is_packed, wrap, is_virtual;
	uint16_t *avail, *used;         /* flags, idx, ring */
	struct desc *desc;
};

static _Atomic unsigned int n_failed;

static const struct rte_memzone *
reserve(uint16_t port, unsigned int number, const char *what, size_t len)
{
	const struct rte_memzone *zone;
	char name[RTE_MEMZONE_NAMESIZE];

	snprintf(name, sizeof(name), "port%u_vq%u%s", port, number, what);
	zone = rte_memzone_reserve_aligned(name, len, SOCKET_ID_ANY, RTE_MEMZONE_IOVA_CONTIG, PAGE);
	assert_non_null(zone);
	memset(zone->addr, 0, len);
	return zone;
}

static size_t
up(size_t len)
{
	return (len + PAGE - 1) / PAGE * PAGE;
}

static void
make(struct queue *q, uint16_t port, unsigned int n, bool is_packed)
{
	size_t used_at = up(n * 18 + 6);
	unsigned int i;

	memset(q, 0, sizeof(*q));
	q->n = n;
	q->is_packed = q->wrap = is_packed;
	q->commands = reserve(port, QUEUE, "_hdr", PAGE);
	q->ring = reserve(port, QUEUE, "", up(is_packed ? up(n * 16 + 4) + 4 : used_at + 6 + 8 * n));
	q->desc = q->ring->addr;
	q->avail = (uint16_t *)(q->desc + n);
	q->used = (uint16_t *)((char *)q->ring->addr + used_at);
	for (i = 0; i < n && is_packed; i++)
		q->desc[i].a = i;
	if (!is_packed)
		q->avail[0] = 1;        /* no interrupts */
}

static void
unmake(struct queue *q)
{
	rte_memzone_free(q->ring);
	rte_memzone_free(q->commands);
}

static uint64_t
address(const struct queue *q, unsigned int i)
{
	return (q->is_virtual ? (uintptr_t)q->commands->addr : q->commands->iova) + "\0\3\2"[i];
}

static uint32_t
length(unsigned int i)
{
	return i == 1 ? 16 : i == 0 ? 2 : 1;
}

/* As the driver: its places one after the other. */
static void
offer_split(struct queue *q)
{
	unsigned int i, at;

	for (i = 0; i < N_DESC; i++) {
		at = (q->at + i) % q->n;
		q->desc[at] = (struct desc){ .addr = address(q, i), .len = length(i),
			.a = i < N_DESC - 1 ? 1 : 2, .b = (at + 1) % q->n };
	}
	q->avail[2 + q->sent % q->n] = q->at;
	__atomic_store_n(&q->avail[1], ++q->sent, __ATOMIC_RELEASE);
}

static bool
is_split_used(const struct queue *q)
{
	const uint32_t *ring = (const uint32_t *)(q->used + 2);

	if (__atomic_load_n(&q->used[1], __ATOMIC_ACQUIRE) != q->sent)
		return false;
	return ring[(uint16_t)(q->sent - 1) % q->n * 2] == q->at;
}

static uint16_t
available(bool wrap)
{
	return wrap ? 1 << 7 : 1 << 15;
}

static void
offer_packed(struct queue *q)
{
	bool wrap = q->wrap;
	unsigned int i, at;

	for (i = 0; i < N_DESC; i++) {
		at = q->at + i;
		if (at >= q->n)
			wrap = !q->wrap;
		at %= q->n;
		q->desc[at].addr = address(q, i);
		q->desc[at].len = length(i);
		if (i > 0)
			q->desc[at].b = (i < N_DESC - 1 ? 1 : 2) | available(wrap);
	}
	__atomic_store_n(&q->desc[q->at].b, 1 | available(q->wrap), __ATOMIC_RELEASE);
}

static bool
is_packed_used(const struct queue *q)
{
	uint16_t flags = __atomic_load_n(&q->desc[q->at].b, __ATOMIC_ACQUIRE);

	return flags >> 15 == q->wrap && (flags >> 7 & 1) == q->wrap;
}

static void
offer(struct queue *q)
{
	((uint8_t *)q->commands->addr)[2] = FAILED;
	if (q->is_packed)
		offer_packed(q);
	else
		offer_split(q);
}

static bool
is_used(const struct queue *q)
{
	return q->is_packed ? is_packed_used(q) : is_split_used(q);
}

static void
take(struct queue *q)
{
	q->at += N_DESC;
	if (q->at < q->n)
		return;
	q->at -= q->n;
	q->wrap = !q->wrap;
}

/* As net_virtio does: for as long as it takes. */
static uint8_t
send_command(struct queue *q)
{
	offer(q);
	while (!is_used(q))
		usleep(100);
	take(q);
	return ((uint8_t *)q->commands->addr)[2];
}

static void
check_kind(unsigned int n, bool is_packed, bool is_virtual)
{
	uint16_t port = RTE_MAX_ETHPORTS - 1;
	struct queue q;
	unsigned int i;

	make(&q, port, n, is_packed);
	q.is_virtual = is_virtual;
	for (i = 0; i < N_COMMANDS; i++) {
		assert_false(rings_answer(port));
		offer(&q);
		assert_false(rings_answer(port - 1));
		assert_true(rings_answer(port));
		assert_true(is_used(&q));
		assert_int_equal(((uint8_t *)q.commands->addr)[2], FAILED);
		take(&q);
	}
	unmake(&q);
}

static void
test_each_kind_of_ring_is_answered_once(void **state)
{
	static const unsigned int sizes[] = { 4, 16, 64, 128, 256, 512, 1024 };
	unsigned int i;

	(void)state;
	for (i = 0; i < N_ELEMENTS(sizes); i++) {
		check_kind(sizes[i], false, i % 2 != 0);
		check_kind(sizes[i], true, i % 2 != 0);
	}
	check_kind(100, true, false);           /* a packed ring has any size */
}

/* A ring that nobody waits in, another queue's, another driver's memory: as it was. */
static void
test_nothing_else_is_written(void **state)
{
	static uint8_t before[16 * PAGE];
	uint16_t port = RTE_MAX_ETHPORTS - 1;
	const struct rte_memzone *other;
	struct queue q;
	unsigned int i;

	(void)state;
	make(&q, port, 256, false);
	other = reserve(port, QUEUE - 1, "", q.ring->len);
	for (i = 0; i < 100; i++) {
		offer(&q);
		assert_true(rings_answer(port));
		take(&q);
	}
	offer(&q);
	q.desc[q.at].len = 12;                  /* a packet, no command */
	memcpy(other->addr, q.ring->addr, q.ring->len);
	memcpy(before, q.ring->addr, q.ring->len);
	assert_false(rings_answer(port));
	assert_memory_equal(before, q.ring->addr, q.ring->len);
	q.desc[q.at].len = 2;
	q.desc[q.at].addr += PAGE;              /* leads elsewhere */
	assert_false(rings_answer(port));
	q.desc[q.at].addr -= PAGE;
	assert_true(rings_answer(port));
	assert_memory_equal(before, other->addr, q.ring->len);
	rte_memzone_free(other);
	unmake(&q);
}

/* --- several answer ---------------------------------------------------------------------- */

static struct queue raced_queue;
static unsigned int n_to_race;

/* As whoever else answers: the command that waits is used. */
static void
use(struct queue *q)
{
	uint32_t *ring = (uint32_t *)(q->used + 2);

	if (q->is_packed) {
		q->desc[q->at].b = q->wrap ? 1 << 7 | 1 << 15 : 0;
		return;
	}
	ring[(uint16_t)(q->sent - 1) % q->n * 2] = q->at;
	q->used[1] = q->sent;
}

static void *
page_to_be_written(const struct queue *q)
{
	return q->is_packed ? q->ring->addr : (void *)q->used;
}

/* Whoever answers is about to write: somebody else was first, and the driver is commands ahead. */
static void
on_write(int signal, siginfo_t *info, void *context)
{
	struct queue *q = &raced_queue;
	unsigned int i;

	(void)signal;
	(void)info;
	(void)context;
	if (mprotect(page_to_be_written(q), PAGE, PROT_READ | PROT_WRITE) != 0)
		_exit(1);
	for (i = 0; i < n_to_race; i++) {
		use(q);
		take(q);
		offer(q);
	}
}

/* After so many commands of others the driver's next one waits, and is answered. */
static void
check_raced(unsigned int n_commands, bool is_packed)
{
	uint16_t port = RTE_MAX_ETHPORTS - 1;
	struct queue *q = &raced_queue;

	make(q, port, 64, is_packed);
	n_to_race = n_commands;
	offer(q);
	assert_int_equal(mprotect(page_to_be_written(q), PAGE, PROT_READ), 0);
	(void)rings_answer(port);
	assert_int_equal(mprotect(page_to_be_written(q), PAGE, PROT_READ | PROT_WRITE), 0);
	if (!is_used(q))
		assert_true(rings_answer(port));
	assert_true(is_used(q));
	take(q);
	assert_false(rings_answer(port));
	unmake(q);
}

/* Two processes answer, or two threads (lost again in a heal): who was late wrote over what the
 * other had, and the driver waited for ever, or met what nobody had used. */
static void
test_command_is_answered_once_by_two(void **state)
{
	struct sigaction action = { .sa_sigaction = on_write, .sa_flags = SA_SIGINFO }, before;
	unsigned int n;

	(void)state;
	assert_int_equal(sigaction(SIGSEGV, &action, &before), 0);
	for (n = 0; n < 200; n++) {
		check_raced(n, false);
		check_raced(n, true);
	}
	sigaction(SIGSEGV, &before, NULL);
}

/* --- a port ------------------------------------------------------------------------------ */

static struct queue port_queue;
static atomic_bool is_sending;
static _Atomic unsigned int n_to_send;

static void
send_in_driver(struct test_pmd *pmd)
{
	(void)pmd;
	atomic_store(&is_sending, true);
	while (n_to_send > 0) {
		if (send_command(&port_queue) == FAILED)
			n_failed++;
		n_to_send--;
	}
}

static void *
set_address(void *arg)
{
	struct rte_ether_addr mac = { { 2, 0, 0, 0, 0, 7 } };

	(void)rte_eth_dev_default_mac_addr_set(*(uint16_t *)arg, &mac);
	return arg;
}

static void
name_driver(uint16_t port, const char *name)
{
	((struct rte_driver *)(uintptr_t)rte_eth_devices[port].device->driver)->name = name;
}

static void
lose_in_a_command(const char *name, bool is_packed)
{
	struct test_pmd *pmd = plug(name);
	uint16_t port = pmd->port;
	const char *driver = rte_eth_devices[port].device->driver->name;
	pthread_t thread;

	start_port(port);
	name_driver(port, "net_virtio");
	make(&port_queue, port, 64, is_packed);
	n_failed = 0;
	n_to_send = 5;
	is_sending = false;
	test_pmd_in_mac = send_in_driver;
	assert_int_equal(pthread_create(&thread, NULL, set_address, &port), 0);
	assert_true(WAIT_FOR(is_sending));
	lose_for_good(pmd);                     /* which waits for it */
	pthread_join(thread, NULL);
	test_pmd_in_mac = NULL;
	assert_int_equal(n_failed, 5);
	come_back(pmd);
	assert_true(WAIT_FOR(n_success == 1));
	name_driver(port, driver);
	unmake(&port_queue);
	remove_port(port);
}

/* It was STUCK, and the thread never returned. */
static void
test_call_that_waits_in_a_ring_at_the_loss_returns(void **state)
{
	(void)state;
	lose_in_a_command("0000:40:00.0", false);
	lose_in_a_command("0000:41:00.0", true);
}

/* The application closes it and removes its device while the loss is told. */
static void
test_port_that_is_released_meanwhile_is_left_alone(void **state)
{
	struct test_pmd *pmd = plug("0000:43:00.0");
	uint16_t port = pmd->port;

	(void)state;
	name_driver(port, "net_virtio");
	start_port(port);
	lose_for_good(pmd);
	remove_port(port);
	assert_null(rte_eth_devices[port].device);
	assert_int_equal(rings_begin(&rte_eth_devices[port]), 0);
}

static void
lose_once(struct test_pmd *pmd)
{
	test_pmd_in_start = NULL;
	lose(pmd);
	n_to_send = 3;
	send_in_driver(pmd);
}

/* In heal's own thread: lost again in the driver's start. */
static void
test_heal_that_waits_in_a_ring_is_not_the_last(void **state)
{
	struct test_pmd *pmd = plug("0000:42:00.0");
	uint16_t port = pmd->port;
	const char *driver = rte_eth_devices[port].device->driver->name;

	(void)state;
	start_port(port);
	name_driver(port, "net_virtio");
	make(&port_queue, port, 64, false);
	lose_for_good(pmd);
	n_failed = 0;
	test_pmd_in_start = lose_once;
	come_back(pmd);
	assert_true(WAIT_FOR(n_failed == 3));
	assert_true(WAIT_FOR(pmd->n_removes == 2));
	come_back(pmd);
	assert_true(WAIT_FOR(n_success == 1));
	name_driver(port, driver);
	unmake(&port_queue);
	remove_port(port);
}

/* Its teardown waits for the thread, disable for the teardown, and the thread for us: disable
 * came back after stuck_ms, the thread never. */
static void
test_disable_lets_no_thread_wait_in_a_ring(void **state)
{
	struct test_pmd *pmd = plug("0000:44:00.0");
	uint16_t port = pmd->port;
	pthread_t thread;

	(void)state;
	start_port(port);
	name_driver(port, "net_virtio");
	make(&port_queue, port, 64, false);
	n_failed = 0;
	n_to_send = 300;                /* each waits for a millisecond, and more */
	is_sending = false;
	test_pmd_in_mac = send_in_driver;
	assert_int_equal(pthread_create(&thread, NULL, set_address, &port), 0);
	assert_true(WAIT_FOR(is_sending));
	lose(pmd);
	assert_true(WAIT_FOR(n_failed > 0));
	assert_int_equal(hotplug_disable(), 0);
	assert_int_equal(n_failed, 300);
	pthread_join(thread, NULL);
	test_pmd_in_mac = NULL;
	unmake(&port_queue);
	assert_int_equal(hotplug_enable(NULL), 0);
	remove_port(port);
}

static int
start(void **state)
{
	return mock_port_start(state, "flaps=0");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_kind_of_ring_is_answered_once),
		cmocka_unit_test(test_nothing_else_is_written),
		cmocka_unit_test(test_command_is_answered_once_by_two),
		cmocka_unit_test(test_call_that_waits_in_a_ring_at_the_loss_returns),
		cmocka_unit_test(test_heal_that_waits_in_a_ring_is_not_the_last),
		cmocka_unit_test(test_port_that_is_released_meanwhile_is_left_alone),
		cmocka_unit_test(test_disable_lets_no_thread_wait_in_a_ring),
	};

	return cmocka_run_group_tests_name("rings", tests, start, mock_port_stop);
}
