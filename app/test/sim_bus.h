/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_TEST_SIM_BUS_H
#define HOTPLUG_TEST_SIM_BUS_H

#include <pthread.h>

#include "hotplug_bus.h"
#include "toy_bus.h"

/* A bus as the kernel would list it: cards are put, taken, swapped and bound;
 * look(), glance(), identify() and enumerate() answer from that, and uevents of
 * subsystem "sim" name a card by the last part of their path.  Cards have no
 * registers. */

#define SIM_USER "user"         /* the driver that hands a card to user space */

extern struct hotplug_bus sim_bus;

/* Registered, enabled, and what is there is learnt; config may be NULL. */
int sim_enable(const struct hotplug_config *config);
/* Disabled; all cards are gone. */
void sim_disable(void);

/* How often the bus was told of a known card without a user-space driver. */
extern _Atomic unsigned int sim_n_unbound;
/* A card, enumerated anew: its generation is the next.  driver "": none. */
void sim_put(const char *name, const char *driver, const struct hotplug_identity *id);
void sim_take(const char *name);
void sim_drive(const char *name, const char *driver);
/* What look() says whatever is there; -1: the truth. */
void sim_look(const char *name, int look);
unsigned int sim_n_looks(const char *name);     /* glances too */

/* How often identify() was asked; it passes this with its answer. */
extern _Atomic unsigned int sim_n_identified;
extern pthread_mutex_t sim_way_back;
extern _Atomic int sim_identify_ret;            /* for a card that is there; 0 */

int sim_attach(const char *name);
int sim_attach_vfio(const char *name);          /* works on request */
int sim_detach(const char *name);
/* The kernel asks for it (EAL's slot). */
int sim_request(const char *name);

/* Called in enumerate() before the name with this index is handed out. */
void sim_on_enumerate(void (*fn)(unsigned int index));
void sim_enumerate_fails(int ret);

/* What disarm() answers, and how often it has disarmed. */
void sim_disarm_fails(int ret);
unsigned int sim_n_disarms(const char *name);

#endif /* HOTPLUG_TEST_SIM_BUS_H */
