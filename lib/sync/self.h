/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_SYNC_SELF_H
#define HOTPLUG_SYNC_SELF_H

#include "machine.h"
#include "share.h"

/* Their arg: a struct share. */
extern const struct sync_ops self_ops;

#endif /* HOTPLUG_SYNC_SELF_H */
