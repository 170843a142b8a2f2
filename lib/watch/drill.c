/* SPDX-License-Identifier: BSD-3-Clause */

/* drill: a removal without anybody pulling a card.
 * In:  hotplug_simulate_removal/return (any thread), the option drill= (work).
 * Out: a sign, as a bus backend gives one, of a device that every look then finds
 *      absent; the rest is the path of any removal.
 * Order: the device is disarmed first.  One that is torn out writes to memory no more;
 *      this one would, into what its driver frees, so it is reset while it is still
 *      whole, and where that cannot be the drill is refused.
 * Lock: device_lock() around flags; not while the bus disarms.
 * Context: any but signal; the planned one: work. */

#include <errno.h>
#include <string.h>

#include "../core/device.h"
#include "../core/enable.h"
#include "../core/stats.h"
#include "../core/work.h"
#include "../report/log.h"
#include "drill.h"

/* One drill at a time for a device: whoever has set is_simulated goes on. */
static int
claim(struct hotplug_device *dev, const void **key)
{
	int ret = 0;

	device_lock();
	if (dev->key == NULL)
		ret = -ENOENT;
	else if (dev->state != HOTPLUG_STATE_ATTACHED || dev->is_requested || dev->is_simulated)
		ret = -EALREADY;
	else
		dev->is_simulated = true;
	*key = dev->key;
	device_unlock();
	return ret;
}

static void
unclaim(struct hotplug_device *dev)
{
	atomic_store(&dev->is_hidden, false);
	device_lock();
	dev->is_simulated = false;
	device_unlock();
}

static int
simulate(struct hotplug_device *dev)
{
	const void *key;
	int ret = claim(dev, &key);

	if (ret != 0)
		return ret;
	if (dev->bus->ops->disarm != NULL)
		ret = dev->bus->ops->disarm(dev->name);
	if (ret == 0) {
		STATS_ADD(simulated, 1);
		log_device(dev, HOST_NOTICE, ": its removal is simulated");
		atomic_store(&dev->is_hidden, true);
		ret = hotplug_bus_report(dev->bus, key, HOTPLUG_SIGN_CALLER);
	}
	if (ret != 0)           /* not to be disarmed, or detached meanwhile */
		unclaim(dev);
	return ret;
}

int
hotplug_simulate_removal(const char *device)
{
	struct hotplug_device *dev;

	if (device == NULL)
		return -EINVAL;
	if (!enable_is_on())
		return -EPERM;
	dev = device_find(NULL, device);
	return dev != NULL ? simulate(dev) : -ENOENT;
}

int
hotplug_simulate_return(const char *device)
{
	struct hotplug_device *dev;

	if (device == NULL)
		return -EINVAL;
	if (!enable_is_on())
		return -EPERM;
	dev = device_find(NULL, device);
	if (dev == NULL || !atomic_exchange(&dev->is_hidden, false))
		return -ENOENT;
	log_device(dev, HOST_NOTICE, ": its return is simulated");
	device_lock();          /* under which disable closes what wakes watch */
	device_post(dev, DEVICE_LOOK);
	device_unlock();
	return 0;
}

static void
end(const char *device)
{
	(void)hotplug_simulate_return(device);  /* or it was attached again meanwhile */
}

int
drill_run(const char *device, uint32_t for_ms)
{
	int ret = hotplug_simulate_removal(device);

	if (ret == 0 && for_ms != 0)
		(void)work_push(end, device, for_ms);   /* else we are being disabled */
	return ret;
}

static void
begin(const char *device)
{
	int ret = drill_run(device, enable_config()->drill_for_ms);

	if (ret != 0)
		host_log(HOST_ERR, "drill=%s: %s", device, strerror(-ret));
}

void
drill_plan(void)
{
	const struct hotplug_config *config = enable_config();
	int ret;

	if (config->drill[0] == '\0')
		return;
	ret = work_push(begin, config->drill, config->drill_after_ms);
	if (ret != 0)
		host_log(HOST_ERR, "drill=%s: %s", config->drill, strerror(-ret));
}
