/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_CORE_CONFIG_H
#define HOTPLUG_CORE_CONFIG_H

#include "hotplug.h"

#define CONFIG_MAX_MS 3600000u
#define CONFIG_MAX_BUFFER_KB 1048576u

/* What is wrong with an application's sizeof(struct hotplug_config); NULL: nothing. */
const char *config_size_fault(size_t size);

/* The whole of an application's configuration, which may be of an older, smaller size:
 * what that lacks has its default.  What is wrong with it, as config_fault(). */
const char *config_read(struct hotplug_config *config, const struct hotplug_config *from);

/* What is wrong with it, as a sentence that names the field; NULL: nothing. */
const char *config_fault(const struct hotplug_config *config);

/* The policy of a device; driver may be NULL. */
enum hotplug_policy config_policy(const struct hotplug_config *config, const char *device,
				  const char *driver);

#endif /* HOTPLUG_CORE_CONFIG_H */
