/* SPDX-License-Identifier: BSD-3-Clause */

/* self: what the machine does to the process that it runs in, and asks of the world.
 * In:  steps of the primary or of a member; their arg is this process's share.
 * Out: jobs for the hand, wakings, who lives, what is attached here.
 * Context: work (the sync thread, which never waits for a driver: hand.c). */

#include <stdio.h>
#include <string.h>

#include "../core/device.h"
#include "../core/enable.h"
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
is_to_broadcast(const struct share *share)
{
	char reason[SYNC_REASON_LEN];

	return share->is_primary && enable_config()->sync_tell_strangers != 0 &&
		share_has_stranger(share, reason);
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
	const struct share *share = arg;
	struct sync_slot *slot = sync_slot(share->table, share->slot);
	int ret = hand_poll();

	if (ret == -EINPROGRESS)
		return ret;
	slot->reason[0] = '\0';
	if (ret < 0)
		snprintf(slot->reason, sizeof(slot->reason), "%.64s: %.48s", slot->busy,
			 ret == -ENOTSUP ? "no driver takes it there" :
			 strerror(-ret));
	set_busy(share, "");
	return ret;
}

static void
abandon(void *arg)
{
	(void)arg;
	hand_abandon();
}

static int
may(void *arg, enum sync_op op, const char *name, char *reason)
{
	(void)arg;
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

static bool
has_stranger(void *arg, char *reason)
{
	return share_has_stranger(arg, reason);
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
	.describe = describe, .is_lost = is_lost, .has_stranger = has_stranger,
	.tell_left_out = tell_left_out,
};

const struct sync_process self_process = {
	.ops = &self_ops, .start_hand = hand_start, .stop_hand = hand_stop,
	.is_hand = hand_is_self, .name_of = found_name, .expect = local_expect,
	.note_ports = lead_note_all, .follow_gates = lead_follow,
};
