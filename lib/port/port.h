/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_PORT_PORT_H
#define HOTPLUG_PORT_PORT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <rte_epoll.h>
#include <rte_ethdev.h>
#include <rte_version.h>

#include <ethdev_driver.h>

#include "hotplug_bus.h"
#include "probe.h"

/* How an ethdev port on a guarded device stands with us.  A port is in one hand at a time,
 * and only that hand takes the next step with it: in DYING the teardown thread's, in
 * HEALING heal's, in STUCK still the one of these two that it was in, in CLOSING that of the
 * thread that closes it; in all other states whoever comes first takes it, by one comparison
 * and one store under port_lock().  So a close finds a port that nobody is at, or waits (turn.c);
 * and a step of ours finds that its port has been closed, or nobody closes it meanwhile. */
enum port_state {
	PORT_NONE,      /* not ours */
	PORT_LIVE,      /* its PMD works; ours stand in front of some of its ops */
	PORT_DEAD,      /* its device is lost; dead ops; the PMD has not been closed */
	PORT_DOOMED,    /* the same, and a teardown is to begin */
	PORT_DYING,     /* the teardown thread is at it */
	PORT_HELD,      /* the PMD is closed, the device detached; the id is kept */
	PORT_HEALING,   /* the card is back, and being set up */
	PORT_STUCK,     /* DYING or HEALING past its deadline: the PMD does not return */
	PORT_CLOSING,   /* the application closes it (close.c), until ethdev has released it */
	PORT_LEAVING,   /* a secondary's: its driver is being removed (leave.c) */
};

/* A queue as the application set it up (PMDs need not say: virtio, vmxnet3). */
struct port_rxq {
	uint16_t n_desc;
	unsigned int socket;
	struct rte_eth_rxconf conf;     /* the arrays that it names are ours (queues.c) */
	struct rte_mempool *pool;       /* NULL: conf names several */
	bool is_set_up;
	bool is_unknown;                /* it was set up, and nobody knows how (earlier.c) */
	uint8_t state;                  /* started or stopped, at the loss */
	/* Its interrupt (interrupts.c): in whose epoll set, with which data; and is it on? */
	bool is_slept_on, is_intr_on;
	bool has_left;                  /* the set, before a teardown has looked who is in it */
	int epfd;
	void *intr_data;
};

/* What wakes those who sleep on one; fd 0: not made. */
struct waker {
	int fd;
	struct rte_epoll_event event;
};

struct port_txq {
	uint16_t n_desc;
	unsigned int socket;
	struct rte_eth_txconf conf;
	bool is_set_up, is_unknown;
	uint8_t state;
};

/* What the application has configured, taken when the device is lost. */
struct port_config {
	struct rte_eth_conf conf;
	uint16_t n_rxq, n_txq, mtu;
	struct rte_ether_addr mac;
	struct rte_vlan_filter_conf vlan;
	bool is_configured, is_promiscuous, is_allmulti;
	bool tells_of_rxq, tells_of_txq;        /* its driver has the op */
	/* What the application wants: its start and its stop say so, whatever the port is
	 * at that moment; not taken at the loss, which may be in the middle of either. */
	bool is_started;
};

/* What it has set beside that, recorded when it did (settings.c); its MAC addresses: addrs. */
#define SETTINGS_MAX_RETA RTE_ETH_RSS_RETA_SIZE_512
struct port_settings {
	bool has_rss, has_flow_ctrl, is_link_down;
	uint8_t rss_key_len, rss_key[64];       /* 0: the PMD's own */
	struct rte_eth_rss_conf rss;            /* but for the key */
	uint16_t reta_size;                     /* 0: the PMD's own */
	struct rte_eth_rss_reta_entry64 reta[SETTINGS_MAX_RETA / 64];
	struct rte_eth_fc_conf flow_ctrl;
};

/* What a PMD counts: from 25.11 on its queues' counters are apart. */
struct port_stats {
	struct rte_eth_stats port;
#if RTE_VERSION >= RTE_VERSION_NUM(25, 11, 0, 0)
	struct eth_queue_stats queue;
#endif
};

struct port {
	_Atomic enum port_state state;
	/* Whose the id is: another number whenever the port is closed, released or another's
	 * (with the lock held).  A step that began with another number has no port. */
	uint64_t life;
	const void *hand;               /* DYING, HEALING, CLOSING: the thread that has it (turn.c) */
	unsigned int n_unwanted;        /* closes under way: no further step of a heal */
	const void *closing;            /* what the last of them has found the port on */
	unsigned int n_asked;           /* who publishes it is in its driver: a close, and who sets
					 * it up, waits */
	bool has_lived;                 /* until its loss: no heal that failed (die.c) */
	bool is_told;                   /* INTR_RMV has come, in this life */
	bool is_given_up;               /* heal has left it to one of them */
	enum hotplug_policy policy;     /* its device's, its driver's, or everybody's */
	_Atomic(struct hotplug_bus *) bus;      /* read without the lock: a key */
	const void *key;
	struct hotplug_device *dev;     /* that of the last probe, for good; NULL: none */
	char device[HOTPLUG_NAME_LEN];
	char name[RTE_ETH_NAME_MAX_LEN];        /* as the PMD named it */
	char devargs[HOTPLUG_DEVARGS_LEN]; /* to attach it again; "": they were too long */
	const struct eth_dev_ops *pmd_ops;
	struct eth_dev_ops *ops;        /* the PMD's with ours in front; kept allocated */
	struct port_rxq *rxq;
	struct port_txq *txq;
	unsigned int n_rxq, n_txq;      /* allocated */
	char noted[HOTPLUG_NAME_LEN];   /* whose queues were noted while not ours (earlier.c) */
	bool has_intr;                  /* rxq say who sleeps on them, and he is to be woken */
	struct waker *wakers;           /* one for each queue; kept allocated */
	struct port_config config;
	struct port_settings settings;
	struct rte_eth_dev_info info;   /* the answer while it is dead */
	char switch_name[HOTPLUG_NAME_LEN];     /* what info's leads to */
	struct rte_ether_addr *addrs;   /* its MAC addresses while it is dead (kept.c) */
	unsigned int n_addrs;           /* room for so many */
	/* Its driver's own, which its close may free: until nobody can be reading there. */
	const struct rte_ether_addr *driver_addrs;
	struct port_stats last, base;   /* last good ones; those of former lives */
	struct rte_device shadow;       /* stands for the detached device */
	struct rte_driver shadow_driver;
	char driver_name[HOTPLUG_NAME_LEN];
	char kernel_driver[HOTPLUG_NAME_LEN];
	struct hotplug_identity id;     /* of the card that was lost */
	unsigned int n_tries;           /* to heal it, since it came: those that failed */
	unsigned int n_refusals;        /* and those that were none: it is not ours to use yet */
	int refusal;                    /* the last one, said already */
	bool is_hopeless;               /* no further try can help */
	uint64_t hopeless_generation;   /* of the card of which that was said */
	bool is_waiting;                /* for other processes (together.c): said already */
	uint64_t next_try_ns;           /* not before */
	_Atomic uint64_t probe_due_ns;  /* when its driver's probe is late; 0: none runs */
	_Atomic int n_inside;           /* calls that are at it now (inside.c, change.c) */
	int refusal_of_set_up;          /* heal's own (change.c) */
};

/* Ports of one device, as a step found them: a later one works on those that are the same
 * still (ports_move).  Ascending ids. */
struct ports {
	unsigned int n;
	uint16_t id[RTE_MAX_ETHPORTS];
	uint64_t life[RTE_MAX_ETHPORTS];
};

/* table.c.  One lock for all ports: never held while a PMD or a callback runs. */
void port_lock(void);
void port_unlock(void);
struct port *port_of(const struct rte_eth_dev *eth);    /* never NULL */
/* A duty: stand in front of the ports on a published device, whose key is that of ethdev's
 * (struct rte_device); again is fine. */
void port_published(struct hotplug_bus *bus, const void *key);
/* With port_lock() held: it has our ops in front of its driver's from here on. */
void port_wrap(struct rte_eth_dev *eth, struct port *port, struct hotplug_bus *bus);
void port_say_no_memory(unsigned int id);
/* One that heals is hidden from ethdev until all of it is there. */
bool port_is_there(const struct rte_eth_dev *eth);
void port_unwrap_all(void);
/* A port that heals is as it was; with the lock held. */
void port_wrap_healed(struct rte_eth_dev *eth);
/* Its driver was in a call that may lay the driver's own ops. */
void port_stand_again(struct rte_eth_dev *eth);
/* Ethdev is about to wipe it: while the lock is held and the state is LIVE, DEAD or DOOMED,
 * its data and device are there. */
void port_released(const struct rte_eth_dev *eth);
/* The ports on a device; how many.  ids: room for RTE_MAX_ETHPORTS. */
unsigned int port_list(const struct rte_device *dev, uint16_t *ids);
/* The ports that are kept for a device by that name. */
unsigned int port_list_held(const char *device, uint16_t *ids);
bool port_is_shadow(const struct rte_device *dev);
/* Its device has been detached before; the ports that are kept for it go now. */
int port_close_shadow(const struct rte_device *dev);

/* ports.c */
/* Those of a device that are in that state (PORT_NONE: in any but that); how many. */
unsigned int ports_find(struct ports *ports, const char *device, enum port_state state);
/* Those that are in state `from` still, in the same life, come into state `to`; the others
 * drop out.  How many are left. */
unsigned int ports_move(struct ports *ports, enum port_state from, enum port_state to);
/* From HELD to HEALING.  -ECANCELED: none; -EBUSY, and none: the application sets one
 * up, or closes one. */
int ports_claim(struct ports *ports, const char *device);
/* Those that are in the same life, and in that state (PORT_NONE: any), are left. */
unsigned int ports_keep(struct ports *ports, enum port_state state);
void ports_raise(const struct ports *ports, enum rte_eth_event_type type);
/* Subscribers, of their device; at least one. */
void ports_tell(const struct ports *ports, enum hotplug_event_type type);
/* HEALING, or STUCK in the probe that heals it. */
bool port_is_healing(const struct port *port);
/* Is one of a device's in that state? */
bool ports_has(const char *device, enum port_state state);

/* stop.c, close.c: the application's dev_stop and dev_close, alive or dead. */
int stop_port(struct rte_eth_dev *eth);
int stop_unwanted(uint16_t id);        /* heal has started it, and its application stopped it */
int close_port(struct rte_eth_dev *eth);
/* Does its driver still have it?  NONE: we have let go of it (disabled), or never knew it. */
bool close_has_driver(const struct rte_eth_dev *eth, enum port_state state);
/* Ethdev has released it. */
void close_end(struct rte_eth_dev *eth);
/* HEALING, and somebody waits to close it: no further step, it is his. */
bool close_is_asked(uint16_t id);

/* What this thread is doing for us with a device: a port's driver, or ethdev, calls ethdev
 * then. */
enum port_own {
	PORT_OWN_NOTHING,
	PORT_OWN_DRIVER,        /* it is in a probe or a remove */
	PORT_OWN_SET_UP,        /* it configures and starts a port that heals */
};
struct port_own_now {
	enum port_own what;
	const struct hotplug_device *dev;
};
/* ports.c.  From now on; what it was, for the end: callbacks of the application's run in there,
 * in which it does what it likes with its ports on other devices. */
struct port_own_now port_own_begin(enum port_own what, const struct hotplug_device *dev);
void port_own_end(struct port_own_now before);
/* With that port; one that is nobody's yet may be the driver's next. */
enum port_own port_own(const struct rte_eth_dev *eth);

/* live.c */
void live_wrap(struct eth_dev_ops *ops);
/* Run the PMD's own stop and close; the registers of a dead device flip. */
int live_stop(struct rte_eth_dev *eth);
int live_close(struct rte_eth_dev *eth);

/* dead.c */
extern const struct eth_dev_ops dead_ops;
/* A placeholder becomes the dead port again that it stands for. */
void dead_hold(struct rte_eth_dev *eth);

/* quiet.c: pollers out of the PMD.  quiet_wait() returns when each thread has been out of
 * every port that was begun before (grace.h). */
void quiet_begin(uint16_t port);
void quiet_wait(void);
bool quiet_is(uint16_t port);   /* begun, and not over */
void quiet_detach_queues(uint16_t port);        /* after the wait: no PMD data any more */
void quiet_attach_queues(uint16_t port);        /* those of the new life, before start */

/* An owner was told of a loss: its own exchange of bursts reaches its pollers. */
void quiet_follow_fail_safe(void);

/* lost.c: duties (core/duty.h). */
/* A device is there again, whatever is bound to it; any context. */
void port_returned(const char *device);
/* Link, INTR_RMV and recovery callbacks, and heals. */
bool port_spares(struct hotplug_bus *bus, const void *key);
void port_on_event(const struct hotplug_event *event);

/* resume.c: enabled again */
void port_resume(void);

/* teardown.c */
void teardown_start(const char *device);
/* Until none runs for it, or those that do have passed their deadline. */
void teardown_wait(const char *device);
void teardown_wait_all(void);
bool teardown_is_running(const char *device);
/* Until its deadline; TEARDOWN_NONE: none runs. */
unsigned int teardown_left_ms(const char *device);
#define TEARDOWN_NONE UINT32_MAX
unsigned int teardown_signal(int number);       /* to each that runs; how many */

/* end.c: all of it, in the thread that teardown.c gives it. */
void end_run(const char *device);

/* They were asked for before they were anybody's. */
void port_asked_for(const char *device);

/* attach.c */
/* With the lock held: the device of that name on the bus, probed or not. */
struct rte_device *attach_find(const struct rte_devargs *devargs);

/* set_up.c: as before; -ERANGE: the card is too small, and will be.  -ECANCELED: the
 * application closes it. */
int set_up_port(uint16_t id, struct port *port);

/* revive.c: context work; those of the ports that are HELD still.  0: LIVE, but for those
 * that the application closes, which drop out.  -ECANCELED: it closes them all, or sets
 * one up, and heal_run() comes again.
 * -E2BIG (devargs too long to be remembered), -ENODEV and others of the probe: HELD;
 * what set-up and the other processes say: torn down. */
int revive(const char *device, struct ports *ports);

/* heal.c: context work */
void heal_run(const char *device);
/* again.c */
void heal_soon(const char *device);     /* as soon as it is its turn again; any context */
void heal_returned(const char *device); /* it came anew; any context */
extern unsigned int heal_pause_ms;      /* after the first try; after each other twice as long */
extern unsigned int heal_slow_ms;       /* between tries, when the first ones have failed */

#endif /* HOTPLUG_PORT_PORT_H */
