/* SPDX-License-Identifier: BSD-3-Clause */

/* nearest: the word that somebody has meant.
 * In:  what he wrote, words that there are.  Out: the one that is fewest letters away, where
 *      that is a slip of the fingers.
 * Context: any but signal. */

#include <string.h>

#include "nearest.h"

#define MAX_LEN 64

static unsigned int
least(unsigned int a, unsigned int b, unsigned int c)
{
	unsigned int two = a < b ? a : b;

	return two < c ? two : c;
}

/* Letters to add, take away or exchange. */
static unsigned int
distance(const char *a, const char *b)
{
	unsigned int row[MAX_LEN + 1], above, left_above, i, j;
	unsigned int n = strnlen(b, MAX_LEN);

	for (j = 0; j <= n; j++)
		row[j] = j;
	for (i = 0; i < MAX_LEN && a[i] != '\0'; i++) {
		left_above = row[0];
		row[0] = i + 1;
		for (j = 1; j <= n; j++) {
			above = row[j];
			row[j] = least(above + 1, row[j - 1] + 1,
				       left_above + (a[i] != b[j - 1]));
			left_above = above;
		}
	}
	return row[n];
}

void
nearest_try(struct nearest *nearest, const char *written, const char *word)
{
	unsigned int far = strlen(word) / 3 + 1, now = distance(written, word);

	if (now > far || (nearest->word != NULL && now >= nearest->distance))
		return;
	nearest->word = word;
	nearest->distance = now;
}
