/* SPDX-License-Identifier: BSD-3-Clause */

/* bench_survive: what a fault and a cut-off cost, beside the floor (a handler
 * that does the same mmap and nothing else) and beside stock DPDK's own code.
 * In:  one real EAL with one mock function, toy devices.  Out: a table, and JSON
 *      in the file given as the first argument.
 * Ratios are taken within one round, in which both sides alternate: the machine's
 * noise is on both.
 * Context: app, signal. */

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <rte_dev.h>
#include <rte_log.h>

#include <bus_pci_driver.h>

#include "survive/pages.h"
#include "mock_eal.h"
#include "samples.h"
#include "test.h"
#include "toy_bus.h"

#define KIB 1024ul
#define MIB (1024 * KIB)
#define BLOCK 100u                      /* faults in a row */
#define N_ROUNDS 20u
#define N_DEVICES 1024u
#define N_THREADS 8u

static FILE *json;
static int ones_fd, empty_fd;
static struct toy victim[N_THREADS];    /* cut off; their chunks are touched */
static uint8_t *floor_bar;
static struct sigaction ours;

static void
report(const char *name, const char *unit, struct samples *samples)
{
	samples_report(json, name, unit, samples_spread(samples));
}

/* The floor. */
static void
floor_handler(int signo, siginfo_t *info, void *context)
{
	uintptr_t at = (uintptr_t)info->si_addr & ~(uintptr_t)(CUTOFF_CHUNK - 1);

	(void)signo;
	(void)context;
	mmap((void *)at, CUTOFF_CHUNK, PROT_READ | PROT_WRITE,
	     MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, ones_fd, 0);
}

static void
set_handler(void (*handler)(int, siginfo_t *, void *))
{
	struct sigaction action = { .sa_flags = SA_SIGINFO | SA_ONSTACK };

	action.sa_sigaction = handler;
	assert_int_equal(sigaction(SIGBUS, &action, NULL), 0);
}

/* Nothing is laid anywhere: every chunk will fault. */
static void
empty_out(uint8_t *bar)
{
	assert_ptr_equal(mmap(bar, BLOCK * CUTOFF_CHUNK, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, empty_fd, 0), bar);
}

static void
touch_block(uint8_t *bar, struct samples *samples)
{
	unsigned int i;
	double t0;

	for (i = 0; i < BLOCK; i++) {
		t0 = samples_now_us();
		(void)toy_read(&bar[i * CUTOFF_CHUNK + 8]);
		samples_add(samples, samples_now_us() - t0);
	}
}

static void
measure_floor(struct samples *samples)
{
	empty_out(floor_bar);
	set_handler(floor_handler);
	touch_block(floor_bar, samples);
	assert_int_equal(sigaction(SIGBUS, &ours, NULL), 0);
}

static void
compare_with_floor(unsigned int n_devices)
{
	static struct samples floor, own, ratio;
	char name[64];
	unsigned int i;

	floor.n = own.n = ratio.n = 0;
	for (i = 0; i < N_ROUNDS; i++) {
		measure_floor(&floor);
		empty_out(victim[0].bar[0]);
		touch_block(victim[0].bar[0], &own);
		samples_add(&ratio, samples_median_from(&own, own.n - BLOCK) /
			    samples_median_from(&floor, floor.n - BLOCK));
	}
	snprintf(name, sizeof(name), "floor (beside %u devices)", n_devices);
	report(name, "us", &floor);
	snprintf(name, sizeof(name), "fault to resume, %u devices x 6", n_devices);
	report(name, "us", &own);
	snprintf(name, sizeof(name), "  ratio to the floor, %u devices", n_devices);
	report(name, "x", &ratio);
}

/* Devices to be searched through; their BARs are pages of one mapping, so that
 * publishing them is quick. */
static void
add_devices(unsigned int from, unsigned int to)
{
	static uint8_t *pages;
	static char names[N_DEVICES][16];
	struct hotplug_device_info info;
	unsigned int i, j;

	if (pages == NULL)
		pages = mmap(NULL, N_DEVICES * 6 * 2 * test_page(), PROT_READ,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(pages != MAP_FAILED);
	for (i = from; i < to; i++) {
		snprintf(names[i], sizeof(names[i]), "d%u", i);
		info = (struct hotplug_device_info){
			.key = names[i], .name = names[i], .n_regions = 6, .sign_fd = -1,
		};
		for (j = 0; j < 6; j++)
			info.region[j] = (struct hotplug_region){
				.addr = pages + (i * 6 + j) * 2 * test_page(), .len = test_page(),
				.restore_fd = -1,
			};
		assert_int_equal(hotplug_device_publish(&toy_bus, &info), 0);
	}
}

static pthread_barrier_t barrier;

struct toucher {
	pthread_t thread;
	unsigned int number;
	struct samples samples;
};

/* Over the cores in turn: EAL has pinned the thread that started this one. */
static void *
touch_thread(void *arg)
{
	struct toucher *t = arg;
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(t->number % sysconf(_SC_NPROCESSORS_ONLN), &cpus);
	assert_int_equal(sched_setaffinity(0, sizeof(cpus), &cpus), 0);
	pthread_barrier_wait(&barrier);
	touch_block(victim[t->number].bar[0], &t->samples);
	return NULL;
}

/* Each its own device; the first one's times. */
static double
touch_by(unsigned int n_threads, struct samples *samples)
{
	static struct toucher toucher[N_THREADS];
	unsigned int i;

	pthread_barrier_init(&barrier, NULL, n_threads);
	for (i = 0; i < n_threads; i++) {
		empty_out(victim[i].bar[0]);
		toucher[i].number = i;
		toucher[i].samples.n = 0;
		pthread_create(&toucher[i].thread, NULL, touch_thread, &toucher[i]);
	}
	for (i = 0; i < n_threads; i++)
		pthread_join(toucher[i].thread, NULL);
	pthread_barrier_destroy(&barrier);
	for (i = 0; i < toucher[0].samples.n; i++)
		samples_add(samples, toucher[0].samples.value[i]);
	return samples_median_from(&toucher[0].samples, 0);
}

static void
compare_threads(unsigned int n_threads)
{
	static struct samples one, many, ratio;
	char name[64];
	unsigned int i;
	double alone;

	one.n = many.n = ratio.n = 0;
	for (i = 0; i < N_ROUNDS; i++) {
		alone = touch_by(1, &one);
		samples_add(&ratio, touch_by(n_threads, &many) / alone);
	}
	snprintf(name, sizeof(name), "fault to resume, each of %u threads", n_threads);
	report("fault to resume, one thread", "us", &one);
	report(name, "us", &many);
	snprintf(name, sizeof(name), "  ratio of %u threads to one", n_threads);
	report(name, "x", &ratio);
}

/* Stock: EAL's handler, the pci bus's own slots, a mock function's BAR. */
static void
measure_stock_fault(struct test_pmd *pmd)
{
	static struct samples stock;
	unsigned int i;
	double t0;
	int fd;

	fd = memfd_create("bar", MFD_CLOEXEC);
	assert_int_equal(rte_dev_hotplug_handle_enable(), 0);
	for (i = 0; i < BLOCK * N_ROUNDS; i++) {
		mmap(pmd->bar, MOCK_BAR_LEN, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0);
		t0 = samples_now_us();
		(void)toy_read(&pmd->bar[8]);
		samples_add(&stock, samples_now_us() - t0);
	}
	assert_int_equal(rte_dev_hotplug_handle_disable(), 0);
	close(fd);
	report("stock EAL, fault to resume, 256 KiB BAR", "us", &stock);
}

static unsigned long
resident_kib(const void *start, size_t bar_len)
{
	unsigned long from, to, kib, sum = 0;
	bool is_inside = false;
	char line[512];
	FILE *f = fopen("/proc/self/smaps", "re");

	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			is_inside = from < (unsigned long)start + bar_len &&
				to > (unsigned long)start;
		else if (is_inside && sscanf(line, "Rss: %lu kB", &kib) == 1)
			sum += kib;
	}
	fclose(f);
	return sum;
}

static void
report_cut_off(const char *whose, size_t len, bool is_locked, struct samples *time,
	       struct samples *rss)
{
	char name[64];

	snprintf(name, sizeof(name), "%s, %zu KiB%s", whose, len / 1024,
		 is_locked ? ", mlockall" : "");
	report(name, "us", time);
	report("  resident after it", "KiB", rss);
	time->n = rss->n = 0;
}

/* look() knows no toy of this name: it is absent. */
static void
measure_cut_off(size_t len, bool is_locked)
{
	static struct samples time, rss;
	struct hotplug_device_info info = {
		.key = &time, .name = "huge", .n_regions = 1, .sign_fd = -1,
		.region = { { .len = len, .restore_fd = -1 } },
	};
	unsigned int i;
	double t0;

	for (i = 0; i < 50; i++) {
		info.region[0].addr = mmap(NULL, len, PROT_READ, MAP_SHARED, empty_fd, 0);
		assert_int_equal(hotplug_device_publish(&toy_bus, &info), 0);
		t0 = samples_now_us();
		assert_int_equal(hotplug_bus_report(&toy_bus, &time, HOTPLUG_SIGN_CALLER), 0);
		samples_add(&time, samples_now_us() - t0);
		samples_add(&rss, resident_kib(info.region[0].addr, len));
		assert_int_equal(hotplug_device_withdraw(&toy_bus, &time), 0);
		munmap(info.region[0].addr, len);
	}
	report_cut_off("cut-off", len, is_locked, &time, &rss);
}

/* The stock bus's own code, made to believe in a BAR of that length. */
static void
measure_stock_cut_off(size_t len, bool is_locked)
{
	static struct samples time, rss;
	struct rte_device *dev = mock_find(MOCK_FIRST);
	struct rte_pci_device *pci = container_of(dev, struct rte_pci_device, device);
	struct rte_mem_resource saved = pci->mem_resource[0];
	unsigned int i, n = len > 16 * MIB && is_locked ? 3 : 50;
	double t0;

	pci->mem_resource[0].len = len;
	for (i = 0; i < n; i++) {
		pci->mem_resource[0].addr = mmap(NULL, len, PROT_READ, MAP_SHARED, empty_fd, 0);
		t0 = samples_now_us();
		assert_int_equal(mock_bus->hot_unplug_handler(dev), 0);
		samples_add(&time, samples_now_us() - t0);
		samples_add(&rss, resident_kib(pci->mem_resource[0].addr, len));
		munmap(pci->mem_resource[0].addr, len);
	}
	pci->mem_resource[0] = saved;
	report_cut_off("stock remap", len, is_locked, &time, &rss);
}

static const size_t bar_lens[] = { 128 * KIB, MIB, 16 * MIB, 256 * MIB, 1024 * MIB };

static void
make_files(void)
{
	uint8_t ones[4096];
	unsigned int i;

	ones_fd = memfd_create("ones", MFD_CLOEXEC);
	empty_fd = memfd_create("empty", MFD_CLOEXEC);
	memset(ones, 0xff, sizeof(ones));
	for (i = 0; i < CUTOFF_CHUNK; i += sizeof(ones))
		assert_int_equal(write(ones_fd, ones, sizeof(ones)), sizeof(ones));
	/* aligned to a chunk, as BARs are */
	floor_bar = mmap(NULL, (BLOCK + 1) * CUTOFF_CHUNK, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
	floor_bar += CUTOFF_CHUNK - (uintptr_t)floor_bar % CUTOFF_CHUNK;
}

static void
make_victims(void)
{
	char name[16];
	unsigned int i;

	for (i = 0; i < N_THREADS; i++) {
		snprintf(name, sizeof(name), "victim%u", i);
		toy_make(&victim[i], name, i == 0 ? 6 : 1, BLOCK * CUTOFF_CHUNK);
		assert_int_equal(toy_publish(&victim[i]), 0);
		toy_pull(&victim[i]);
		toy_report(&victim[i]);
		assert_true(WAIT_FOR(hotplug_device_state(victim[i].name) ==
				     HOTPLUG_STATE_GONE));
	}
}

static void
run(void **state)
{
	static const unsigned int counts[] = { 1, 16, 256, N_DEVICES };
	unsigned int i, n = 1;
	struct hotplug_config config;

	(void)state;
	measure_stock_fault(test_pmd_of(MOCK_FIRST));
	hotplug_config_init(&config);
	config.liveness_ms = 0;
	assert_int_equal(toy_enable(&config), 0);
	assert_int_equal(sigaction(SIGBUS, NULL, &ours), 0);
	/* before there are thousands of mappings: these BARs are no files of sysfs, so
	 * that each cut-off walks /proc/self/maps */
	for (i = 0; i < N_ELEMENTS(bar_lens); i++)
		measure_cut_off(bar_lens[i], false);
	assert_int_equal(mlockall(MCL_CURRENT | MCL_FUTURE), 0);
	for (i = 0; i < N_ELEMENTS(bar_lens); i++)
		measure_cut_off(bar_lens[i], true);
	assert_int_equal(munlockall(), 0);
	make_victims();
	for (i = 0; i < N_ELEMENTS(counts); i++) {
		add_devices(n, counts[i]);
		n = counts[i];
		compare_with_floor(n);
	}
	compare_threads(2);
	compare_threads(N_THREADS);
	toy_disable();
	assert_int_equal(mlockall(MCL_CURRENT | MCL_FUTURE), 0);
	for (i = 0; i < N_ELEMENTS(bar_lens); i++)
		measure_stock_cut_off(bar_lens[i], true);
	assert_int_equal(munlockall(), 0);
	for (i = 0; i < N_ELEMENTS(bar_lens); i++)
		measure_stock_cut_off(bar_lens[i], false);
	mock_eal_remove_files();
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test_setup(run, mock_eal_start) };
	int ret;

	rte_log_set_global_level(RTE_LOG_ERR);
	json = fopen(argc > 1 ? argv[1] : "/dev/null", "w");
	if (json == NULL)
		return 1;
	make_files();
	fprintf(json, "[\n");
	ret = cmocka_run_group_tests(tests, NULL, NULL);
	fprintf(json, "\n]\n");
	return fclose(json) != 0 || ret != 0;
}
