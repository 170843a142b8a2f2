/* SPDX-License-Identifier: BSD-3-Clause */

#ifndef HOTPLUG_TEST_MOCK_SYSFS_H
#define HOTPLUG_TEST_MOCK_SYSFS_H

#include <stddef.h>
#include <stdint.h>

/* /sys/bus/pci/devices in a temporary folder, to which SYSFS_PCI_DEVICES points:
 * neither DPDK nor we look anywhere else then. */

#define MOCK_VENDOR 0x1234
#define MOCK_DEVICE 0x5678
#define MOCK_BAR_LEN (256 * 1024ul)

extern const char *mock_sysfs_folder;    /* where; "/tmp" */
const char *mock_sysfs_make(void);              /* its path; sets the variable */
void mock_sysfs_destroy(void);

/* A file with "0" in it that the next functions have, in a folder of its own; NULL: none. */
extern const char *mock_sysfs_extra;
/* A function with one BAR (resource0, filled with 0x5a) and a kernel driver. */
void mock_sysfs_add(const char *name, const char *driver);
void mock_sysfs_remove(const char *name);
/* NULL: no driver. */
void mock_sysfs_bind(const char *name, const char *driver);
/* Two bytes of its configuration space. */
void mock_sysfs_config(const char *name, unsigned int at, uint16_t value);
void mock_sysfs_count(const char *name, const char *file, unsigned int value);
void mock_sysfs_write(const char *name, const char *file, const void *data, size_t len);
/* A virtual function of pf. */
void mock_sysfs_physfn(const char *name, const char *pf);
/* "…/name/file", in a buffer of its own. */
const char *mock_sysfs_path(const char *name, const char *file);

#endif /* HOTPLUG_TEST_MOCK_SYSFS_H */
