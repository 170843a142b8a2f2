/* SPDX-License-Identifier: BSD-3-Clause */

/* characters: whose bad habits the mock cards have.
 * Read in DPDK 22.11.11 and 26.11-rc0; facts, times are scaled down (a real wait is in
 * brackets):
 * - mlx5: one PCI device is many ports (representors); mac_addrs lie in dev_private, which
 *   close fills with zeros; close lays ethdev's dummies over the bursts; it waits for no
 *   register, and for its kernel driver [ms];
 * - ice: waits for the "done" bits of GLNVM_ULD, all ones, in a reset [up to 4 s]; interrupts by
 *   eventfd for each queue;
 * - i40e: waits for bits of GLGEN_RSTCTL and QRX_ENA to go away, then for others to come;
 *   bursts for recycled mbufs;
 * - ixgbe: a reset bit of CTRL goes away; RXDCTL's comes and goes; waits for a link thread
 *   in stop [up to 9 s];
 * - ena: mac_addrs lie in dev_private; rings are freed at stop; answers come in memory;
 * - gve: mac_addrs lie in dev_private, queues are freed in close;
 * - bnxt: each command waits for a byte in memory [0.5 s]; representors; its stop works off the
 *   notifications that are left, and tells of the link there;
 * - hns3: a probe that fails, and older ones' remove, leave dev_ops and bursts NULL;
 *   process_private is its own; waits in its close [100 ms and more];
 * - txgbe: close frees mac_addrs and hash_mac_addrs itself, and leaves NULL; waits
 *   100 ms at a time;
 * - virtio: status is read until it is 0; close unmaps the registers; its control queue is
 *   answered in memory;
 * - vmxnet3: its start works off the events that are there, and tells of the link there;
 * - cnxk: several mempools for one queue; counts transmit queues;
 * - VFs of i40e, ice, ixgbe, hns3: their reset lays their own table of ops anew, as all do here;
 * - af_xdp, tap: system calls in a burst [up to 1 s], no card that says it goes. */

#include "bad_pmd.h"

const struct character characters[] = {
	{ .of = "mlx5", .n_ports = 8, .n_queues = 2, .n_pools = 1,
	  .ways = BAD_MACS_INSIDE | BAD_WIPES_PRIVATE | BAD_TAKES_BURSTS,
	  .probe_us = 3000, .close_us = 200 },
	{ .of = "ice", .n_ports = 1, .n_queues = 2, .n_pools = 1, .polls = BAD_POLLS_ONES,
	  .ways = BAD_HAS_RX_INTR, .probe_us = 1000, .stop_us = 500 },
	{ .of = "i40e", .n_ports = 1, .n_queues = 2, .n_pools = 1, .polls = BAD_POLLS_BOTH,
	  .ways = BAD_HAS_RX_INTR | BAD_RECYCLES, .close_us = 1000, .call_us = 50 },
	{ .of = "ixgbe", .n_ports = 1, .n_queues = 1, .n_pools = 1, .polls = BAD_POLLS_ZERO,
	  .ways = BAD_HAS_RX_INTR | BAD_RECYCLES, .probe_us = 5000, .stop_us = 5000 },
	{ .of = "ena", .n_ports = 1, .n_queues = 2, .n_pools = 1, .polls = BAD_POLLS_MEMORY,
	  .ways = BAD_MACS_INSIDE | BAD_FREES_AT_STOP, .probe_us = 1000 },
	{ .of = "gve", .n_ports = 1, .n_queues = 1, .n_pools = 1, .polls = BAD_POLLS_ZERO,
	  .ways = BAD_MACS_INSIDE | BAD_HAS_NO_SIGN, .close_us = 300 },
	{ .of = "bnxt", .n_ports = 2, .n_queues = 2, .n_pools = 1, .polls = BAD_POLLS_MEMORY,
	  .ways = BAD_TELLS_AT_STOP, .call_us = 100 },
	{ .of = "hns3", .n_ports = 1, .n_queues = 2, .n_pools = 1, .polls = BAD_POLLS_ZERO,
	  .ways = BAD_TAKES_OPS | BAD_IS_SHARED, .close_us = 3000 },
	{ .of = "txgbe", .n_ports = 1, .n_queues = 1, .n_pools = 1, .polls = BAD_POLLS_BOTH,
	  .ways = BAD_TAKES_MACS, .close_us = 2000, .start_us = 1000 },
	{ .of = "virtio", .n_ports = 1, .n_queues = 2, .n_pools = 1, .polls = BAD_POLLS_ZERO,
	  .ways = BAD_UNMAPS | BAD_HAS_RX_INTR },
	{ .of = "cnxk", .n_ports = 1, .n_queues = 2, .n_pools = 2,
	  .ways = BAD_RECYCLES, .stop_us = 200 },
	{ .of = "af_xdp", .n_ports = 1, .n_queues = 1, .n_pools = 1,
	  .ways = BAD_HAS_NO_SIGN, .burst_us = 300 },
	{ .of = "vmxnet3", .n_ports = 1, .n_queues = 2, .n_pools = 1,
	  .ways = BAD_TELLS_AT_START, .start_us = 300 },
};

const unsigned int n_characters = RTE_DIM(characters);
