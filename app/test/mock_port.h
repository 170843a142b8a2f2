/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_TEST_MOCK_PORT_H
#define HOTPLUG_TEST_MOCK_PORT_H

#include <stdatomic.h>

#include "mock_eal.h"

/* A port of a mock function, what its subscribers hear, and its fate. */

/* Since the last plug(), of ports that it made. */
extern _Atomic unsigned int n_recovering, n_success, n_new, n_removed;

struct hotplug_config;

struct test_pmd *plug(const char *name);
void lose(struct test_pmd *pmd);                /* surprise: gone, its descriptor hangs up */
void lose_for_good(struct test_pmd *pmd);       /* and its device is detached */
void come_back(struct test_pmd *pmd);
void remove_port(uint16_t port);
void start_port(uint16_t port);                 /* one queue, not set up */

/* Fixtures: policy heal but for these options (NULL: none).  A teardown has longer than WAIT_FOR()
 * for it: a scheduler that starves a thread for 10 s (doc/measured.md) makes no port STUCK. */
void mock_port_config(struct hotplug_config *config, const char *options);
int mock_port_start(void **state, const char *options);
int mock_port_stop(void **state);

#endif /* HOTPLUG_TEST_MOCK_PORT_H */
