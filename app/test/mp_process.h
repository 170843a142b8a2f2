/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_TEST_MP_PROCESS_H
#define HOTPLUG_TEST_MP_PROCESS_H

#include <stdint.h>
#include <sys/types.h>

/* Processes of one file prefix, forked before EAL; the program itself stays without
 * (cmocka has a SIGBUS handler of its own).  Each answers one byte by one report. */

struct report {
	int state;
	uint8_t bar;
	int sign;
};

struct process {
	pid_t pid;
	int to, from;
};

#define MP_START '!'            /* EAL and the library; the report's state: 0 */

/* Once, in the parent: where hugetlbfs is mounted. */
void mp_prepare(const char *huge_dir);
/* serve: the answer to any byte but MP_START. */
void mp_fork(struct process *process, const char *type, const char *options,
	     struct report (*serve)(unsigned char command));
struct report mp_ask(const struct process *process, unsigned char command);
void mp_kill(struct process *process);   /* one that was killed is left alone */
void mp_remove_files(void);

/* In the child: called once the library is enabled. */
extern int (*mp_started)(void);
extern const char *mp_lcores;           /* of each child, as --lcores takes them; "0" */

#endif /* HOTPLUG_TEST_MP_PROCESS_H */
