/* SPDX-License-Identifier: BSD-3-Clause */

/* storm_log: the library's last lines, shown when something has failed.
 * In:  rte_log.  Out: the lines that name a card, or none; which is most of a storm's.
 * Lock: `lock`, around the row of lines.
 * Context: any thread that logs; the judge. */

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <rte_log.h>

#include "storm.h"
#include "test.h"

#define N_LINES 4096
#define MAX_SHOWN 40

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char lines[N_LINES][160];
static unsigned int n_lines;

static ssize_t
keep_line(void *cookie, const char *text, size_t len)
{
	struct timespec now;
	char *line;

	(void)cookie;
	clock_gettime(CLOCK_MONOTONIC, &now);
	pthread_mutex_lock(&lock);
	line = lines[n_lines++ % N_LINES];
	snprintf(line, sizeof(lines[0]), "%ld.%06ld %.*s", (long)now.tv_sec % 1000,
		 now.tv_nsec / 1000, (int)(len > 0 ? len - 1 : 0), text);
	pthread_mutex_unlock(&lock);
	return len;
}

void
storm_log_begin(void)
{
	const cookie_io_functions_t functions = { .write = keep_line };
	FILE *f = fopencookie(NULL, "w", functions);

	assert_non_null(f);
	setvbuf(f, NULL, _IOLBF, 1024);
	assert_int_equal(rte_openlog_stream(f), 0);
	(void)rte_log_set_level_pattern("*", RTE_LOG_EMERG);
	(void)rte_log_set_level_pattern("*.hotplug*", RTE_LOG_DEBUG);
}

/* Switches, too, which name no card. */
static bool
is_about(const char *line, const char *card)
{
	return strstr(line, card) != NULL || strstr(line, "enabled") != NULL;
}

void
storm_log_show(const char *card)
{
	unsigned int i, n = 0;

	pthread_mutex_lock(&lock);
	for (i = n_lines; i > 0 && n_lines - i < N_LINES && n < MAX_SHOWN; i--)
		n += is_about(lines[(i - 1) % N_LINES], card);
	for (; i < n_lines; i++)
		if (is_about(lines[i % N_LINES], card))
			printf("# log: %s\n", lines[i % N_LINES]);
	pthread_mutex_unlock(&lock);
}
