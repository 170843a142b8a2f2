/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_CORE_DEVICE_H
#define HOTPLUG_CORE_DEVICE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "../survive/maps.h"
#include "hotplug_bus.h"

/* VMAs of one region (vfio cuts a hole for the MSI-X table: 3). */
#define DEVICE_MAX_VMAS 8

/* One region: a BAR as this process has it mapped.  Changed only while it is
 * not in the guard (but for the flag), so that signal context may read it. */
struct region {
	struct hotplug_device *dev;
	uintptr_t start, end;   /* page-rounded */
	int restore_fd;
	_Atomic bool has_anonymous;     /* we have laid some here: no file, or no room */
	unsigned int n_vmas;
	struct vma vma[DEVICE_MAX_VMAS]; /* what was mapped there at publish */
};

/* Signs that a device has been given and watch has not looked at yet. */
#define DEVICE_SIGN(sign) (1u << (sign))
#define DEVICE_LOOK (1u << 31)  /* no sign, just look */

/* One device, by bus and name; never freed: a bus slot may be on its way in
 * while we are being disabled. */
struct hotplug_device {
	struct hotplug_device *next;    /* set once, before it is linked */
	struct hotplug_bus *bus;        /* likewise */
	char name[HOTPLUG_NAME_LEN];    /* likewise */

	/* Any context; everything else is guarded by device_lock(). */
	_Atomic unsigned int signs;
	_Atomic bool is_gone;           /* faults need no look any more */
	_Atomic int n_unsettled;        /* drivers that may be unmapping it now */

	const void *key;                /* NULL: not published */
	char driver[HOTPLUG_NAME_LEN];
	char kernel_driver[HOTPLUG_NAME_LEN];
	struct hotplug_identity id;
	enum hotplug_fill fill;
	bool works_on_request;
	unsigned int n_regions;
	struct region region[HOTPLUG_MAX_REGIONS];
	int sign_fd;                    /* our dup, in watch's epoll; -1: none */
	bool is_cut, wants_cut;         /* wants_cut: when it has settled */

	enum hotplug_state state;
	enum hotplug_sign first_sign;   /* of the present suspicion */
	bool is_requested;              /* REQUESTED was said */
	unsigned int dark_looks;        /* in a row */
	uint64_t sign_ns, cut_ns;
	uint64_t look_ns;               /* when to look again; 0: no need */
	uint64_t claimed_ns;            /* since when look() says CLAIMED */
};

/* One lock for the table, the devices in it and the guard's writers: they meet
 * seldom (attach, detach, loss) and never for long.  It is never held while a
 * subscriber, a driver or look() runs. */
void device_lock(void);
void device_unlock(void);

/* The list: entries are added, never taken away. */
struct hotplug_device *device_first(void);
struct hotplug_device *device_find(const struct hotplug_bus *bus, const char *name);
/* Find or make; NULL: no memory or the name is too long.  Takes the lock. */
struct hotplug_device *device_know(struct hotplug_bus *bus, const char *name);
void device_withdraw_all(const struct hotplug_bus *bus); /* NULL: all buses */
unsigned int device_count_published(void);

/* Post a sign and wake watch; signal-safe. */
void device_post(struct hotplug_device *dev, unsigned int bits);

uint64_t device_now_ns(void);

/* Set by enable, read at publish: which fill does this driver's device get? */
void device_set_fills(enum hotplug_fill fill, const struct hotplug_driver_fill *list);

#endif /* HOTPLUG_CORE_DEVICE_H */
