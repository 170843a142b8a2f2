/* SPDX-License-Identifier: BSD-3-Clause */

/* drive: a target without libFuzzer: as many inputs as asked for, the same every
 * time.
 * In:  the target's seeds; argv: number of inputs, seed of the generator.
 * Out: each input through the target; sanitizers and traps end the program.
 * Context: app. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

#define MAX_LEN 600

static uint64_t random_state;

/* SplitMix64 (public domain). */
static uint64_t
next_random(void)
{
	uint64_t z = random_state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static size_t
below(size_t n)
{
	return next_random() % n;
}

static size_t
append_seed(uint8_t *data, size_t len)
{
	static size_t n_seeds;
	const char *seed;
	size_t n;

	while (fuzz_seeds[n_seeds] != NULL)
		n_seeds++;
	seed = fuzz_seeds[below(n_seeds)];
	n = strlen(seed);
	if (n > MAX_LEN - len)
		n = MAX_LEN - len;
	memcpy(data + len, seed, n);
	return len + n;
}

static size_t
mutate(uint8_t *data, size_t len)
{
	size_t at = len > 0 ? below(len) : 0, n;

	switch (below(6)) {
	case 0:         /* another byte */
		if (len > 0)
			data[at] = next_random();
		return len;
	case 1:         /* cut */
		return at;
	case 2:         /* a piece out */
		n = below(len - at + 1);
		memmove(data + at, data + at + n, len - at - n);
		return len - n;
	case 3:         /* a byte many times */
		n = below(MAX_LEN - len + 1);
		memset(data + len, (int)next_random(), n);
		return len + n;
	case 4:
		return append_seed(data, len);
	default:        /* a digit, a separator */
		if (len > 0)
			data[at] = "0123456789abcdef-:., /=\n"[below(24)];
		return len;
	}
}

int
main(int argc, char **argv)
{
	unsigned long n, n_inputs = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000;
	uint8_t data[MAX_LEN], *exact;
	size_t len, n_mutations;

	random_state = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
	for (n = 0; n < n_inputs; n++) {
		len = append_seed(data, 0);
		for (n_mutations = below(8); n_mutations > 0; n_mutations--)
			len = mutate(data, len);
		exact = malloc(len > 0 ? len : 1);      /* so that ASan knows its end */
		if (exact == NULL)
			return 1;
		memcpy(exact, data, len);
		LLVMFuzzerTestOneInput(exact, len);
		free(exact);
	}
	printf("%lu inputs\n", n);
	return 0;
}
