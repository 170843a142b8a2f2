/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_TEST_FUZZ_H
#define HOTPLUG_TEST_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* One target per program: libFuzzer's interface, so that the same file runs under
 * it (-fsanitize=fuzzer) and under drive.c, which makes the inputs itself. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* What drive.c mutates and glues together; the last is NULL. */
extern const char *const fuzz_seeds[];

/* Whatever must hold, or the program aborts. */
#define FUZZ_CHECK(condition) ((condition) ? (void)0 : __builtin_trap())

#endif /* HOTPLUG_TEST_FUZZ_H */
