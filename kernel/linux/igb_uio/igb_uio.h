/* SPDX-License-Identifier: GPL-2.0 */
/*
 * igb_uio: what its files share.
 *
 *	main.c	probe, remove, open, close
 *	recovery.c	PCI errors, and resets that somebody else makes
 *	reset.c	a reset before the function becomes a bus master
 *	config.c	its configuration, as it was when last known good
 *	vfs.c	virtual functions
 *	state.c	the state machine, what it shows in sysfs, the removed devices
 *	irq.c	the one interrupt that user space waits for
 *	map.c	mappings of BARs, and how they are cut off
 *
 * Lock order: mmap_lock or device_lock, then uio's info_lock, then ->lock.
 * uio calls open(), release(), irqcontrol() and mmap() under its info_lock and
 * never again once uio_unregister_device() has returned; it does not call
 * release() for descriptors that are still open then.
 */
#ifndef IGB_UIO_H
#define IGB_UIO_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/uio_driver.h>
#include <linux/workqueue.h>

enum igb_uio_state {
	STATE_PROBED,		/* bound; never opened */
	STATE_OPENED,		/* open ->opens times; bus master, interrupt */
	STATE_RELEASED,		/* all closed again */
	STATE_RESETTING,	/* somebody else resets it */
	STATE_FAILED,		/* the PCI channel is frozen by an error */
	STATE_REMOVED,		/* taken from us while it was there */
	STATE_UNPLUGGED,	/* found gone */
	N_STATES
};

enum igb_uio_event {
	EVENT_OPEN,
	EVENT_CLOSE,
	EVENT_FAIL,
	EVENT_RESUME,
	EVENT_RESET,
	EVENT_DONE,
	EVENT_REMOVE,
	EVENT_UNPLUG,
	N_EVENTS
};

enum igb_uio_intr {
	INTR_NONE,
	INTR_LEGACY,
	INTR_MSI,
	INTR_MSIX,
};

struct igb_uio;

/* A memory BAR; its number in ->bars is uio's: the page offset to mmap(). */
struct igb_uio_bar {
	struct igb_uio *u;
	unsigned int index;
	phys_addr_t start;
};

struct igb_uio {
	struct uio_info info;
	struct pci_dev *pdev;		/* not to be used once removed */
	char name[16];			/* its address, for when it is gone */
	struct igb_uio_bar bars[MAX_UIO_MAPS];
	char bar_names[PCI_STD_NUM_BARS][8];

	struct mutex lock;		/* guards all that follows */
	enum igb_uio_state state;
	unsigned int opens;		/* descriptors; the last known once removed */
	unsigned int revoked;		/* a bit for each BAR that was cut off */
	unsigned int resets;		/* by others than its user, since it was bound */
	bool is_clean;			/* reset since it last was a bus master */
	struct pci_saved_state *saved;	/* see config.c; NULL: it never was good */
	enum igb_uio_intr intr;		/* INTR_NONE: no interrupt is held */
	int irq;
	bool irq_on;
	struct list_head spaces;	/* where the BARs are mapped, see map.c */
	struct page *ones;		/* what a removed BAR reads, or NULL */

	struct delayed_work deadline;	/* of an error's recovery */

	/* state.c, under its own lock: a removed device, still open */
	struct list_head grave;
	struct device *node;
};

/* state.c */
extern const struct attribute_group igb_uio_state_group;
extern const struct attribute_group *igb_uio_driver_groups[];
int state_move(struct igb_uio *u, enum igb_uio_event event);
int state_peek(const struct igb_uio *u, enum igb_uio_event event);
bool state_is_live(const struct igb_uio *u);
void state_notify(struct igb_uio *u);
void state_bury(struct igb_uio *u, struct device *node);
void state_reap(bool all);

/* main.c */
void retire(struct igb_uio *u);
void free_device(struct igb_uio *u);

/* recovery.c */
extern const struct pci_error_handlers recovery_handlers;
void recovery_init(struct igb_uio *u);
void recovery_stop(struct igb_uio *u);

/* config.c */
int config_save(struct igb_uio *u);
void config_apply(struct igb_uio *u);
int config_restore(struct igb_uio *u);
void config_free(struct igb_uio *u);

/* reset.c */
int reset_at_open(struct igb_uio *u);

/* vfs.c */
extern const struct attribute_group vfs_group;
int vfs_configure(struct pci_dev *pdev, int n);

/* irq.c */
int irq_set_mode(const char *name);
int irq_start(struct igb_uio *u);
void irq_stop(struct igb_uio *u, bool is_present);
int irq_control(struct uio_info *info, s32 on);

/* map.c */
void map_warn_if_powerless(void);
int map_setup(struct igb_uio *u);
void map_revoke(struct igb_uio *u);
void map_free(struct igb_uio *u);

#endif
