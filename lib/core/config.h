/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_CORE_CONFIG_H
#define HOTPLUG_CORE_CONFIG_H

#include "hotplug.h"

/* What is wrong with it, as a sentence that names the field; NULL: nothing. */
const char *config_fault(const struct hotplug_config *config);

/* The policy of a device; driver may be NULL. */
enum hotplug_policy config_policy(const struct hotplug_config *config, const char *device,
				  const char *driver);

#endif /* HOTPLUG_CORE_CONFIG_H */
