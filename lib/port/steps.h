/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_PORT_STEPS_H
#define HOTPLUG_PORT_STEPS_H

/* The steps of a teardown and of a heal, in their order (OVER: none is left); on the application's
 * own threads the moment when ethdev has released a port that was closed, and those when it is
 * about to stop one, or to close one.  Tests come between any two of them: they build the
 * library's sources with -DHOTPLUG_TEST and set step_hook, which is called before each, on the
 * thread that takes it, with no lock held but port_probe_lock(): a heal closes with it. */
#define STEPS(STEP) \
	STEP(END_CLAIM) STEP(END_QUIET) STEP(END_INSIDE) STEP(END_QUEUES) STEP(END_OTHERS) \
	STEP(END_CLOSE) STEP(END_CLOSED) STEP(END_DETACH) STEP(END_HELD) STEP(END_OVER) \
	STEP(HEAL_TURN) STEP(HEAL_LOOK) STEP(HEAL_OTHERS) STEP(HEAL_BIND) STEP(HEAL_CLAIM) \
	STEP(HEAL_RELEASE) STEP(HEAL_PROBE) STEP(HEAL_PROBED) STEP(HEAL_CONFIGURE) STEP(HEAL_QUEUES) \
	STEP(HEAL_START) STEP(HEAL_RESTORE) STEP(HEAL_SHARE) STEP(HEAL_SETTLE) STEP(HEAL_TELL) \
	STEP(HEAL_OVER) STEP(GIVEN_BACK) STEP(STOP) STEP(CLOSE)

#define STEP_ENUM(step) STEP_ ## step,
enum step { STEPS(STEP_ENUM) STEP_COUNT };

#ifdef HOTPLUG_TEST
extern void (*_Atomic step_hook)(enum step step, const char *device);

static inline void
step_before(enum step step, const char *device)
{
	void (*hook)(enum step step, const char *device) = step_hook;

	if (hook != NULL)
		hook(step, device);
}
#else
static inline void
step_before(enum step step, const char *device)
{
	(void)step;
	(void)device;
}
#endif

#endif /* HOTPLUG_PORT_STEPS_H */
