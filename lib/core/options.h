/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_CORE_OPTIONS_H
#define HOTPLUG_CORE_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

struct choice {
	const char *name;
	int value;
};

/* One key of DPDK_HOTPLUG. */
struct option {
	const char *key;                /* "policy."; one that ends so goes on with a name */
	size_t offset;                  /* of a 32-bit field, where it is one */
	const struct choice *choices;   /* NULL: a number, or a text */
	uint32_t min, max;
	const char *text;               /* what a text is, in words */
};

/* The option of that key; NULL: there is none. */
const struct option *options_find(const char *key);
/* The i-th; NULL: there are no more. */
const struct option *options_at(unsigned int i);

/* complain.c: what is wrong with "key=value", as a sentence that names what would be good.
 * ret: of the parser. */
void complain(const char *written, int ret, char *error, size_t len);

#endif /* HOTPLUG_CORE_OPTIONS_H */
