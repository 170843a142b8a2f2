/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between Linux 5.10 and now, and nothing older.
 */
#ifndef IGB_UIO_COMPAT_H
#define IGB_UIO_COMPAT_H

#include <linux/mm.h>
#include <linux/pci.h>
#include <linux/version.h>

/* 5.14 moved the attributes of a bound device up into struct pci_driver. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 14, 0)
#define PCI_DRIVER_DEV_GROUPS(x)	.dev_groups = (x)
#else
#define PCI_DRIVER_DEV_GROUPS(x)	.driver.dev_groups = (x)
#endif

#ifndef HAVE_VM_FLAGS_SET
static inline void vm_flags_set(struct vm_area_struct *vma, unsigned long flags)
{
	vma->vm_flags |= flags;
}
#endif

/*
 * Up to 5.11 a mapping of a sysfs file belongs to the file: it goes when the
 * file goes, so take the file away for a moment.  From 5.12 on it belongs to
 * the I/O memory: it goes when a driver claims that, see map.c.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 12, 0)
static inline void revoke_resource_file(struct pci_dev *pdev, int bar)
{
	struct kobject *kobj = &pdev->dev.kobj;
	struct bin_attribute *files[] = {
		pdev->res_attr[bar], pdev->res_attr_wc[bar],
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		if (!files[i])
			continue;
		sysfs_remove_bin_file(kobj, files[i]);
		if (sysfs_create_bin_file(kobj, files[i]))
			pci_warn(pdev, "%s is lost\n", files[i]->attr.name);
	}
}
#else
static inline void revoke_resource_file(struct pci_dev *pdev, int bar) {}
#endif

#endif
