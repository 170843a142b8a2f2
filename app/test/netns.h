/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_TEST_NETNS_H
#define HOTPLUG_TEST_NETNS_H

#include <stdbool.h>

/* A network namespace of the test's own, with veth pairs in it.  Before EAL: it is for
 * programs with one thread. */

/* With a user namespace too, or where it takes one (who is not root).  0, or -errno. */
int netns_enter(bool with_user);
/* A shell's command, which must succeed. */
void netns_run(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* "NAME" and, for the test's side of the wire, "NAME-p"; both up. */
void netns_make(const char *name);
void netns_delete(const char *name);
void netns_clear(void);                 /* no interface but lo is left */

/* The test's side. */
int wire_open(const char *name);        /* of "NAME-p" */
void wire_send(int wire);               /* a frame of the test's own kind */
unsigned int wire_receive(int wire);    /* how many of those have come */
bool wire_is_ours(const void *frame, unsigned int len);
#define WIRE_FRAME_LEN 64
void wire_fill(void *frame);

#endif /* HOTPLUG_TEST_NETNS_H */
