/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_CORE_DEVICE_H
#define HOTPLUG_CORE_DEVICE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "../eal/maps.h"
#include "hotplug_bus.h"
#include "limit.h"

/* VMAs of one region (vfio cuts a hole for the MSI-X table: 3). */
#define DEVICE_MAX_VMAS 8

struct flip;

/* One region: a BAR as this process has it mapped.  Changed only while it is
 * not in the guard (but for the flag), so that signal context may read it. */
struct region {
	struct hotplug_device *dev;
	uintptr_t start, end;   /* page-rounded */
	int restore_fd;
	uint64_t restore_offset;
	_Atomic bool has_anonymous;     /* we have laid some here: no file, or no room */
	unsigned int n_vmas;
	struct vma vma[DEVICE_MAX_VMAS]; /* what was mapped there at publish */
};

/* The most losses and returns that are remembered: config's flaps at most. */
#define DEVICE_MAX_FLAPS 32

/* Signs that a device has been given and watch has not looked at yet. */
#define DEVICE_SIGN(sign) (1u << (sign))
#define DEVICE_LOOK (1u << 31)  /* no sign, just look */
#define DEVICE_FOUND (1u << 30) /* a look has been answered */

/* What is to be done about it on a thread that may block (work.c): a mark, not a message,
 * so it needs no memory, is never lost, and twice is once. */
#define WORK_MARKS 12           /* more than there are functions that anybody asks for */
struct work_mark {
	void (*fn)(const char *device); /* NULL: none */
	uint64_t due_ns;
	bool is_beside;                 /* also while another job of the device runs */
};

/* What its bus finds, when it is asked on another thread (watch/look.c). */
enum look_kind { LOOK_AT, LOOK_WHO };

struct look_result {
	enum look_kind kind;
	const void *key;                /* of the device then */
	enum hotplug_look found;        /* LOOK_AT */
	int error;                      /* LOOK_WHO: identify()'s */
	struct hotplug_identity id;
};

struct look {
	uint64_t number;                /* of the one that counts */
	uint64_t ticket, since_ns;
	enum look_kind kind;
	bool is_under_way;              /* until watch has taken what was found */
	bool is_answered, is_outdated;
	unsigned int wants;             /* kinds that are to begin after it */
	struct look_result result;
	struct hotplug_device *next;    /* in look.c's row, by its lock */
	bool is_queued;
};

/* One device, by bus and name; never freed: a bus slot may be on its way in
 * while we are being disabled. */
struct hotplug_device {
	struct hotplug_device *next;    /* set once, before it is linked */
	struct hotplug_device *same_hash; /* likewise */
	struct hotplug_bus *_Atomic bus; /* its own, or bus_none() when that is unregistered */
	char name[HOTPLUG_NAME_LEN];    /* likewise */

	/* Any context; everything else is guarded by device_lock(). */
	_Atomic unsigned int signs;
	_Atomic bool is_gone;           /* faults need no look any more */
	/* Drivers at work on it: the registers flip while this is not 0 and it is cut off.
	 * Who comes counts itself, then looks whether it is cut off; who cuts it off says so,
	 * then looks whether somebody is at work (both sequentially consistent).  Likewise of
	 * `flip`: who comes or leaves changes the count, then looks whether it flips; who
	 * begins or ends that says so, then looks at the count. */
	_Atomic int n_at_work;
	_Atomic int n_unsettled;        /* of these: may be unmapping it now */
	_Atomic bool is_cut;            /* written with the lock held */
	_Atomic unsigned int n_restored; /* likewise */
	_Atomic(struct flip *) flip;    /* likewise; who is in the guard may use what it finds */
	_Atomic bool is_hidden;         /* a drill: every look finds it absent */
	struct limit lines;             /* of the log */

	/* What the library still has to do, in the words of who does it. */
	_Atomic unsigned int port_owes;         /* port/lost.c */
	uint8_t eal_owes[2];                    /* main/eal.c, in this order; device_lock() */

	/* Of work.c, guarded by its lock. */
	struct hotplug_device *next_marked;
	bool is_marked, is_at_work;
	struct work_mark mark[WORK_MARKS];

	const void *key;                /* NULL: not published; no other device has it */
	unsigned int life;              /* counts publications */
	int unguarded;                  /* -errno of the last publish; 0: it is, or was */
	char driver[HOTPLUG_NAME_LEN];
	char kernel_driver[HOTPLUG_NAME_LEN];
	struct hotplug_identity id;     /* of the card that is, or was, attached */
	unsigned int n_ports;
	uint16_t port[HOTPLUG_MAX_PORTS];
	enum hotplug_fill fill;
	bool works_on_request;
	unsigned int n_regions;
	struct region *region;          /* HOTPLUG_MAX_REGIONS, from the first publish */
	int sign_fd, notice_fd;         /* our dups, in watch's epoll; -1: none */
	bool was_attached;              /* once, in this process */
	bool has_open_bar;              /* is_cut, but for a BAR where it failed */

	enum hotplug_state state;
	enum hotplug_cause cause;       /* of GONE */
	enum hotplug_cause former_cause; /* of the last life; its own, where it stays lost */
	struct vma left;                /* what was laid over its first region when the library was
					 * disabled; its inode, to know it by.  end 0: nothing */
	bool stays_lost;                /* since before we were disabled: every look says so */
	struct hotplug_glance glance;   /* what was last seen; generation 0: not there */
	unsigned int pass;              /* the last scan that saw it */
	uint64_t known_seqnum;          /* older uevents tell nothing new of it */
	uint64_t expected_ns;           /* announced, and not there yet: until when it is looked
					 * for; 0: it is not */

	/* The present suspicion. */
	enum hotplug_sign first_sign;
	uint64_t sign_ns, cut_ns;
	uint64_t look_ns;               /* when to look again; 0: no need */
	uint64_t claimed_ns;            /* since when look() says CLAIMED */
	uint64_t dark_ns;               /* since when it says DARK */
	uint64_t muted_ns;              /* since when it says MUTED, while it was attached */
	bool has_hung_up;               /* its descriptor is dead for good */
	bool was_reset;                 /* and is spared: said when it is restored */
	struct look look;
	bool was_bound;                 /* when it is known: unclear is no driver any more */
	bool asks;                      /* when it is known: the kernel asks for it */
	uint64_t asks_ns;

	/* EAL's thread asks what there is (survive/sign.c), and the last answer. */
	unsigned int eal_asks, eal_answered;
	enum hotplug_look eal_found;

	bool owes_gone;                 /* it is, and that is about to be said */
	bool is_simulated;              /* what it is through is a drill */
	bool is_requested, is_held;     /* REQUESTED, HELD were raised */
	uint64_t requested_ns;

	uint64_t change_ns[DEVICE_MAX_FLAPS]; /* the last losses and returns, a ring */
	unsigned int n_changes;
	bool is_flapping, owes_ready;   /* owes_ready: READY when it stays */
};

/* One lock for the table, the devices in it and the guard's writers: they meet
 * seldom (attach, detach, loss) and never for long.  It is never held while a
 * subscriber, a driver or look() runs. */
void device_lock(void);
void device_unlock(void);
bool device_lock_is_mine(void);         /* the calling thread has it */

/* The list: entries are added, never taken away. */
struct hotplug_device *device_first(void);
struct hotplug_device *device_find(const struct hotplug_bus *bus, const char *name);
/* With the lock held: the one that is published with this key; find or make by name. */
struct hotplug_device *device_find_key(const struct hotplug_bus *bus, const void *key);
struct hotplug_device *device_make(struct hotplug_bus *bus, const char *name);
/* With the lock held: what it has been through is no history of what comes. */
void device_forget(struct hotplug_device *dev);
/* A bus goes: nothing leads to it any more.  A device that is made again is adopted. */
void device_orphan_all(const struct hotplug_bus *bus);
/* Find or make; NULL: no memory or the name is too long.  Takes the lock. */
struct hotplug_device *device_know(struct hotplug_bus *bus, const char *name);
/* Its bus's look() and glance(), but for a drill.  Not under the lock. */
enum hotplug_look device_look(struct hotplug_device *dev, const char *kernel_driver,
			      const struct hotplug_identity *id);
int device_glance(const struct hotplug_bus *bus, const char *name, struct hotplug_glance *glance);
/* Is it gone, suspected, or asked for?  With the bus's key. */
bool device_is_lost(const struct hotplug_bus *bus, const void *key);
/* Is the card that is there now the one that was lost? */
enum hotplug_card device_compare_cards(const struct hotplug_identity *lost,
				       const struct hotplug_identity *now);
bool device_is_cut(const struct hotplug_bus *bus, const void *key);
unsigned int device_count_published(void);
unsigned int device_count_zombies(void);

/* With the lock held: another life begins; who looks at the former one is not heard.  Who
 * has come is asked again, since READY may be owed. */
void device_forget_look(struct hotplug_device *dev);

/* Post a sign and wake watch; signal-safe. */
void device_post(struct hotplug_device *dev, unsigned int bits);

uint64_t device_now_ns(void);

#endif /* HOTPLUG_CORE_DEVICE_H */
