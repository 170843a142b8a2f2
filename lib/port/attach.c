/* SPDX-License-Identifier: BSD-3-Clause */

/* attach: ports come and go on request.
 * In:  hotplug_port_attach/detach/remove (app, events).  Out: EAL's probe and remove,
 *      a port id, or an error with everything as it was.
 * A closed port has no device any more in ethdev; whose it was is noted when ethdev
 * says DESTROY, so that it can be detached by its id.
 * Lock: `lock`: EAL's probe and remove are not thread-safe, so ours are one at a
 *      time; names_lock: the notes.  Neither is held around a subscriber.
 * Context: app, events; blocks as long as the driver does. */

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <rte_bus.h>
#include <rte_dev.h>
#include <rte_devargs.h>

#include "../core/host.h"
#include "../sync/sync.h"
#include "port.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;        /* probe and remove */
static pthread_mutex_t names_lock = PTHREAD_MUTEX_INITIALIZER;  /* names */
static char names[RTE_MAX_ETHPORTS][HOTPLUG_NAME_LEN];          /* of closed ports */

static int
on_destroy(uint16_t port, enum rte_eth_event_type type, void *arg, void *result)
{
	const struct rte_eth_dev *eth = &rte_eth_devices[port];

	(void)type;
	(void)arg;
	(void)result;
	pthread_mutex_lock(&names_lock);
	snprintf(names[port], sizeof(names[port]), "%s",
		 eth->device != NULL && eth->device->name != NULL ? eth->device->name : "");
	pthread_mutex_unlock(&names_lock);
	return 0;
}

void
port_probe_lock(void)
{
	pthread_mutex_lock(&lock);
}

void
port_probe_unlock(void)
{
	pthread_mutex_unlock(&lock);
}

void
attach_start(void)
{
	rte_eth_dev_callback_register(RTE_ETH_ALL, RTE_ETH_EVENT_DESTROY, on_destroy, NULL);
}

void
attach_stop(void)
{
	rte_eth_dev_callback_unregister(RTE_ETH_ALL, RTE_ETH_EVENT_DESTROY, on_destroy, NULL);
}

static int
match_name(const struct rte_device *dev, const void *name)
{
	return strcmp(rte_dev_name(dev), name);
}

/* The device of that name on the bus, probed or not. */
static struct rte_device *
find_device(const struct rte_devargs *devargs)
{
	return bus_find_device(devargs->bus, match_name, devargs->name);
}

/* EAL's words are few: -ENOTSUP, -ENODEV and so on. */
static int
probe(const char *text, const struct rte_devargs *devargs)
{
	struct rte_device *dev = find_device(devargs);
	int ret;

	if (dev != NULL && rte_dev_is_probed(dev))
		return -EEXIST;
	ret = rte_dev_probe(text);
	return ret < 0 ? ret : 0;
}

static int
first_port(const struct rte_devargs *devargs, uint16_t *port_id)
{
	struct rte_device *dev = find_device(devargs);
	uint16_t ids[HOTPLUG_MAX_PORTS];

	if (dev == NULL)
		return -ENODEV;
	if (port_list(dev, ids) == 0) {
		(void)rte_dev_remove(dev);
		return -ENOTSUP;        /* a device without an ethdev port */
	}
	*port_id = ids[0];
	return 0;
}

/* In all processes: each probes it on a thread of its own. */
static int
attach_together(const char *text, const struct rte_devargs *devargs, uint16_t *port_id)
{
	struct hotplug_outcome outcome = { .size = sizeof(outcome) };
	uint16_t ids[HOTPLUG_MAX_PORTS];
	const struct rte_device *dev;
	int ret = sync_attach(text, &outcome);

	if (ret != 0) {
		host_log(HOST_ERR, "attach: %s (process %d)", outcome.reason, outcome.pid);
		return ret;
	}
	dev = find_device(devargs);
	if (dev == NULL || port_list(dev, ids) == 0) {
		sync_detach(devargs->name, NULL);
		return dev == NULL ? -ENODEV : -ENOTSUP;
	}
	*port_id = ids[0];
	return 0;
}

int
hotplug_port_attach(const char *text, uint16_t *port_id)
{
	struct rte_devargs devargs;
	int ret;

	if (text == NULL || text[0] == '\0' || port_id == NULL)
		return -EINVAL;
	memset(&devargs, 0, sizeof(devargs));
	ret = rte_devargs_parse(&devargs, text);
	if (ret < 0 || devargs.bus == NULL) {
		host_log(HOST_ERR, "attach: no bus knows a device '%s'", text);
		ret = -EINVAL;
	} else if (sync_is_on()) {
		ret = attach_together(text, &devargs, port_id);
	} else {
		pthread_mutex_lock(&lock);
		ret = probe(text, &devargs);
		if (ret == 0)
			ret = first_port(&devargs, port_id);
		pthread_mutex_unlock(&lock);
		if (ret != 0)
			host_log(HOST_ERR, "attach %s: %s", devargs.name, strerror(-ret));
	}
	rte_devargs_reset(&devargs);
	return ret;
}

/* Whose port it is, or was until it was closed. */
static int
device_of(uint16_t port_id, char *name)
{
	const struct rte_eth_dev *eth = &rte_eth_devices[port_id];
	int ret = 0;

	if (eth->state != RTE_ETH_DEV_UNUSED) {
		snprintf(name, HOTPLUG_NAME_LEN, "%s", rte_dev_name(eth->device));
		return 0;
	}
	pthread_mutex_lock(&names_lock);
	snprintf(name, HOTPLUG_NAME_LEN, "%s", names[port_id]);
	if (name[0] == '\0')
		ret = -ENODEV;
	pthread_mutex_unlock(&names_lock);
	return ret;
}

static int
detach_device(const char *name)
{
	struct rte_devargs devargs;
	struct rte_device *dev;
	uint16_t ids[HOTPLUG_MAX_PORTS];
	int ret;

	memset(&devargs, 0, sizeof(devargs));
	ret = rte_devargs_parse(&devargs, name);
	if (ret < 0)
		return -ENODEV;
	dev = find_device(&devargs);
	if (dev == NULL || !rte_dev_is_probed(dev))
		ret = -ENODEV;
	else if (port_list(dev, ids) > 0)
		ret = -EBUSY;   /* another of its ports is in use */
	else
		ret = rte_dev_remove(dev);
	rte_devargs_reset(&devargs);
	return ret;
}

static bool
has_open_ports(const char *name)
{
	struct rte_devargs devargs;
	const struct rte_device *dev = NULL;
	uint16_t ids[HOTPLUG_MAX_PORTS];

	memset(&devargs, 0, sizeof(devargs));
	if (rte_devargs_parse(&devargs, name) == 0)
		dev = find_device(&devargs);
	rte_devargs_reset(&devargs);
	return dev != NULL && port_list(dev, ids) > 0;
}

static void
forget(const char *name)
{
	unsigned int i;

	pthread_mutex_lock(&names_lock);
	for (i = 0; i < RTE_MAX_ETHPORTS; i++)
		if (strcmp(names[i], name) == 0)
			names[i][0] = '\0';
	pthread_mutex_unlock(&names_lock);
}

static int
detach(uint16_t port_id, char *name, size_t size)
{
	char device[HOTPLUG_NAME_LEN];
	int ret = device_of(port_id, device);

	if (ret == 0 && strlen(device) >= size)
		return -ENAMETOOLONG;
	if (ret == 0)
		ret = detach_device(device);
	if (ret != 0)
		return ret;
	forget(device);
	strcpy(name, device);
	return 0;
}

/* is_closed: it must be, in this process. */
static int
detach_together(uint16_t port_id, bool is_closed, char *name, size_t size)
{
	struct hotplug_outcome outcome = { .size = sizeof(outcome) };
	char device[HOTPLUG_NAME_LEN];
	int ret = device_of(port_id, device);

	if (ret == 0 && strlen(device) >= size)
		return -ENAMETOOLONG;
	if (ret == 0 && is_closed && has_open_ports(device))
		return -EBUSY;
	if (ret != 0)
		return ret;
	ret = sync_detach(device, &outcome);
	if (ret != 0) {
		host_log(HOST_ERR, "detach: %s (process %d)", outcome.reason, outcome.pid);
		return ret;
	}
	forget(device);
	strcpy(name, device);
	return 0;
}

static int
detach_alone(uint16_t port_id, char *name, size_t size)
{
	int ret;

	pthread_mutex_lock(&lock);
	ret = detach(port_id, name, size);
	pthread_mutex_unlock(&lock);
	return ret;
}

int
hotplug_port_detach(uint16_t port_id, char *name, size_t size)
{
	int ret;

	if (port_id >= RTE_MAX_ETHPORTS || name == NULL || size == 0)
		return -EINVAL;
	ret = sync_is_on() ? detach_together(port_id, true, name, size) :
		detach_alone(port_id, name, size);
	if (ret != 0)
		host_log(HOST_ERR, "detach port %u: %s", port_id, ret == -EBUSY ?
			 "it, or another port of its device, is not closed" : strerror(-ret));
	return ret;
}

int
hotplug_port_remove(uint16_t port_id, char *name, size_t size)
{
	const struct rte_eth_dev *eth;
	int ret;

	if (port_id >= RTE_MAX_ETHPORTS || name == NULL || size == 0)
		return -EINVAL;
	eth = &rte_eth_devices[port_id];
	if (eth->state != RTE_ETH_DEV_UNUSED) {
		if (eth->data->owner.id != RTE_ETH_DEV_NO_OWNER) {
			host_log(HOST_ERR, "remove port %u: it belongs to %s", port_id,
				 eth->data->owner.name);
			return -EBUSY;
		}
		ret = eth->data->dev_started ? rte_eth_dev_stop(port_id) : 0;
		if (ret == 0 && sync_is_on())   /* the primary closes it, last */
			return detach_together(port_id, false, name, size);
		if (ret == 0)
			ret = rte_eth_dev_close(port_id);
		if (ret != 0)
			return ret;
	}
	return hotplug_port_detach(port_id, name, size);
}
