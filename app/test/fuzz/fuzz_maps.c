/* SPDX-License-Identifier: BSD-3-Clause */

/* fuzz_maps: any bytes as /proc/self/maps.  The walk ends, hands out what overlaps
 * and nothing else, and each path has its end.
 * eal/maps.c is linked with open(), read() and close() wrapped. */

#include <string.h>
#include <sys/types.h>

#include "eal/maps.h"
#include "fuzz.h"

#define FD 1000

const char *const fuzz_seeds[] = {
	"7f0000000000-7f0000010000 rw-s 00000000 00:1b 1234      /sys/bus/pci/resource0\n",
	"7f0000010000-7f0000020000 r--p 00001000 08:01 99 /a path with spaces\n",
	"7f0000020000-7f0000030000 ---p 00000000 00:00 0 \n",
	"7ffffffde000-7ffffffff000 rw-p 00000000 00:00 0                          [stack]\n",
	"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n",
	"-", "0-", " ", "\n\n", NULL,
};

static const uint8_t *text;
static size_t text_len, text_at;

int __wrap_open64(const char *path, int flags, ...);
ssize_t __wrap_read(int fd, void *data, size_t len);
int __wrap_close(int fd);

int
__wrap_open64(const char *path, int flags, ...)
{
	(void)path;
	(void)flags;
	text_at = 0;
	return FD;
}

/* In pieces of changing length. */
ssize_t
__wrap_read(int fd, void *data, size_t len)
{
	size_t n = text_len - text_at, piece = 1 + text_at % 97;

	FUZZ_CHECK(fd == FD);
	if (n > len)
		n = len;
	if (n > piece)
		n = piece;
	memcpy(data, text + text_at, n);
	text_at += n;
	return n;
}

int
__wrap_close(int fd)
{
	FUZZ_CHECK(fd == FD);
	return 0;
}

struct window {
	uintptr_t start, end;
};

static int
check(const struct vma *vma, void *arg)
{
	const struct window *window = arg;

	FUZZ_CHECK(vma->start < window->end && vma->end > window->start);
	FUZZ_CHECK(memchr(vma->path, '\0', sizeof(vma->path)) != NULL);
	FUZZ_CHECK(maps_is_same(vma, vma));
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct window windows[] = {
		{ 0, UINTPTR_MAX }, { 0x7f0000008000, 0x7f0000018000 }, { 1, 2 },
	};
	struct window window;
	unsigned int i;

	text = data;
	text_len = len;
	for (i = 0; i < sizeof(windows) / sizeof(windows[0]); i++) {
		window = windows[i];
		FUZZ_CHECK(maps_walk(window.start, window.end, check, &window) == 0);
	}
	return 0;
}
