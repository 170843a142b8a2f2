/* SPDX-License-Identifier: BSD-3-Clause */

/* maps: what is mapped at this address, according to the kernel?
 * In:  publish records a device's mappings, cut-off and the SIGBUS handler
 *      check that they are still those (nothing else is ever replaced).
 * Out: one struct vma after the other, from /proc/self/maps.
 * Context: any, signal too: no heap, no stdio, no errno of its own. */

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "maps.h"

#define LINE_LEN (VMA_PATH_LEN + 96)    /* the rest of a longer line is dropped */

struct reader {
	int fd;
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

int
maps_walk(uintptr_t start, uintptr_t end,
	  int (*fn)(const struct vma *vma, void *arg), void *arg)
{
	struct reader reader = { .n = 0 };
	char line[LINE_LEN] = "";
	struct vma vma;
	int ret;

	reader.fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	if (reader.fd < 0)
		return -errno;
	while ((ret = next_line(&reader, line)) > 0) {
		parse_line(line, &vma);
		ret = 0;
		if (vma.start >= end)
			break;
		if (vma.end <= start)
			continue;
		ret = fn(&vma, arg);
		if (ret != 0)
			break;
	}
	close(reader.fd);
	return ret;
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
