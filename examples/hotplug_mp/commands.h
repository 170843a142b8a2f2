/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_EXAMPLE_COMMANDS_H
#define HOTPLUG_EXAMPLE_COMMANDS_H

#include <cmdline_parse.h>

extern cmdline_parse_ctx_t commands[];

#endif /* HOTPLUG_EXAMPLE_COMMANDS_H */
