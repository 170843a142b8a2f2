/* SPDX-License-Identifier: BSD-3-Clause */

/* test_maps: what the kernel says is mapped is understood, line by line.
 * In:  mappings made here, read back from the real /proc/self/maps.
 * Context: app. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "eal/maps.h"
#include "forbid.h"
#include "test.h"

#define PAGE test_page()

struct seen {
	unsigned int n, stop_at;
	struct vma vma[16];
};

static int
see(const struct vma *vma, void *arg)
{
	struct seen *seen = arg;

	if (seen->n < N_ELEMENTS(seen->vma))
		seen->vma[seen->n] = *vma;
	return ++seen->n == seen->stop_at ? 7 : 0;
}

static int
walk(const void *start, size_t len, struct seen *seen)
{
	memset(seen, 0, sizeof(*seen));
	return maps_walk((uintptr_t)start, (uintptr_t)start + len, see, seen);
}

static int
make_file(size_t len, struct stat *st)
{
	int fd = memfd_create("maps-test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, len), 0);
	assert_int_equal(fstat(fd, st), 0);
	return fd;
}

/* Room with a gap on both sides, so that the kernel merges nothing into it. */
static uint8_t *
make_room(size_t len)
{
	uint8_t *p = mmap(NULL, len + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(p != MAP_FAILED);
	munmap(p, len + 2 * PAGE);
	return p + PAGE;
}

static void
test_maps_reads_every_field(void **state)
{
	struct seen seen;
	struct stat st;
	int fd = make_file(8 * PAGE, &st);
	uint8_t *p = mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, fd, 3 * PAGE);

	(void)state;
	assert_int_equal(walk(p, 2 * PAGE, &seen), 0);
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.vma[0].start, (uintptr_t)p);
	assert_int_equal(seen.vma[0].end, (uintptr_t)p + 2 * PAGE);
	assert_int_equal(seen.vma[0].offset, 3 * PAGE);
	assert_int_equal(seen.vma[0].inode, st.st_ino);
	assert_int_equal(makedev(seen.vma[0].dev_major, seen.vma[0].dev_minor), st.st_dev);
	assert_true(seen.vma[0].is_readable);
	assert_false(seen.vma[0].is_writable);
	assert_true(seen.vma[0].is_shared);
	assert_string_equal(seen.vma[0].path, "/memfd:maps-test (deleted)");
	munmap(p, 2 * PAGE);
	close(fd);
}

static void
test_maps_knows_protection_and_sharing(void **state)
{
	static const struct { int prot, flags; bool r, w, s; } rows[] = {
		{ PROT_NONE, MAP_PRIVATE, false, false, false },
		{ PROT_READ, MAP_PRIVATE, true, false, false },
		{ PROT_READ | PROT_WRITE, MAP_PRIVATE, true, true, false },
		{ PROT_READ | PROT_WRITE, MAP_SHARED, true, true, true },
		{ PROT_NONE, MAP_SHARED, false, false, true },
	};
	struct seen seen;
	struct stat st;
	unsigned int i;
	int fd = make_file(PAGE, &st);
	uint8_t *p;

	(void)state;
	for (i = 0; i < N_ELEMENTS(rows); i++) {
		p = mmap(NULL, PAGE, rows[i].prot, rows[i].flags, fd, 0);
		assert_int_equal(walk(p, PAGE, &seen), 0);
		assert_int_equal(seen.vma[0].is_readable, rows[i].r);
		assert_int_equal(seen.vma[0].is_writable, rows[i].w);
		assert_int_equal(seen.vma[0].is_shared, rows[i].s);
		munmap(p, PAGE);
	}
	close(fd);
}

static void
test_maps_anonymous_has_no_inode_and_no_path(void **state)
{
	uint8_t *room = make_room(PAGE), *p;
	struct seen seen;

	(void)state;
	p = mmap(room, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	assert_int_equal(walk(p, PAGE, &seen), 0);
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.vma[0].inode, 0);
	assert_string_equal(seen.vma[0].path, "");
	munmap(p, PAGE);
}

static void
test_maps_walks_adjacent_mappings_in_order(void **state)
{
	struct seen seen;
	struct stat st[2];
	int fd[2] = { make_file(PAGE, &st[0]), make_file(PAGE, &st[1]) };
	uint8_t *p = make_room(3 * PAGE);

	(void)state;
	mmap(p, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, fd[0], 0);
	mmap(p + PAGE, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	mmap(p + 2 * PAGE, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, fd[1], 0);
	assert_int_equal(walk(p, 3 * PAGE, &seen), 0);
	assert_int_equal(seen.n, 3);
	assert_int_equal(seen.vma[0].inode, st[0].st_ino);
	assert_int_equal(seen.vma[1].inode, 0);
	assert_int_equal(seen.vma[2].inode, st[1].st_ino);
	munmap(p, 3 * PAGE);
	close(fd[0]);
	close(fd[1]);
}

static void
test_maps_overlap_is_exact_to_the_byte(void **state)
{
	struct seen seen;
	struct stat st;
	int fd = make_file(PAGE, &st);
	uint8_t *p = make_room(PAGE);

	(void)state;
	mmap(p, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0);
	walk(p - 1, 1, &seen);
	assert_int_equal(seen.n, 0);
	walk(p - 1, 2, &seen);
	assert_int_equal(seen.n, 1);
	walk(p + PAGE - 1, 1, &seen);
	assert_int_equal(seen.n, 1);
	walk(p + PAGE, 1, &seen);
	assert_int_equal(seen.n, 0);
	munmap(p, PAGE);
	close(fd);
}

static void
test_maps_stops_when_told(void **state)
{
	struct seen seen = { .stop_at = 2 };

	(void)state;
	assert_int_equal(maps_walk(0, UINTPTR_MAX, see, &seen), 7);
	assert_int_equal(seen.n, 2);
}

static void
test_maps_reads_the_whole_list(void **state)
{
	unsigned int n_lines = 0;
	struct seen seen;
	FILE *f;
	int c;

	(void)state;
	assert_int_equal(walk(NULL, 0, &seen), 0);
	assert_int_equal(seen.n, 0);
	f = fopen("/proc/self/maps", "re");
	assert_non_null(f);
	setvbuf(f, NULL, _IONBF, 0);    /* no new mapping while we count */
	while ((c = fgetc(f)) != EOF)
		n_lines += c == '\n';
	seen.n = 0;
	assert_int_equal(maps_walk(0, UINTPTR_MAX, see, &seen), 0);
	fclose(f);
	assert_uint_in_range(seen.n, n_lines - 2, n_lines + 2);      /* vsyscall; the heap */
}

/* A path that no buffer of ours holds: cut, and the next line is none the worse. */
static void
test_maps_cuts_a_long_path(void **state)
{
	char dir[600] = "/tmp/hotplug-maps-XXXXXX", command[700];
	struct seen seen;
	struct stat st;
	uint8_t *p = make_room(2 * PAGE);
	int fd, i;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	for (i = 0; i < 6; i++) {
		snprintf(dir + strlen(dir), sizeof(dir) - strlen(dir), "/%0*d", 90, i);
		assert_int_equal(mkdir(dir, 0700), 0);
	}
	strcat(dir, "/f");
	fd = open(dir, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(ftruncate(fd, PAGE), 0);
	assert_int_equal(fstat(fd, &st), 0);
	mmap(p, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0);
	mmap(p + PAGE, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	assert_int_equal(walk(p, 2 * PAGE, &seen), 0);
	assert_int_equal(seen.n, 2);
	assert_int_equal(seen.vma[0].inode, st.st_ino);
	assert_int_equal(strlen(seen.vma[0].path), VMA_PATH_LEN - 1);
	assert_memory_equal(seen.vma[0].path, dir, VMA_PATH_LEN - 1);
	assert_int_equal(seen.vma[1].start, (uintptr_t)p + PAGE);
	munmap(p, 2 * PAGE);
	close(fd);
	assert_int_equal(system(command), 0);
}

static void
test_maps_keeps_errno(void **state)
{
	struct seen seen;

	(void)state;
	errno = 4242;
	walk(NULL, PAGE, &seen);
	assert_int_equal(errno, 4242);
}

static void
test_maps_same_means_same_place_in_the_same_file(void **state)
{
	const struct vma old = { .start = 0x1000, .end = 0x5000, .offset = 0x2000, .inode = 9,
		.dev_major = 1, .dev_minor = 2, .is_shared = true };
	struct vma now = old;

	(void)state;
	assert_true(maps_is_same(&old, &now));
	now.start = 0x3000;             /* a part, split off where it was */
	now.offset = 0x4000;
	assert_true(maps_is_same(&old, &now));
	now.offset = 0x5000;
	assert_false(maps_is_same(&old, &now));
	now = old;
	now.inode = 8;
	assert_false(maps_is_same(&old, &now));
	now = old;
	now.dev_minor = 3;
	assert_false(maps_is_same(&old, &now));
	now = old;
	now.is_shared = false;
	assert_false(maps_is_same(&old, &now));
}

/* With an argument: as on a kernel that cannot be asked, whose list is read. */
int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_maps_reads_every_field),
		cmocka_unit_test(test_maps_knows_protection_and_sharing),
		cmocka_unit_test(test_maps_anonymous_has_no_inode_and_no_path),
		cmocka_unit_test(test_maps_walks_adjacent_mappings_in_order),
		cmocka_unit_test(test_maps_overlap_is_exact_to_the_byte),
		cmocka_unit_test(test_maps_stops_when_told),
		cmocka_unit_test(test_maps_reads_the_whole_list),
		cmocka_unit_test(test_maps_cuts_a_long_path),
		cmocka_unit_test(test_maps_keeps_errno),
		cmocka_unit_test(test_maps_same_means_same_place_in_the_same_file),
	};

	(void)argv;
	if (argc > 1 && (!forbid(SYS_ioctl, ENOTTY) || maps_is_quick()))
		return 1;
	return cmocka_run_group_tests_name("maps", tests, NULL, NULL);
}
