/* SPDX-License-Identifier: BSD-3-Clause */

/* test_huge: EAL takes SIGBUS for itself while it maps a hugepage; who meets a cut-off BAR
 * in another thread then is not led into its stack.
 * In:  an EAL with hugepages, a thread that makes its heap grow and shrink, BARs that are
 *      memfds on a bus of ours, longer than a chunk.
 * Context: app, signal. */

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_malloc.h>

#include <hotplug.h>
#include <hotplug_bus.h>

#include "enabled.h"
#include "logged.h"

#define BAR_LEN (4u << 20)
#define N_LOSSES 40u

static _Atomic bool is_gone, is_over;
static _Atomic unsigned int n_gone, n_allocations;

static enum hotplug_look
look(const char *name, const char *driver, const struct hotplug_identity *id)
{
	(void)name;
	(void)driver;
	(void)id;
	return atomic_load(&is_gone) ? HOTPLUG_LOOK_ABSENT : HOTPLUG_LOOK_PRESENT;
}

static const struct hotplug_bus_ops ops = { .look = look };
static struct hotplug_bus bus = { .name = "memory", .ops = &ops };

static void
on_event(const struct hotplug_event *event, void *arg)
{
	(void)arg;
	n_gone += event->type == HOTPLUG_EVENT_GONE;
}

/* By some hugepages each time. */
static void *
allocate(void *arg)
{
	void *p;

	(void)arg;
	while (!atomic_load(&is_over)) {
		p = rte_malloc(NULL, 8u << 20, 0);
		n_allocations += p != NULL;
		rte_free(p);
	}
	return NULL;
}

static void
lose_one(void)
{
	struct hotplug_device_info info = {
		.key = &bus, .name = "card0", .n_regions = 1, .sign_fd = -1,
	};
	unsigned int before = n_gone;
	int fd = memfd_create("bar", MFD_CLOEXEC);
	volatile uint8_t *bar;
	size_t at;

	assert_int_equal(ftruncate(fd, BAR_LEN), 0);
	bar = mmap(NULL, BAR_LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(bar != MAP_FAILED);
	info.region[0] = (struct hotplug_region){
		.addr = (void *)(uintptr_t)bar, .len = BAR_LEN, .restore_fd = fd,
	};
	atomic_store(&is_gone, false);
	assert_int_equal(hotplug_device_publish(&bus, &info), 0);
	atomic_store(&is_gone, true);
	assert_int_equal(hotplug_bus_report(&bus, &bus, HOTPLUG_SIGN_CALLER), 0);
	assert_true(WAIT_FOR(n_gone > before));
	for (at = 0; at < BAR_LEN; at += 64 * 1024)     /* each is a fault */
		assert_int_equal(bar[at], 0xff);
	assert_int_equal(hotplug_device_withdraw(&bus, &bus), 0);
	munmap((void *)(uintptr_t)bar, BAR_LEN);
	close(fd);
}

static void
test_huge_pages_are_mapped_while_a_dead_card_is_touched(void **state)
{
	struct hotplug_stats stats = { .size = sizeof(stats) };
	pthread_t thread;
	unsigned int i;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, allocate, NULL), 0);
	assert_true(WAIT_FOR(n_allocations > 0));
	for (i = 0; i < N_LOSSES; i++) {
		lose_one();
		assert_int_equal(hotplug_stats_get(&stats), 0);
		assert_int_equal(stats.has_handler, 1);         /* it never left its place */
	}
	atomic_store(&is_over, true);
	pthread_join(thread, NULL);
	assert_true(stats.faults >= N_LOSSES * BAR_LEN / (64 * 1024));
	print_message("# %u allocations\n", n_allocations);
}

static void
on_sigbus(int signo)
{
	(void)signo;
}

/* Which stays, as none of EAL's does. */
static void
test_huge_apart_another_handler_is_said(void **state)
{
	(void)state;
	assert_int_equal(logged_start(), 0);
	signal(SIGBUS, on_sigbus);
	assert_true(WAIT_FOR(!is_log_empty()));
	assert_true(is_logged("another SIGBUS handler was installed over ours"));
	signal(SIGBUS, SIG_DFL);
	logged_stop();
}

static int
start(void **state)
{
	(void)state;
	return hotplug_enable(NULL) != 0 || hotplug_event_subscribe(NULL, on_event, NULL) < 0;
}

static int
stop(void **state)
{
	(void)state;
	return hotplug_disable();
}

static int
start_eal(void **state)
{
	char *argv[] = {
		(char *)(uintptr_t)"test", (char *)(uintptr_t)"--no-pci",
		(char *)(uintptr_t)"--in-memory", (char *)(uintptr_t)"--no-telemetry",
		(char *)(uintptr_t)"-l", (char *)(uintptr_t)"0",
		(char *)(uintptr_t)"--file-prefix=hp-test-huge", NULL,
	};

	(void)state;
	return rte_eal_init(N_ELEMENTS(argv) - 1, argv) < 0 || hotplug_bus_register(&bus) != 0;
}

static int
stop_eal(void **state)
{
	(void)state;
	return rte_eal_cleanup();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ENABLED(test_huge_pages_are_mapped_while_a_dead_card_is_touched),
		ENABLED(test_huge_apart_another_handler_is_said),
	};

	return cmocka_run_group_tests_name("huge", tests, start_eal, stop_eal);
}
