/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_TEST_VMAS_H
#define HOTPLUG_TEST_VMAS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "eal/maps.h"

/* What is mapped in a range, as the kernel says. */
struct vmas {
	unsigned int n;
	struct vma vma[32];     /* the first ones */
};

static inline int
vmas_add(const struct vma *vma, void *arg)
{
	struct vmas *vmas = arg;

	if (vmas->n < 32)
		vmas->vma[vmas->n] = *vma;
	vmas->n++;
	return 0;
}

static inline struct vmas
vmas_of(const void *start, size_t len)
{
	struct vmas vmas = { .n = 0 };

	(void)maps_walk((uintptr_t)start, (uintptr_t)start + len, vmas_add, &vmas);
	return vmas;
}

/* Have we mapped anything there?  (Whoever else maps may take a hole.) */
static inline int
vmas_has_ours(const void *start, size_t len)
{
	struct vmas vmas = vmas_of(start, len);
	unsigned int i;

	for (i = 0; i < vmas.n && i < 32; i++)
		if (strstr(vmas.vma[i].path, "memfd:hotplug") != NULL)
			return 1;
	return 0;
}

#endif /* HOTPLUG_TEST_VMAS_H */
