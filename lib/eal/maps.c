/* SPDX-License-Identifier: BSD-3-Clause */

/* maps: what is mapped at this address, according to the kernel?
 * In:  publish records a device's mappings, cut-off and the SIGBUS handler
 *      check that they are still those (nothing else is ever replaced).
 * Out: one struct vma after the other, from /proc/self/maps: asked for by address, which
 *      takes the same however many there are; before Linux 6.11 by reading the list.
 * Context: any, signal too: no heap, no stdio, no errno of its own. */

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "maps.h"

#define LINE_LEN (VMA_PATH_LEN + 96)    /* the rest of a longer line is dropped */

struct reader {
	int fd;
	bool has_lines;         /* the kernel cannot be asked */
	size_t n, at;
	char buf[2048];
};

/* One character, -1 at the end, -errno - 1 on failure. */
static int
next_char(struct reader *r)
{
	ssize_t n;

	if (r->at < r->n)
		return (unsigned char)r->buf[r->at++];
	do
		n = read(r->fd, r->buf, sizeof(r->buf));
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n < 0 ? -errno - 1 : -1;
	r->n = n;
	r->at = 1;
	return (unsigned char)r->buf[0];
}

/* 1 with a line, 0 at the end, -errno. */
static int
next_line(struct reader *r, char *line)
{
	size_t len = 0;
	int c;

	while ((c = next_char(r)) >= 0 && c != '\n')
		if (len < LINE_LEN - 1)
			line[len++] = c;
	line[len] = '\0';
	if (c < -1)
		return c + 1;
	return c == '\n' || len > 0;
}

static const char *
parse_number(const char *s, unsigned int base, uint64_t *value)
{
	uint64_t v = 0;
	unsigned int digit;

	for (;; s++) {
		if (*s >= '0' && *s <= '9')
			digit = *s - '0';
		else if (base == 16 && *s >= 'a' && *s <= 'f')
			digit = *s - 'a' + 10;
		else
			break;
		v = v * base + digit;
	}
	*value = v;
	return s;
}

/* "7f00-7f10 rw-s 0000 00:1b 1234      /path" */
static void
parse_line(const char *s, struct vma *vma)
{
	uint64_t value;
	size_t len;

	s = parse_number(s, 16, &value);
	vma->start = value;
	s = parse_number(s + (*s == '-'), 16, &value);
	vma->end = value;
	s += *s == ' ';
	vma->is_readable = s[0] == 'r';
	vma->is_writable = s[0] != '\0' && s[1] == 'w';
	vma->is_shared = strlen(s) > 3 && s[3] == 's';
	while (*s != ' ' && *s != '\0')
		s++;
	s = parse_number(s + (*s == ' '), 16, &vma->offset);
	s = parse_number(s + (*s == ' '), 16, &value);
	vma->dev_major = value;
	s = parse_number(s + (*s == ':'), 16, &value);
	vma->dev_minor = value;
	s = parse_number(s + (*s == ' '), 10, &vma->inode);
	while (*s == ' ')
		s++;
	len = strnlen(s, VMA_PATH_LEN - 1);
	memcpy(vma->path, s, len);
	vma->path[len] = '\0';
}

/* --- the kernel is asked for one mapping (6.11) -------------------------------------- */

/* linux/fs.h has it since 6.11. */
struct query {
	uint64_t size, flags, addr;
	uint64_t start, end, vma_flags, page_size, offset, inode;
	uint32_t dev_major, dev_minor, name_size, build_id_size;
	uint64_t name_addr, build_id_addr;
};
#define QUERY _IOWR('f', 17, struct query)
enum { IS_READABLE = 1, IS_WRITABLE = 2, IS_SHARED = 8, OR_NEXT = 16 };

static size_t
put_hex(char *text, uint64_t value)
{
	unsigned int shift = 60;
	size_t len = 0;

	while (shift > 0 && value >> shift == 0)
		shift -= 4;
	for (; len < 16; shift -= 4) {
		text[len++] = "0123456789abcdef"[value >> shift & 15];
		if (shift == 0)
			break;
	}
	return len;
}

/* A path that is longer than there is room for is refused there; here it is cut. */
static void
cut_path(struct vma *vma)
{
	static const char folder[] = "/proc/self/map_files/";
	char name[64];
	size_t len = sizeof(folder) - 1;
	ssize_t n;

	memcpy(name, folder, len);
	len += put_hex(name + len, vma->start);
	name[len++] = '-';
	len += put_hex(name + len, vma->end);
	name[len] = '\0';
	n = readlink(name, vma->path, VMA_PATH_LEN - 1);
	vma->path[n > 0 ? n : 0] = '\0';
}

/* 1: the first that ends behind addr; 0: none is left; -ENOTTY: it cannot be asked. */
static int
ask(int fd, uintptr_t addr, struct vma *vma)
{
	struct query query = {
		.size = sizeof(query), .flags = OR_NEXT, .addr = addr,
		.name_size = VMA_PATH_LEN, .name_addr = (uintptr_t)vma->path,
	};
	int ret = ioctl(fd, QUERY, &query);
	bool is_long = ret < 0 && errno == ENAMETOOLONG;

	if (is_long) {
		query.name_size = query.name_addr = 0;
		ret = ioctl(fd, QUERY, &query);
	}
	if (ret < 0)
		return errno == ENOENT ? 0 : -ENOTTY;
	if (query.name_size == 0)
		vma->path[0] = '\0';
	vma->start = query.start;
	vma->end = query.end;
	vma->offset = query.offset;
	vma->inode = query.inode;
	vma->dev_major = query.dev_major;
	vma->dev_minor = query.dev_minor;
	vma->is_readable = (query.vma_flags & IS_READABLE) != 0;
	vma->is_writable = (query.vma_flags & IS_WRITABLE) != 0;
	vma->is_shared = (query.vma_flags & IS_SHARED) != 0;
	if (is_long)
		cut_path(vma);
	return 1;
}

/* The first that ends behind addr: asked for, or the next line. */
static int
next_vma(struct reader *reader, uintptr_t addr, struct vma *vma)
{
	char line[LINE_LEN] = "";
	int ret = -ENOTTY;

	if (!reader->has_lines)
		ret = ask(reader->fd, addr, vma);
	if (ret != -ENOTTY)
		return ret;
	reader->has_lines = true;
	do {
		ret = next_line(reader, line);
		if (ret > 0)
			parse_line(line, vma);
	} while (ret > 0 && vma->end <= addr);
	return ret;
}

int
maps_walk(uintptr_t start, uintptr_t end,
	  int (*fn)(const struct vma *vma, void *arg), void *arg)
{
	struct reader reader = { .n = 0 };
	int ret, saved = errno;
	struct vma vma;

	reader.fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	if (reader.fd < 0)
		return -errno;
	while ((ret = next_vma(&reader, start, &vma)) > 0) {
		ret = 0;
		if (vma.start >= end)
			break;
		ret = fn(&vma, arg);
		if (ret != 0)
			break;
		start = vma.end;
	}
	close(reader.fd);
	errno = saved;
	return ret;
}

/* The kernel stays what it is: a cut-off asks once, not each time. */
bool
maps_is_quick(void)
{
	static atomic_bool is_known;
	struct vma vma;
	int fd;

	if (atomic_load(&is_known))
		return true;
	fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (ask(fd, 0, &vma) > 0)
		atomic_store(&is_known, true);
	close(fd);
	return atomic_load(&is_known);
}

bool
maps_is_same(const struct vma *recorded, const struct vma *now)
{
	return now->inode == recorded->inode &&
		now->dev_major == recorded->dev_major &&
		now->dev_minor == recorded->dev_minor &&
		now->is_shared == recorded->is_shared &&
		(now->inode == 0 || now->offset - (uint64_t)now->start ==
			recorded->offset - (uint64_t)recorded->start);
}
