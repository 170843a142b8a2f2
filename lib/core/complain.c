/* SPDX-License-Identifier: BSD-3-Clause */

/* complain: what is wrong with an option, and what would be right.
 * In:  "key=value" as somebody wrote it, and why it was not taken.  Out: a sentence; what
 *      helps most comes first, since callers may have little room for it.
 * Context: app. */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "nearest.h"
#include "options.h"

struct sentence {
	char *text;
	size_t len, at;
};

__attribute__((format(printf, 2, 3)))
static void
add(struct sentence *s, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (s->at >= s->len)
		return;
	va_start(ap, fmt);
	n = vsnprintf(s->text + s->at, s->len - s->at, fmt, ap);
	va_end(ap);
	s->at += n;
}

static void
suggest(struct sentence *s, const struct nearest *nearest)
{
	if (nearest->word != NULL)
		add(s, " (did you mean '%s'?)", nearest->word);
}

static void
list_keys(struct sentence *s)
{
	const struct option *option;
	unsigned int i;

	for (i = 0; (option = options_at(i)) != NULL; i++)
		add(s, "%s%s%s", i > 0 ? ", " : "; there are ", option->key,
		    option->key[strlen(option->key) - 1] == '.' ? "NAME" : "");
}

/* No such key, or no '='. */
static void
about_key(struct sentence *s, const char *key, const char *value)
{
	const struct option *option = options_find(key);
	struct nearest nearest = { .word = NULL };
	unsigned int i;

	if (option != NULL && value == NULL) {
		add(s, "it has no value: %s=...", key);
		return;
	}
	for (i = 0; (option = options_at(i)) != NULL; i++)
		nearest_try(&nearest, key, option->key);
	add(s, "no such option");
	suggest(s, &nearest);
	list_keys(s);
}

static void
about_value(struct sentence *s, const char *key, const char *value)
{
	const struct option *option = options_find(key);
	struct nearest nearest = { .word = NULL };
	const struct choice *choice;

	if (option == NULL)
		return;
	if (option->text != NULL) {
		add(s, "bad value; good is %s", option->text);
		return;
	}
	if (option->choices == NULL) {
		add(s, "bad value; good is a number from %u to %u", option->min, option->max);
		return;
	}
	if (key[strlen(option->key)] == '\0' && option->key[strlen(option->key) - 1] == '.') {
		add(s, "a name is missing: %sNAME=...", option->key);
		return;
	}
	add(s, "bad value; good are");
	for (choice = option->choices; choice->name != NULL; choice++) {
		add(s, "%s %s", choice == option->choices ? "" : ",", choice->name);
		nearest_try(&nearest, value, choice->name);
	}
	suggest(s, &nearest);
}

void
complain(const char *written, int ret, char *error, size_t len)
{
	struct sentence s = { .text = error, .len = len };
	char key[256];
	const char *value = strchr(written, '=');

	snprintf(key, sizeof(key), "%.*s", value != NULL ? (int)(value - written) :
		 (int)strlen(written), written);
	add(&s, "'%s': ", written);
	switch (ret) {
	case -ENOENT:
		about_key(&s, key, value);
		break;
	case -E2BIG:
		add(&s, "the application was compiled with an older hotplug.h, which has no such "
		    "option");
		break;
	case -ENOSPC:
		add(&s, "too many with a fill or a policy of their own");
		break;
	default:
		about_value(&s, key, value != NULL ? value + 1 : "");
	}
}
