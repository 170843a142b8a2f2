/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_PORT_ARGUMENTS_H
#define HOTPLUG_PORT_ARGUMENTS_H

/* A probe has refused these: log each argument that no driver knows. */
void arguments_explain(const char *devargs);

#endif /* HOTPLUG_PORT_ARGUMENTS_H */
