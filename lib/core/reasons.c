/* SPDX-License-Identifier: BSD-3-Clause */

/* reasons: every sentence that says why an attach or a detach failed.
 * In:  what it was, and about what.  Out: words that somebody can act on, and the error.
 * Context: any thread. */

#include <errno.h>
#include <stdio.h>

#include "reasons.h"

/* What it is about stands between; error 0: the caller's. */
static const struct row {
	int error;
	const char *before, *behind;
} rows[REASON_N] = {
	[REASON_DISABLED] = { -EPERM, "dpdk-hotplug is not enabled", "" },
	[REASON_STOPPING] = { -ESHUTDOWN, "dpdk-hotplug is being disabled", "" },
	[REASON_NESTED] = { -EDEADLK, "called during an attach or detach", "" },
	[REASON_TOO_LONG] = { -E2BIG, "the devargs are longer than 4095 bytes", "" },
	[REASON_NO_NAME] = { 0, "no bus knows such a device", "" },
	[REASON_NO_MEMORY] = { -ENOMEM, "no memory", "" },

	[REASON_EARLY] = { -ENOTCONN, "dpdk-hotplug joins the other processes when EAL has probed "
			   "its devices", "" },
	[REASON_NO_PRIMARY] = { -ENOTCONN, "the primary process has not enabled dpdk-hotplug", "" },
	[REASON_NO_TABLE] = { -ENOTCONN, "no shared memory for the processes' table: ", "" },
	[REASON_OTHER_TABLE] = { -ENOTCONN, "the primary's table cannot be used: ", "" },
	[REASON_NO_SLOT] = { -ENOTCONN, "the processes' table has no free slot: it has ", "" },
	[REASON_NO_FOLDER] = { -ENOTCONN, "cannot join the other processes: ", "" },
	[REASON_PRIMARY_ENDED] = { -EHOSTDOWN, "the primary process has ended", "" },
	[REASON_PRIMARY_SILENT] = { -ETIMEDOUT, "the primary process does not answer", "" },
	[REASON_WRITTEN_OVER] = { -EBADMSG, "another process has written over the request: ask again",
				  "" },
	[REASON_DAMAGED] = { -EINVAL, "the request is damaged", "" },
	[REASON_STRANGER] = { -ENOTCONN, "process ", " has not enabled dpdk-hotplug" },
	[REASON_CANNOT_LOOK] = { 0, "cannot see which processes are there: ", "" },
	[REASON_SILENT] = { -ETIMEDOUT, "it does not answer", "" },
	[REASON_AT_WORK] = { -ETIMEDOUT, "its driver is still at work on ", "" },
	[REASON_NO_ENTRY] = { -ENOSPC, "the table has no room for another device", "" },
	[REASON_NOBODY_WAITS] = { -ECANCELED, "nobody waits for it any more", "" },

	[REASON_ATTACHED] = { -EEXIST, "it is attached already", "" },
	[REASON_NOT_ATTACHED] = { -ENODEV, "it is not attached", "" },
	[REASON_TORN_DOWN] = { -EBUSY, "it is being torn down", "" },
	[REASON_KEPT] = { -EBUSY, "port ", " is kept for it" },
	[REASON_HEALS] = { -EBUSY, "port ", " heals just now" },
	[REASON_STARTED] = { -EBUSY, "port ", " is started" },
	[REASON_OTHERS] = { -EBUSY, "another process has it: ", "" },
	[REASON_NO_DEVICE] = { -ENODEV, "no such device", "" },
	[REASON_UNBOUND] = { -ENODEV, "no kernel driver is bound to it: bind it to vfio-pci, "
			     "igb_uio or uio_pci_generic", "" },
	[REASON_KERNEL] = { -ENODEV, "it is bound to ", ": bind it to vfio-pci, igb_uio or "
			    "uio_pci_generic" },
	[REASON_INTERFACE] = { -ENODEV, "it is in use by the kernel: ", " has an address" },
	[REASON_PROCESS_LOCAL] = { -ENOTSUP, "its driver keeps pointers of one process in shared "
				   "memory: ", "" },

	[REASON_NO_DRIVER] = { -ENOTSUP, "no driver takes it there", "" },
	[REASON_PROBE] = { 0, "its driver's probe failed: ", "" },
	[REASON_REMOVE] = { 0, "its driver's remove failed: ", "" },
	[REASON_PROBE_HANGS] = { -ETIMEDOUT, "its driver's probe does not return", "" },
	[REASON_REMOVE_HANGS] = { -ETIMEDOUT, "its driver's remove does not return", "" },
	[REASON_BUSY] = { -EBUSY, "a driver is still at work on another device", "" },
};

int
reason_say(enum reason reason, int error, const char *about, char *text, size_t len)
{
	const struct row *row = &rows[reason];

	snprintf(text, len, "%s%s%s", row->before, about != NULL ? about : "", row->behind);
	return row->error != 0 ? row->error : error;
}
