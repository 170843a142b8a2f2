/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_BUS_H
#define HOTPLUG_BUS_H

/**
 * @file
 * The bus ops layer: what a bus implements so that its devices survive.
 *
 * A backend registers a struct hotplug_bus, publishes each device once it is
 * probed (with the regions through which this process reaches it), and
 * withdraws it before anything unmaps those regions.  The library does the
 * rest: it finds the device that owns a faulting address, watches for signs of
 * removal, cuts the regions off, sees to the device's ethdev ports, and tells subscribers.
 *
 * drivers/bus/pci is the backend of the stock "pci" bus.  Nothing in this file
 * knows about PCI.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hotplug.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Regions a device can have (a PCI function has 6 BARs). */
#define HOTPLUG_MAX_REGIONS 6

struct hotplug_device; /**< a published device; the library's, never freed */
struct rte_device;     /**< EAL's */

/** A range of addresses through which this process reaches a device. */
struct hotplug_region {
	void *addr;     /**< start of the mapping; NULL: no region */
	size_t len;     /**< bytes, rounded up to pages by the library */
	int restore_fd; /**< maps it again if the device lives after all (vfio's
			 * device descriptor; never dup()ed); -1: by the path of
			 * the file that is mapped there */
	uint64_t restore_offset; /**< where the region begins in restore_fd */
	const char *file; /**< the mapping is this device's if its file's name has that in it
			   * ("/0000:01:00.0/resource"); /dev/uioN and vfio's, which name no
			   * device, are believed; NULL: whatever is mapped is; not kept */
};

/** What look() found. */
enum hotplug_look {
	HOTPLUG_LOOK_PRESENT, /**< there, the same, answering */
	HOTPLUG_LOOK_MUTED,   /**< there, but its registers are switched off */
	HOTPLUG_LOOK_DARK,    /**< listed by the kernel, but it does not answer */
	HOTPLUG_LOOK_CLAIMED, /**< its kernel driver is another one, or none */
	HOTPLUG_LOOK_OTHER,   /**< another card, or the same enumerated anew */
	HOTPLUG_LOOK_ABSENT,  /**< not there */
	HOTPLUG_LOOK_RESET,   /**< as PRESENT, and it was reset since it was published */
};

/** A uevent, as text.  NULL members: the event has no such property. */
struct hotplug_uevent {
	const char *action;    /**< "remove" */
	const char *subsystem; /**< "pci", matched exactly */
	const char *devpath;   /**< "/devices/pci0000:00/..." */
	const char *sysname;   /**< last part of devpath */
	const char *driver;    /**< DRIVER, for "bind" */
};

/** What a uevent says about a device of the bus. */
enum hotplug_uevent_kind {
	HOTPLUG_UEVENT_NONE,   /**< nothing */
	HOTPLUG_UEVENT_ADD,    /**< it is there, without a driver */
	HOTPLUG_UEVENT_BIND,   /**< a user-space driver has been bound */
	HOTPLUG_UEVENT_CLAIM,  /**< another driver has been bound */
	HOTPLUG_UEVENT_UNBIND, /**< its driver is being taken away */
	HOTPLUG_UEVENT_REMOVE, /**< it is being taken away */
	HOTPLUG_UEVENT_CHANGE, /**< something has happened to it: worth a look */
};

/** What a backend says of a device when it publishes it. */
struct hotplug_device_info {
	const void *key;           /**< the bus's own pointer: compared, never followed; of a
				    * device with ethdev ports EAL's struct rte_device: its
				    * ports then die, and heal, with it */
	const char *name;          /**< unique on the bus; copied */
	const char *driver;        /**< user-space driver; may be NULL; copied */
	const char *kernel_driver; /**< may be NULL; copied */
	struct hotplug_identity id;/**< what look() compares with */
	unsigned int n_regions;    /**< entries in region */
	struct hotplug_region region[HOTPLUG_MAX_REGIONS]; /**< what it is reached through */
	unsigned int n_ports;      /**< entries in port */
	uint16_t port[HOTPLUG_MAX_PORTS]; /**< its ethdev ports, for events */
	int sign_fd;               /**< hangs up when the device goes; -1: none; the
				    * library dup()s it until withdrawal */
	int notice_fd;             /**< has priority data (EPOLLPRI) until it is read, when the
				    * device is worth a look; 0 or less: none; dup()ed, too */
	bool works_on_request;     /**< a removal is asked for while the device still
				    * works (vfio): not cut off until it is gone */
};

/** What a glance shows: enough to see that something has changed. */
struct hotplug_glance {
	uint64_t generation;   /**< as in struct hotplug_identity */
	char kernel_driver[HOTPLUG_NAME_LEN]; /**< "" when none is bound */
	bool is_user_space;    /**< that driver hands the device to user space */
};

/** What a bus implements.  All members but look may be NULL. */
struct hotplug_bus_ops {
	/** Fill the stock bus's slots, wrap what brings and takes devices, and
	 * publish what is probed already.
	 * @return 0 or -errno: hotplug_enable() fails then.  Context: app */
	int (*enable)(void);
	/** Put all of it back.  Context: app */
	void (*disable)(void);
	/** Make a device's regions harmless; NULL: hotplug_device_cut_off().
	 * @return 0 or -errno.  Context: watch, work, EAL's interrupt thread */
	int (*handle_hot_unplug)(struct hotplug_device *dev);
	/** A fault at addr; NULL: hotplug_bus_fault().
	 * @return 0 handled, < 0 failed, > 0 not mine.  Context: signal */
	int (*sigbus_handler)(const void *addr);
	/** Is the device there, and is it the same?  id is what was published.
	 * It may block: then only this device waits.  Called on several threads at
	 * once, for several devices.  Context: look, work */
	enum hotplug_look (*look)(const char *name, const char *kernel_driver,
				  const struct hotplug_identity *id);
	/** Which card is there now?  As look().
	 * @return 0 or -errno.  Context: look, work, app */
	int (*identify)(const char *name, struct hotplug_identity *id);
	/** The cheapest look: at what changes when anything does.  Must not block, nor
	 * take the kernel's device lock.
	 * @return 0, or -ENOENT: not there.  Context: watch */
	int (*glance)(const char *name, struct hotplug_glance *glance);
	/** Call fn with the name of each device that the kernel lists now.  A
	 * device that vanishes meanwhile is no error.
	 * @return 0 or -errno.  Context: watch */
	int (*enumerate)(void (*fn)(const char *name, void *arg), void *arg);
	/** A device is lost and cut off: whatever stands on it is dead from now on.
	 * Must not block.  Context: watch */
	void (*lost)(const void *key);
	/** A device that was attached once is there with no user-space driver bound.
	 * Must not block.  Context: watch */
	void (*unbound)(const char *name);
	/** Bind this kernel driver to it, whatever is bound now.
	 * @return 0 or -errno.  Context: work */
	int (*bind)(const char *name, const char *kernel_driver);
	/** Which processes have the device open?  fn is called for each, also for this
	 * one; NULL: nobody knows.
	 * @return 0 or -errno.  Context: app, events, sync, telemetry's threads */
	int (*holders)(const char *name, void (*fn)(int pid, void *arg), void *arg);
	/** A drill is about to take the device for lost: stop its DMA for good, until it
	 * is probed again.  NULL: it has none.
	 * @return 0; -ENOTSUP or another -errno: nothing has changed.  Context: app, work */
	int (*disarm)(const char *name);
	/** A device that still answers is lost, and its driver's memory is about to be
	 * freed: stop its DMA, until it is probed again.  What is there may be another
	 * by now, and somebody else's: id is of the one that was lost.  NULL: it has none.
	 * Context: teardown */
	void (*silence)(const char *name, const struct hotplug_identity *id);
	/** What does this uevent say, and of whom?  name has room for
	 * HOTPLUG_NAME_LEN bytes.  Context: watch */
	enum hotplug_uevent_kind (*classify)(const struct hotplug_uevent *uevent,
					     char *name);
	/** Of whom else, and what?  Several devices may stand on what the uevent is about.
	 * name: in the one before, out the next.  NULL: there is none.  Context: watch */
	enum hotplug_uevent_kind (*classify_next)(const struct hotplug_uevent *uevent,
						  char *name);
	/** With this kernel driver, can no process reach the card that comes next
	 * through a mapping of the one that went?  NULL: it may.  Context: work */
	bool (*revokes)(const char *kernel_driver);
	/** What keeps this process from having that kernel driver bound to the device, or
	 * from opening it as it is?  It only asks.
	 * @return 0; -errno, and in text which file it is, and whose.  Context: work */
	int (*obstacle)(const char *name, const char *kernel_driver, char *text, size_t len);
	/** EAL has loaded the library as a plugin and is about to start: have the first
	 * probe of the bus call hotplug_probe_begin().  Context: app, in
	 * hotplug_bus_register() */
	void (*watch_probe)(void);
};

/** A bus. */
struct hotplug_bus {
	const char *name;                  /**< "pci"; static */
	const struct hotplug_bus_ops *ops; /**< static */
};

/**
 * Add a bus.  Its enable() runs at the next hotplug_enable(), or at once when
 * the library is enabled.
 *
 * @param bus  stays the caller's and must live until it is unregistered
 * @return 0; -EINVAL no ops, no look, or no name that fits; -EEXIST the name is taken;
 *   -ENOSPC 8 buses are registered; or what enable() returned
 * @par Context   app, not in a subscriber
 * @since 0.1
 */
int hotplug_bus_register(struct hotplug_bus *bus);

/**
 * Take a bus away; its disable() runs when the library is enabled, and what it
 * has published is withdrawn.  From then on nobody begins a call of its functions; one
 * that is under way in another thread (a look, a glance) ends in its own time.
 *
 * @param bus  the bus
 * @return 0; -ENOENT not registered
 * @par Context   app, not in a subscriber
 * @since 0.1
 */
int hotplug_bus_unregister(struct hotplug_bus *bus);

/**
 * A device is probed: guard it.  Publishing a key again under its name refreshes its
 * regions: those that are mapped no more are dropped.  Under another name it ends what was
 * published with it: what the key points to has been freed, and is another device by now.
 * Withdraw a key before its device is probed anew.
 *
 * @param bus   the bus, registered
 * @param info  copied
 * @return 0; -EINVAL the bus is not registered, no name, or too many or overlapping regions;
 *   -EPERM not enabled; -ENOMEM; -ESTALE a region is not mapped, or
 *   something else is mapped there (a driver that has unmapped it left the address behind)
 * @par Context   app, work
 * @since 0.1
 */
int hotplug_device_publish(struct hotplug_bus *bus,
			   const struct hotplug_device_info *info);

/**
 * A device's regions are about to be unmapped for good.  When this returns,
 * nobody will replace them any more.
 *
 * @param bus   the bus, registered
 * @param key   what it was published with
 * @return 0; -ENOENT it is not published
 * @par Context   app, work
 * @since 0.1
 */
int hotplug_device_withdraw(struct hotplug_bus *bus, const void *key);

/**
 * A driver is about to run code that touches a device's registers and may also
 * unmap them (port close, driver remove).  Until hotplug_device_settle() a fault in
 * its regions is answered only where the mapping is still the recorded one.  The
 * registers of a device that is cut off, before or meanwhile, flip between zeros and
 * ones, so that the driver's polls end.
 *
 * @param bus   the bus, registered
 * @param key   what it was published with
 * @return 0; -ENOENT it is not published
 * @par Context   app, work, teardown
 * @since 0.1
 */
int hotplug_device_unsettle(struct hotplug_bus *bus, const void *key);

/**
 * That code has returned: regions that are mapped no more leave the guard; the
 * registers of a device that is cut off flip no more.
 *
 * @param bus   the bus, registered
 * @param key   what it was published with
 * @return 0; -ENOENT it is not published
 * @par Context   app, work, teardown
 * @since 0.1
 */
int hotplug_device_settle(struct hotplug_bus *bus, const void *key);

/**
 * The backend saw a sign that a device goes.  A device that does not work on
 * request is cut off before this returns; the rest follows on the watch thread.
 * With HOTPLUG_SIGN_EAL, look() is asked first: EAL believes a `remove` that
 * anybody has written to a uevent file, so a device that answers is left alone.
 *
 * @param bus   the bus, registered
 * @param key   what it was published with
 * @param sign  HOTPLUG_SIGN_EAL, HOTPLUG_SIGN_VFIO or HOTPLUG_SIGN_CALLER
 * @return 0; -ENOENT it is not published; -EINVAL another sign
 * @par Context   any thread
 * @since 0.1
 */
int hotplug_bus_report(struct hotplug_bus *bus, const void *key,
		       enum hotplug_sign sign);

/**
 * What sigbus_handler does by default: if addr is in the region of a published
 * device, put pages there that can be read, and have the watch thread look at
 * the device.
 *
 * @param addr  where the fault was
 * @return 0 handled, < 0 failed (-errno), 1 not ours
 * @par Context   signal: async-signal-safe, keeps errno, takes no lock
 * @since 0.1
 */
int hotplug_bus_fault(const void *addr);

/**
 * What handle_hot_unplug does by default: cut off all regions of the device in
 * this process.  Twice is as good as once.
 *
 * @param dev  the device
 * @return 0; -EBUSY its driver is closing it (settle cuts it off); -errno of
 *   mmap() when a region could not be replaced
 * @par Context   any thread
 * @since 0.1
 */
int hotplug_device_cut_off(struct hotplug_device *dev);

/**
 * The bus, or a device, is about to be probed.  For the bus this enables the library, when it
 * was loaded as a plugin.  A fault in a mapping that is not published yet is answered until
 * hotplug_probe_end(); a probe that takes more than a second keeps nobody else from probing.
 *
 * @param key           the device's; NULL: the whole bus
 * @param is_in_driver  is the probe past what it shares with others?  Called with a lock
 *   held, and only with a key
 * @par Context   app, work
 * @since 0.1
 */
void hotplug_probe_begin(const void *key, bool (*is_in_driver)(const void *key));

/**
 * That probe has returned; what it has brought is published after this.
 *
 * @param key  as in hotplug_probe_begin()
 * @par Context   app, work
 * @since 0.1
 */
void hotplug_probe_end(const void *key);

/**
 * Run the stock bus's unplug of a device, as its key.  The stand-in of a device that was lost
 * has its ports closed instead.  Faults are answered meanwhile, what the user said of a lost
 * device outlives it, and when it is gone it is withdrawn.
 *
 * @param bus     the bus, registered
 * @param dev     what EAL wants unplugged
 * @param unplug  runs the stock bus's; 0: dev is freed
 * @param arg     unplug's
 * @return 0; -EBUSY a port of the stand-in is in use; or what unplug has returned
 * @par Context   app, work, teardown
 * @since 0.1
 */
int hotplug_unplug(struct hotplug_bus *bus, struct rte_device *dev,
		   int (*unplug)(struct rte_device *dev, void *arg), void *arg);

/**
 * rte_eal_cleanup() is about to remove the bus's devices: nothing new begins, and what
 * has begun is waited for.  Unsettle the devices after this, and have no driver run again
 * that is at work still (hotplug_device_is_busy()); then hotplug_disable().
 *
 * @return 0; -ENOTSUP in a child of fork()
 * @par Context   app
 * @since 0.1
 */
int hotplug_cleanup_begin(void);

/**
 * Is a driver at work on the device for the library, and has not returned?
 *
 * @param name  the device's
 * @return true: it is
 * @par Context   app, work
 * @since 0.1
 */
bool hotplug_device_is_busy(const char *name);

/**
 * The configuration that the library is enabled with.
 *
 * @return the library's own; good from the bus's enable() to its disable()
 * @par Context   app, work
 * @since 0.1
 */
const struct hotplug_config *hotplug_bus_config(void);

/** How much a line of the log matters. */
enum hotplug_log {
	HOTPLUG_LOG_ERR,    /**< something that was asked for is not done */
	HOTPLUG_LOG_WARN,   /**< something may not work */
	HOTPLUG_LOG_NOTICE, /**< what an operator wants to know */
	HOTPLUG_LOG_DEBUG,  /**< what a developer wants to know */
};

/**
 * A line in the library's log.
 *
 * @param level  how much it matters
 * @param fmt    as printf(), without a newline; what is longer than 479 bytes is cut
 * @par Context   any but signal
 * @since 0.1
 */
void hotplug_bus_log(enum hotplug_log level, const char *fmt, ...)
#ifdef __GNUC__
	__attribute__((format(printf, 2, 3)))
#endif
	;

/**
 * A device's name.
 *
 * @param dev  the device; not NULL
 * @return the name it was published under; as long as the library is loaded
 * @par Context   any
 * @since 0.1
 */
const char *hotplug_device_name(const struct hotplug_device *dev);
/**
 * A device's key.
 *
 * @param dev  the device; not NULL
 * @return the key it was published with; NULL when withdrawn
 * @par Context   any
 * @since 0.1
 */
const void *hotplug_device_key(const struct hotplug_device *dev);

#ifdef __cplusplus
}
#endif

#endif /* HOTPLUG_BUS_H */
