/* SPDX-License-Identifier: BSD-3-Clause */

/* heal: a card is back; do its ports get a new life, and when?
 * In:  a device whose ports are HELD (work; pushed by events and teardown).
 * Out: if it is the card that was lost, it answers, and nobody may still write to it:
 *      kernel driver bound, its ports revived (revive.c), the application told.  Else
 *      tried again, some times.
 * While it looks, waits and binds, the ports are the application's: it may close them.
 * Who is told in the end are those that live, in the life that they have begun with.
 * What is remembered between two tries stands in the device's first port, and goes with it.
 * Lock: port_lock() around that, never around a probe or a callback.
 * Context: work. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_dev.h>

#include "../core/device.h"
#include "../core/host.h"
#include "../core/work.h"
#include "../report/trace.h"
#include "card.h"
#include "steps.h"
#include "together.h"

#define N_TRIES 6
#define FIRST_PAUSE_MS 250
#define DARK_MS 1000            /* between two looks at a card that does not answer */

static void
raise_all(const struct ports *ports, enum rte_eth_event_type type)
{
	unsigned int i;

	for (i = 0; i < ports->n; i++)
		rte_eth_dev_callback_process(&rte_eth_devices[ports->id[i]], type, NULL);
}

static const char *
what_is_wrong(int ret)
{
	switch (ret) {
	case -ENOSYS:
		return "link with -Wl,--wrap=rte_eth_dev_release_port "
			"(pkg-config --static libdpdk-hotplug has it)";
	case -ERANGE:
		return "the card has too few queues";
	case -E2BIG:
		return "its devargs are too long to be remembered";
	case -EADDRINUSE:
		return "the card has another number of ports";
	default:
		return strerror(-ret);
	}
}

static void
give_up(const char *device, struct ports *ports, int ret)
{
	if (ports_keep(ports, PORT_NONE) == 0)
		return;                 /* closed, every one */
	host_log(HOST_ERR, "%s is back, but port %u cannot be healed: %s", device, ports->id[0],
		 what_is_wrong(ret));
	raise_all(ports, RTE_ETH_EVENT_RECOVERY_FAILED);
	raise_all(ports, RTE_ETH_EVENT_INTR_RMV);
}

static unsigned int
pause_ms(unsigned int n_tries)
{
	return n_tries == 0 ? 0 : FIRST_PAUSE_MS << (n_tries - 1);
}

/* With the lock held: the port in which stands what is remembered; NULL: it has been
 * closed meanwhile. */
static struct port *
memory_of(const struct ports *ports)
{
	struct port *port = port_of(&rte_eth_devices[ports->id[0]]);

	return port->life == ports->life[0] ? port : NULL;
}

void
heal_soon(const char *device)
{
	unsigned int n_tries = N_TRIES;
	const struct port *port;
	struct ports ports;

	if (ports_find(&ports, device, PORT_HELD) == 0)
		return;
	port_lock();
	port = memory_of(&ports);
	if (port != NULL && port->policy == HOTPLUG_POLICY_HEAL)
		n_tries = port->n_tries;
	port_unlock();
	if (n_tries < N_TRIES)
		work_push(heal_run, device, pause_ms(n_tries));
}

void
heal_returned(const char *device)
{
	struct ports ports;
	struct port *port;
	bool is_to_heal = false;

	if (ports_find(&ports, device, PORT_HELD) == 0)
		return;
	port_lock();
	port = memory_of(&ports);
	if (port != NULL && port->policy == HOTPLUG_POLICY_HEAL) {
		is_to_heal = true;
		if (port->n_tries == N_TRIES)
			port->n_tries = 0;      /* given up, but that was another time */
		port->next_try_ns = 0;
	}
	port_unlock();
	if (is_to_heal)
		work_push(heal_run, device, 0);
}

/* Another try cannot help.  ENOTSUP is no such case: that is how EAL says that the kernel
 * has the card between two drivers. */
static bool
is_hopeless(int ret)
{
	return ret == -ERANGE || ret == -EADDRINUSE || ret == -ENOSYS || ret == -E2BIG;
}

/* One more has failed; how many have. */
static unsigned int
count_try(const struct ports *ports, int ret)
{
	unsigned int n_tries = 0;
	struct port *port;

	port_lock();
	port = memory_of(ports);
	if (port != NULL) {
		port->n_tries = is_hopeless(ret) ? N_TRIES : port->n_tries + 1;
		port->next_try_ns = device_now_ns() + pause_ms(port->n_tries) * 1000000ull;
		n_tries = port->n_tries;
	}
	port_unlock();
	return n_tries;
}

/* Not yet: again later, each time twice as late, then not until it comes anew.  A port
 * that is torn down first comes by itself (teardown). */
static void
try_again(const char *device, struct ports *ports, int ret)
{
	if (count_try(ports, ret) < N_TRIES)
		heal_soon(device);
	else
		give_up(device, ports, ret);
}

/* Has the kernel asked for it while it was healing?  It asks once. */
static bool
is_asked_for(const struct lost_card *card)
{
	const struct hotplug_device *dev;
	bool is_asked;

	device_lock();
	dev = device_find(card->bus, card->device);
	is_asked = dev != NULL && dev->is_requested;
	device_unlock();
	return is_asked;
}

/* What of it is needed while its ports may be closed.  Two may have sent us (teardown, an
 * event), and the first has found that a pause is due: then so it is, unless somebody
 * says that it came anew (heal_returned).  Its turn in so many ms; negative: never. */
static int
read_card(const struct ports *ports, struct lost_card *card)
{
	uint64_t now = device_now_ns();
	const struct port *port;
	int left_ms = -1;

	port_lock();
	port = memory_of(ports);
	if (port != NULL && port->policy == HOTPLUG_POLICY_HEAL && port->n_tries < N_TRIES) {
		card->bus = port->bus;
		card->id = port->id;
		card->is_waiting = port->is_waiting;
		snprintf(card->device, sizeof(card->device), "%s", port->device);
		snprintf(card->kernel_driver, sizeof(card->kernel_driver), "%s",
			 port->kernel_driver);
		left_ms = now >= port->next_try_ns ? 0 :
			(int)((port->next_try_ns - now) / 1000000 + 1);
	}
	port_unlock();
	return left_ms;
}

/* Somebody may still write to it. */
static bool
waits_for_others(const struct ports *ports, struct lost_card *card)
{
	bool is_waiting = together_wait(card);
	struct port *port;

	port_lock();
	port = memory_of(ports);
	if (port != NULL)
		port->is_waiting = is_waiting;
	port_unlock();
	return is_waiting;
}

/* 0: bound.  -EAGAIN: not now; whatever it waits for, somebody tells, or sends us again. */
static int
prepare(const struct ports *ports, struct lost_card *card)
{
	int ret;

	step_before(STEP_HEAL_LOOK, card->device);
	if (!card_is_there(card))
		return -EAGAIN;         /* not yet: an event tells */
	if (card_is_dark(card)) {
		work_push(heal_run, card->device, DARK_MS);
		return -EAGAIN;         /* no event tells */
	}
	if (!card_is_acceptable(card))
		return -EAGAIN;
	step_before(STEP_HEAL_OTHERS, card->device);
	if (waits_for_others(ports, card))
		return -EAGAIN;
	step_before(STEP_HEAL_BIND, card->device);
	ret = card_bind(card);
	return ret == -ENODEV ? -EAGAIN : ret;  /* gone again, or taken away */
}

static void
tell(const char *device, struct ports *ports, const struct lost_card *card, uint64_t start_ns)
{
	struct port *port;

	step_before(STEP_HEAL_TELL, device);
	if (ports_keep(ports, PORT_LIVE) == 0)
		return;                 /* closed, every one */
	port_lock();
	port = memory_of(ports);
	if (port != NULL)
		port->n_tries = 0;
	port_unlock();
	host_log(HOST_NOTICE, "%s healed: port %u works again after %u ms", device, ports->id[0],
		 (unsigned int)((device_now_ns() - start_ns) / 1000000));
	raise_all(ports, RTE_ETH_EVENT_RECOVERY_SUCCESS);
	raise_all(ports, RTE_ETH_EVENT_INTR_LSC);
	if (is_asked_for(card))
		port_asked_for(device);
}

static void
run(const char *device)
{
	uint64_t start = device_now_ns();
	struct lost_card card;
	struct ports ports;
	int ret;

	if (ports_find(&ports, device, PORT_HELD) == 0)
		return;
	ret = read_card(&ports, &card);
	if (ret > 0)
		work_push(heal_run, device, ret);
	if (ret != 0)
		return;
	ret = prepare(&ports, &card);
	if (ret == -EAGAIN)
		return;
	if (work_is_left())
		return;         /* disabled meanwhile */
	if (ret == 0)
		ret = revive(device, &ports);
	trace(TRACE_HEAL, device, ret);
	if (work_is_left())
		return;
	if (ret == 0)
		tell(device, &ports, &card, start);
	else if (ret != -ECANCELED)     /* closed, every one */
		try_again(device, &ports, ret);
}

void
heal_run(const char *device)
{
	run(device);
	step_before(STEP_HEAL_OVER, device);
}
