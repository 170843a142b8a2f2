/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_SYNC_SYNC_H
#define HOTPLUG_SYNC_SYNC_H

#include <stdbool.h>

#include "gates.h"
#include "hotplug.h"

struct sync_ops;

/* The process that it runs in: what it can do, and who does it. */
struct sync_process {
	const struct sync_ops *ops;     /* their arg: this process's struct share */
	/* A thread that does one job at a time, and says when one is done. */
	int (*start_hand)(void (*done)(void));
	void (*stop_hand)(void);
	bool (*is_hand)(void);
	/* The device's name in devargs; HOTPLUG_NAME_LEN bytes; -EINVAL, -ENAMETOOLONG. */
	int (*name_of)(const char *devargs, char *name);
	void (*expect)(const char *devargs);    /* EAL will probe it, with these */
	/* The primary: each port that is started is noted (sync_gate_set), and will be; -errno:
	 * it will not.  A secondary: each is as its gate says. */
	int (*note_ports)(void);
	void (*follow_gates)(void);
};

/* With enable and disable; what cannot be shared is said, and this process goes on
 * alone.  is_in_first_probe: EAL starts, and its first probe calls. */
void sync_start(const struct hotplug_config *config, const struct sync_process *process,
		bool is_in_first_probe);
void sync_stop(void);

/* This process has seen a device go, or being asked for, by a sign of its own: that is
 * a sign for the others.  Context: watch; does not block. */
void sync_tell_sign(const char *device, uint64_t generation);

/* Are there, or may there be, other processes that attach and detach with us? */
bool sync_is_on(void);
bool sync_has_others(void);
/* Where sync_is_on() says no: why, and the error to give. */
int sync_why_not(char *text, size_t len);
/* Everywhere or nowhere; errors as in hotplug.h. */
int sync_attach(const char *devargs, struct hotplug_outcome *outcome);
int sync_detach(const char *name, struct hotplug_outcome *outcome);

/* The primary's.  All the others let go of a device that is lost here, or not here any
 * more, and say so.  0: also, where it is lost, when some have not in time; -ETIMEDOUT,
 * -ENOTCONN and so on: the outcome names who has not. */
int sync_clear(const char *name, struct hotplug_outcome *outcome);
/* It works here again, which took so long: now everywhere, or the error of who failed,
 * and nowhere but here.  Who did not know that it was gone catches up. */
int sync_share(const char *devargs, uint64_t probe_ns, struct hotplug_outcome *outcome);

/* May it be polled in secondaries?  The primary's; it is told to all, and they are waited
 * for, for so long.  A secondary's question. */
/* True: the gate was not so, and all are to follow this turn. */
bool sync_gate_set(uint16_t port, bool is_open, uint32_t *turn);
void sync_gate_wait(uint16_t port, bool is_open, uint32_t turn, unsigned int deadline_ms);
enum gate sync_gate(uint16_t port);

#endif /* HOTPLUG_SYNC_SYNC_H */
