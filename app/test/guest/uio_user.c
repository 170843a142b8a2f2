/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A process that uses a device through igb_uio as DPDK does, and tells what it
 * sees: one of the openers in the scenarios of igb_uio.py.
 *
 * usage: uio_user BDF [-m sysfs|uio] [-b BAR] [-r OFFSET] [-i] [-d] [-n] [-f] | -s
 *	-m	map a BAR, through resourceN or /dev/uioN, and read it all the time
 *	-b, -r	which BAR, and the offset of the two words that are read
 *	-i	wait for interrupts, and arm them again after each, until read() fails
 *	-a	arm them all the time, until write() fails with other than ENODEV
 *	-d	e1000e only: a receive ring that nobody empties
 *	-n	through a device node of its own, as in a container
 *	-f	first unmap a page in the middle, and fork a child that keeps the rest
 *	-s	a storm instead: open, arm, map, touch, close, without end
 *
 * Each line on standard input is answered by one line of "key=value": how
 * often each value was read ("see:VALUE"), and the counters below.  It ends
 * with its input.  SIGBUS is counted and the access tried again, for ever.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_SEEN 16
#define N_DESC 256
#define BUF_LEN 2048

struct seen {
	uint64_t value;
	uint64_t n;
};

struct desc {			/* e1000 legacy receive descriptor */
	uint64_t addr;
	uint16_t len, csum;
	uint8_t status, errors;
	uint16_t special;
};

static const char *bdf;
static int uio_fd, own_node;
static volatile uint32_t *regs;
static size_t regs_len;
static unsigned long spin_at = (unsigned long)-1;
static struct seen seen[MAX_SEEN];
static volatile uint64_t n_sigbus, n_interrupts, n_gone;
static volatile int read_errno, write_errno;	/* the last ones */
static __thread sigjmp_buf back;
static struct desc *ring;

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

static void
on_sigbus(int sig)
{
	(void)sig;
	n_sigbus++;
	siglongjmp(back, 1);
}

static void
note(uint64_t value)
{
	int i;

	for (i = 0; i < MAX_SEEN - 1 && seen[i].n; i++)
		if (seen[i].value == value)
			break;
	seen[i].value = value;
	seen[i].n++;
}

static void *
spin(void *arg)
{
	volatile uint32_t *at = regs + spin_at / 4;

	(void)arg;
	for (;;) {
		if (sigsetjmp(back, 1)) {
			usleep(1000);
			continue;
		}
		note((uint64_t)at[1] << 32 | at[0]);
		usleep(200);
	}
	return NULL;
}

/* Interrupts of the 82574 on every frame, in vector 0. */
static void
enable_interrupts(void)
{
	if (sigsetjmp(back, 1))
		return;
	regs[0xc0 / 4] = 0xffffffff;		/* ICR: forget what is pending */
	regs[0xe4 / 4] = 0x80000008;		/* IVAR: receive to vector 0 */
	regs[0xd0 / 4] = 0x01f00094;		/* IMS */
}

static void *
wait_interrupts(void *arg)
{
	int32_t n, on = 1;

	(void)arg;
	for (;;) {
		if (ring)
			enable_interrupts();
		if (write(uio_fd, &on, 4) != 4)
			write_errno = errno;	/* read() says whether it is for good */
		if (read(uio_fd, &n, 4) != 4) {
			read_errno = errno;
			return NULL;
		}
		n_interrupts++;
	}
}

/* The module answers ENODEV from the cut-off on, until uio no longer asks it. */
static void *
arm(void *arg)
{
	int32_t on = 1;

	(void)arg;
	for (;;) {
		if (write(uio_fd, &on, 4) == 4)
			continue;
		write_errno = errno;
		if (errno != ENODEV)
			return NULL;
		n_gone++;
	}
}

static int
open_path(const char *pattern, int flags)
{
	glob_t g;
	int fd;

	if (glob(pattern, 0, NULL, &g))
		return -1;
	fd = open(g.gl_pathv[0], flags);
	globfree(&g);
	return fd;
}

/* Another inode, and so another address space, for the same device. */
static void
make_node(char *path, size_t len)
{
	struct stat st;

	if (stat(path, &st))
		die(path);
	snprintf(path, len, "/tmp/node-%d", (int)getpid());
	if (mknod(path, S_IFCHR | 0600, st.st_rdev))
		die(path);
}

static int
open_uio(void)
{
	char path[128], *name;
	glob_t g;
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/uio/uio*", bdf);
	if (glob(path, 0, NULL, &g))
		return -1;
	name = strrchr(g.gl_pathv[0], '/') + 1;
	snprintf(path, sizeof(path), "/dev/%s", name);
	globfree(&g);
	if (own_node)
		make_node(path, sizeof(path));
	fd = open(path, O_RDWR);
	if (own_node)
		unlink(path);
	return fd;
}

/* The page offset for /dev/uioN: which of uio's maps is this BAR? */
static int
uio_index(int bar)
{
	char path[160], name[16];
	FILE *f;
	int i;

	for (i = 0; i < 5; i++) {
		glob_t g;
		int is = 0;

		snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/uio/uio*/maps/map%d/name",
			 bdf, i);
		if (glob(path, 0, NULL, &g))
			break;
		f = fopen(g.gl_pathv[0], "r");
		globfree(&g);
		if (f && fgets(name, sizeof(name), f))
			is = atoi(name + 3) == bar;
		if (f)
			fclose(f);
		if (is)
			return i;
	}
	fprintf(stderr, "no BAR %d\n", bar);
	exit(1);
}

static void
map_bar(const char *how, int bar)
{
	char path[128];
	struct stat st;
	int fd;
	off_t at = 0;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/resource%d", bdf, bar);
	if (stat(path, &st))
		die(path);
	regs_len = st.st_size;
	if (!strcmp(how, "uio")) {
		fd = uio_fd;
		at = uio_index(bar) * getpagesize();
	} else {
		fd = open_path(path, O_RDWR);
	}
	regs = mmap(NULL, regs_len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, at);
	if (regs == MAP_FAILED)
		die("mmap");
	if (fd != uio_fd)
		close(fd);	/* as EAL does */
}

static uint64_t
physical(void *p)
{
	uint64_t entry = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY);

	if (pread(fd, &entry, 8, (uintptr_t)p / 4096 * 8) != 8 || !(entry >> 63))
		die("pagemap");
	close(fd);
	return (entry & ((1ULL << 55) - 1)) * 4096 + (uintptr_t)p % 4096;
}

/* Registers of the 82574: a ring of descriptors, all of them the device's. */
static void
start_receiver(void)
{
	size_t len = 2 << 20;
	char *mem = mmap(NULL, len, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	uint64_t at;
	int i;

	if (mem == MAP_FAILED)
		die("hugepage");
	memset(mem, 0, len);
	at = physical(mem);
	ring = (struct desc *)mem;
	for (i = 0; i < N_DESC; i++)
		ring[i].addr = at + 65536 + i * BUF_LEN;
	regs[0x0 / 4] |= 1 << 6;		/* CTRL: link up */
	regs[0x2800 / 4] = (uint32_t)at;	/* RDBAL, RDBAH, RDLEN, RDH, RDT */
	regs[0x2804 / 4] = at >> 32;
	regs[0x2808 / 4] = N_DESC * sizeof(*ring);
	regs[0x2810 / 4] = 0;
	regs[0x2818 / 4] = N_DESC - 1;
	regs[0x100 / 4] = 1 << 1 | 1 << 3 | 1 << 4 | 1 << 15;	/* RCTL: on, all frames */
}

static void
report(void)
{
	int i, n_done = 0;

	printf("sigbus=%llu interrupts=%llu read=%d write=%d gone=%llu",
	       (unsigned long long)n_sigbus, (unsigned long long)n_interrupts,
	       read_errno, write_errno, (unsigned long long)n_gone);
	for (i = 0; ring && i < N_DESC; i++)
		n_done += ring[i].status & 1;
	printf(" done=%d", n_done);
	for (i = 0; i < MAX_SEEN && seen[i].n; i++)
		printf(" see:%016llx=%llu", (unsigned long long)seen[i].value,
		       (unsigned long long)seen[i].n);
	printf("\n");
	fflush(stdout);
}

static void
split_and_fork(void)
{
	if (munmap((char *)(uintptr_t)regs + getpagesize(), getpagesize()))
		die("munmap");
	if (fork() == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
}

/* One round of a storm; whatever fails, fails: the device comes and goes. */
static void
storm_once(void)
{
	int32_t on = 1, off = 0;
	volatile uint32_t *page;
	int fd = open_uio();

	if (fd < 0)
		return;
	page = mmap(NULL, getpagesize(), PROT_READ, MAP_SHARED, fd, 0);
	n_interrupts += write(fd, &on, 4) == 4;
	n_interrupts += write(fd, &off, 4) == 4;
	if (page != MAP_FAILED) {
		if (!sigsetjmp(back, 1))
			note(page[2]);
		munmap((void *)(uintptr_t)page, getpagesize());
	}
	close(fd);
}

static void *
storm(void *arg)
{
	(void)arg;
	for (;;)
		storm_once();
	return NULL;
}

static void
start_thread(void *(*fn)(void *))
{
	pthread_t t;

	if (pthread_create(&t, NULL, fn, NULL))
		die("thread");
}

int
main(int argc, char **argv)
{
	const char *how = NULL;
	int bar = 0, want_irq = 0, want_arm = 0, want_ring = 0, want_fork = 0, c;
	char line[64];

	if (argc < 2)
		return 2;
	bdf = argv[1];
	optind = 2;
	signal(SIGBUS, on_sigbus);
	while ((c = getopt(argc, argv, "m:b:r:iadnfs")) != -1) {
		switch (c) {
		case 'm': how = optarg; break;
		case 'b': bar = atoi(optarg); break;
		case 'r': spin_at = strtoul(optarg, NULL, 0); break;
		case 'i': want_irq = 1; break;
		case 'a': want_arm = 1; break;
		case 'd': want_ring = 1; break;
		case 'n': own_node = 1; break;
		case 'f': want_fork = 1; break;
		case 's': start_thread(storm); goto serve;
		default: return 2;
		}
	}
	uio_fd = open_uio();
	if (uio_fd < 0)
		die("open uio");
	if (how)
		map_bar(how, bar);
	if (want_fork)
		split_and_fork();
	if (want_ring)
		start_receiver();
	if (spin_at != (unsigned long)-1)
		start_thread(spin);
	if (want_irq)
		start_thread(wait_interrupts);
	if (want_arm)
		start_thread(arm);
serve:
	printf("ready\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin))
		report();
	return 0;
}
