/* SPDX-License-Identifier: BSD-3-Clause */

/* code: in which part of the process is a function?
 * In:  its address.  Out: the segment of the library that it is in.
 * Context: any but signal. */

#include <link.h>
#include <stdbool.h>

#include "code.h"

struct search {
	uintptr_t address;
	bool is_program;        /* the first object */
	struct code code;
};

static int
look_in_object(struct dl_phdr_info *object, size_t size, void *arg)
{
	struct search *search = arg;
	bool is_program = search->is_program;
	uintptr_t start;
	unsigned int i;

	(void)size;
	search->is_program = false;
	for (i = 0; i < object->dlpi_phnum; i++) {
		start = object->dlpi_addr + object->dlpi_phdr[i].p_vaddr;
		if (object->dlpi_phdr[i].p_type != PT_LOAD ||
		    search->address - start >= object->dlpi_phdr[i].p_memsz)
			continue;
		if (!is_program)
			search->code = (struct code){ start,
				start + object->dlpi_phdr[i].p_memsz };
		return 1;
	}
	return 0;
}

struct code
code_at(const void *function)
{
	struct search search = { .address = (uintptr_t)function, .is_program = true };

	dl_iterate_phdr(look_in_object, &search);
	return search.code;
}
