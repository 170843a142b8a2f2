/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_TEST_TOY_BUS_H
#define HOTPLUG_TEST_TOY_BUS_H

#include <pthread.h>
#include <stdatomic.h>

#include "hotplug_bus.h"

/* A bus that is not PCI: a device is some memfds, mapped shared.  Pulling it
 * cuts them to nothing, so that the next access is a real SIGBUS. */

struct toy {
	struct toy *next;
	char name[HOTPLUG_NAME_LEN];
	unsigned int n_regions;
	size_t len;                             /* of each region */
	uint8_t *bar[HOTPLUG_MAX_REGIONS];
	int fd[HOTPLUG_MAX_REGIONS];            /* what is behind it */
	bool restores_by_fd;                    /* publish fd as restore_fd */
	bool works_on_request;
	const char *driver;
	int sign[2];                            /* sign[1] closed: hangs up */
	_Atomic int look;                       /* what look() answers */
	_Atomic unsigned int n_looks;
	pthread_mutex_t gate;                   /* look() passes it */
	pthread_mutex_t way_back;               /* and this one, with its answer */
};

extern struct hotplug_bus toy_bus;

/* enable() with the toy bus registered; config may be NULL. */
int toy_enable(const struct hotplug_config *config);
void toy_disable(void);

/* A device whose registers read 0x5a; look() finds it present. */
void toy_make(struct toy *toy, const char *name, unsigned int n_regions, size_t len);
void toy_destroy(struct toy *toy);
/* Its driver lets a BAR go: where it was.  Anybody may come there. */
uint8_t *toy_unmap(struct toy *toy, unsigned int i);
void toy_info(const struct toy *toy, struct hotplug_device_info *info);
int toy_publish(const struct toy *toy);
int toy_withdraw(const struct toy *toy);
void toy_pull(struct toy *toy);                 /* real SIGBUS from now on */
void toy_hang_up(struct toy *toy);
/* A sign from the backend: cut off when this returns, then looked at. */
int toy_report(const struct toy *toy);

/* Registers: no memory of the program's, so no race for ThreadSanitizer when
 * they are mapped over by another thread. */
uint8_t toy_read(const volatile uint8_t *p);
void toy_write(volatile uint8_t *p, uint8_t value);
/* The first and the last byte of every page. */
bool toy_reads_all(const uint8_t *p, size_t len, uint8_t value);

/* It is seen as 0, and as 0xff: a driver's poll for either ends. */
bool toy_flips(const uint8_t *p);

/* What a subscriber has heard. */
struct heard {
	pthread_mutex_t lock;                   /* all below */
	unsigned int n;
	struct hotplug_event event[256];        /* the first ones */
};

void heard_init(struct heard *heard);
void heard_fn(const struct hotplug_event *event, void *heard);
unsigned int heard_total(struct heard *heard);
unsigned int heard_count(struct heard *heard, enum hotplug_event_type type);
/* The nth (from 0) of that type, waited for; type is -1 when it never came. */
struct hotplug_event heard_wait(struct heard *heard, enum hotplug_event_type type,
				unsigned int nth);

#endif /* HOTPLUG_TEST_TOY_BUS_H */
