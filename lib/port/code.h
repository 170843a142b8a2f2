/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_PORT_CODE_H
#define HOTPLUG_PORT_CODE_H

#include <stdint.h>

/* Start 0: it is in the program itself, or in nothing that is loaded. */
struct code {
	uintptr_t start, end;
};

struct code code_at(const void *function);

#endif /* HOTPLUG_PORT_CODE_H */
