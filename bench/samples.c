/* SPDX-License-Identifier: BSD-3-Clause */

/* samples: numbers, and what they say.
 * In:  a benchmark adds (app).  Out: median, p10 and p90, as text and as JSON.
 * Context: app. */

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "samples.h"

void
samples_add(struct samples *samples, double value)
{
	if (samples->n < SAMPLES_MAX)
		samples->value[samples->n++] = value;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

struct spread
samples_spread(struct samples *samples)
{
	static struct samples sorted;

	sorted = *samples;
	qsort(sorted.value, sorted.n, sizeof(sorted.value[0]), compare);
	return (struct spread){
		.median = sorted.value[sorted.n / 2],
		.p10 = sorted.value[sorted.n / 10],
		.p90 = sorted.value[sorted.n * 9 / 10],
	};
}

double
samples_median_from(const struct samples *samples, unsigned int from)
{
	static struct samples part;

	part.n = samples->n - from;
	memcpy(part.value, &samples->value[from], part.n * sizeof(part.value[0]));
	return samples_spread(&part).median;
}

double
samples_now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e6 + ts.tv_nsec / 1e3;
}

void
samples_report(FILE *json, const char *name, const char *unit, struct spread s)
{
	static bool is_following;

	printf("%-44s %10.2f %-4s (p10 %.2f, p90 %.2f)\n", name, s.median, unit, s.p10, s.p90);
	fflush(stdout);
	fprintf(json, "%s  {\"name\": \"%s\", \"unit\": \"%s\", \"median\": %.3f, "
		"\"p10\": %.3f, \"p90\": %.3f}", is_following ? ",\n" : "", name, unit, s.median,
		s.p10, s.p90);
	is_following = true;
}
