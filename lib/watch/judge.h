/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_WATCH_JUDGE_H
#define HOTPLUG_WATCH_JUDGE_H

#include "../core/device.h"
#include "state.h"

/* All on the watch thread, without device_lock(). */

/* A sign, seen now. */
void judge_sign(struct hotplug_device *dev, enum hotplug_sign sign, enum state_input input);
/* The kernel asks for it: if it still answers, so do we ask for it. */
void judge_request(struct hotplug_device *dev);
/* Have an attached device looked at; the answer comes with DEVICE_FOUND. */
void judge_look(struct hotplug_device *dev);
/* The same, and if it stays unclear: a driver has come to it, so its old one has gone. */
void judge_bound(struct hotplug_device *dev);
/* An answer: act on what is clear.  True: it is the one that judge_bound() waited for. */
bool judge_found(struct hotplug_device *dev);
/* It is there with a user-space driver: who is it? */
void judge_ready(struct hotplug_device *dev);
/* It is there without one: who remembers it is told. */
void judge_present(struct hotplug_device *dev);
/* What has become due: HELD, a READY that was withheld. */
void judge_overdue(struct hotplug_device *dev);

bool judge_is_attached(struct hotplug_device *dev);

#endif /* HOTPLUG_WATCH_JUDGE_H */
