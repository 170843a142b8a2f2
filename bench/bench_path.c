/* SPDX-License-Identifier: BSD-3-Clause */

/* bench_path: what a data path pays for the library: nothing may be hooked into rx/tx.
 * In:  net_null and net_ring, no PCI, no hugepages.  Out: bursts' times with the library
 *      enabled beside disabled, in turn; whose functions the fast path calls; what
 *      enable costs in time, memory, threads, descriptors.  A table, and JSON in the
 *      file given as the first argument.  Exit status 1: the fast path is not the PMD's.
 * Context: app. */

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_log.h>
#include <rte_mbuf.h>

#include <ethdev_driver.h>
#include <hotplug.h>

#include "samples.h"

#define N_ROUNDS 40u
#define N_BURSTS 20000u
#define BURST 32u

static FILE *json;

static void
report(const char *name, const char *unit, struct samples *samples)
{
	samples_report(json, name, unit, samples_spread(samples));
	samples->n = 0;
}

static int
start_port(uint16_t port, struct rte_mempool *pool)
{
	const struct rte_eth_conf conf = { 0 };

	return rte_eth_dev_configure(port, 1, 1, &conf) != 0 ||
		rte_eth_rx_queue_setup(port, 0, 512, 0, NULL, pool) != 0 ||
		rte_eth_tx_queue_setup(port, 0, 512, 0, NULL) != 0 ||
		rte_eth_dev_start(port) != 0;
}

/* The time that this thread had a processor: others may want it too. */
static double
used_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

/* ns for a burst in and out again. */
static double
measure(uint16_t port)
{
	struct rte_mbuf *pkts[BURST];
	double start = used_ns();
	uint16_t n, sent;
	unsigned int i;

	for (i = 0; i < N_BURSTS; i++) {
		n = rte_eth_rx_burst(port, 0, pkts, BURST);
		sent = rte_eth_tx_burst(port, 0, pkts, n);
		rte_pktmbuf_free_bulk(pkts + sent, n - sent);
	}
	return (used_ns() - start) / N_BURSTS;
}

/* So that a ring has a burst in it, which goes round. */
static int
fill(uint16_t port, struct rte_mempool *pool)
{
	struct rte_mbuf *pkts[BURST];

	return rte_pktmbuf_alloc_bulk(pool, pkts, BURST) != 0 ||
		rte_eth_tx_burst(port, 0, pkts, BURST) != BURST;
}

struct fast_path {
	eth_rx_burst_t rx;
	eth_tx_burst_t tx;
};

static struct fast_path
look(uint16_t port)
{
	return (struct fast_path){ rte_eth_fp_ops[port].rx_pkt_burst,
				   rte_eth_fp_ops[port].tx_pkt_burst };
}

/* 0: the same functions, with and without. */
static int
compare(uint16_t port, const char *driver)
{
	static struct samples without, with, ratio;
	struct fast_path before = look(port), now;
	char name[64];
	unsigned int i;
	int ret = 0;

	for (i = 0; i < N_ROUNDS && ret == 0; i++) {
		samples_add(&without, measure(port));
		if (hotplug_enable(NULL) != 0)
			return 1;
		samples_add(&with, measure(port));
		now = look(port);
		ret = now.rx != before.rx || now.tx != before.tx;
		hotplug_disable();
		samples_add(&ratio, with.value[i] / without.value[i]);
	}
	snprintf(name, sizeof(name), "%s, burst of %u, not enabled", driver, BURST);
	report(name, "ns", &without);
	snprintf(name, sizeof(name), "%s, burst of %u, enabled", driver, BURST);
	report(name, "ns", &with);
	snprintf(name, sizeof(name), "  ratio enabled to not, %s", driver);
	report(name, "x", &ratio);
	printf("%s: rx and tx burst are %s\n", driver, ret == 0 ? "the driver's own, before and after" :
	       "NOT THE DRIVER'S OWN");
	return ret;
}

static unsigned int
n_entries(const char *path)
{
	DIR *dir = opendir(path);
	unsigned int n = 0;

	while (dir != NULL && readdir(dir) != NULL)
		n++;
	if (dir != NULL)
		closedir(dir);
	return n;
}

static unsigned long
resident_kib(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	unsigned long size, resident = 0;

	if (f != NULL && fscanf(f, "%lu %lu", &size, &resident) != 2)
		resident = 0;
	if (f != NULL)
		fclose(f);
	return resident * (unsigned long)sysconf(_SC_PAGESIZE) / 1024;
}

static void
measure_enable(void)
{
	static struct samples enable, disable, rss, threads, files;
	unsigned int i, n_threads, n_files;
	unsigned long kib;
	double t0;

	for (i = 0; i < N_ROUNDS; i++) {
		kib = resident_kib();
		n_threads = n_entries("/proc/self/task");
		n_files = n_entries("/proc/self/fd");
		t0 = samples_now_us();
		if (hotplug_enable(NULL) != 0)
			return;
		samples_add(&enable, samples_now_us() - t0);
		samples_add(&rss, (double)(resident_kib() - kib));
		samples_add(&threads, n_entries("/proc/self/task") - n_threads);
		samples_add(&files, n_entries("/proc/self/fd") - n_files);
		t0 = samples_now_us();
		hotplug_disable();
		samples_add(&disable, samples_now_us() - t0);
	}
	report("enable", "us", &enable);
	report("disable", "us", &disable);
	report("  threads while enabled", "", &threads);
	report("  descriptors while enabled", "", &files);
	report("  resident memory more", "KiB", &rss);
}

int
main(int argc, char **argv)
{
	static char prefix[64];
	char *eal[] = { argv[0], (char *)(uintptr_t)"--no-huge", (char *)(uintptr_t)"-m",
			(char *)(uintptr_t)"64", (char *)(uintptr_t)"--no-pci",
			(char *)(uintptr_t)"--no-telemetry", (char *)(uintptr_t)"-l",
			(char *)(uintptr_t)"0", (char *)(uintptr_t)"--vdev=net_null0",
			(char *)(uintptr_t)"--vdev=net_ring0", prefix, NULL };
	struct rte_mempool *pool;
	int ret;

	snprintf(prefix, sizeof(prefix), "--file-prefix=hp-bench-%d", getpid());
	rte_log_set_global_level(RTE_LOG_ERR);
	json = fopen(argc > 1 ? argv[1] : "/dev/null", "w");
	if (json == NULL || rte_eal_init(sizeof(eal) / sizeof(eal[0]) - 1, eal) < 0)
		return 1;
	pool = rte_pktmbuf_pool_create("bench", 4095, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	if (pool == NULL || start_port(0, pool) != 0 || start_port(1, pool) != 0 ||
	    fill(1, pool) != 0)
		return 1;
	fprintf(json, "[\n");
	measure_enable();
	ret = compare(0, "net_null") + compare(1, "net_ring");
	fprintf(json, "\n]\n");
	rte_eal_cleanup();
	return fclose(json) != 0 || ret != 0;
}
