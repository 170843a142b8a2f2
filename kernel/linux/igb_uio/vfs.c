// SPDX-License-Identifier: GPL-2.0
/*
 * Virtual functions of a physical one that user space drives.
 *
 * In:  the PCI core (sriov_numvfs) under the device's lock; max_vfs in sysfs.
 * Out: that many, or none.  They go with the physical one (remove).
 * Context: process.
 */
#include <linux/delay.h>
#include <linux/sched/signal.h>

#include "igb_uio.h"

int vfs_configure(struct pci_dev *pdev, int n)
{
	int ret;

	if (n && pci_num_vf(pdev))
		return -EBUSY;
	if (!n && pci_vfs_assigned(pdev))
		return -EBUSY;
	if (!n) {
		pci_disable_sriov(pdev);
		return 0;
	}
	ret = pci_enable_sriov(pdev, n);
	return ret ? ret : n;
}

static ssize_t max_vfs_show(struct device *dev, struct device_attribute *attr,
			    char *buf)
{
	return sysfs_emit(buf, "%d\n", pci_num_vf(to_pci_dev(dev)));
}

/*
 * The driver core removes this attribute with the device's lock held, and
 * waits for us: so never wait for that lock here.
 */
static ssize_t max_vfs_store(struct device *dev, struct device_attribute *attr,
			     const char *buf, size_t len)
{
	u16 n;
	int ret = kstrtou16(buf, 0, &n);

	if (ret)
		return ret;
	if (!device_trylock(dev)) {
		usleep_range(1000, 2000);
		return restart_syscall();
	}
	ret = vfs_configure(to_pci_dev(dev), n);
	device_unlock(dev);
	return ret < 0 ? ret : len;
}
static DEVICE_ATTR_RW(max_vfs);

static struct attribute *vfs_attrs[] = {
	&dev_attr_max_vfs.attr,
	NULL
};

const struct attribute_group vfs_group = {
	.attrs = vfs_attrs,
};
