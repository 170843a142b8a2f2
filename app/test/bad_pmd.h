/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_TEST_BAD_PMD_H
#define HOTPLUG_TEST_BAD_PMD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <ethdev_driver.h>

/* A driver with a bad character, for the mock functions of mock_sysfs.h.  Each card has the
 * character of a real driver (characters.c says of which, and what it is known for). */

#define BAD_MAX_PORTS 16        /* DPDK 22.11 has 32 in all */
#define BAD_MAX_QUEUES 4
#define BAD_MAX_MACS 16

/* What it does at close, beside freeing its queues. */
enum bad_way {
	BAD_MACS_INSIDE = 1,    /* mac_addrs are in its private data: NULL at close */
	BAD_TAKES_MACS = 2,     /* frees mac_addrs and hash_mac_addrs: NULL at close */
	BAD_WIPES_PRIVATE = 4,  /* its private data is zeros after close */
	BAD_UNMAPS = 8,         /* its registers, at close */
	BAD_TAKES_BURSTS = 16,  /* ethdev's dummies, with queues to follow, at close */
	BAD_TAKES_OPS = 32,     /* dev_ops and bursts NULL, when its remove finds the port */
	BAD_FREES_AT_STOP = 64, /* what its bursts use */
	BAD_HAS_RX_INTR = 128,  /* made at start, taken away at stop */
	BAD_HAS_NO_SIGN = 256,  /* no descriptor that hangs up: looks must find out */
	BAD_RECYCLES = 512,     /* functions of the newer fast path */
	BAD_IS_SHARED = 1024,   /* process_private leads to memory of its own */
	BAD_TELLS_AT_START = 2048,      /* of its link, in there */
	BAD_TELLS_AT_STOP = 4096,
};

/* What it waits for in a register while it stops, closes, or resets in a probe. */
enum bad_poll {
	BAD_POLLS_NOTHING,
	BAD_POLLS_ZERO,         /* a reset bit goes away */
	BAD_POLLS_ONES,         /* "done" bits come */
	BAD_POLLS_BOTH,         /* one, then the other */
	BAD_POLLS_MEMORY,       /* what the card would write: bounded, no register */
};

struct character {
	const char *of;         /* the real driver */
	unsigned int n_ports, n_queues, n_pools;
	unsigned int ways;      /* enum bad_way */
	enum bad_poll polls;
	unsigned int probe_us, start_us, stop_us, close_us, call_us, burst_us;
};

extern const struct character characters[];
extern const unsigned int n_characters;

/* A function of the mock bus, as hardware and its driver have it. */
struct bad_card {
	char name[32];
	const struct character *is;
	pthread_mutex_t lock;           /* sign, is_lost with sysfs */
	int sign[2];                    /* sign[1] closed: hung up; -1: none */
	_Atomic bool is_lost;           /* hardware: no register answers */
	uint8_t *bar;                   /* NULL: not mapped */
	_Atomic unsigned int life;      /* counts probes that have begun */
	_Atomic unsigned int n_removes, n_open;
	_Atomic unsigned int n_hung;    /* polls that did not end */
	_Atomic unsigned int n_rx, n_tx;
	_Atomic bool is_probed;
};

/* One port's life, on the heap: every op follows it there, so that a sanitizer sees who
 * comes after the close. */
struct bad_life {
	struct bad_card *card;
	_Atomic unsigned int n_calls;
};

/* In dev_private. */
struct bad_private {
	struct bad_life *life;
	struct rte_ether_addr macs[BAD_MAX_MACS];
};

struct bad_queue {
	struct bad_card *card;
	unsigned int *ring;        /* on the heap; of one run where it frees at stop */
	struct rte_mempool *pool;  /* of several, the first; NULL: it transmits */
};

/* Made at the first asking; at most 32. */
struct bad_card *bad_card_of(const char *name);
void bad_card_is(struct bad_card *card, const struct character *is);
/* Surprise; false: it is lost already.  And there again. */
bool bad_card_lose(struct bad_card *card);
bool bad_card_return(struct bad_card *card);
/* Where it is there: its kernel driver counts one more, or its registers are off for a moment. */
bool bad_card_reset(struct bad_card *card, bool is_counted);

extern _Atomic bool bad_polls_end;      /* nobody flips registers: the library is disabled */

/* bad_ops.c */
extern const struct eth_dev_ops *bad_ops(const struct character *is);
void bad_set_bursts(struct rte_eth_dev *eth, const struct character *is);
void bad_free_queues(struct rte_eth_dev *eth);
/* bad_pmd.c: waits as its character does; the registers may be gone. */
void bad_wait(struct bad_card *card, unsigned int us);
int bad_close(struct rte_eth_dev *eth);
struct bad_life *bad_life_of(const struct rte_eth_dev *eth);

#endif /* HOTPLUG_TEST_BAD_PMD_H */
