/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_TELEMETRY_ANSWERS_H
#define HOTPLUG_TELEMETRY_ANSWERS_H

#include <stdint.h>

/* What an answer is, or a part of it.  Keys are letters, digits and '_'.  There is no
 * list of dictionaries, since DPDK 22.11 has none: they are numbered in another one. */
enum answer_kind { ANSWER_DICT, ANSWER_NUMBERS, ANSWER_TEXTS };

/* How it is written: EAL's telemetry has its way (telemetry.c), tests have theirs.
 * The key is NULL in a list. */
struct answer_ops {
	void (*number)(void *to, const char *key, uint64_t value);
	void (*text)(void *to, const char *key, const char *value);
	/* A part; NULL: no memory, it is left out. */
	void *(*open)(enum answer_kind kind);
	void (*close)(void *to, const char *key, void *part);
};

struct answer {
	const struct answer_ops *ops;
	void *to;
};

/* One question each; params is what follows its name, NULL: nothing.  0, or -errno
 * with nothing written. */
int answer_list(const struct answer *answer, const char *params);       /* TEXTS */
int answer_info(const struct answer *answer, const char *params);       /* DICT */
int answer_stats(const struct answer *answer, const char *params);      /* DICT */
int answer_events(const struct answer *answer, const char *params);     /* DICT */
int answer_health(const struct answer *answer, const char *params);     /* DICT */
/* ports.c */
int answer_ports(const struct answer *answer, const char *params);      /* DICT */
int answer_drill(const struct answer *answer, const char *params);      /* DICT */
int answer_drill_end(const struct answer *answer, const char *params);  /* DICT */

#endif /* HOTPLUG_TELEMETRY_ANSWERS_H */
