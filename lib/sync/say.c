/* SPDX-License-Identifier: BSD-3-Clause */

/* say: what somebody who reads the log is to know of the other processes, once.
 * In:  what the sync thread has found.  Out: the log.
 * Context: work (the sync thread). */

#include "../core/device.h"
#include "../eal/clock.h"
#include "../eal/host.h"
#include "share.h"

/* Once a second at most: who does it once often does it again. */
void
say_mended(void)
{
	static uint64_t last_ns;
	uint64_t now = device_now_ns();

	if (last_ns != 0 && now - last_ns < 1000 * MS)
		return;
	last_ns = now;
	host_log(HOST_ERR, "sync: another process has written over what this one says in the "
		 "table that they share: mended");
}

/* EAL's memory is that primary's: no other one comes to those that it has left. */
void
say_if_left(const struct share *share)
{
	static bool is_said;

	if (is_said || share_is_alive(share, SYNC_PRIMARY))
		return;
	is_said = true;
	host_log(HOST_ERR, "sync: the primary process has ended: nothing is attached or detached "
		 "here any more, and no new primary can start beside this process: end it, and "
		 "start it again after the new one");
}

bool
say_tool(int pid, const char *name)
{
	static int last;

	if (pid != last)
		host_log(HOST_NOTICE, "sync: process %d (%s) has not enabled dpdk-hotplug: it is not "
			 "asked, does not see what is attached from now on, and keeps what is "
			 "detached until it ends", pid, name);
	last = pid;
	return true;
}
