/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_BENCH_SAMPLES_H
#define HOTPLUG_BENCH_SAMPLES_H

#include <stdint.h>
#include <stdio.h>

#define SAMPLES_MAX 8192

/* Measurements of one kind, in whatever unit. */
struct samples {
	unsigned int n;
	double value[SAMPLES_MAX];
};

struct spread {
	double median, p10, p90;
};

void samples_add(struct samples *samples, double value);
struct spread samples_spread(struct samples *samples);
/* Of the values from `from` on: to compare one block with its neighbour. */
double samples_median_from(const struct samples *samples, unsigned int from);

double samples_now_us(void);

/* One line for a person and one object for a machine. */
void samples_report(FILE *json, const char *name, const char *unit, struct spread spread);

#endif /* HOTPLUG_BENCH_SAMPLES_H */
