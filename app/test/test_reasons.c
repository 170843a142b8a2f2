/* SPDX-License-Identifier: BSD-3-Clause */

/* test_reasons: every reason is a sentence of its own, and fits.
 * In:  each row of the table.  Out: TAP.
 * Context: app. */

#include <errno.h>
#include <string.h>

#include "core/reasons.h"
#include "hotplug.h"
#include "test.h"

static void
test_each_is_a_sentence_of_its_own(void **state)
{
	char text[REASON_N][HOTPLUG_REASON_LEN];
	int i, j, error;

	(void)state;
	for (i = 0; i < REASON_N; i++) {
		error = reason_say(i, -ENXIO, "it", text[i], sizeof(text[i]));
		assert_true(error < 0);
		assert_true(strlen(text[i]) > 5);
		for (j = 0; j < i; j++)
			assert_string_not_equal(text[i], text[j]);
	}
}

static void
test_what_it_is_about_may_be_long_or_nothing(void **state)
{
	char text[32], about[300];

	(void)state;
	memset(about, 'x', sizeof(about) - 1);
	about[sizeof(about) - 1] = '\0';
	assert_int_equal(reason_say(REASON_PROBE, -EIO, about, text, sizeof(text)), -EIO);
	assert_int_equal(strlen(text), sizeof(text) - 1);
	assert_int_equal(reason_say(REASON_SILENT, 0, NULL, text, sizeof(text)), -ETIMEDOUT);
	assert_string_equal(text, "it does not answer");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_is_a_sentence_of_its_own),
		cmocka_unit_test(test_what_it_is_about_may_be_long_or_nothing),
	};

	return cmocka_run_group_tests_name("reasons", tests, NULL, NULL);
}
