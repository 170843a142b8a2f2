/* SPDX-License-Identifier: BSD-3-Clause */

/* test_cost: what a cut-off costs does not grow with what is not that device's.
 * In:  1,000 devices, 40,000 mappings of others, on files that have no BAR's name, as vfio's
 *      and uio's have none in /sys.
 * A cut-off's own processor time is measured, so that a busy machine changes nothing.
 * Where the kernel can be asked for one mapping (6.11); an older one is read from the start
 * for such files, and this program has nothing to say.
 * Context: app. */

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "eal/maps.h"
#include "hotplug_bus.h"
#include "test.h"

#define LEN (128 * 1024)
#define N_DEVICES 1000
#define N_MAPPINGS 40000
#define BOUND_US 300            /* a median; 1,750 with 1,000 devices when the list was read */
#define N_CUTS 21

static _Atomic bool is_absent;
static _Atomic unsigned int n_looks;

static enum hotplug_look
look(const char *name, const char *kernel_driver, const struct hotplug_identity *id)
{
	(void)name;
	(void)kernel_driver;
	(void)id;
	n_looks++;
	return is_absent ? HOTPLUG_LOOK_ABSENT : HOTPLUG_LOOK_PRESENT;
}

static const struct hotplug_bus_ops ops = { .look = look };
static struct hotplug_bus bus = { .name = "cost", .ops = &ops };

static const void *
key_of(unsigned int i)
{
	return (const void *)(uintptr_t)(i + 1);
}

static void
publish(unsigned int i, int fd)
{
	char name[HOTPLUG_NAME_LEN];
	struct hotplug_device_info info = {
		.key = key_of(i), .name = name, .sign_fd = -1, .n_regions = 1,
	};

	snprintf(name, sizeof(name), "cost%u", i);
	info.region[0] = (struct hotplug_region){
		.addr = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), .len = LEN,
		.restore_fd = fd,
	};
	assert_true(info.region[0].addr != MAP_FAILED);
	assert_int_equal(hotplug_device_publish(&bus, &info), 0);
}

/* Neighbours that differ, so that the kernel merges none. */
static void
map_many(void)
{
	char *p = mmap(NULL, N_MAPPINGS * 4096ul, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned int i;

	assert_true(p != MAP_FAILED);
	for (i = 0; i < N_MAPPINGS; i += 2)
		assert_int_equal(mprotect(p + i * 4096ul, 4096, PROT_READ), 0);
}

static double
cpu_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec * 1e6 + ts.tv_nsec / 1e3;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* The median. */
static double
cut_off(unsigned int first)
{
	double us[N_CUTS];
	unsigned int i;

	for (i = 0; i < N_CUTS; i++) {
		us[i] = cpu_us();
		assert_int_equal(hotplug_bus_report(&bus, key_of(first + i), HOTPLUG_SIGN_CALLER),
				 0);
		us[i] = cpu_us() - us[i];
	}
	qsort(us, N_CUTS, sizeof(*us), compare);
	print_message("# %.1f us\n", us[N_CUTS / 2]);
	return us[N_CUTS / 2];
}

static void
test_cost_of_a_cut_off_is_that_devices_own(void **state)
{
	struct hotplug_config config;
	int fd = memfd_create("cost", MFD_CLOEXEC);
	unsigned int i;

	(void)state;
	hotplug_config_init(&config);
	config.liveness_ms = 0;
	assert_int_equal(ftruncate(fd, LEN), 0);
	assert_int_equal(hotplug_bus_register(&bus), 0);
	assert_int_equal(hotplug_enable(&config), 0);
	for (i = 0; i < N_DEVICES; i++)
		publish(i, fd);
	assert_true(WAIT_FOR(n_looks >= N_DEVICES));    /* each was published just now */
	is_absent = true;
	assert_true(cut_off(0) < BOUND_US);
	map_many();
	assert_true(cut_off(N_CUTS) < BOUND_US);
	assert_true(cut_off(N_DEVICES - N_CUTS) < BOUND_US);
	hotplug_disable();
	hotplug_bus_unregister(&bus);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cost_of_a_cut_off_is_that_devices_own),
	};

	if (!maps_is_quick()) {
		fprintf(stderr, "this kernel cannot be asked for one mapping (Linux 6.11)\n");
		return 1;
	}
	return cmocka_run_group_tests_name("cost", tests, NULL, NULL);
}
