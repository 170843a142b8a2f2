/* SPDX-License-Identifier: BSD-3-Clause */

/* test_cutoff: a lost device's registers read as ones (or zeros), are written
 * into nothing, and nothing but them is touched.
 * In:  toy devices, reported lost by their bus.
 * Context: app; faults are real ones. */

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "enabled.h"
#include "survive/guard.h"
#include "survive/pages.h"
#include "survive/publish.h"
#include "survive/unmap.h"
#include "toy_bus.h"
#include "vmas.h"

#define KIB 1024ul
#define BIG (1024 * KIB)        /* 16 chunks */

static struct toy toy;

static int
start(void **state)
{
	(void)state;
	return toy_enable(NULL);
}

static int
stop(void **state)
{
	(void)state;
	toy_disable();
	return 0;
}

static void
make_and_cut(unsigned int n_regions, size_t len)
{
	toy_make(&toy, "toy0", n_regions, len);
	assert_int_equal(toy_publish(&toy), 0);
	atomic_store(&toy.look, HOTPLUG_LOOK_ABSENT);
	assert_int_equal(toy_report(&toy), 0);
}

static uint64_t
count_faults(void)
{
	struct hotplug_stats stats = { .size = sizeof(stats) };

	assert_int_equal(hotplug_stats_get(&stats), 0);
	return stats.faults;
}

static void
test_cutoff_lays_one_mapping_over_the_whole_bar(void **state)
{
	struct vmas vmas;

	(void)state;
	make_and_cut(1, BIG);
	vmas = vmas_of(toy.bar[0], BIG);
	assert_int_equal(vmas.n, 1);
	assert_true(vmas.vma[0].start <= (uintptr_t)toy.bar[0]);
	assert_true(vmas.vma[0].end >= (uintptr_t)toy.bar[0] + BIG);
	assert_false(vmas.vma[0].is_shared);
	toy_destroy(&toy);
}

static void
test_cutoff_every_byte_reads_ones(void **state)
{
	unsigned int i;

	(void)state;
	make_and_cut(6, BIG + 3 * test_page());
	for (i = 0; i < 6; i++) {
		assert_int_equal(toy_read(&toy.bar[i][toy.len - 1]), 0xff);
		assert_true(toy_reads_all(toy.bar[i], toy.len, 0xff));
	}
	toy_destroy(&toy);
}

static void
test_cutoff_a_wide_read_over_a_chunks_edge_is_ones(void **state)
{
	uint64_t value;

	(void)state;
	make_and_cut(1, BIG);
	memcpy(&value, (uint8_t *)toy.bar[0] + CUTOFF_CHUNK - 4, sizeof(value));
	assert_int_equal(value, UINT64_MAX);
	toy_destroy(&toy);
}

static void
test_cutoff_writes_reach_neither_device_nor_other_registers(void **state)
{
	uint8_t byte;

	(void)state;
	make_and_cut(2, BIG);
	toy_write(&toy.bar[0][5000], 0x11);
	assert_int_equal(pread(toy.fd[0], &byte, 1, 5000), 1);
	assert_int_equal(byte, 0x5a);
	assert_int_equal(toy_read(&toy.bar[1][5000]), 0xff);
	assert_int_equal(toy_read(&toy.bar[0][5000 + CUTOFF_CHUNK]), 0xff);
	toy_destroy(&toy);
}

/* 64 KiB at the touch, counted from the start of the BAR; no more. */
static void
test_cutoff_a_touch_lays_its_own_chunk_only(void **state)
{
	uint64_t before = count_faults();
	struct vmas vmas;

	(void)state;
	make_and_cut(1, BIG);
	assert_int_equal(toy_read(&toy.bar[0][5 * CUTOFF_CHUNK + 100]), 0xff);
	vmas = vmas_of(toy.bar[0], BIG);
	assert_int_equal(vmas.n, 3);
	assert_int_equal(vmas.vma[1].start, (uintptr_t)toy.bar[0] + 5 * CUTOFF_CHUNK);
	assert_int_equal(vmas.vma[1].end, (uintptr_t)toy.bar[0] + 6 * CUTOFF_CHUNK);
	assert_int_equal(vmas.vma[0].inode, vmas.vma[2].inode);
	assert_int_equal(count_faults(), before + 1);
	(void)toy_read(&toy.bar[0][6 * CUTOFF_CHUNK - 1]);
	(void)toy_read(&toy.bar[0][5 * CUTOFF_CHUNK]);
	assert_int_equal(count_faults(), before + 1);
	toy_destroy(&toy);
}

static void
test_cutoff_a_bar_of_one_chunk_is_filled_at_once(void **state)
{
	uint64_t before = count_faults();

	(void)state;
	make_and_cut(2, CUTOFF_CHUNK);
	assert_true(toy_reads_all(toy.bar[0], toy.len, 0xff));
	assert_true(toy_reads_all(toy.bar[1], toy.len, 0xff));
	assert_int_equal(count_faults(), before);
	toy_destroy(&toy);
}

/* A BAR smaller than a page, inside it: the page is its own (PCI aligns them). */
static void
test_cutoff_of_a_region_smaller_than_a_page(void **state)
{
	struct hotplug_device_info info;

	(void)state;
	toy_make(&toy, "toy0", 1, test_page());
	toy_info(&toy, &info);
	info.region[0].addr = toy.bar[0] + 0x100;
	info.region[0].len = 0x80;
	assert_int_equal(hotplug_device_publish(&toy_bus, &info), 0);
	atomic_store(&toy.look, HOTPLUG_LOOK_ABSENT);
	assert_int_equal(toy_report(&toy), 0);
	assert_true(toy_reads_all(toy.bar[0], test_page(), 0xff));
	toy_destroy(&toy);
}

static void
test_cutoff_again_keeps_what_was_written(void **state)
{
	(void)state;
	make_and_cut(1, BIG);
	toy_write(&toy.bar[0][70000], 0x42);
	assert_int_equal(toy_report(&toy), 0);
	assert_int_equal(toy_report(&toy), 0);
	assert_int_equal(toy_read(&toy.bar[0][70000]), 0x42);
	assert_int_equal(toy_read(&toy.bar[0][70001]), 0xff);
	toy_destroy(&toy);
}

static void
with_fill(enum hotplug_fill fill, const char *driver, enum hotplug_fill drivers,
	  const char *device_driver, uint8_t wanted, size_t len)
{
	struct hotplug_config config;

	hotplug_config_init(&config);
	config.fill = fill;
	strcpy(config.driver_fill[1].driver, driver);
	config.driver_fill[1].fill = drivers;
	assert_int_equal(toy_enable(&config), 0);
	toy_make(&toy, "toy0", 1, len);
	toy.driver = device_driver;
	assert_int_equal(toy_publish(&toy), 0);
	atomic_store(&toy.look, HOTPLUG_LOOK_ABSENT);
	assert_int_equal(toy_report(&toy), 0);
	assert_true(toy_reads_all(toy.bar[0], len, wanted));
	toy_destroy(&toy);
	toy_disable();
}

static void
test_cutoff_fill_is_the_drivers_or_the_default(void **state)
{
	const size_t lens[] = { test_page(), BIG };
	unsigned int i;

	(void)state;
	for (i = 0; i < N_ELEMENTS(lens); i++) {
		with_fill(HOTPLUG_FILL_ONES, "", 0, NULL, 0xff, lens[i]);
		with_fill(HOTPLUG_FILL_ZEROS, "", 0, NULL, 0, lens[i]);
		with_fill(HOTPLUG_FILL_ONES, "", 0, "net_virtio", 0, lens[i]);
		with_fill(HOTPLUG_FILL_ZEROS, "net_x", HOTPLUG_FILL_ONES, "net_x", 0xff, lens[i]);
		with_fill(HOTPLUG_FILL_ONES, "net_x", HOTPLUG_FILL_ZEROS, "net_xy", 0xff, lens[i]);
	}
}

/* Nobody answers faults: no BAR may need it. */
static void
test_cutoff_without_a_handler_fills_everything_at_once(void **state)
{
	struct hotplug_config config;

	(void)state;
	hotplug_config_init(&config);
	config.sigbus = HOTPLUG_SIGBUS_NONE;
	assert_int_equal(toy_enable(&config), 0);
	make_and_cut(2, 5 * BIG + test_page());
	assert_true(toy_reads_all(toy.bar[0], toy.len, 0xff));
	assert_true(toy_reads_all(toy.bar[1], toy.len, 0xff));
	toy_destroy(&toy);
	toy_disable();
}

static pthread_barrier_t barrier;
static _Atomic unsigned int n_wrong;

static void *
read_chunks(void *arg)
{
	const uint8_t *bar = toy.bar[0];
	size_t at;

	(void)arg;
	for (at = 0; at < toy.len; at += CUTOFF_CHUNK) {
		pthread_barrier_wait(&barrier);
		if (toy_read(&bar[at + 17]) != 0xff)
			atomic_fetch_add(&n_wrong, 1);
	}
	return NULL;
}

static void
test_cutoff_two_threads_that_fault_together_read_the_same(void **state)
{
	uint8_t *after, byte = 0x77;
	pthread_t thread;

	(void)state;
	toy_make(&toy, "toy0", 1, 4 * BIG);
	after = mmap(toy.bar[0] + toy.len, test_page(), PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (after != MAP_FAILED)
		*after = byte;
	assert_int_equal(toy_publish(&toy), 0);
	toy_pull(&toy);
	toy_report(&toy);
	pthread_barrier_init(&barrier, NULL, 2);
	pthread_create(&thread, NULL, read_chunks, NULL);
	read_chunks(NULL);
	pthread_join(thread, NULL);
	assert_int_equal(atomic_load(&n_wrong), 0);
	if (after != MAP_FAILED) {
		assert_int_equal(*after, byte);
		munmap(after, test_page());
	}
	toy_destroy(&toy);
}

/* Its registers fault before anybody has said a word. */
static void
test_cutoff_a_fault_is_answered_before_any_sign(void **state)
{
	(void)state;
	toy_make(&toy, "toy0", 2, BIG);
	assert_int_equal(toy_publish(&toy), 0);
	toy_pull(&toy);
	assert_true(toy_reads_all(toy.bar[1], BIG, 0xff));
	assert_true(WAIT_FOR(hotplug_device_state("toy0") == HOTPLUG_STATE_GONE));
	assert_true(toy_reads_all(toy.bar[0], BIG, 0xff));
	toy_destroy(&toy);
}

static bool
is_mapped(uint8_t *p)
{
	unsigned char vec;

	return mincore(p, test_page(), &vec) == 0;
}

/* What a driver has left mapped, cut off or not; not what somebody put there since. */
static void
test_cutoff_unmaps_what_is_left_and_nothing_else(void **state)
{
	struct publication now;
	uint8_t *own, *others;

	(void)state;
	assert_int_equal(toy_enable(NULL), 0);
	for (int is_cut = 0; is_cut < 2; is_cut++) {
		toy_make(&toy, "toy0", 2, BIG);
		assert_int_equal(toy_publish(&toy), 0);
		own = toy.bar[0];
		others = toy_unmap(&toy, 1);
		assert_ptr_equal(mmap(others, BIG, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS |
				      MAP_FIXED_NOREPLACE, -1, 0), others);
		if (is_cut) {
			atomic_store(&toy.look, HOTPLUG_LOOK_ABSENT);
			assert_int_equal(toy_report(&toy), 0);
		}
		now = device_publication(&toy_bus, &toy);
		device_unmap(&now);
		assert_false(is_mapped(own));
		assert_true(is_mapped(others));
		assert_int_equal(munmap(others, BIG), 0);
		toy.bar[0] = NULL;
		toy_destroy(&toy);
	}
	assert_int_equal(hotplug_disable(), 0);
}

static pthread_t reporter;
static _Atomic bool is_reported;

static void *
report(void *arg)
{
	(void)arg;
	assert_int_equal(toy_report(&toy), 0);
	atomic_store(&is_reported, true);
	return NULL;
}

/* The loss comes just before; somebody else's memory is there just after. */
static int
unmap_slowly(void *addr, size_t len)
{
	guard_enter();
	assert_null(guard_find((uintptr_t)addr));
	assert_non_null(guard_find((uintptr_t)toy.bar[1]));
	guard_leave();
	assert_int_equal(pthread_create(&reporter, NULL, report, NULL), 0);
	test_sleep_ms(50);
	assert_false(atomic_load(&is_reported));
	assert_int_equal(munmap(addr, len), 0);
	assert_ptr_equal(mmap(addr, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS |
			      MAP_FIXED_NOREPLACE, -1, 0), addr);
	memset(addr, 0x33, len);
	errno = ERANGE;
	return 0;
}

static int
refuse_to_unmap(void *addr, size_t len)
{
	(void)addr;
	(void)len;
	errno = EINVAL;
	return -1;
}

/* Between its look and its deed a cut-off was laid over what had come there. */
static void
test_cutoff_waits_for_who_unmaps(void **state)
{
	uint8_t *bar;

	(void)state;
	assert_int_equal(toy_enable(NULL), 0);
	toy_make(&toy, "toy0", 2, BIG);
	assert_int_equal(toy_publish(&toy), 0);
	bar = toy.bar[0];
	assert_int_equal(unmap_guarded(bar, BIG, refuse_to_unmap), -1);
	assert_int_equal(errno, EINVAL);
	guard_enter();
	assert_non_null(guard_find((uintptr_t)bar + BIG - 1));
	guard_leave();
	atomic_store(&toy.look, HOTPLUG_LOOK_ABSENT);
	assert_int_equal(unmap_guarded(bar, BIG, unmap_slowly), 0);
	assert_int_equal(errno, ERANGE);
	pthread_join(reporter, NULL);
	assert_true(toy_reads_all(bar, BIG, 0x33));
	assert_true(toy_reads_all(toy.bar[1], BIG, 0xff));
	assert_int_equal(unmap_guarded(bar, BIG, munmap), 0);   /* as anybody's */
	toy.bar[0] = NULL;
	toy_destroy(&toy);
	assert_int_equal(hotplug_disable(), 0);
}

static _Atomic bool is_over;
static _Atomic unsigned int n_looks, n_missed;

/* As the handler does for a fault on the last BAR. */
static void *
look_for_last(void *arg)
{
	uintptr_t addr = (uintptr_t)arg;

	while (!atomic_load(&is_over)) {
		guard_enter();
		n_missed += guard_find(addr) == NULL;
		guard_leave();
		n_looks++;
	}
	return NULL;
}

/* A fault on one BAR, while another of the device was dropped from the guard, was nobody's. */
static void
test_cutoff_drops_one_bar_and_guards_the_others(void **state)
{
	unsigned int round, i;
	pthread_t looker;

	(void)state;
	n_missed = 0;
	for (round = 0; round < 100; round++) {
		toy_make(&toy, "toy0", 6, test_page());
		assert_int_equal(toy_publish(&toy), 0);
		atomic_store(&is_over, false);
		n_looks = 0;
		pthread_create(&looker, NULL, look_for_last, toy.bar[5]);
		assert_true(WAIT_FOR(n_looks > 0));
		for (i = 0; i < 5; i++) {
			munmap(toy.bar[i], toy.len);
			toy.bar[i] = NULL;
			assert_int_equal(toy_publish(&toy), 0);
		}
		atomic_store(&is_over, true);
		pthread_join(looker, NULL);
		atomic_store(&toy.look, HOTPLUG_LOOK_ABSENT);
		assert_int_equal(toy_report(&toy), 0);
		assert_int_equal(toy_read(toy.bar[5]), 0xff);   /* under its new place in the device */
		toy_destroy(&toy);
	}
	assert_int_equal(n_missed, 0);
}

/* As the handler does for a fault on the BAR, while the kernel says no. */
static int
look_and_refuse(void *addr, size_t len)
{
	guard_enter();
	n_missed += guard_find((uintptr_t)toy.bar[0]) == NULL;
	guard_leave();
	return refuse_to_unmap(addr, len);
}

/* An munmap() that the kernel refuses (an address in the middle of a page) unmaps nothing.  A fault
 * on the BAR while it was refused was nobody's. */
static void
test_cutoff_refused_unmap_leaves_it_guarded(void **state)
{
	(void)state;
	n_missed = 0;
	toy_make(&toy, "toy0", 1, BIG);
	assert_int_equal(toy_publish(&toy), 0);
	assert_int_equal(munmap(toy.bar[0] + 8, 8), -1);
	assert_int_equal(unmap_guarded(toy.bar[0] + 8, 8, look_and_refuse), -1);
	assert_int_equal(errno, EINVAL);
	toy_destroy(&toy);
	assert_int_equal(n_missed, 0);
}

static struct toy second;

/* The kernel puts a new BAR where another device's was, which its driver had unmapped without a
 * word (in a static program, by mremap()).  The new one was not guarded: a loss left it the
 * card's. */
static void
test_cutoff_of_a_bar_where_anothers_was(void **state)
{
	uint8_t *place;

	(void)state;
	toy_make(&toy, "toy0", 1, test_page());
	assert_int_equal(toy_publish(&toy), 0);
	place = toy_unmap(&toy, 0);
	toy_make(&second, "toy1", 1, test_page());
	if (second.bar[0] != place)     /* as a rule it is there already */
		assert_ptr_equal(mremap(second.bar[0], test_page(), test_page(),
					MREMAP_MAYMOVE | MREMAP_FIXED, place), place);
	second.bar[0] = place;
	assert_int_equal(toy_publish(&second), 0);
	atomic_store(&second.look, HOTPLUG_LOOK_ABSENT);
	assert_int_equal(toy_report(&second), 0);
	assert_int_equal(toy_read(second.bar[0]), 0xff);
	toy_destroy(&second);
	toy_destroy(&toy);
}

static _Atomic bool is_in_guard, may_leave;

/* As one that looks whether what it unmaps is a BAR, and gets no processor there, or is stopped by
 * a debugger. */
static void *
stay_in_guard(void *arg)
{
	guard_look_begin();
	atomic_store(&is_in_guard, true);
	while (!atomic_load(&may_leave))
		test_sleep_ms(1);
	guard_look_end();
	return arg;
}

static void *
withdraw_second(void *arg)
{
	assert_int_equal(toy_withdraw(&second), 0);
	return arg;
}

/* While one device was withdrawn behind a thread that stayed in the guard, nobody else's registers
 * were cut off. */
static void
test_cutoff_waits_for_no_other_device(void **state)
{
	pthread_t stayer, withdrawer;
	bool is_in_time;

	(void)state;
	toy_make(&toy, "toy0", 1, BIG);
	toy_make(&second, "toy1", 1, BIG);
	assert_int_equal(toy_publish(&toy), 0);
	assert_int_equal(toy_publish(&second), 0);
	atomic_store(&is_in_guard, false);
	atomic_store(&may_leave, false);
	atomic_store(&is_reported, false);
	assert_int_equal(pthread_create(&stayer, NULL, stay_in_guard, NULL), 0);
	assert_true(WAIT_FOR(atomic_load(&is_in_guard)));
	assert_int_equal(pthread_create(&withdrawer, NULL, withdraw_second, NULL), 0);
	test_sleep_ms(50);
	atomic_store(&toy.look, HOTPLUG_LOOK_ABSENT);
	assert_int_equal(pthread_create(&reporter, NULL, report, NULL), 0);
	is_in_time = WAIT_FOR(atomic_load(&is_reported));
	atomic_store(&may_leave, true);
	pthread_join(stayer, NULL);
	pthread_join(withdrawer, NULL);
	pthread_join(reporter, NULL);
	assert_true(is_in_time);
	assert_int_equal(toy_read(&toy.bar[0][0]), 0xff);
	toy_destroy(&toy);
	toy_destroy(&second);
}

static void
test_cutoff_disable_leaves_it_readable_without_us(void **state)
{
	(void)state;
	assert_int_equal(toy_enable(NULL), 0);
	make_and_cut(1, BIG);
	assert_int_equal(hotplug_disable(), 0);
	assert_true(toy_reads_all(toy.bar[0], BIG, 0xff));      /* no handler any more */
	hotplug_bus_unregister(&toy_bus);
	toy_destroy(&toy);
}


int
main(void)
{
	const struct CMUnitTest tests[] = {
		ENABLED(test_cutoff_lays_one_mapping_over_the_whole_bar),
		ENABLED(test_cutoff_every_byte_reads_ones),
		ENABLED(test_cutoff_a_wide_read_over_a_chunks_edge_is_ones),
		ENABLED(test_cutoff_writes_reach_neither_device_nor_other_registers),
		ENABLED(test_cutoff_a_touch_lays_its_own_chunk_only),
		ENABLED(test_cutoff_a_bar_of_one_chunk_is_filled_at_once),
		ENABLED(test_cutoff_of_a_region_smaller_than_a_page),
		ENABLED(test_cutoff_again_keeps_what_was_written),
		ENABLED(test_cutoff_two_threads_that_fault_together_read_the_same),
		ENABLED(test_cutoff_a_fault_is_answered_before_any_sign),
		cmocka_unit_test(test_cutoff_fill_is_the_drivers_or_the_default),
		cmocka_unit_test(test_cutoff_without_a_handler_fills_everything_at_once),
		cmocka_unit_test(test_cutoff_unmaps_what_is_left_and_nothing_else),
		cmocka_unit_test(test_cutoff_waits_for_who_unmaps),
		ENABLED(test_cutoff_drops_one_bar_and_guards_the_others),
		ENABLED(test_cutoff_refused_unmap_leaves_it_guarded),
		ENABLED(test_cutoff_of_a_bar_where_anothers_was),
		ENABLED(test_cutoff_waits_for_no_other_device),
		cmocka_unit_test(test_cutoff_disable_leaves_it_readable_without_us),
	};

	return cmocka_run_group_tests_name("cutoff", tests, NULL, NULL);
}
