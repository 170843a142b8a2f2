/* SPDX-License-Identifier: BSD-3-Clause */

/* glue: libFuzzer with the target's own seeds: it finds no "bus=vdev,name=" by itself
 * where the parser is in a library that it has not instrumented.
 * In:  an input.  Out: the same with a seed behind it, or a mutation of libFuzzer's.
 * Context: app. */

#include <string.h>

#include "fuzz.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	unsigned int n = 0;
	size_t len;

	if (seed % 8 != 0)
		return LLVMFuzzerMutate(data, size, max_size);
	while (fuzz_seeds[n] != NULL)
		n++;
	if (seed / 8 % 2 == 0)
		size = 0;       /* alone */
	len = strlen(fuzz_seeds[seed / 16 % n]);
	if (len > max_size - size)
		len = max_size - size;
	memcpy(data + size, fuzz_seeds[seed / 16 % n], len);
	return size + len;
}
