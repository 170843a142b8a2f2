/* SPDX-License-Identifier: BSD-3-Clause */

/* ethdev: bring up and take down what stands on devices: ports, and the other processes.
 * Apart from rooms.c, which needs no librte.
 * In:  enable/disable.  Out: the rooms port and sync, handed to each other.
 * Context: app. */

#include "../core/enable.h"
#include "../port/self.h"
#include "../sync/sync.h"
#include "ethdev.h"
#include "plugin.h"

void
ethdev_share(void)
{
	sync_start(enable_config(), &self_process, plugin_is_starting());
}

void
ethdev_share_no_more(void)
{
	sync_stop();
}
