/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_TEST_ENABLED_H
#define HOTPLUG_TEST_ENABLED_H

#include "test.h"

/* A test between start() and stop(), which the file has.  cmocka puts its own
 * SIGBUS handler over ours between a fixture and its test, so that start() must
 * run in the test itself; stop() also runs when it has failed. */
#define ENABLED(test) \
	{ #test, run_enabled, NULL, stop, (void *)(uintptr_t)(test) }

static int start(void **state);
static int stop(void **state);

static void
run_enabled(void **state)
{
	void (*test)(void **state) = (void (*)(void **))(uintptr_t)*state;

	assert_int_equal(start(state), 0);
	test(state);
}

#endif /* HOTPLUG_TEST_ENABLED_H */
