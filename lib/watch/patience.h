/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_WATCH_PATIENCE_H
#define HOTPLUG_WATCH_PATIENCE_H

#include "../core/device.h"
#include "state.h"

/* Is what a look found to be believed yet?  If so *input says what it means;
 * if not, dev->look_ns says when to look again.  With device_lock() held. */
bool patience_is_over(struct hotplug_device *dev, enum hotplug_look found, uint64_t now_ns,
		      enum state_input *input);

#endif /* HOTPLUG_WATCH_PATIENCE_H */
