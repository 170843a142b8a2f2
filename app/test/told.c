/* SPDX-License-Identifier: BSD-3-Clause */

/* told: answers as text, where there is no telemetry.
 * In:  a question (telemetry/answers.h).  Out: what it wrote, to be searched.
 * Context: app. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"
#include "told.h"

#define MAX_TEXT sizeof(((struct told *)NULL)->text)

struct part {
	enum answer_kind kind;
	char text[MAX_TEXT];
};

/* A dictionary's entries have keys, a list's have none. */
static void
append(struct part *part, const char *key, const char *value)
{
	size_t at = strlen(part->text);

	assert_true((key != NULL) == (part->kind == ANSWER_DICT));
	snprintf(part->text + at, MAX_TEXT - at, "%s%s%s%s", at != 0 ? " " : "",
		 key != NULL ? key : "", key != NULL ? "=" : "", value);
	assert_true(strlen(part->text) + 1 < MAX_TEXT);
}

static void
add_number(void *to, const char *key, uint64_t value)
{
	char digits[32];

	snprintf(digits, sizeof(digits), "%" PRIu64, value);
	append(to, key, digits);
}

static void
add_text(void *to, const char *key, const char *value)
{
	char quoted[256];

	assert_true(strlen(value) < 128);       /* what telemetry has room for */
	snprintf(quoted, sizeof(quoted), "'%s'", value);
	append(to, key, quoted);
}

static void *
open_part(enum answer_kind kind)
{
	struct part *part = calloc(1, sizeof(*part));

	assert_non_null(part);
	part->kind = kind;
	return part;
}

static void
close_part(void *to, const char *key, void *closed)
{
	char *value = malloc(MAX_TEXT + 2);
	struct part *part = closed;

	assert_non_null(value);
	snprintf(value, MAX_TEXT + 2, part->kind == ANSWER_DICT ? "{%s}" : "[%s]", part->text);
	append(to, key, value);
	free(value);
	free(part);
}

void
told_ask(struct told *told, enum answer_kind kind,
	 int (*question)(const struct answer *answer, const char *params), const char *params)
{
	static const struct answer_ops ops = { add_number, add_text, open_part, close_part };
	struct part *whole = open_part(kind);
	const struct answer answer = { &ops, whole };

	told->ret = question(&answer, params);
	/* a space at both ends: " key=1 " is the whole of an entry */
	snprintf(told->text, sizeof(told->text), " %.*s ", (int)MAX_TEXT - 3, whole->text);
	free(whole);
}

unsigned int
told_count(const struct told *told, const char *wanted)
{
	unsigned int n = 0;
	const char *at;

	for (at = strstr(told->text, wanted); at != NULL; at = strstr(at + 1, wanted))
		n++;
	return n;
}

bool
told_has(const struct told *told, const char *wanted)
{
	bool has = told_count(told, wanted) > 0;

	if (!has)
		print_message("# no '%s' in:%s\n", wanted, told->text);
	return has;
}
