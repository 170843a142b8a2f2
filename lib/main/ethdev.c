/* SPDX-License-Identifier: BSD-3-Clause */

/* ethdev: bring up and take down what stands on devices: ports, and the other processes.
 * Apart from rooms.c, which needs no librte.
 * In:  enable/disable.  Out: port and sync hang on what becomes of devices of any bus, and
 *      are handed to each other.
 * Context: app. */

#include <errno.h>
#include <pthread.h>

#include "../core/duty.h"
#include "../core/enable.h"
#include "../port/die.h"
#include "../port/grace.h"
#include "../port/lead.h"
#include "../port/port.h"
#include "../port/probe.h"
#include "../port/self.h"
#include "../port/whose.h"
#include "../survive/unmap.h"
#include "../sync/gates.h"
#include "../sync/sync.h"
#include "ethdev.h"
#include "plugin.h"

/* Ports die as long as there are devices; what follows ends before. */
static const struct duty ports_die = { .published = port_published, .lost = port_lost };
static const struct duty ports_follow = { .returned = port_returned, .spares = port_spares,
					  .event = port_on_event };
static const struct duty others_hear = { .seen = sync_tell_sign };

/* A child that was forked asks and closes its ports as its parent did before it had us: what
 * these calls take is not held for good by a thread that the child has not.  Nobody takes
 * two of these together, or one of them with device_lock() (rooms.c), but for gates' with lead's
 * held. */
static void
begin_fork(void)
{
	port_lock();
	lead_lock();
	gates_lock();
	whose_lock();
}

static void
end_fork(void)
{
	whose_unlock();
	gates_unlock();
	lead_unlock();
	port_unlock();
}

static int
watch_forks(void)
{
	static bool is_watching;

	if (!is_watching && pthread_atfork(begin_fork, end_fork, end_fork) != 0)
		return -ENOMEM;
	is_watching = true;
	return 0;
}

static bool has_turn;

/* Nobody of ours probes or removes while the buses change hands: he would do it half with us and
 * half without, and nobody would guard what he has probed.  Not for a driver that is stuck. */
static void
take_turn(void)
{
	if (!port_probe_is_mine())
		has_turn = port_probe_lock_for(enable_config()->stuck_ms);
}

static void
give_turn(void)
{
	if (has_turn)
		port_probe_unlock();
	has_turn = false;
}

int
ethdev_start(void)
{
	int ret = watch_forks();

	unmap_take_calls();
	take_turn();
	if (ret == 0)
		ret = whose_start();
	if (ret == 0)
		ret = duty_take(&ports_die);
	if (ret == 0)
		ret = duty_take(&ports_follow);
	if (ret == 0)
		ret = duty_take(&others_hear);
	if (ret != 0) {         /* nobody would see to the ports */
		ethdev_stop();
		ethdev_let_go();
	}
	return ret;
}

void
ethdev_go_on(void)
{
	give_turn();
	grace_start();
	sync_start(enable_config(), &self_process, plugin_is_starting());
	port_resume();
}

void
ethdev_stop(void)
{
	give_turn();            /* an enable that has failed */
	sync_stop();
	duty_leave(&others_hear);
	duty_leave(&ports_follow);
	whose_stop();
	teardown_wait_all();
	take_turn();
}

void
ethdev_let_go(void)
{
	duty_leave(&ports_die);
	port_unwrap_all();
	give_turn();
}
