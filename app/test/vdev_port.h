/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_TEST_VDEV_PORT_H
#define HOTPLUG_TEST_VDEV_PORT_H

#include <stdatomic.h>

#include <rte_ethdev.h>
#include <rte_mempool.h>

#include <hotplug.h>

/* A port on a network interface, and what is told of it. */

/* EAL, with these drivers and no other device, in a namespace of the test's own; a reason to
 * skip, in words, where there can be none. */
const char *vdev_start(const char *program, bool with_user);

/* "net_af_packet" N on an interface, with small rings. */
#define VDEV_ARGS_OF(n, iface) \
	"net_af_packet" n ",iface=" iface ",blocksz=4096,framesz=2048,framecnt=128"
#define VDEV_NAME "net_af_packet0"
#define VDEV_ARGS VDEV_ARGS_OF("0", "va")

/* A test after which no port and no interface is left, and the library is disabled. */
#define VDEV_CASE(test) cmocka_unit_test_teardown(test, vdev_tear_down)
int vdev_tear_down(void **state);

/* Enabled with these options, policy heal; all counters 0. */
void vdev_enable(const char *options);
void vdev_disable(void);

extern struct rte_mempool *vdev_pool;
/* Since vdev_enable(). */
extern _Atomic unsigned int vdev_n_gone, vdev_n_ready, vdev_n_ports_gone;
extern _Atomic enum hotplug_card vdev_card;     /* of the last READY */
extern _Atomic unsigned int vdev_n_success, vdev_n_recovering, vdev_n_removed, vdev_n_lsc;

/* Attached, configured unlike a fresh one, and started. */
uint16_t vdev_port(const char *devargs);
void vdev_remove(uint16_t port);
bool vdev_is_configured(uint16_t port);         /* so still */
bool vdev_link(uint16_t port);
/* One frame each way. */
bool vdev_flows(uint16_t port, const char *iface);

/* Delete it, or make it, and wait for GONE, for RECOVERY_SUCCESS, for READY. */
void vdev_lose(const char *iface);
void vdev_come_back(const char *iface);
void vdev_make_and_wait(const char *iface);
void vdev_wait_until_held(void);        /* VDEV_ARGS: detached, its id kept */

#endif /* HOTPLUG_TEST_VDEV_PORT_H */
