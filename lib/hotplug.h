/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_H
#define HOTPLUG_H

/**
 * @file
 * dpdk-hotplug: keep a DPDK application running while devices vanish.
 *
 * hotplug_enable() guards every probed device: when one goes away, its BARs in
 * this process are cut off (they read as all ones from then on; what is written
 * stays in this process, and is read back) before anybody is told, so that neither a poll mode
 * driver nor the application touches a device that is gone, or another card
 * that has come to the same address.  Subscribers then hear what happened.
 *
 * Threads.  Every call is thread-safe unless it says otherwise.  Subscribers
 * run on the library's "events" thread with no lock held: they may call
 * anything declared here but hotplug_enable() and hotplug_disable().  No call
 * but hotplug_sigbus_dispatch() may be used in a signal handler.
 *
 * Errors.  Calls return 0 or a positive value, or -errno; on failure outputs
 * are untouched.  Nothing here ends the process.
 *
 * Growth.  A struct that begins with its size grows at its end only.  The library
 * reads and writes no more of it than that size, so an application that was compiled
 * with an older version of this file needs no change; a size that is larger than the
 * library's own, an application newer than the library, is refused.
 *
 * The data path is not touched: no hook in rx or tx, no branch, no store.
 */

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Room for a device name ("0000:01:00.0") or a driver name, with its NUL. */
#define HOTPLUG_NAME_LEN 64

/** Room for a file's path, with its NUL. */
#define HOTPLUG_PATH_LEN 256

/** Devices and drivers that a configuration can give a policy of their own. */
#define HOTPLUG_MAX_POLICIES 32

/** Drivers that a configuration can give a fill of their own. */
#define HOTPLUG_MAX_DRIVER_FILLS 16

/** What a device is to this process (doc/states.md has the whole machine). */
enum hotplug_state {
	HOTPLUG_STATE_ABSENT,   /**< not there (it may be remembered) */
	HOTPLUG_STATE_PRESENT,  /**< there, no user-space driver bound */
	HOTPLUG_STATE_READY,    /**< there, user-space driver bound, not attached */
	HOTPLUG_STATE_ATTACHED, /**< probed in this process and guarded */
	HOTPLUG_STATE_SUSPECT,  /**< a sign of removal was seen; being confirmed */
	HOTPLUG_STATE_GONE,     /**< lost while attached; BARs are cut off */
};

/** Why a device went. */
enum hotplug_cause {
	HOTPLUG_CAUSE_NONE,
	HOTPLUG_CAUSE_REQUESTED, /**< the kernel (vfio) asks for it; it still works */
	HOTPLUG_CAUSE_REMOVED,   /**< the kernel or the slot lost it */
	HOTPLUG_CAUSE_UNBOUND,   /**< its kernel driver was unbound or changed */
	HOTPLUG_CAUSE_FAULT,     /**< accesses fault and it does not recover */
	HOTPLUG_CAUSE_SILENT,    /**< it stopped answering and nobody said so */
	HOTPLUG_CAUSE_RESET,     /**< it was reset: what its driver had set is lost */
};

/** What was seen first. */
enum hotplug_sign {
	HOTPLUG_SIGN_NONE,
	HOTPLUG_SIGN_UIO,      /**< /dev/uioN hung up */
	HOTPLUG_SIGN_UEVENT,   /**< a kernel uevent */
	HOTPLUG_SIGN_VFIO,     /**< a vfio release request */
	HOTPLUG_SIGN_EAL,      /**< EAL's own monitor called the bus */
	HOTPLUG_SIGN_FAULT,    /**< SIGBUS on one of its BARs */
	HOTPLUG_SIGN_LIVENESS, /**< a periodic look */
	HOTPLUG_SIGN_CALLER,   /**< hotplug_bus_report() by a bus backend, or a drill */
};

/** What subscribers are told. */
enum hotplug_event_type {
	HOTPLUG_EVENT_GONE,      /**< lost; its BARs in this process are cut off */
	HOTPLUG_EVENT_REQUESTED, /**< please release it; its BARs still work */
	HOTPLUG_EVENT_RESTORED,  /**< it was suspected, and lives: mapped as before */
	HOTPLUG_EVENT_READY,     /**< there, with a user-space driver bound */
	HOTPLUG_EVENT_HELD,      /**< requested, and nobody has released it in time */
	HOTPLUG_EVENT_FLAPPING,  /**< comes and goes; READY is withheld until it stays */
	HOTPLUG_EVENT_RESCAN,    /**< events were dropped because subscribers lag:
				  * compare what you know with hotplug_device_state() */
	HOTPLUG_EVENT_STUCK,     /**< a lost port's driver does not return from its stop,
				  * close or remove, or from the probe that heals it; closing
				  * the port is -EBUSY meanwhile */
	HOTPLUG_EVENT_HEALED,    /**< back, and its ports work again (HOTPLUG_POLICY_HEAL) */
	HOTPLUG_EVENT_GIVEN_UP,  /**< back, but its ports could not be healed; it is tried
				  * again only now and then, or when it comes anew */
};

/** Is a card that is READY the one that was lost at this address? */
enum hotplug_card {
	HOTPLUG_CARD_NEW,   /**< nothing is remembered of this address */
	HOTPLUG_CARD_SAME,  /**< ids and serial number are those that were lost */
	HOTPLUG_CARD_ALIKE, /**< ids are, and neither has a serial number to tell */
	HOTPLUG_CARD_OTHER, /**< another one */
};

/** Ports that an event can name.  A device may have more (representors): they are seen to
 * all the same, and hotplug_port_list() names them all. */
#define HOTPLUG_MAX_PORTS 8

/** What the cut-off registers of a lost device read as. */
enum hotplug_fill {
	HOTPLUG_FILL_ONES,  /**< all ones, as an absent PCI device does */
	HOTPLUG_FILL_ZEROS, /**< zeros, as stock DPDK's anonymous pages do */
};

/** Who tears a lost port down.  A port with an ethdev owner (fail-safe, netvsc)
 * is its owner's, and where the application runs EAL's own device event
 * monitor it is the application's: as with HOTPLUG_POLICY_TELL. */
enum hotplug_policy {
	HOTPLUG_POLICY_TELL,    /**< the application, on RTE_ETH_EVENT_INTR_RMV */
	HOTPLUG_POLICY_SURVIVE, /**< the library; the port stays, its link down */
	HOTPLUG_POLICY_HEAL,    /**< the same, and it comes back with the card */
};

/** Who handles SIGBUS. */
enum hotplug_sigbus {
	HOTPLUG_SIGBUS_OWN,      /**< the library installs a handler, and chains */
	HOTPLUG_SIGBUS_DISPATCH, /**< the application's calls hotplug_sigbus_dispatch() */
	HOTPLUG_SIGBUS_NONE,     /**< nobody: cut-offs are filled at once */
};

/** One driver's own fill, by the name that rte_driver has ("net_virtio"). */
struct hotplug_driver_fill {
	char driver[HOTPLUG_NAME_LEN]; /**< empty: end of the list */
	enum hotplug_fill fill;        /**< for the devices of that driver */
};

/** One device's own policy, by its name ("0000:01:00.0"); or one driver's, by the name
 * that rte_driver has ("net_virtio").  A device's goes before its driver's. */
struct hotplug_own_policy {
	char name[HOTPLUG_NAME_LEN];   /**< empty: end of the list */
	enum hotplug_policy policy;    /**< of that device, or of that driver's devices */
};

/** How hotplug_enable() behaves.  hotplug_config_init() gives the defaults. */
struct hotplug_config {
	size_t size;                /**< sizeof(struct hotplug_config) as the application knows
				     * it; hotplug_config_init() sets it */
	enum hotplug_policy policy; /**< default HOTPLUG_POLICY_TELL; as a plugin
				     * HOTPLUG_POLICY_HEAL */
	enum hotplug_sigbus sigbus; /**< default HOTPLUG_SIGBUS_OWN */
	enum hotplug_fill fill;     /**< default HOTPLUG_FILL_ONES */
	/** Exceptions to fill; default: net_virtio reads zeros (its reset polls
	 * the status register until that is 0). */
	struct hotplug_driver_fill driver_fill[HOTPLUG_MAX_DRIVER_FILLS];
	/** Milliseconds between two liveness looks, at most 3,600,000; 0 is
	 * off; default 1000. */
	uint32_t liveness_ms;
	/** Milliseconds after REQUESTED until HELD is raised, at most 3,600,000;
	 * 0 is never; default 5000. */
	uint32_t deadline_ms;
	/** KiB of kernel memory for uevents that wait to be read, 1 to 1,048,576;
	 * default 16384.  Where it is too small they are lost, and made up for. */
	uint32_t uevent_buffer_kb;
	/** 1: map BARs through /dev/uioN where our igb_uio offers it, so that the
	 * kernel revokes them in every process; default 0. */
	uint32_t uio_mmap;
	/** 1: heal also onto a card with other ids or another serial number;
	 * default 0. */
	uint32_t heal_other;
	/** 1: heal a returned card although another process has not acknowledged that
	 * it was gone, and may still write to it where the kernel does not prevent
	 * that (uio_pci_generic); default 0.  The primary's value is used. */
	uint32_t heal_forced;
	/** Milliseconds that a lost port's driver may take to stop, close and
	 * remove, or to probe when it heals, 1 to 3,600,000; then STUCK is raised.
	 * hotplug_disable() waits no longer for anybody; default 10000. */
	uint32_t stuck_ms;
	/** Exceptions to policy; default none. */
	struct hotplug_own_policy own_policy[HOTPLUG_MAX_POLICIES];
	/** 1: attach and detach in all processes of this file prefix through a table
	 * that they share; default 1.  No effect in a process that is alone
	 * (--no-huge, --in-memory, --no-shconf). */
	uint32_t sync;
	/** Milliseconds that the other processes may take beyond what the driver's
	 * probe took in the primary, 1 to 3,600,000; default 1000. */
	uint32_t sync_deadline_ms;
	/** Milliseconds that a driver's probe or remove may take, 1 to 3,600,000;
	 * default 10000. */
	uint32_t sync_probe_ms;
	/** 1: a process that does not answer in time does not make the attach or
	 * detach fail, and catches up when it goes on; default 0. */
	uint32_t sync_late;
	/** 1: attach and detach although a process is there that has not enabled this
	 * library, and learns nothing of it; default 0.  The primary's value is used. */
	uint32_t sync_ignore_strangers;
	/** 1: where such a process is there, attach and detach by EAL's own calls, which
	 * reach it too, and wait 5 s for a process that is stopped; default 0.  The
	 * primary's value is used. */
	uint32_t sync_tell_strangers;
	/** A device whose removal is simulated once, as by hotplug_simulate_removal(),
	 * drill_after_ms after the start; default "": none. */
	char drill[HOTPLUG_NAME_LEN];
	/** Milliseconds from the start to the drill, at most 3,600,000; default 10000. */
	uint32_t drill_after_ms;
	/** Milliseconds until the device is back, at most 3,600,000; 0: it stays away;
	 * default 5000. */
	uint32_t drill_for_ms;
	/** So many losses and returns of a device within a minute are FLAPPING, at most
	 * 32; 0 is never; default 10. */
	uint32_t flaps;
	uint32_t reserved;          /**< 0: the next member begins here without padding */
	/** A file to which each event is appended, a line of JSON with the wall clock's time;
	 * default "": none.  It is opened for each line, so it can be rotated. */
	char history[HOTPLUG_PATH_LEN];
};

/** Room for the reason of a failure, with its NUL. */
#define HOTPLUG_REASON_LEN 128

/** Bytes of devargs that all processes can be told, with their NUL. */
#define HOTPLUG_DEVARGS_LEN 4096

/** How an attach or detach in several processes ended. */
struct hotplug_outcome {
	size_t size;    /**< set by the caller: sizeof(struct hotplug_outcome) */
	int32_t error;  /**< what the call returned */
	int32_t pid;    /**< of the process that failed, as it sees itself; 0: none */
	char reason[HOTPLUG_REASON_LEN]; /**< a sentence; empty on success */
};

/** This process alone: no other is asked or told. */
#define HOTPLUG_PRIVATE 1u

/** Which card it is. */
struct hotplug_identity {
	uint16_t vendor;           /**< 0 when the bus has none */
	uint16_t device;           /**< 0 when the bus has none */
	uint16_t subsystem_vendor; /**< 0 when the bus has none */
	uint16_t subsystem_device; /**< 0 when the bus has none */
	uint64_t serial;           /**< PCIe device serial number, 0 when it has none */
	uint64_t generation;       /**< changes when the kernel enumerates it anew */
	uint64_t resets;           /**< changes with each reset by others than its user; 0
				    * where its kernel driver does not count them */
};

/** An event, by value.  Times are CLOCK_MONOTONIC nanoseconds, 0 when there is
 * none. */
struct hotplug_event {
	size_t size;                         /**< sizeof(struct hotplug_event) */
	enum hotplug_event_type type;        /**< what happened */
	enum hotplug_cause cause;            /**< why, for GONE and REQUESTED; RESTORED has
					      * RESET when it was that, and is not lost */
	enum hotplug_sign sign;              /**< what was seen first */
	uint32_t was_requested;              /**< 1: REQUESTED was raised for this before */
	uint32_t is_simulated;               /**< 1: of a drill: hotplug_simulate_removal() */
	uint64_t sequence;                   /**< counts events, from 1 */
	char device[HOTPLUG_NAME_LEN];       /**< "0000:01:00.0"; empty for RESCAN */
	char bus[HOTPLUG_NAME_LEN];          /**< "pci" */
	char kernel_driver[HOTPLUG_NAME_LEN];/**< "vfio-pci"; empty when unknown */
	struct hotplug_identity id;          /**< the card */
	enum hotplug_card card;              /**< for READY: the one that was lost? */
	uint32_t n_ports;                    /**< entries in port */
	uint16_t port[HOTPLUG_MAX_PORTS];    /**< its (first) ethdev ports when it was probed */
	uint64_t sign_ns;                    /**< when the first sign was seen */
	uint64_t cut_ns;                     /**< when the last BAR was cut off */
	uint64_t event_ns;                   /**< when delivery began */
	uint64_t wall_ns;                    /**< that moment by the wall clock: CLOCK_REALTIME */
};

/** What the library has done since hotplug_enable(). */
struct hotplug_stats {
	size_t size;              /**< set by the caller: sizeof(struct hotplug_stats) */
	uint64_t guarded;         /**< devices guarded now */
	uint64_t cut_offs;        /**< devices cut off */
	uint64_t restored;        /**< devices mapped again */
	uint64_t faults;          /**< SIGBUS that were a guarded device's */
	uint64_t faults_foreign;  /**< SIGBUS that were not, passed on */
	uint64_t events;          /**< events delivered */
	uint64_t events_lost;     /**< events dropped because subscribers lag */
	uint64_t uevents;         /**< uevents received */
	uint64_t uevent_losses;   /**< times the kernel said that uevents were lost */
	uint64_t cut_failures;    /**< BARs that could not be cut off */
	uint64_t scans;           /**< full comparisons with what the kernel lists */
	uint64_t differences;     /**< what they found that no event had told */
	uint64_t zombies;         /**< silent devices that the kernel still lists */
	uint64_t stuck;           /**< STUCK events raised */
	uint64_t simulated;       /**< removals that were simulated; they count above too */
	uint32_t has_monitor;     /**< 1 while uevents are received */
	uint32_t has_handler;     /**< 1 while our SIGBUS handler is on top */
};

/**
 * The defaults, for a struct hotplug_config of that size; C and C++ call
 * hotplug_config_init(), which passes it.
 *
 * @param config  filled, size included, up to size bytes; what a larger one than this
 *   library's has beyond that is zeroed, and hotplug_enable() will refuse it; not NULL
 * @param size    bytes at config; less than sizeof(size_t) changes nothing
 * @par Context   any thread, also before hotplug_enable()
 * @since 0.1
 */
void hotplug_config_defaults(struct hotplug_config *config, size_t size);

/**
 * The defaults, size included.
 *
 * @param config  filled; not NULL
 * @par Context   any thread, also before hotplug_enable()
 * @since 0.1
 */
static inline void
hotplug_config_init(struct hotplug_config *config)
{
	hotplug_config_defaults(config, sizeof(*config));
}

/**
 * Read options as DPDK_HOTPLUG has them into a configuration.
 *
 * "key=value" pairs, separated by commas: policy=tell|survive|heal,
 * policy.DEVICE=tell|survive|heal, policy.DRIVER=tell|survive|heal,
 * heal_other=on|off, heal_forced=on|off, sigbus=own|dispatch|none,
 * fill=ones|zeros, fill.DRIVER=ones|zeros, liveness_ms=N, deadline_ms=N,
 * stuck_ms=N, uevent_buffer_kb=N, uio_mmap=on|off, sync=on|off,
 * sync_deadline_ms=N, sync_probe_ms=N, sync_late=on|off, sync_ignore_strangers=on|off,
 * sync_tell_strangers=on|off,
 * drill=DEVICE, drill_after_ms=N, drill_for_ms=N, flaps=N, history=FILE.
 *
 * @param config     changed only when all of it is good; not NULL
 * @param options    the text; NULL or "" changes nothing
 * @param error      receives a sentence that names the bad option; may be NULL
 * @param error_len  bytes at error
 * @return 0; -EINVAL for an unknown key, a bad value, or a size that this library does
 *   not know; -E2BIG for an option that an older, smaller config has no room for;
 *   -ENOSPC for more than HOTPLUG_MAX_DRIVER_FILLS fills or HOTPLUG_MAX_POLICIES
 *   policies
 * @par Context   any thread, also before hotplug_enable()
 * @since 0.1
 */
int hotplug_config_parse(struct hotplug_config *config, const char *options,
			 char *error, size_t error_len);

/**
 * Start: guard the devices that are probed and those that will be.  Right after rte_eal_init(): of
 * a port that was set up before, not all may be known (doc/limits.md).
 *
 * @param config  NULL for the defaults; copied; what one of an older size lacks has its
 *   default
 * @return 0;
 *   -EINVAL   a field of config is out of its range, or its size is larger than this
 *             library's (the log names it);
 *   -EAGAIN   EAL is not initialised yet;
 *   -EALREADY enabled already;
 *   -ENOTSUP  the running DPDK is not the one compiled for, or its bus is not
 *             the stock one (the log says which); or this process was forked while
 *             the library was enabled; the application is untouched;
 *   -EDEADLK  called on a thread of the library's: in a subscriber, or in a callback of
 *             ethdev's or EAL's that the library calls;
 *   -ENOMEM, -EMFILE and other errors of the system calls
 * @par Context   app; after rte_eal_init(); blocks some milliseconds, and while another thread
 *   attaches or detaches by calls of this library, or sets up, starts, stops or resets a port
 *   (stuck_ms at most).  A device that another
 *   thread has EAL probe just then (rte_dev_probe()) is not guarded.  A device whose port died and
 *   had not been torn down when the library was disabled is lost once more: GONE, with the cause
 *   that it had then
 * @since 0.1
 */
int hotplug_enable(const struct hotplug_config *config);

/**
 * Stop, and put everything back: the bus's slots, the SIGBUS action, threads,
 * descriptors.  Events not delivered yet are dropped.  Devices that are cut
 * off stay cut off, filled (nothing will answer their faults any more); then the SIGBUS handler
 * stays, too, and passes on what is not ours: a thread that has met such a device may still be on
 * its way there.  Subscriptions end.  Two
 * callbacks of ethdev's stay (NEW, DESTROY): they note which device a port is on.
 *
 * @return 0; -EALREADY not enabled, also in a child that was forked while it was;
 *   -EDEADLK called on a thread of the library's, as hotplug_enable()
 * @par Context   app; waits for the subscriber, the drivers that are running, and for who attaches
 *   or detaches by calls of this library, each for stuck_ms at most (the log says who is left
 *   behind)
 * @since 0.1
 */
int hotplug_disable(void);

/**
 * A subscriber: called once for each event, in order, on the events thread.
 * The event is valid during the call only.
 */
typedef void (*hotplug_event_fn)(const struct hotplug_event *event, void *arg);

/**
 * Hear about a device, or about all.
 *
 * @param device  its name; NULL for all (RESCAN comes to these only); copied
 * @param fn      not NULL
 * @param arg     passed on; the caller's
 * @return an id > 0; -EINVAL fn is NULL or the name is too long; -ENOMEM;
 *   -EPERM not enabled, as in a child of fork()
 * @par Context   any thread, also in a subscriber
 * @since 0.1
 */
int hotplug_event_subscribe(const char *device, hotplug_event_fn fn, void *arg);

/**
 * Hear no more.  When this returns, the subscriber is not running and will not
 * run again; called from a subscriber it does not wait for itself.
 *
 * @param id  what hotplug_event_subscribe() returned
 * @return 0; -ENOENT no such subscription; in a child of fork() there is none
 * @par Context   any thread, also in a subscriber
 * @since 0.1
 */
int hotplug_event_unsubscribe(int id);

/**
 * What a device is now.
 *
 * @param device  its name; not NULL
 * @return an enum hotplug_state; -ENOENT never heard of it; -EINVAL; -EPERM
 *   not enabled
 * @par Context   any thread
 * @since 0.1
 */
int hotplug_device_state(const char *device);

/**
 * Counters.
 *
 * @param stats  its size member set by the caller; filled up to that; not NULL
 * @return 0; -EINVAL the size is 0, or larger than this library's; -EPERM not
 *   enabled
 * @par Context   any thread
 * @since 0.1
 */
int hotplug_stats_get(struct hotplug_stats *stats);

/**
 * For an application that owns SIGBUS (HOTPLUG_SIGBUS_DISPATCH): is this
 * signal ours?  If so it has been dealt with: return from the handler and the
 * access goes on.
 *
 * @param info  as the kernel gave it; not NULL
 * @return 1 handled; 0 not ours: do what you would do without us
 * @par Context   signal: async-signal-safe, keeps errno, takes no lock
 * @since 0.1
 */
#ifdef SI_USER  /* with siginfo_t: POSIX's, not of -std=c11 without _POSIX_C_SOURCE */
int hotplug_sigbus_dispatch(const siginfo_t *info);
#endif

/**
 * Compare what the kernel lists with what the library knows, now: each
 * difference becomes the events that were missed, as after lost uevents.
 * Nothing is probed.
 *
 * @return the number of devices that differed; -EPERM not enabled
 * @par Context   any thread, also in a subscriber; blocks until it is done (some
 *   milliseconds for a thousand functions)
 * @since 0.1
 */
int hotplug_scan(void);

/**
 * Attach a device in every process, or in none.
 *
 * The primary probes it first, then all the others at once.  Where one fails, or does
 * not answer in time, it is detached again wherever it was newly attached.
 *
 * @param devargs  as for hotplug_port_attach(), up to HOTPLUG_DEVARGS_LEN bytes
 * @param flags    0 or HOTPLUG_PRIVATE
 * @param outcome  its size member set by the caller; NULL: only the return value counts
 * @return 0;
 *   -EINVAL     no bus knows such a device, a NULL, a flag that does not exist (outcome
 *               says which), or a size of outcome that this library does not know (outcome
 *               is untouched);
 *   -E2BIG      devargs are longer than HOTPLUG_DEVARGS_LEN;
 *   -EEXIST     attached already: nothing has changed in any process;
 *   -EBUSY      a process of another file prefix has it (outcome names it), a port is
 *               kept for it, or a driver is still at work on another device;
 *   -ENOTCONN   the primary, or a process that outcome names, has not enabled this
 *               library; or this process cannot join the others: outcome says why;
 *   -ETIMEDOUT  a driver has not returned, or a process has not answered in time;
 *   -EHOSTDOWN  the primary has ended;
 *   -ENOSPC     256 devices are attached;
 *   -EBADMSG    a process has written over the request, or the answer: ask again;
 *   -ENODEV     no such device, or one that is bound to the kernel's driver, or to none;
 *   -ENOTSUP    no driver takes it in the process that outcome names, or its driver is for
 *               one process (net_failsafe);
 *   -EDEADLK    called by a driver, or an ethdev callback, during an attach or a detach;
 *   -EPERM      this process has not enabled the library;
 *   others      what a driver's probe returned
 * @par Context   any thread, also in a subscriber or an alarm; requests are served one
 *   by one, in their order; blocks until then
 * @since 0.1
 */
int hotplug_device_attach(const char *devargs, unsigned int flags,
			  struct hotplug_outcome *outcome);

/**
 * Detach a device in every process, or in none: in the secondaries at once, in the
 * primary last.  Nothing may use its ports any more.
 *
 * @param name     the device: "0000:01:00.0", "net_null0", or devargs of any spelling that
 *                 name it; not NULL
 * @param flags    0 or HOTPLUG_PRIVATE
 * @param outcome  as for hotplug_device_attach()
 * @return as hotplug_device_attach(), and
 *   -ENODEV     not attached: nothing has changed in any process;
 *   -EBUSY      a port of it is started
 * @par Context   as hotplug_device_attach()
 * @since 0.1
 */
int hotplug_device_detach(const char *name, unsigned int flags,
			  struct hotplug_outcome *outcome);

/**
 * A drill: this process takes an attached device for lost, though it is there.  Its
 * DMA is stopped and it is reset; then everything happens as when it is torn out:
 * cut-off, events, dead ports, teardown by policy.  Events, counters and the log say
 * that it is simulated.  Until hotplug_simulate_return() every look finds the device
 * absent; attaching it ends the drill too.
 *
 * Another process that uses the device finds it reset.
 *
 * @param device  its name; not NULL
 * @return 0;
 *   -ENOENT   it is not attached in this process;
 *   -EALREADY it is lost, or asked for by the kernel, already;
 *   -ENOTSUP  the kernel cannot reset it: what it would go on writing to memory could
 *             not be stopped for good;
 *   -EINVAL, -EPERM not enabled; other errors of the reset: nothing has changed
 * @par Context   any thread, also in a subscriber; blocks for the reset (PCI allows it a
 *   second)
 * @since 0.1
 */
int hotplug_simulate_removal(const char *device);

/**
 * The end of a drill: looks find what is there again, so that READY follows, and
 * policy HOTPLUG_POLICY_HEAL heals.
 *
 * @param device  its name; not NULL
 * @return 0; -ENOENT no removal of it is being simulated; -EINVAL; -EPERM not enabled
 * @par Context   any thread, also in a subscriber
 * @since 0.1
 */
int hotplug_simulate_return(const char *device);

/**
 * Attach a device, and say which port it has become.
 *
 * @param devargs  a PCI address ("0000:01:00.0") or a virtual device
 *   ("net_null0"), with ",key=value" as drivers take them; not NULL
 * @param port_id  the port; of a device with several the first, and
 *   hotplug_port_list() has them all; untouched on failure; not NULL
 * @return 0;
 *   -EINVAL   no bus knows such a device, devargs with a layer twice or without a value,
 *             or a NULL;
 *   -EEXIST   attached already: nothing has changed;
 *   -EBUSY    it was lost, and its port is still open (the log says which); or a
 *             process of another file prefix has it open (the log names it);
 *   -ENODEV   it is not there, or has no user-space driver bound (the log names the
 *             one that it has);
 *   -ENOTSUP  no driver for it, or a device without a port (detached again);
 *   -EDEADLK  called by a driver, or an ethdev callback, during an attach or a detach;
 *   others    what the driver's probe returned
 * @par Context   any thread, also in a subscriber; one at a time; blocks as long as
 *   the driver's probe.  In all processes, as hotplug_device_attach(); those
 *   errors, too.  Where this process has not enabled the library: in this process alone
 * @since 0.1
 */
int hotplug_port_attach(const char *devargs, uint16_t *port_id);

/**
 * The ports of a device, dead ones too.
 *
 * @param device  its name, as events have it; not NULL
 * @param ports   receives ids, ascending; may be NULL when n_max is 0
 * @param n_max   entries at ports
 * @return how many it has (only the first n_max are in ports); -ENODEV none; -EINVAL
 * @par Context   any thread, also in a subscriber
 * @since 0.1
 */
int hotplug_port_list(const char *device, uint16_t *ports, unsigned int n_max);

/**
 * Detach the device of a port that the application has stopped and closed.
 *
 * @param port_id  the port, or what it was until it was closed
 * @param name     receives the device's name; untouched on failure; not NULL
 * @param size     bytes at name; HOTPLUG_NAME_LEN is enough
 * @return 0;
 *   -EBUSY    it, or another port of the same device, is not closed, or is stuck in
 *             its driver (the log says whose it is: fail-safe, bonding);
 *   -ENODEV   no such port, or detached already;
 *   -ENOMEM   nothing has changed, but that a port which was to be removed is closed;
 *   -EINVAL, -ENAMETOOLONG  name or size;
 *   -ENOTSUP  the bus or the driver cannot detach;
 *   -EDEADLK  called by a driver, or an ethdev callback, during an attach or a detach;
 *   others    what the driver's remove returned
 * @par Context   any thread, also in a subscriber; one at a time; blocks as long as
 *   the driver's remove.  In all processes, as hotplug_device_detach(); those errors,
 *   too.  Where this process has not enabled the library: in this process alone
 * @since 0.1
 */
int hotplug_port_detach(uint16_t port_id, char *name, size_t size);

/**
 * The whole procedure: stop, close, detach.  Nothing may use the port any more.
 *
 * @param port_id  the port
 * @param name     receives the device's name; untouched on failure; not NULL
 * @param size     bytes at name; HOTPLUG_NAME_LEN is enough
 * @return as hotplug_port_detach(); -EBUSY also for a port of somebody else
 *   (fail-safe's, a bonding member: the log says whose), which is left as it was
 * @par Context   as hotplug_port_detach()
 * @since 0.1
 */
int hotplug_port_remove(uint16_t port_id, char *name, size_t size);

/**
 * The word for a cause, as the log and telemetry have it.
 *
 * @param cause  any value
 * @return "REMOVED" and so on; "?" for any other value; static
 * @par Context   any
 * @since 0.1
 */
const char *hotplug_cause_name(enum hotplug_cause cause);
/**
 * The word for a sign, as the log and telemetry have it.
 *
 * @param sign  any value
 * @return "uio" and so on; "?" for any other value; static
 * @par Context   any
 * @since 0.1
 */
const char *hotplug_sign_name(enum hotplug_sign sign);
/**
 * The word for a state, as the log and telemetry have it.
 *
 * @param state  any value
 * @return "ATTACHED" and so on; "?" for any other value; static
 * @par Context   any
 * @since 0.1
 */
const char *hotplug_state_name(enum hotplug_state state);
/**
 * The word for an event's type, as the log and telemetry have it.
 *
 * @param type  any value
 * @return "gone" and so on; "?" for any other value; static
 * @par Context   any
 * @since 0.1
 */
const char *hotplug_event_name(enum hotplug_event_type type);
/**
 * The word for a card, as the log and telemetry have it.
 *
 * @param card  any value
 * @return "same" and so on; "?" for any other value; static
 * @par Context   any
 * @since 0.1
 */
const char *hotplug_card_name(enum hotplug_card card);
/**
 * Which version is running.
 *
 * @return the library's version, "0.1.0"; static
 * @par Context   any
 * @since 0.1
 */
const char *hotplug_version(void);

#ifdef __cplusplus
}
#endif

#endif /* HOTPLUG_H */
