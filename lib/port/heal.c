/* SPDX-License-Identifier: BSD-3-Clause */

/* heal: a card is back; do its ports get a new life, and when?
 * In:  a device whose ports are HELD (work; pushed by events and teardown).
 * Out: if it is the card that was lost, it answers, and nobody may still write to it:
 *      kernel driver bound, its ports revived (revive.c), the application told.  Else
 *      tried again, some times.
 * Context: work. */

#include <errno.h>
#include <string.h>
#include <time.h>

#include <rte_dev.h>

#include "../core/device.h"
#include "../core/enable.h"
#include "../core/host.h"
#include "../core/work.h"
#include "../report/trace.h"
#include "port.h"
#include "together.h"

#define N_TRIES 6
#define FIRST_PAUSE_MS 250
#define DARK_MS 1000            /* between two looks at a card that does not answer */

static _Thread_local bool is_healer;

static void
raise_all(const uint16_t *ids, unsigned int n, enum rte_eth_event_type type)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		rte_eth_dev_callback_process(&rte_eth_devices[ids[i]], type, NULL);
}

static bool
is_there(const struct port *port)
{
	struct hotplug_glance now;

	memset(&now, 0, sizeof(now));
	return port->bus->ops->glance != NULL &&
		device_glance(port->bus, port->device, &now) == 0;
}

/* Still listed, and nobody answers: a probe could only fail, and the kernel's reset
 * before and after it waits for the card (vfio-pci, 6.1: 65 s). */
static bool
is_dark(const struct port *port)
{
	const struct hotplug_identity any = { .generation = 0 };

	return port->bus->ops->look(port->device, port->kernel_driver, &any) ==
		HOTPLUG_LOOK_DARK;
}

/* Bound to the driver that it had?  Only a card that was enumerated anew is: who takes
 * the driver of one that stayed, an administrator or a removal on its way, would find
 * it bound again behind his back.  When he gives it back, an event tells. */
static int
bind_driver(const struct port *port)
{
	const struct hotplug_bus_ops *ops = port->bus->ops;
	struct hotplug_glance now;

	memset(&now, 0, sizeof(now));
	if (ops->glance == NULL || device_glance(port->bus, port->device, &now) != 0)
		return -ENODEV;
	if (strcmp(now.kernel_driver, port->kernel_driver) == 0)
		return 0;
	if (now.generation == port->id.generation)
		return -ENODEV;
	if (ops->bind == NULL)
		return -ENOTSUP;
	return ops->bind(port->device, port->kernel_driver);
}

/* A card that we do not know is not silently taken for the one that was lost. */
static bool
is_acceptable(const struct port *port)
{
	struct hotplug_identity now;

	if (enable_config()->heal_other || port->bus->ops->identify == NULL ||
	    port->bus->ops->identify(port->device, &now) != 0 ||
	    device_compare_cards(&port->id, &now) != HOTPLUG_CARD_OTHER)
		return true;
	host_log(HOST_WARN, "%s: another card came (%04x:%04x); its port is not healed "
		 "(heal_other=on would)", port->device, now.vendor, now.device);
	return false;
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
give_up(const char *device, const uint16_t *ids, unsigned int n, int ret)
{
	host_log(HOST_ERR, "%s is back, but port %u cannot be healed: %s", device, ids[0],
		 what_is_wrong(ret));
	raise_all(ids, n, RTE_ETH_EVENT_RECOVERY_FAILED);
	raise_all(ids, n, RTE_ETH_EVENT_INTR_RMV);
}

static bool
is_to_heal(uint16_t id)
{
	return port_of(&rte_eth_devices[id])->policy == HOTPLUG_POLICY_HEAL;
}

static unsigned int
pause_ms(const struct port *port)
{
	return port->n_tries == 0 ? 0 : FIRST_PAUSE_MS << (port->n_tries - 1);
}

void
heal_soon(const char *device)
{
	uint16_t ids[HOTPLUG_MAX_PORTS];

	if (port_list_held(device, ids) == 0 || !is_to_heal(ids[0]))
		return;
	if (port_of(&rte_eth_devices[ids[0]])->n_tries < N_TRIES)
		work_push(heal_run, device, pause_ms(port_of(&rte_eth_devices[ids[0]])));
}

void
heal_returned(const char *device)
{
	uint16_t ids[HOTPLUG_MAX_PORTS];
	struct port *port;

	if (port_list_held(device, ids) == 0 || !is_to_heal(ids[0]))
		return;
	port = port_of(&rte_eth_devices[ids[0]]);
	if (port->n_tries == N_TRIES)
		port->n_tries = 0;      /* given up, but that was another time */
	port->next_try_ns = 0;
	work_push(heal_run, device, 0);
}

/* Another try cannot help.  ENOTSUP is no such case: that is how EAL says that the kernel
 * has the card between two drivers. */
static bool
is_hopeless(int ret)
{
	return ret == -ERANGE || ret == -EADDRINUSE || ret == -ENOSYS || ret == -E2BIG;
}

/* Not yet: again later, each time twice as late, then not until it comes anew.  A port
 * that is torn down first comes by itself (teardown). */
static void
try_again(const char *device, const uint16_t *ids, unsigned int n, int ret)
{
	struct port *port = port_of(&rte_eth_devices[ids[0]]);

	port->n_tries = is_hopeless(ret) ? N_TRIES : port->n_tries + 1;
	port->next_try_ns = device_now_ns() + pause_ms(port) * 1000000ull;
	if (port->n_tries < N_TRIES)
		heal_soon(device);
	else
		give_up(device, ids, n, ret);
}

/* Has the kernel asked for it while it was healing?  It asks once. */
static bool
is_asked_for(const struct port *port)
{
	const struct hotplug_device *dev;
	bool is_asked;

	device_lock();
	dev = device_find(port->bus, port->device);
	is_asked = dev != NULL && dev->is_requested;
	device_unlock();
	return is_asked;
}

/* Two may have sent us (teardown, an event), and the first has found that a pause is
 * due: then so it is, unless somebody says that it came anew (heal_returned). */
static bool
is_its_turn(const char *device, const struct port *port)
{
	uint64_t now = device_now_ns();

	if (port->policy != HOTPLUG_POLICY_HEAL || port->n_tries == N_TRIES)
		return false;
	if (now >= port->next_try_ns)
		return true;
	work_push(heal_run, device, (port->next_try_ns - now) / 1000000 + 1);
	return false;
}

static void
run(const char *device)
{
	uint16_t ids[HOTPLUG_MAX_PORTS];
	unsigned int n = port_list_held(device, ids);
	uint64_t start = device_now_ns();
	struct port *port;
	int ret;

	if (n == 0)
		return;
	port = port_of(&rte_eth_devices[ids[0]]);
	if (!is_its_turn(device, port))
		return;
	if (!is_there(port))
		return;         /* not yet: an event tells */
	if (is_dark(port)) {
		work_push(heal_run, device, DARK_MS);
		return;         /* no event tells */
	}
	if (!is_acceptable(port))
		return;
	if (together_wait(port))
		return;         /* somebody may still write to it */
	ret = bind_driver(port);
	if (ret == -ENODEV)
		return;         /* gone again, or taken away */
	if (ret == 0)
		ret = revive(device, ids, n);
	trace(TRACE_HEAL, device, ret);
	if (ret != 0) {
		try_again(device, ids, n, ret);
		return;
	}
	port->n_tries = 0;
	host_log(HOST_NOTICE, "%s healed: port %u works again after %u ms", device, ids[0],
		 (unsigned int)((device_now_ns() - start) / 1000000));
	raise_all(ids, n, RTE_ETH_EVENT_RECOVERY_SUCCESS);
	raise_all(ids, n, RTE_ETH_EVENT_INTR_LSC);
	if (is_asked_for(port))
		port_asked_for(device);
}

void
heal_run(const char *device)
{
	is_healer = true;
	run(device);
	is_healer = false;
}

void
heal_wait(const struct rte_eth_dev *eth)
{
	const struct timespec pause = { .tv_nsec = 1000000 };

	while (!is_healer && port_of(eth)->state == PORT_HEALING && !enable_is_child())
		nanosleep(&pause, NULL);
}
