/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_TEST_BURST_CODE_H
#define HOTPLUG_TEST_BURST_CODE_H

#include <stdint.h>

/* Burst functions in a library of its own, as drivers have theirs: what they do is the
 * program's, called from there. */
struct rte_mbuf;
extern void (*burst_code_fn)(void *queue);
uint16_t burst_code_receive(void *queue, struct rte_mbuf **pkts, uint16_t n);
extern uint16_t (*burst_code_send_fn)(void *queue, struct rte_mbuf **pkts, uint16_t n);
uint16_t burst_code_send(void *queue, struct rte_mbuf **pkts, uint16_t n);

#endif /* HOTPLUG_TEST_BURST_CODE_H */
