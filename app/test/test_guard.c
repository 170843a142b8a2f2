/* SPDX-License-Identifier: BSD-3-Clause */

/* test_guard: the owner of every guarded address is found, of no other; nothing
 * is taken from under a reader.
 * In:  made-up devices at made-up addresses; nothing is mapped or touched.
 * Context: app, and reader threads that stand for signal handlers. */

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "survive/guard.h"
#include "test.h"

#define BASE 0x100000000ul
#define STRIDE 0x100000ul
#define LEN 0x8000ul

/* Regions for the devices of one test, and more. */
#define POOL_LEN 2048

static struct region pool[POOL_LEN][HOTPLUG_MAX_REGIONS];
static unsigned int n_placed;

static void
place(struct hotplug_device *dev, unsigned int n_regions, uintptr_t start, uintptr_t stride)
{
	unsigned int i;

	dev->n_regions = n_regions;
	dev->region = pool[n_placed++ % POOL_LEN];
	for (i = 0; i < n_regions; i++) {
		dev->region[i].dev = dev;
		dev->region[i].start = start + i * stride;
		dev->region[i].end = dev->region[i].start + LEN;
	}
}

static int
publish(struct hotplug_device *dev)
{
	int ret;

	device_lock();
	ret = guard_publish(dev);
	device_unlock();
	return ret;
}

static void
withdraw(const struct hotplug_device *dev)
{
	device_lock();
	guard_withdraw(dev);
	device_unlock();
}

static struct region *
find(uintptr_t addr)
{
	struct region *region;

	guard_enter();
	region = guard_find(addr);
	guard_leave();
	return region;
}

static void
check_ends(const struct region *region)
{
	assert_null(find(region->start - 1));
	assert_ptr_equal(find(region->start), region);
	assert_ptr_equal(find(region->start + LEN / 2), region);
	assert_ptr_equal(find(region->end - 1), region);
	assert_null(find(region->end));
}

static void
check_devices(unsigned int n)
{
	struct hotplug_device *devs = calloc(n, sizeof(*devs));
	unsigned int i, j;

	for (i = 0; i < n; i++) {       /* neither end first: 0, n-1, 1, n-2 ... */
		j = i % 2 == 0 ? i / 2 : n - 1 - i / 2;
		place(&devs[j], HOTPLUG_MAX_REGIONS, BASE + j * 6 * STRIDE, STRIDE);
		assert_int_equal(publish(&devs[j]), 0);
	}
	for (i = 0; i < n; i++)
		for (j = 0; j < HOTPLUG_MAX_REGIONS; j++)
			check_ends(&devs[i].region[j]);
	assert_null(find(0));
	assert_null(find(UINTPTR_MAX));
	for (i = 0; i < n; i++)
		withdraw(&devs[i]);
	for (i = 0; i < n; i++)
		assert_null(find(devs[i].region[0].start));
	place(&devs[0], 0, 0, 0);
	assert_int_equal(publish(&devs[0]), 0); /* drops the table: devs goes */
	free(devs);
}

static void
test_guard_finds_every_region_of_1_to_1024_devices(void **state)
{
	static const unsigned int counts[] = { 1, 2, 3, 16, 255, 1024 };
	unsigned int i;

	(void)state;
	for (i = 0; i < N_ELEMENTS(counts); i++)
		check_devices(counts[i]);
}

static void
test_guard_tells_adjacent_regions_apart(void **state)
{
	struct hotplug_device dev = { 0 };

	(void)state;
	place(&dev, 2, BASE, LEN);
	assert_int_equal(publish(&dev), 0);
	assert_ptr_equal(find(BASE + LEN - 1), &dev.region[0]);
	assert_ptr_equal(find(BASE + LEN), &dev.region[1]);
	withdraw(&dev);
}

static void
test_guard_refuses_overlap_and_keeps_the_rest(void **state)
{
	static const long shifts[] = { -(long)LEN + 1, -1, 0, 1, LEN - 1 };
	struct hotplug_device dev = { 0 }, other = { 0 };
	unsigned int i;

	(void)state;
	place(&dev, 1, BASE, 0);
	assert_int_equal(publish(&dev), 0);
	for (i = 0; i < N_ELEMENTS(shifts); i++) {
		place(&other, 2, BASE + 4 * STRIDE, 0);
		other.region[1].start = BASE + shifts[i];
		other.region[1].end = other.region[1].start + LEN;
		assert_int_equal(publish(&other), -EINVAL);
		assert_null(find(BASE + 4 * STRIDE));
		assert_ptr_equal(find(BASE), &dev.region[0]);
	}
	withdraw(&dev);
}

static void
test_guard_refuses_overlap_within_a_device(void **state)
{
	struct hotplug_device dev = { 0 };

	(void)state;
	place(&dev, 2, BASE, LEN / 2);
	assert_int_equal(publish(&dev), -EINVAL);
	assert_null(find(BASE));
}

static void
test_guard_publish_again_replaces(void **state)
{
	struct hotplug_device dev = { 0 };

	(void)state;
	place(&dev, 3, BASE, STRIDE);
	assert_int_equal(publish(&dev), 0);
	place(&dev, 1, BASE + STRIDE, STRIDE);
	assert_int_equal(publish(&dev), 0);
	assert_null(find(BASE));
	assert_ptr_equal(find(BASE + STRIDE), &dev.region[0]);
	assert_null(find(BASE + 2 * STRIDE));
	withdraw(&dev);
}

static _Atomic bool has_withdrawn;

static void *
withdraw_thread(void *dev)
{
	withdraw(dev);
	atomic_store(&has_withdrawn, true);
	return NULL;
}

static void
test_guard_withdraw_waits_for_a_reader_in_flight(void **state)
{
	struct hotplug_device dev = { 0 };
	pthread_t thread;

	(void)state;
	place(&dev, 1, BASE, 0);
	assert_int_equal(publish(&dev), 0);
	atomic_store(&has_withdrawn, false);
	guard_enter();
	assert_ptr_equal(guard_find(BASE), &dev.region[0]);
	pthread_create(&thread, NULL, withdraw_thread, &dev);
	assert_true(WAIT_FOR(guard_find(BASE) == NULL));        /* blanked already */
	test_sleep_ms(20);
	assert_false(atomic_load(&has_withdrawn));
	guard_leave();
	pthread_join(thread, NULL);
	assert_true(atomic_load(&has_withdrawn));
}

/* A device whose owner has it, or has let it go: plain, so that a reader that
 * meets a withdrawn one is a race for ThreadSanitizer and a lie for us. */
static struct hotplug_device shared[8];
static bool is_owned[8];
static _Atomic bool is_over;
static _Atomic unsigned int n_found, n_wrong;

static void *
read_thread(void *arg)
{
	struct region *region;
	unsigned int i = 0;

	(void)arg;
	while (!atomic_load(&is_over)) {
		i = (i + 1) % 8;
		guard_enter();
		region = guard_find(BASE + i * STRIDE + 1);
		if (region != NULL) {
			atomic_fetch_add(&n_found, 1);
			if (region->dev != &shared[i] || !is_owned[i])
				atomic_fetch_add(&n_wrong, 1);
		}
		guard_leave();
	}
	return NULL;
}

static void
test_guard_changes_under_readers(void **state)
{
	pthread_t thread[3];
	unsigned int i, round;

	(void)state;
	for (i = 0; i < 8; i++)
		place(&shared[i], 1, BASE + i * STRIDE, 0);
	for (i = 0; i < N_ELEMENTS(thread); i++)
		pthread_create(&thread[i], NULL, read_thread, NULL);
	for (round = 0; round < 2000 || atomic_load(&n_found) < 100; round++) {
		i = round * 5 % 8;
		is_owned[i] = true;
		assert_int_equal(publish(&shared[i]), 0);
		withdraw(&shared[i]);
		is_owned[i] = false;
	}
	atomic_store(&is_over, true);
	for (i = 0; i < N_ELEMENTS(thread); i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(atomic_load(&n_wrong), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_guard_finds_every_region_of_1_to_1024_devices),
		cmocka_unit_test(test_guard_tells_adjacent_regions_apart),
		cmocka_unit_test(test_guard_refuses_overlap_and_keeps_the_rest),
		cmocka_unit_test(test_guard_refuses_overlap_within_a_device),
		cmocka_unit_test(test_guard_publish_again_replaces),
		cmocka_unit_test(test_guard_withdraw_waits_for_a_reader_in_flight),
		cmocka_unit_test(test_guard_changes_under_readers),
	};

	return cmocka_run_group_tests_name("guard", tests, NULL, NULL);
}
