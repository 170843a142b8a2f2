/* SPDX-License-Identifier: BSD-3-Clause */

/* burst_code: a driver's code, apart from the program's.
 * In:  a burst.  Out: what the test does in it, with a return into this library.
 * Context: any thread that polls. */

#include "burst_code.h"

void (*burst_code_fn)(void *queue);
uint16_t (*burst_code_send_fn)(void *queue, struct rte_mbuf **pkts, uint16_t n);
static volatile unsigned int n_returned;

uint16_t
burst_code_receive(void *queue, struct rte_mbuf **pkts, uint16_t n)
{
	(void)pkts;
	(void)n;
	burst_code_fn(queue);
	n_returned = 1;         /* no jump there, but a call */
	return 0;
}

uint16_t
burst_code_send(void *queue, struct rte_mbuf **pkts, uint16_t n)
{
	uint16_t n_sent = burst_code_send_fn(queue, pkts, n);

	n_returned = 2;
	return n_sent;
}
