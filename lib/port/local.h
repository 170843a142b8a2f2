/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_PORT_LOCAL_H
#define HOTPLUG_PORT_LOCAL_H

#include <stdbool.h>
#include <stddef.h>

struct rte_device;

/* A device in this process alone, without EAL's own message to the others. */

/* The device's name in devargs; name has HOTPLUG_NAME_LEN bytes.  -EINVAL: no bus
 * knows it; -ENAMETOOLONG. */
int local_name(const char *text, char *name);
bool local_has(const char *name);
/* 1 done newly, 0 it was so, -errno; reason gets a sentence.  Block as long as the
 * driver does. */
int local_attach(const char *name, const char *text);
int local_detach(const char *name);
/* The same by EAL's own calls, which ask every process by message: also those that have
 * not enabled us; and wait 5 s for one that is stopped.  The primary's. */
int local_attach_all(const char *name, const char *text);
int local_detach_all(const char *name);
/* With port_probe_lock() held already: heal's own. */
int local_probe(const char *name, const char *text);
/* By EAL's own call, or -errno; what is too long for its message is probed here alone. */
int local_probe_told(const char *name, const char *text);
int local_remove(const char *name);
/* By EAL's own call, which tells other processes where it can; with the lock held. */
int local_remove_told(struct rte_device *dev);
/* 0, or -EBUSY and the reason: a port is started, is kept for it, heals or is torn down;
 * to attach also: another process has the device. */
int local_may_attach(const char *name, char *reason, size_t len);
int local_may_detach(const char *name, char *reason, size_t len);
/* While EAL starts: when it probes this device, then with these. */
void local_expect(const char *text);
/* Its devargs as text, or its name. */
void local_describe(const char *name, char *text, size_t len);

/* hand.c: a thread that does one of these at a time, so that who waits for a driver
 * can stop waiting.  done(): called by it at the end of each. */
int hand_start(void (*done)(void));
void hand_stop(void);           /* a driver that does not return keeps its thread */
bool hand_is_self(void);
/* -EINPROGRESS, or -EALREADY: it is at work.  by_broadcast: local_..._all(). */
int hand_attach(const char *name, const char *text, bool by_broadcast);
int hand_detach(const char *name, bool by_broadcast);
int hand_poll(void);            /* -EINPROGRESS, or what became of it */
void hand_abandon(void);        /* what it is at is undone when its driver returns */

#endif /* HOTPLUG_PORT_LOCAL_H */
