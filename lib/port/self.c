/* SPDX-License-Identifier: BSD-3-Clause */

/* self: what the machine does to the process that it runs in, and asks of the world.
 * In:  steps of the primary or of a member; their arg is this process's share.
 * Out: jobs for the hand, wakings, who lives, what is attached here.
 * Context: work (the sync thread, which never waits for a driver: hand.c). */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../core/device.h"
#include "../core/enable.h"
#include "../core/reasons.h"
#include "../eal/host.h"
#include "../sync/machine.h"
#include "../sync/share.h"
#include "found.h"
#include "hand.h"
#include "here.h"
#include "lead.h"
#include "local.h"
#include "port.h"
#include "self.h"

static uint64_t
now_ns(void *arg)
{
	(void)arg;
	return device_now_ns();
}

static bool
is_alive(void *arg, uint32_t slot)
{
	return share_is_alive(arg, slot);
}

static void
wake(void *arg, uint32_t slot)
{
	share_wake_slot(arg, slot);
}

static bool
has(void *arg, const char *name)
{
	(void)arg;
	return found_has(name);
}

static void
set_busy(const struct share *share, const char *name)
{
	struct sync_slot *slot = sync_slot(share->table, share->slot);

	snprintf(slot->busy, sizeof(slot->busy), "%s", name);
}

/* Members find it done then. */
static bool
is_to_broadcast(struct share *share)
{
	char text[SYNC_REASON_LEN];

	return share->is_primary && enable_config()->sync_tell_strangers != 0 &&
		share_has_stranger(share, text) != 0;
}

static int
attach(void *arg, const char *name, const char *text)
{
	set_busy(arg, name);
	return hand_attach(name, text, is_to_broadcast(arg));
}

static int
detach(void *arg, const char *name)
{
	set_busy(arg, name);
	return hand_detach(name, is_to_broadcast(arg));
}

static int
poll_hand(void *arg)
{
	int ret = hand_poll();

	if (ret != -EINPROGRESS)
		set_busy(arg, "");
	return ret;
}

static int
why_failed(void *arg, int error, char *text)
{
	(void)arg;
	if (error == -EALREADY || error == -ENOMEM)     /* it has not begun */
		return reason_say(error == -ENOMEM ? REASON_NO_MEMORY : REASON_BUSY, 0, NULL, text,
				  SYNC_REASON_LEN);
	hand_why(text, SYNC_REASON_LEN);
	return error;
}

static void
abandon(void *arg)
{
	(void)arg;
	hand_abandon();
}

/* fail-safe has the pointers of its sub-devices, and of a thread, in its shared data: a
 * secondary's probe and remove leave theirs there, and the primary's remove aborts (22.11). */
static bool
is_for_one_process(const char *name)
{
	static const char fail_safe[] = "net_failsafe", alias[] = "eth_failsafe";

	return strncmp(name, fail_safe, sizeof(fail_safe) - 1) == 0 ||
		strncmp(name, alias, sizeof(alias) - 1) == 0;
}

static int
may(void *arg, enum sync_op op, const char *name, char *reason)
{
	if (op == SYNC_OP_ATTACH && is_for_one_process(name) && share_has_members(arg))
		return reason_say(REASON_PROCESS_LOCAL, 0, "it is for one that is alone", reason,
				  SYNC_REASON_LEN);
	return op == SYNC_OP_ATTACH ? here_may_attach(name, reason, SYNC_REASON_LEN) :
		here_may_detach(name, reason, SYNC_REASON_LEN);
}

static void
describe(void *arg, const char *name, char *text, size_t len)
{
	(void)arg;
	here_describe(name, text, len);
}

static bool
is_lost(void *arg, const char *name)
{
	struct hotplug_device *dev = device_find(NULL, name);
	const void *key = NULL;

	(void)arg;
	if (teardown_is_running(name))
		return true;
	if (dev == NULL)
		return false;
	device_lock();
	key = dev->key;
	device_unlock();
	return key != NULL && device_is_lost(dev->bus, key);
}

static int
has_stranger(void *arg, char *text)
{
	return share_has_stranger(arg, text);
}

static void
tell_left_out(void *arg, uint32_t slot)
{
	const struct share *share = arg;

	host_log(HOST_ERR, "sync: process %d: its slot in the table is damaged: it is left out "
		 "until it has mended that", sync_slot(share->table, slot)->pid);
}

static const struct sync_ops self_ops = {
	.now_ns = now_ns, .is_alive = is_alive, .wake = wake, .has = has, .attach = attach,
	.detach = detach, .poll = poll_hand, .abandon = abandon, .may = may,
	.describe = describe, .is_lost = is_lost, .has_stranger = has_stranger, .why = why_failed,
	.tell_left_out = tell_left_out,
};

const struct sync_process self_process = {
	.ops = &self_ops, .start_hand = hand_start, .stop_hand = hand_stop,
	.is_hand = here_is_nested, .name_of = found_name, .expect = local_expect,
	.note_ports = lead_note_all, .follow_gates = lead_follow,
};
