/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_TEST_MOCK_PCI_H
#define HOTPLUG_TEST_MOCK_PCI_H

#include <stdint.h>

/* PCI functions as folders: what SYSFS_PCI_DEVICES can point at.  Only files of
 * a temporary folder are written; no device is touched. */

#define MOCK_CONFIG_LEN 4096

/* Make the folder, and point SYSFS_PCI_DEVICES at it; take all of it away. */
void mock_start(void);
void mock_stop(void);
const char *mock_path(void);

/* A function with these ids, memory decoding on, no driver. */
void mock_put(const char *name, uint16_t vendor, uint16_t device);
void mock_take(const char *name);
/* Another folder of the same content: enumerated anew. */
void mock_renew(const char *name);
/* NULL: none. */
void mock_drive(const char *name, const char *driver);
void mock_config16(const char *name, unsigned int at, uint16_t value);
void mock_config32(const char *name, unsigned int at, uint32_t value);
/* All ones. */
void mock_darken(const char *name);
void mock_file(const char *name, const char *file, const char *text);
void mock_link(const char *name, const char *file, const char *target);
void mock_remove_file(const char *name, const char *file);

#endif /* HOTPLUG_TEST_MOCK_PCI_H */
