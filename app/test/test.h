/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_TEST_H
#define HOTPLUG_TEST_H

/* What every test program starts from: cmocka in its order, and waiting. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#undef stop                     /* a macro of cmocka 2.0; functions of ours are called so */
#ifndef assert_uint_in_range    /* its name since then */
#define assert_uint_in_range assert_in_range
#endif

#define N_ELEMENTS(a) (sizeof(a) / sizeof((a)[0]))

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define IS_SANITIZED 1
#else
#define IS_SANITIZED 0
#endif

/* Until `condition` holds, or for long enough to call it never (20 s: nothing
 * here is about speed). */
#define WAIT_FOR(condition) ({ \
	unsigned int tries_; \
	for (tries_ = 0; tries_ < 20000 && !(condition); tries_++) \
		test_sleep_ms(1); \
	(bool)(condition); })

static inline void
test_sleep_ms(unsigned int ms)
{
	const struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&ts, NULL);
}

/* The kernel's page; arm64's may be 64 KiB. */
static inline size_t
test_page(void)
{
	return sysconf(_SC_PAGESIZE);
}

#endif /* HOTPLUG_TEST_H */
