/* SPDX-License-Identifier: BSD-3-Clause */

/* storm_app: what the storm's application does with its ports, and remembers of it.
 * In:  threads that want a port attached, set up, started, stopped, closed.
 * Out: it is, or the card is lost just then; what a call has said is what counts later.
 * Lock: a card's `settings`, and its `life` for writing (start and stop: for reading).
 * Context: any thread of the application's. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_ethdev.h>

#include <hotplug.h>

#include "storm.h"
#include "test.h"

#define ATTEMPTS 20

_Thread_local bool app_is_calling;

struct storm_card *
storm_card_of(const char *device)
{
	unsigned int i;

	for (i = 0; i < storm_n_cards; i++)
		if (strcmp(storm_cards[i].name, device) == 0)
			return &storm_cards[i];
	return NULL;
}

struct storm_port *
app_pick(struct storm_card *card, struct dice *dice)
{
	unsigned int i, n = card->bad->is->n_ports, first = dice_below(dice, n);

	for (i = 0; i < n; i++)
		if (atomic_load(&card->port[(first + i) % n].is_open))
			return &card->port[(first + i) % n];
	return NULL;
}

void
app_polls_end(struct storm_port *port)
{
	atomic_store(&port->is_polled, false);
	while (atomic_load(&port->n_polling) != 0)
		test_sleep_ms(0);
}

static int
call(int (*fn)(uint16_t id), uint16_t id)
{
	bool was_calling = app_is_calling;
	int ret;

	app_is_calling = true;
	ret = fn(id);
	app_is_calling = was_calling;
	return ret;
}

bool
app_start(struct storm_port *port)
{
	port->said[1] = 1;
	if (!port->is_set_up || (port->said[1] = call(rte_eth_dev_start, port->id)) != 0)
		return false;
	port->is_started = true;
	atomic_store(&port->is_polled, true);
	return true;
}

bool
app_stop(struct storm_port *port)
{
	app_polls_end(port);
	port->said[2] = call(rte_eth_dev_stop, port->id);
	if (port->said[2] == 0)
		port->is_started = false;
	atomic_store(&port->is_polled, port->is_started);
	return !port->is_started;
}

static int
set_up_rxq(const struct storm_port *port, const struct character *is, uint16_t queue)
{
	struct rte_mempool *pools[2] = { storm_pool, storm_pool };
	const struct rte_eth_rxconf several = { .rx_mempools = pools, .rx_nmempool = 2 };

	return is->n_pools > 1 ? rte_eth_rx_queue_setup(port->id, queue, 64, 0, &several, NULL) :
		rte_eth_rx_queue_setup(port->id, queue, 64, 0, NULL, storm_pool);
}

static bool
configure(struct storm_card *card, struct storm_port *port)
{
	const struct character *is = card->bad->is;
	const struct rte_eth_conf conf = { .intr_conf.rxq = (is->ways & BAD_HAS_RX_INTR) != 0 };
	unsigned int i;

	port->said[0] = rte_eth_dev_configure(port->id, is->n_queues, is->n_queues, &conf);
	if (port->said[0] != 0)
		return false;
	for (i = 0; i < is->n_queues; i++)
		if (set_up_rxq(port, is, i) != 0 ||
		    rte_eth_tx_queue_setup(port->id, i, 64, 0, NULL) != 0)
			return false;
	return true;
}

/* It is stopped, or was never started. */
bool
app_set_up(struct storm_card *card, struct storm_port *port)
{
	port->is_set_up = configure(card, port);
	return app_start(port);
}

static void
take_ports(struct storm_card *card)
{
	uint16_t ids[BAD_MAX_PORTS];
	int i, n = hotplug_port_list(card->name, ids, BAD_MAX_PORTS);

	if (n != (int)card->bad->is->n_ports)
		storm_fail("ports after an attach", card->name, n, card->bad->is->n_ports);
	for (i = 0; i < n && i < BAD_MAX_PORTS; i++) {
		card->port[i].id = ids[i];
		card->port[i].is_started = card->port[i].is_set_up = false;
		atomic_store(&card->port[i].is_open, true);
		(void)app_set_up(card, &card->port[i]);
	}
}

void
app_attach(struct storm_card *card)
{
	int ret = hotplug_device_attach(card->name, HOTPLUG_PRIVATE, NULL);

	if (ret == 0) {
		take_ports(card);
		atomic_store(&card->is_leaving, false);
	}
}

static void
leave(struct storm_card *card)
{
	pthread_mutex_lock(&card->weather);
	atomic_store(&card->is_leaving, true);
	pthread_mutex_unlock(&card->weather);
	weather_forgive(card, 0);
}

/* A close that says 0 has closed it: from then on the id is not ours. */
static int
try_to_close(struct storm_port *port)
{
	int ret;

	(void)app_stop(port);
	ret = call(rte_eth_dev_close, port->id);
	if (ret != 0)
		return ret;
	port->is_started = false;
	atomic_store(&port->is_polled, false);
	atomic_store(&port->is_open, false);
	atomic_fetch_add(&storm_n_closes, 1);
	return 0;
}

static void
close_port(struct storm_card *card, struct storm_port *port)
{
	int ret = try_to_close(port);

	if (ret != 0)
		storm_fail("rte_eth_dev_close()", card->name, ret, 0);
}

void
app_close_one(struct storm_card *card)
{
	struct dice dice = { atomic_load(&storm_n_closes) };
	struct storm_port *port = app_pick(card, &dice);
	int ret;

	if (port == NULL)
		return;
	leave(card);
	ret = try_to_close(port);
	if (ret != 0)
		atomic_store(&card->is_leaving, false);
	if (ret != 0 && ret != -EBUSY)
		storm_fail("rte_eth_dev_close() in a callback", card->name, ret, -EBUSY);
}

static void
detach(struct storm_card *card)
{
	unsigned int i;
	int ret = 0;

	/* Its loss may be told just now, or the library be off. */
	for (i = 0; i < ATTEMPTS; i += !atomic_load(&storm_is_off)) {
		ret = hotplug_device_detach(card->name, HOTPLUG_PRIVATE, NULL);
		if (ret == 0 || ret == -ENODEV)
			return;
		test_sleep_ms(50);
	}
	storm_fail("hotplug_device_detach()", card->name, ret, 0);
}

/* One: each in its turn. */
void
app_leave(struct storm_card *card, bool is_whole)
{
	unsigned int i, n = card->bad->is->n_ports, first = atomic_load(&storm_n_closes);
	struct storm_port *port;
	bool is_done = false;

	leave(card);
	for (i = 0; i < n && !is_done; i++) {
		port = &card->port[(first + i) % n];
		if (!atomic_load(&port->is_open))
			continue;
		close_port(card, port);
		is_done = !is_whole;
	}
	if (is_whole)
		detach(card);
}
