/* SPDX-License-Identifier: BSD-3-Clause */

/* test_memory: a cut-off costs no memory, also where all memory is locked; and
 * where memory or files are refused, it says so and goes on.
 * In:  children that lock their memory, lose their rights, or have system calls
 *      refused by a seccomp filter.
 * Context: app. */

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "child.h"
#include "fake_host.h"
#include "survive/pages.h"
#include "test.h"
#include "toy_bus.h"

#define MIB (1024 * 1024ul)
#define HUGE_LEN (512 * MIB)

static struct toy toy;

/* KiB of a range that is resident in this process, as smaps has it. */
static unsigned long
resident_kib(const void *start, size_t len)
{
	unsigned long from, to, kib, sum = 0;
	bool is_inside = false;
	char line[512];
	FILE *f = fopen("/proc/self/smaps", "re");

	CHILD_CHECK(f != NULL);
	while (fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			is_inside = from < (unsigned long)start + len &&
				to > (unsigned long)start;
		else if (is_inside && sscanf(line, "Rss: %lu kB", &kib) == 1)
			sum += kib;
	}
	fclose(f);
	return sum;
}

static void
publish(size_t len)
{
	toy_make(&toy, "toy0", 1, len);
	CHILD_CHECK(toy_enable(NULL) == 0);
	CHILD_CHECK(toy_publish(&toy) == 0);
}

/* A BAR of 512 MiB behind which there is nothing (a real one is not the
 * process's memory either: nothing of it is resident).  No look gets through
 * the gate: it is the report that cuts it off, not the watch thread before. */
static void
begin(size_t len)
{
	publish(len);
	pthread_mutex_lock(&toy.gate);
	toy_pull(&toy);
}

static void
cut_and_weigh(void)
{
	CHILD_CHECK(toy_report(&toy) == 0);
	CHILD_CHECK(resident_kib(toy.bar[0], toy.len) == 0);
	CHILD_CHECK(toy_read(&toy.bar[0][toy.len / 2 + 99]) == 0xff);
	CHILD_CHECK(toy_read(&toy.bar[0][toy.len - 1]) == 0xff);
	CHILD_CHECK(toy_read(&toy.bar[0][0]) == 0xff);
	CHILD_CHECK(resident_kib(toy.bar[0], toy.len) <= 3 * CUTOFF_CHUNK / 1024);
}

static void
plain_case(void *arg)
{
	(void)arg;
	begin(HUGE_LEN);
	cut_and_weigh();
}

static void
test_memory_nothing_is_resident_after_a_cut_off_of_512_mib(void **state)
{
	(void)state;
	child_passes(plain_case, NULL);
}

static void
locked_case(void *arg)
{
	(void)arg;
	begin(HUGE_LEN);
	CHILD_CHECK(mlockall(MCL_CURRENT | MCL_FUTURE) == 0);
	cut_and_weigh();
}

/* Needs CAP_IPC_LOCK or an unlimited RLIMIT_MEMLOCK. */
static void
test_memory_nothing_is_resident_under_mlockall_either(void **state)
{
	(void)state;
	child_passes(locked_case, NULL);
}

/* New mappings are locked, with little room for them and no right to more. */
static void
lose_rights(rlim_t room)
{
	struct rlimit limit = { room, room };
	static char some[4096];

	CHILD_CHECK(mlock(some, sizeof(some)) == 0);
	CHILD_CHECK(mlockall(MCL_FUTURE) == 0);
	CHILD_CHECK(setrlimit(RLIMIT_MEMLOCK, &limit) == 0);
	if (geteuid() == 0)
		CHILD_CHECK(setresuid(65534, 65534, 65534) == 0);
}

/* Not even threads have room: enable says so, and the application goes on. */
static void
no_room_case(void *arg)
{
	(void)arg;
	lose_rights(256 * 1024);
	CHILD_CHECK(hotplug_enable(NULL) < 0);
	CHILD_CHECK(fake_log_has("ERR: not enabled: "));
	CHILD_CHECK(hotplug_disable() == -EALREADY);
}

/* A BAR that the limit has no room for: told before, and told when it happens. */
static void
refused_lock_case(void *arg)
{
	(void)arg;
	publish(HUGE_LEN);
	lose_rights(4 * MIB);
	CHILD_CHECK(WAIT_FOR(fake_log_has("its limit (ulimit -l, ")));
	fake_log_clear();
	toy_pull(&toy);
	CHILD_CHECK(toy_report(&toy) == 0);
	CHILD_CHECK(fake_log_has("ERR: toy0: BAR at "));
	CHILD_CHECK(fake_log_has("raise ulimit -l"));
	CHILD_CHECK(toy_read(&toy.bar[0][MIB]) == 0xff);        /* and it goes on */
}

static void
test_memory_a_limit_too_small_is_said_and_survived(void **state)
{
	(void)state;
	child_passes(refused_lock_case, NULL);
	child_passes(no_room_case, NULL);
}

#define REFUSE(error) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (error))
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define LOAD(member) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))

/* memfd_create is not there; with_files: nameless ones in /dev/shm are. */
static void
refuse_memory_files(bool with_files)
{
	struct sock_filter filter[] = {
		LOAD(nr),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_memfd_create, 0, 1),
		REFUSE(ENOSYS),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 3),
		LOAD(args[2]),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_TMPFILE & ~O_DIRECTORY, 0, 1),
		REFUSE(EOPNOTSUPP),
		ALLOW,
	};
	struct sock_fprog program = { N_ELEMENTS(filter), filter };

	if (with_files)
		filter[6] = (struct sock_filter)ALLOW;
	CHILD_CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHILD_CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

/* No netlink socket may be opened: a sandbox, or rights that were taken away. */
static void
refuse_netlink(void)
{
	struct sock_filter filter[] = {
		LOAD(nr),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 3),
		LOAD(args[0]),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 0, 1),
		REFUSE(EPERM),
		ALLOW,
	};
	struct sock_fprog program = { N_ELEMENTS(filter), filter };

	CHILD_CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHILD_CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

static void
no_netlink_case(void *arg)
{
	struct hotplug_stats stats = { .size = sizeof(stats) };

	(void)arg;
	toy_make(&toy, "toy0", 2, MIB);
	refuse_netlink();
	CHILD_CHECK(toy_enable(NULL) == 0);
	CHILD_CHECK(fake_log_has("WARN: no uevents"));
	CHILD_CHECK(hotplug_stats_get(&stats) == 0 && stats.has_monitor == 0);
	CHILD_CHECK(toy_publish(&toy) == 0);
	toy_pull(&toy);
	CHILD_CHECK(toy_read(toy.bar[0]) == 0xff);      /* the net below */
	toy_disable();
}

static void
no_memfd_case(void *arg)
{
	bool with_files = arg != NULL;
	uint8_t wanted = with_files ? 0xff : 0;
	struct toy small;

	toy_make(&toy, "toy0", 2, MIB);
	toy_make(&small, "toy1", 1, test_page());
	refuse_memory_files(with_files);
	CHILD_CHECK(memfd_create("x", 0) < 0 && errno == ENOSYS);
	CHILD_CHECK(toy_enable(NULL) == 0);
	CHILD_CHECK(toy_publish(&toy) == 0 && toy_publish(&small) == 0);
	CHILD_CHECK(fake_log_has("WARN: no file in memory") == !with_files);
	toy_pull(&toy);
	CHILD_CHECK(toy_read(toy.bar[0]) == wanted);            /* by its fault */
	toy_report(&toy);
	atomic_store(&small.look, HOTPLUG_LOOK_ABSENT);
	toy_report(&small);
	CHILD_CHECK(toy_reads_all(toy.bar[0], MIB, wanted));
	CHILD_CHECK(toy_reads_all(toy.bar[1], MIB, wanted));
	CHILD_CHECK(toy_read(small.bar[0]) == wanted);
	toy_disable();
	CHILD_CHECK(toy_reads_all(toy.bar[1], MIB, wanted));
}

static void
test_memory_without_memfd_a_nameless_file_serves(void **state)
{
	(void)state;
	child_passes(no_memfd_case, &toy);
}

static void
test_memory_without_any_file_zeros_are_read_and_it_is_said(void **state)
{
	(void)state;
	child_passes(no_memfd_case, NULL);
}

static void
test_memory_without_netlink_it_is_said_and_faults_are_answered(void **state)
{
	(void)state;
	child_passes(no_netlink_case, NULL);
}

static void
foreign_without_memfd_case(void *arg)
{
	uint8_t *p;

	(void)arg;
	toy_make(&toy, "toy0", 1, MIB);
	refuse_memory_files(false);
	CHILD_CHECK(toy_enable(NULL) == 0 && toy_publish(&toy) == 0);
	p = mmap(toy.bar[0], MIB, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	CHILD_CHECK(p == toy.bar[0]);
	memset(p, 0x33, MIB);
	atomic_store(&toy.look, HOTPLUG_LOOK_ABSENT);
	CHILD_CHECK(toy_report(&toy) == 0);
	CHILD_CHECK(toy_reads_all(p, MIB, 0x33));
}

static void
test_memory_foreign_pages_stay_also_without_any_file(void **state)
{
	(void)state;
	child_passes(foreign_without_memfd_case, NULL);
}

#define BALLAST 200000u

/* As many mappings as the kernel allows, but for n_free. */
static void
fill_mappings(unsigned int n_free)
{
	static void *page[BALLAST];
	unsigned int i;

	for (i = 0; i < BALLAST; i++) {         /* shared: no two are ever merged */
		page[i] = mmap(NULL, test_page(), PROT_NONE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (page[i] == MAP_FAILED)
			break;
	}
	CHILD_CHECK(i < BALLAST);
	for (; n_free > 0; n_free--)
		munmap(page[--i], test_page());
}

/* A process at its limit: one mapping for the whole BAR is no more. */
static void
many_mappings_case(void *arg)
{
	unsigned int i, n_free = *(const unsigned int *)arg;

	begin(8 * MIB);
	CHILD_CHECK(toy_report(&toy) == 0);
	fill_mappings(n_free);
	(void)toy_read(&toy.bar[0][4 * MIB]);
	for (i = 0; i < 8 * MIB; i += CUTOFF_CHUNK)
		(void)toy_read(&toy.bar[0][i]);
}

static void
test_memory_the_limit_of_mappings_is_survived(void **state)
{
	unsigned int n_free = 1;        /* with none left no mmap() at all succeeds */

	(void)state;
	child_passes(many_mappings_case, &n_free);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory_nothing_is_resident_after_a_cut_off_of_512_mib),
		cmocka_unit_test(test_memory_nothing_is_resident_under_mlockall_either),
		cmocka_unit_test(test_memory_a_limit_too_small_is_said_and_survived),
		cmocka_unit_test(test_memory_without_memfd_a_nameless_file_serves),
		cmocka_unit_test(test_memory_without_any_file_zeros_are_read_and_it_is_said),
		cmocka_unit_test(test_memory_foreign_pages_stay_also_without_any_file),
		cmocka_unit_test(test_memory_without_netlink_it_is_said_and_faults_are_answered),
		cmocka_unit_test(test_memory_the_limit_of_mappings_is_survived),
	};

	return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
