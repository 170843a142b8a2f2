/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_TEST_FAULT_H
#define HOTPLUG_TEST_FAULT_H

#include <signal.h>
#include <stdint.h>

/* Faults that are nobody's device's, for tests in a child process. */

/* A page behind which there is nothing: the next access is BUS_ADRERR. */
uint8_t *fault_make(void);
/* Put zeros there, so that the access that faulted goes on.  Signal-safe. */
void fault_mend(void *page);

/* Load from p; the load is at the address fault_pc. */
uint8_t fault_touch(const volatile uint8_t *p);
extern const char fault_pc[];

/* Where this context was interrupted. */
uintptr_t fault_context_pc(const void *context);

/* Send ourselves a SIGBUS that says what a kernel's would. */
void fault_inject(int code, const void *addr);

#endif /* HOTPLUG_TEST_FAULT_H */
