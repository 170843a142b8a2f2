/* SPDX-License-Identifier: BSD-3-Clause */

/* again: when is a card that is back tried next?
 * In:  heal, whose try has failed, or could not begin; events: it came anew; teardown: its
 *      ports are kept.
 * Out: heal_run() in its turn.  While the card is not ours to bind or to open, nothing has
 *      failed, and no try is used up.  What no try can help is given up.  Otherwise six
 *      tries, each twice as late, then the application is told, then slowly, for as long
 *      as the card is there.  Each time that it comes, anew.
 * What is remembered stands in the device's first port that is not closed, and goes with it
 * when it is.
 * Lock: port_lock() around that, never around a callback.
 * Context: work; heal_soon(), heal_returned(): any. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../core/device.h"
#include "../core/work.h"
#include "../eal/host.h"
#include "again.h"

#define N_TRIES 6
#define LONGEST_REFUSAL_MS 4000 /* between two looks at what is not ours to use yet */

unsigned int heal_pause_ms = 250, heal_slow_ms = 30000;

static const char *
what_is_wrong(int ret)
{
	switch (ret) {
	case -ENOSYS:
		return "link with -Wl,--wrap=rte_eth_dev_release_port "
			"(pkg-config --static libdpdk-hotplug has it)";
	case -ERANGE:
		return "the card has too few queues";
	case -ENODATA:
		return "its queues were set up before the library was enabled, and its driver does "
			"not tell how: enable first";
	case -E2BIG:
		return "its devargs are too long to be remembered";
	case -EADDRINUSE:
		return "the card has another number of ports";
	default:
		return strerror(-ret);
	}
}

static unsigned int
pause_ms(unsigned int n)
{
	if (n > N_TRIES)
		return heal_slow_ms;
	return n == 0 ? 0 : heal_pause_ms << (n - 1);
}

/* With the lock held: the port in which stands what is remembered; NULL: each has been closed
 * meanwhile.  While one is left somebody must have its turn: nobody else sends us. */
static struct port *
memory_of(const struct ports *ports)
{
	struct port *port;
	unsigned int i;

	for (i = 0; i < ports->n; i++) {
		port = port_of(&rte_eth_devices[ports->id[i]]);
		if (port->life == ports->life[i])
			return port;
	}
	return NULL;
}

/* As heal_run(), but in its turn. */
void
again_in_turn(const struct ports *ports, const char *device)
{
	uint64_t now = device_now_ns();
	const struct port *port;
	int left_ms = -1;

	port_lock();
	port = memory_of(ports);
	if (port != NULL && port->policy == HOTPLUG_POLICY_HEAL && !port->is_hopeless)
		left_ms = now >= port->next_try_ns ? 0 :
			(int)((port->next_try_ns - now) / 1000000 + 1);
	port_unlock();
	if (left_ms >= 0)
		work_push(heal_run, device, left_ms);
}

void
heal_soon(const char *device)
{
	struct ports ports;

	if (ports_find(&ports, device, PORT_HELD) > 0)
		again_in_turn(&ports, device);
}

/* With the lock held: whatever failed was another time. */
static void
begin_anew(struct port *port)
{
	port->n_tries = port->n_refusals = 0;
	port->refusal = 0;
	port->is_hopeless = false;
	port->next_try_ns = 0;
}

/* It may be tried, or torn down, just now: what fails in there fails for the first time. */
void
heal_returned(const char *device)
{
	struct port *port;
	unsigned int i;

	port_lock();
	for (i = 0; i < RTE_MAX_ETHPORTS; i++) {
		port = port_of(&rte_eth_devices[i]);
		if (port->state >= PORT_DEAD && port->state <= PORT_STUCK &&
		    strcmp(port->device, device) == 0)
			begin_anew(port);
	}
	port_unlock();
	heal_soon(device);
}

/* Another try cannot help.  ENOTSUP is no such case: that is how EAL says that the kernel
 * has the card between two drivers. */
static bool
is_hopeless(int ret)
{
	return ret == -ERANGE || ret == -EADDRINUSE || ret == -ENOSYS || ret == -E2BIG ||
		ret == -ENODATA;
}

/* What cannot be healed is said once of each card: its READY may come after a try that did
 * without, and begins anew. */
static bool
is_said(const struct lost_card *card, const struct ports *ports)
{
	bool is_said = false;
	struct port *port;

	port_lock();
	port = memory_of(ports);
	if (port != NULL) {
		is_said = port->hopeless_generation == card->generation;
		port->hopeless_generation = card->generation;
	}
	port_unlock();
	return is_said;
}

/* One more has failed; how many have, 0: it has been closed. */
static unsigned int
count_try(const struct ports *ports, int ret)
{
	unsigned int n_tries = 0;
	struct port *port;

	port_lock();
	port = memory_of(ports);
	if (port != NULL) {
		n_tries = ++port->n_tries;
		port->is_hopeless = is_hopeless(ret);
		port->next_try_ns = device_now_ns() + pause_ms(n_tries) * 1000000ull;
	}
	port_unlock();
	return n_tries;
}

/* It is the application's, as far as we can tell. */
static void
tell_failure(struct ports *ports)
{
	if (ports_keep(ports, PORT_NONE) == 0)
		return;                 /* closed, every one */
	ports_tell(ports, HOTPLUG_EVENT_GIVEN_UP);
	ports_raise(ports, RTE_ETH_EVENT_RECOVERY_FAILED);
	ports_raise(ports, RTE_ETH_EVENT_INTR_RMV);
}

/* Not yet: again later, each time twice as late, and slowly at last, for as long as it is
 * there.  A port that is torn down first comes by itself (teardown). */
void
again_after_failure(const struct lost_card *card, struct ports *ports, int ret)
{
	unsigned int n_tries = count_try(ports, ret);
	bool is_told = is_hopeless(ret) ? !is_said(card, ports) : n_tries == N_TRIES;

	if (is_told && is_hopeless(ret))
		host_log(HOST_ERR, "%s is back, but port %u cannot be healed: %s", card->device,
			 ports->id[0], what_is_wrong(ret));
	else if (is_told)
		host_log(HOST_ERR, "%s is back, but %u tries have not healed port %u (%s): "
			 "again every %u s", card->device, n_tries, ports->id[0],
			 what_is_wrong(ret), heal_slow_ms / 1000);
	if (is_told)
		tell_failure(ports);
	heal_soon(card->device);
}

/* What is not ours to bind, or to open: nothing has been tried, and nothing failed. */
void
again_after_refusal(const struct ports *ports, const struct lost_card *card, int ret,
		    const char *text)
{
	struct port *port;

	if (ret != card->refusal)
		host_log(HOST_WARN, "%s is back, but is not ours to use yet: %s", card->device,
			 text[0] != '\0' ? text : strerror(-ret));
	port_lock();
	port = memory_of(ports);
	if (port != NULL) {
		port->refusal = ret;
		port->next_try_ns = device_now_ns() + 1000000ull *
			RTE_MIN(pause_ms(++port->n_refusals), (unsigned int)LONGEST_REFUSAL_MS);
		if (port->n_refusals >= N_TRIES)
			port->n_refusals = N_TRIES - 1;
	}
	port_unlock();
	heal_soon(card->device);
}

/* What of it is needed while its ports may be closed.  Two may have sent us (teardown, an
 * event), and the first has found that a pause is due: then so it is, unless somebody
 * says that it came anew (heal_returned). */
bool
again_is_turn(const struct ports *ports, struct lost_card *card)
{
	const struct port *port;
	bool is_its_turn = false;

	port_lock();
	port = memory_of(ports);
	if (port != NULL && port->policy == HOTPLUG_POLICY_HEAL && !port->is_hopeless) {
		card->bus = port->bus;
		card->id = port->id;
		card->is_waiting = port->is_waiting;
		card->refusal = port->refusal;
		snprintf(card->device, sizeof(card->device), "%s", port->device);
		snprintf(card->kernel_driver, sizeof(card->kernel_driver), "%s",
			 port->kernel_driver);
		is_its_turn = device_now_ns() >= port->next_try_ns;
	}
	port_unlock();
	return is_its_turn;
}

void
again_keep_waiting(const struct ports *ports, bool is_waiting)
{
	struct port *port;

	port_lock();
	port = memory_of(ports);
	if (port != NULL)
		port->is_waiting = is_waiting;
	port_unlock();
}

void
again_begin_anew(const struct ports *ports)
{
	struct port *port;

	port_lock();
	port = memory_of(ports);
	if (port != NULL) {
		begin_anew(port);
		port->hopeless_generation = 0;
	}
	port_unlock();
}
