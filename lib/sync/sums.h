/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_SYNC_SUMS_H
#define HOTPLUG_SYNC_SUMS_H

#include <stddef.h>
#include <stdint.h>

/* entry.c */
uint64_t sum_add(uint64_t sum, const void *bytes, size_t len);

#define NO_SUM 0xcbf29ce484222325ull    /* the sum of nothing: zeros have another one */
#define ADD(sum, value) sum_add(sum, &(value), sizeof(value))

#endif /* HOTPLUG_SYNC_SUMS_H */
