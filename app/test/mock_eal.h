/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_TEST_MOCK_EAL_H
#define HOTPLUG_TEST_MOCK_EAL_H

#include <bus_driver.h>

#include "hotplug.h"
#include "mock_sysfs.h"
#include "test_pmd.h"

/* The real EAL and the real pci bus, which see nothing but mock functions. */

extern struct rte_bus *mock_bus;        /* "pci" */

/* rte_eal_init() with one function there already, MOCK_FIRST; once a process. */
#define MOCK_FIRST "0000:01:00.0"
extern const char *mock_eal_lcores;     /* as -l takes them; "0" */
extern bool mock_eal_has_telemetry;
int mock_eal_start(void **state);
void mock_eal_remove_files(void);       /* after rte_eal_cleanup() */

/* The device, while a driver has it: from 26.07 on the bus keeps it without one. */
struct rte_device *mock_find(const char *name);
/* Enabled if it was not, and a new function probed as at run time. */
struct test_pmd *mock_plug(const char *name);
bool mock_comes_to(const char *name, enum hotplug_state state);
uint8_t mock_read(const uint8_t *at);

#endif /* HOTPLUG_TEST_MOCK_EAL_H */
