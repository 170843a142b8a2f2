/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_TEST_PMD_H
#define HOTPLUG_TEST_PMD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <bus_pci_driver.h>

/* A poll mode driver for the mock functions of mock_sysfs.h: a port that has
 * nothing but registers, and a descriptor that can hang up. */

#define TEST_PMD_MAX_PORTS 24

/* What it has been told beside configure, in one life; all zero at its begin. */
struct test_settings {
	uint8_t configured_key[40], key[40];
	uint64_t hash;
	uint16_t reta[128];
	uint32_t high_water;
	unsigned int n_macs;
	uint8_t last_mac_byte;
	bool is_link_down;
	uint32_t interrupts;            /* on, by queue */
	struct rte_mempool *last_pool;  /* of several for one queue */
};

struct eth_dev_ops;

struct test_pmd {
	char name[32];
	uint8_t *bar;           /* NULL: not mapped */
	uint16_t port;          /* its first one */
	uint16_t port2;         /* where it has two */
	uint16_t ports[TEST_PMD_MAX_PORTS]; /* all of them */
	int sign[2];            /* sign[1] closed: its uio descriptor hangs up */
	unsigned int n_probes, n_removes, n_closes, n_configures, n_starts, n_stops,
		     n_promiscuous;
	uint8_t read_at_close, read_at_remove;
	unsigned int n_open;    /* ports that are not closed */
	struct test_settings told;
	const struct eth_dev_ops *ops;
	_Atomic bool is_in_reset;
	_Atomic unsigned int n_asked_in_reset;  /* for its info: what a VF's makes anew */
	unsigned int *heap;     /* of one life: counts what the driver does; freed at close */
};

/* A queue, on the heap too. */
struct test_queue {
	struct test_pmd *pmd;
	volatile unsigned int n_bursts;
	struct rte_mempool *pool;
};

/* What the driver knows of that function; made at the first asking. */
struct test_pmd *test_pmd_of(const char *name);

/* For the probes and closes from now on. */
extern bool test_pmd_unmaps_at_close;   /* as virtio does */
extern bool test_pmd_takes_macs;        /* at close: txgbe, ngbe; ena, gve, mlx5 in effect */
extern unsigned int test_pmd_max_macs;  /* it has, and says so */
extern bool test_pmd_has_fd;            /* false: it sets no descriptor at all */
/* Called in each probe, when the BAR is mapped and not guarded yet. */
extern void (*test_pmd_in_probe)(struct test_pmd *pmd);
/* Called in each probe when it has a port, and then its private data is written to. */
extern void (*_Atomic test_pmd_in_init)(struct test_pmd *pmd);
/* Called in each probe when its ports are valid, and it has not returned. */
extern void (*_Atomic test_pmd_in_finish)(struct test_pmd *pmd);
extern int test_pmd_probe_answer;       /* not 0: the probe fails */
extern enum rte_pci_kernel_driver test_pmd_kdrv; /* what EAL takes it for */
extern unsigned int test_pmd_bad_inits; /* so many fail after they have got a port */
extern bool test_pmd_tells_queues;      /* of how they are set up; else as little as it must */
extern bool test_pmd_sets_link;         /* up and down */
/* 1 to TEST_PMD_MAX_PORTS, as the representors of mlx5, ice, bnxt, cnxk: one device, each
 * port with a name of its own, all of them released by its remove. */
extern unsigned int test_pmd_n_ports;
/* It has rx interrupts with eventfds, as ixgbe, i40e, ice, virtio on vfio-pci have: made
 * in its start, taken away in its stop. */
extern bool test_pmd_has_rx_intr;
extern unsigned int test_pmd_max_queues; /* what it says of itself */
/* Called in each configure; what it answers is the answer. */
extern int (*test_pmd_in_configure)(struct test_pmd *pmd);
/* Asked by configure, start and the set-up of a queue for receiving; NULL: never. */
extern bool (*test_pmd_refuses)(const char *op);
/* Called in each receive of a queue that is set up, in each start, stop, close and remove,
 * and in each reading of statistics. */
extern void (*_Atomic test_pmd_in_receive)(struct test_pmd *pmd);
extern void (*_Atomic test_pmd_in_start)(struct test_pmd *pmd);
extern void (*_Atomic test_pmd_in_stop)(struct test_pmd *pmd);
extern void (*_Atomic test_pmd_in_close)(struct test_pmd *pmd);
extern void (*_Atomic test_pmd_in_mac)(struct test_pmd *pmd);  /* the default one is set */
extern void (*_Atomic test_pmd_in_reset)(struct test_pmd *pmd);
extern void (*_Atomic test_pmd_in_info)(struct test_pmd *pmd);
extern void (*_Atomic test_pmd_in_link)(struct test_pmd *pmd);
extern void (*_Atomic test_pmd_is_closed)(struct test_pmd *pmd);        /* not returned yet */
extern void (*_Atomic test_pmd_in_remove)(struct test_pmd *pmd);
extern void (*_Atomic test_pmd_in_stats)(struct test_pmd *pmd);
/* In a secondary: receives under way; those that met no queue, or a driver that has been
 * removed; all of them. */
extern _Atomic unsigned int test_pmd_n_inside, test_pmd_n_strays, test_pmd_n_received;

#endif /* HOTPLUG_TEST_PMD_H */
