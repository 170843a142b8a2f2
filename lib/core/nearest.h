/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_CORE_NEAREST_H
#define HOTPLUG_CORE_NEAREST_H

/* Which of some words has somebody meant?  All zeros at first. */
struct nearest {
	const char *word;               /* NULL: none is near enough */
	unsigned int distance;
};

/* Is it nearer to what was written than those before?  It is kept then, not copied. */
void nearest_try(struct nearest *nearest, const char *written, const char *word);

#endif /* HOTPLUG_CORE_NEAREST_H */
