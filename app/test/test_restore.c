/* SPDX-License-Identifier: BSD-3-Clause */

/* test_restore: a device that lives after all is mapped as before; one that its
 * driver is closing is left to it until it has done.
 * In:  toy devices; a gate holds look() while the cut-off is examined.
 * Context: app. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/device.h"
#include "eal/maps.h"
#include "enabled.h"
#include "fake_host.h"
#include "toy_bus.h"
#include "vmas.h"

#define LEN (256 * 1024ul)

static struct toy toy;
static struct heard heard;

static int
start(void **state)
{
	(void)state;
	heard_init(&heard);
	fake_log_clear();
	toy_make(&toy, "toy0", 2, LEN);
	return toy_enable(NULL) != 0 || hotplug_event_subscribe("toy0", heard_fn, &heard) < 0;
}

static int
stop(void **state)
{
	(void)state;
	toy_destroy(&toy);
	toy_disable();
	return 0;
}

/* Suspected and cut off, then seen alive. */
static void
scare(void)
{
	pthread_mutex_lock(&toy.gate);
	assert_int_equal(toy_report(&toy), 0);
	assert_int_equal(toy_read(&toy.bar[0][0]), 0xff);
	assert_int_equal(toy_read(&toy.bar[1][LEN - 1]), 0xff);
	pthread_mutex_unlock(&toy.gate);
}

static void
test_restore_by_descriptor_brings_the_old_registers_back(void **state)
{
	struct hotplug_event event;
	uint8_t byte;

	(void)state;
	assert_int_equal(toy_publish(&toy), 0);
	scare();
	event = heard_wait(&heard, HOTPLUG_EVENT_RESTORED, 0);
	assert_int_equal(event.type, HOTPLUG_EVENT_RESTORED);
	assert_int_equal(event.sign, HOTPLUG_SIGN_CALLER);
	assert_true(toy_reads_all(toy.bar[0], LEN, 0x5a));
	assert_true(toy_reads_all(toy.bar[1], LEN, 0x5a));
	toy_write(&toy.bar[1][9], 0x66);     /* and they are the device's */
	assert_int_equal(pread(toy.fd[1], &byte, 1, 9), 1);
	assert_int_equal(byte, 0x66);
	assert_int_equal(hotplug_device_state("toy0"), HOTPLUG_STATE_ATTACHED);
	assert_int_equal(heard_count(&heard, HOTPLUG_EVENT_GONE), 0);
}

static void
test_restore_and_lose_again(void **state)
{
	unsigned int round;

	(void)state;
	assert_int_equal(toy_publish(&toy), 0);
	for (round = 0; round < 5; round++) {
		scare();
		assert_true(WAIT_FOR(toy_read(&toy.bar[0][0]) == 0x5a));
	}
	atomic_store(&toy.look, HOTPLUG_LOOK_ABSENT);
	toy_report(&toy);
	assert_int_equal(heard_wait(&heard, HOTPLUG_EVENT_GONE, 0).type, HOTPLUG_EVENT_GONE);
	assert_true(toy_reads_all(toy.bar[0], LEN, 0xff));
}

/* The region as a file with a name has it (sysfs' resourceN). */
static void
map_named_file(char *path)
{
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, LEN + test_page()), 0);
	close(toy.fd[0]);
	toy.fd[0] = fd;
	assert_ptr_equal(mmap(toy.bar[0], LEN, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
			      test_page()), toy.bar[0]);
	memset(toy.bar[0], 0x29, LEN);
	toy.restores_by_fd = false;
	toy.n_regions = 1;
}

static void
test_restore_by_path_brings_the_old_registers_back(void **state)
{
	char path[] = "/tmp/hotplug-restore-XXXXXX";
	struct vmas vmas;

	(void)state;
	map_named_file(path);
	assert_int_equal(toy_publish(&toy), 0);
	pthread_mutex_lock(&toy.gate);
	toy_report(&toy);
	assert_int_equal(toy_read(&toy.bar[0][0]), 0xff);
	pthread_mutex_unlock(&toy.gate);
	heard_wait(&heard, HOTPLUG_EVENT_RESTORED, 0);
	assert_true(toy_reads_all(toy.bar[0], LEN, 0x29));
	vmas = vmas_of(toy.bar[0], LEN);
	assert_int_equal(vmas.n, 1);
	assert_int_equal(vmas.vma[0].offset, test_page());
	assert_true(vmas.vma[0].is_shared && vmas.vma[0].is_writable);
	unlink(path);
}

/* As sysfs has it for a card below twenty bridges. */
static void
test_restore_by_a_long_path(void **state)
{
	char dir[] = "/tmp/hotplug-restore-XXXXXX", path[VMA_PATH_LEN], command[128];
	unsigned int i;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s", dir);
	for (i = 0; i < 20; i++) {
		snprintf(path + strlen(path), sizeof(path) - strlen(path), "/0000:%02x:00.0", i);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	strcat(path, "/resource0XXXXXX");
	map_named_file(path);
	assert_int_equal(toy_publish(&toy), 0);
	pthread_mutex_lock(&toy.gate);
	toy_report(&toy);
	assert_int_equal(toy_read(&toy.bar[0][0]), 0xff);
	pthread_mutex_unlock(&toy.gate);
	heard_wait(&heard, HOTPLUG_EVENT_RESTORED, 0);
	assert_true(toy_reads_all(toy.bar[0], LEN, 0x29));
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	assert_int_equal(system(command), 0);
}

/* The path is another file's now: better cut off than somebody else's. */
static void
test_restore_never_maps_another_file_of_the_same_name(void **state)
{
	char path[] = "/tmp/hotplug-restore-XXXXXX";
	int fd;

	(void)state;
	map_named_file(path);
	assert_int_equal(toy_publish(&toy), 0);
	unlink(path);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(ftruncate(fd, LEN + test_page()), 0);
	toy_report(&toy);
	assert_true(WAIT_FOR(fake_log_has("toy0 lives, but cannot be mapped again")));
	assert_int_equal(heard_wait(&heard, HOTPLUG_EVENT_GONE, 0).cause, HOTPLUG_CAUSE_FAULT);
	assert_int_equal(heard_count(&heard, HOTPLUG_EVENT_RESTORED), 0);
	assert_int_equal(hotplug_device_state("toy0"), HOTPLUG_STATE_GONE);
	assert_true(toy_reads_all(toy.bar[0], LEN, 0xff));
	close(fd);
	unlink(path);
}

/* vfio: mapped in pieces with a hole (the MSI-X table) that stays one. */
static void
test_restore_keeps_pieces_and_their_protection(void **state)
{
	struct vmas vmas;

	(void)state;
	assert_ptr_equal(mmap(toy.bar[0] + 65536, test_page(), PROT_NONE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), toy.bar[0] + 65536);
	assert_int_equal(mprotect(toy.bar[0] + 3 * 65536, 65536, PROT_READ), 0);
	assert_int_equal(toy_publish(&toy), 0);
	scare();
	heard_wait(&heard, HOTPLUG_EVENT_RESTORED, 0);
	vmas = vmas_of(toy.bar[0], LEN);
	assert_int_equal(vmas.n, 4);
	assert_true(vmas.vma[0].is_writable);
	assert_false(vmas.vma[1].is_readable);
	assert_int_equal(vmas.vma[1].inode, 0);
	assert_int_equal(vmas.vma[2].offset, 65536 + test_page());
	assert_false(vmas.vma[3].is_writable);
	assert_int_equal(toy_read(&toy.bar[0][LEN - 1]), 0x5a);
}

static void
test_settle_a_device_being_closed_is_cut_off_at_once(void **state)
{
	(void)state;
	assert_int_equal(toy_publish(&toy), 0);
	assert_int_equal(hotplug_device_unsettle(&toy_bus, &toy), 0);
	atomic_store(&toy.look, HOTPLUG_LOOK_ABSENT);
	assert_int_equal(toy_report(&toy), 0);
	heard_wait(&heard, HOTPLUG_EVENT_GONE, 0);
	assert_int_not_equal(toy_read(&toy.bar[0][0]), 0x5a);
	assert_int_not_equal(toy_read(&toy.bar[1][LEN - 1]), 0x5a);
	assert_int_equal(hotplug_device_settle(&toy_bus, &toy), 0);
	assert_true(toy_reads_all(toy.bar[0], LEN, 0xff));
	assert_true(toy_reads_all(toy.bar[1], LEN, 0xff));
}

static void
test_settle_faults_meanwhile_are_answered(void **state)
{
	uint8_t *hole, value;

	(void)state;
	assert_int_equal(toy_publish(&toy), 0);
	assert_int_equal(hotplug_device_unsettle(&toy_bus, &toy), 0);
	toy_pull(&toy);
	value = toy_read(&toy.bar[0][0]);       /* ones, or it flips already */
	assert_true(value == 0xff || value == 0);
	assert_true(WAIT_FOR(toy_read(&toy.bar[0][0]) == 0));
	device_lock();          /* under which the rest of it is laid */
	device_unlock();
	hole = toy_unmap(&toy, 1);      /* where the kernel may put what flips it */
	assert_int_equal(hotplug_device_settle(&toy_bus, &toy), 0);
	assert_false(vmas_has_ours(hole, LEN));
	assert_true(toy_reads_all(toy.bar[0], LEN, 0xff));
}

/* A process without a free descriptor: nothing flips, nobody can ask what is mapped, and the
 * record is believed. */
static void
test_settle_faults_are_answered_where_proc_cannot_be_read(void **state)
{
	struct rlimit old, none;
	uint8_t value;

	(void)state;
	assert_int_equal(toy_publish(&toy), 0);
	assert_int_equal(hotplug_device_unsettle(&toy_bus, &toy), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = (struct rlimit){ .rlim_cur = 0, .rlim_max = old.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	toy_pull(&toy);
	value = toy_read(&toy.bar[0][0]);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(value, 0xff);
	assert_int_equal(hotplug_device_settle(&toy_bus, &toy), 0);
}

static void
test_settle_nests(void **state)
{
	(void)state;
	assert_int_equal(toy_publish(&toy), 0);
	hotplug_device_unsettle(&toy_bus, &toy);
	hotplug_device_unsettle(&toy_bus, &toy);        /* remove closes a port */
	atomic_store(&toy.look, HOTPLUG_LOOK_ABSENT);
	toy_report(&toy);
	hotplug_device_settle(&toy_bus, &toy);
	assert_true(WAIT_FOR(toy_read(&toy.bar[0][0]) == 0));   /* it flips still */
	hotplug_device_settle(&toy_bus, &toy);
	assert_true(toy_reads_all(toy.bar[0], LEN, 0xff));
}

/* Suspected while closing, and alive: it has its registers back, nothing is left over. */
static void
test_settle_a_scare_meanwhile_leaves_no_debt(void **state)
{
	(void)state;
	assert_int_equal(toy_publish(&toy), 0);
	hotplug_device_unsettle(&toy_bus, &toy);
	toy_report(&toy);
	heard_wait(&heard, HOTPLUG_EVENT_RESTORED, 0);
	assert_true(toy_reads_all(toy.bar[0], LEN, 0x5a));
	hotplug_device_settle(&toy_bus, &toy);
	assert_true(toy_reads_all(toy.bar[0], LEN, 0x5a));
	hotplug_device_unsettle(&toy_bus, &toy);
	hotplug_device_settle(&toy_bus, &toy);
	assert_true(toy_reads_all(toy.bar[0], LEN, 0x5a));
}

static void
test_settle_needs_a_published_device(void **state)
{
	(void)state;
	assert_int_equal(hotplug_device_unsettle(&toy_bus, &toy), -ENOENT);
	assert_int_equal(hotplug_device_settle(&toy_bus, &toy), -ENOENT);
	assert_int_equal(hotplug_device_unsettle(&toy_bus, NULL), -ENOENT);
}


/* It was cut off, and its driver has it still: it was published as one that lives, on registers
 * that were nobody's. */
static void
stay_lost(size_t len)
{
	struct hotplug_event event;

	assert_int_equal(toy_publish(&toy), 0);
	atomic_store(&toy.look, HOTPLUG_LOOK_RESET);
	assert_int_equal(toy_report(&toy), 0);
	event = heard_wait(&heard, HOTPLUG_EVENT_GONE, 0);
	assert_int_equal(event.cause, HOTPLUG_CAUSE_RESET);
	assert_int_equal(hotplug_disable(), 0);
	atomic_store(&toy.look, HOTPLUG_LOOK_PRESENT);
	assert_int_equal(hotplug_enable(NULL), 0);
	assert_true(hotplug_event_subscribe("toy0", heard_fn, &heard) > 0);
	assert_int_equal(toy_publish(&toy), 0);
	event = heard_wait(&heard, HOTPLUG_EVENT_GONE, 1);
	assert_int_equal(event.type, HOTPLUG_EVENT_GONE);
	assert_int_equal(event.cause, HOTPLUG_CAUSE_RESET);
	assert_int_equal(toy_withdraw(&toy), 0);
	toy_destroy(&toy);              /* and probed anew it lives */
	toy_make(&toy, "toy0", 2, len);
	assert_int_equal(toy_publish(&toy), 0);
	test_sleep_ms(50);
	assert_int_equal(hotplug_device_state("toy0"), HOTPLUG_STATE_ATTACHED);
}

static void
test_one_that_was_lost_before_disable_stays_lost(void **state)
{
	(void)state;
	stay_lost(LEN);
}

/* What had been laid there is in more pieces than a record has: there was no record. */
static void
test_large_one_that_was_lost_before_disable_stays_lost(void **state)
{
	(void)state;
	toy_destroy(&toy);
	toy_make(&toy, "toy0", 2, 16 * LEN);
	stay_lost(16 * LEN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ENABLED(test_restore_by_descriptor_brings_the_old_registers_back),
		ENABLED(test_restore_and_lose_again),
		ENABLED(test_restore_by_path_brings_the_old_registers_back),
		ENABLED(test_restore_by_a_long_path),
		ENABLED(test_restore_never_maps_another_file_of_the_same_name),
		ENABLED(test_restore_keeps_pieces_and_their_protection),
		ENABLED(test_settle_a_device_being_closed_is_cut_off_at_once),
		ENABLED(test_settle_faults_meanwhile_are_answered),
		ENABLED(test_settle_faults_are_answered_where_proc_cannot_be_read),
		ENABLED(test_settle_nests),
		ENABLED(test_settle_a_scare_meanwhile_leaves_no_debt),
		ENABLED(test_settle_needs_a_published_device),
		ENABLED(test_one_that_was_lost_before_disable_stays_lost),
		ENABLED(test_large_one_that_was_lost_before_disable_stays_lost),
	};

	return cmocka_run_group_tests_name("restore", tests, NULL, NULL);
}
