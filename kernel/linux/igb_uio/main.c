// SPDX-License-Identifier: GPL-2.0
/*
 * igb_uio: a PCI function for a driver in user space, that may go at any time.
 *
 * In:  the PCI core (probe, remove, SR-IOV, shutdown) under the device's lock,
 *	and uio (open, release) under its info_lock.
 * Out: /dev/uioN, max_vfs and igb_uio/ in sysfs.
 *
 * Three promises.  A function is reset before it becomes a bus master, so that
 * it does not go on writing where a former user has told it to.  Whatever open
 * has started is stopped once: at the last close or by retire(), whichever
 * finds it running under ->lock.  And what is gone is not touched.
 * Context: process.
 */
#include <linux/dma-mapping.h>
#include <linux/iommu.h>
#include <linux/module.h>
#include <linux/security.h>
#include <linux/slab.h>

#include "igb_uio.h"
#include "compat.h"

static char *intr_mode;
module_param(intr_mode, charp, 0444);
MODULE_PARM_DESC(intr_mode, "interrupts: msix (default), msi or legacy; each falls back on the next");

static int wc_activate;
module_param(wc_activate, int, 0444);
MODULE_PARM_DESC(wc_activate, "accepted as the stock module's; BARs are never mapped in the kernel, so resourceN_wc always works");

static bool is_present(struct pci_dev *pdev)
{
	/* a virtual function's vendor id reads ffff even in life */
	return !pci_channel_offline(pdev) &&
	       pci_device_is_present(pci_physfn(pdev));
}

static bool is_locked_down(struct pci_dev *pdev)
{
	if (!security_locked_down(LOCKDOWN_PCI_ACCESS))
		return false;
	dev_err_ratelimited(&pdev->dev, "the kernel is locked down: a device that user space drives can do DMA anywhere\n");
	return true;
}

/* --- open and close ------------------------------------------------------ */

static int start(struct igb_uio *u)
{
	int ret = irq_start(u);

	if (ret)
		return ret;
	u->is_clean = false;
	pci_set_master(u->pdev);
	config_save(u);		/* or else the former copy stays */
	return 0;
}

static void stop(struct igb_uio *u)
{
	bool here = is_present(u->pdev);

	irq_stop(u, here);
	if (here)
		pci_clear_master(u->pdev);
}

static int igb_uio_open(struct uio_info *info, struct inode *inode)
{
	struct igb_uio *u = info->priv;
	int ret = is_locked_down(u->pdev) ? -EPERM : reset_at_open(u);

	if (ret)
		return ret;
	mutex_lock(&u->lock);
	ret = state_move(u, EVENT_OPEN);
	if (!ret && u->opens == 1) {
		ret = start(u);
		if (ret)
			state_move(u, EVENT_CLOSE);
	}
	mutex_unlock(&u->lock);
	return ret;
}

static int igb_uio_release(struct uio_info *info, struct inode *inode)
{
	struct igb_uio *u = info->priv;
	int ret;

	mutex_lock(&u->lock);
	ret = state_move(u, EVENT_CLOSE);
	if (!ret && !u->opens && state_is_live(u))
		stop(u);
	mutex_unlock(&u->lock);
	return ret;
}

/* The end of a device for its users, whatever they are doing. */
void retire(struct igb_uio *u)
{
	lockdep_assert_held(&u->lock);
	if (!state_is_live(u))
		return;
	state_move(u, is_present(u->pdev) ? EVENT_REMOVE : EVENT_UNPLUG);
	map_revoke(u);
	stop(u);
}

static void lock_and_retire(struct igb_uio *u)
{
	mutex_lock(&u->lock);
	retire(u);
	mutex_unlock(&u->lock);
}

/* --- probe and remove --------------------------------------------------------- */

static struct igb_uio *new_device(struct pci_dev *pdev)
{
	struct igb_uio *u = kzalloc(sizeof(*u), GFP_KERNEL);

	if (!u)
		return NULL;
	u->pdev = pdev;
	strscpy(u->name, pci_name(pdev), sizeof(u->name));
	mutex_init(&u->lock);
	recovery_init(u);
	INIT_LIST_HEAD(&u->spaces);
	u->info.name = "igb_uio";
	u->info.version = "0.1";
	u->info.priv = u;
	u->info.open = igb_uio_open;
	u->info.release = igb_uio_release;
	u->info.irqcontrol = irq_control;
	return u;
}

#ifdef CONFIG_IOMMU_API
static void warn_if_translated(struct pci_dev *pdev)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(&pdev->dev);

	if (domain && domain->type != IOMMU_DOMAIN_IDENTITY)
		pci_warn(pdev, "behind an IOMMU that translates: DMA to physical addresses fails, boot with iommu=pt\n");
}
#else
static void warn_if_translated(struct pci_dev *pdev) {}
#endif

/* User space hands out physical addresses: they must be the device's, too. */
static int setup_dma(struct pci_dev *pdev)
{
	struct device *dev = &pdev->dev;
	dma_addr_t addr;
	void *page;
	int ret = dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64));

	if (ret)
		return ret;

	/* an IOMMU driver may wait for a first mapping to attach the device */
	page = dma_alloc_coherent(dev, PAGE_SIZE, &addr, GFP_KERNEL);
	if (!page)
		return -ENOMEM;
	dma_free_coherent(dev, PAGE_SIZE, page, addr);
	warn_if_translated(pdev);
	return 0;
}

/* Nobody listens, and no DMA, until it is open. */
static int quiet(struct igb_uio *u)
{
	int ret;

	pci_intx(u->pdev, false);
	pci_clear_master(u->pdev);
	mutex_lock(&u->lock);
	ret = config_save(u);
	mutex_unlock(&u->lock);
	if (ret != -EIO)
		return ret;
	pci_warn(u->pdev, "it does not decode what the kernel has given it: has it been reset? Remove it, and rescan\n");
	return 0;
}

static int setup(struct igb_uio *u)
{
	int ret = map_setup(u);

	if (!ret)
		ret = quiet(u);
	return ret ? ret : setup_dma(u->pdev);
}

void free_device(struct igb_uio *u)
{
	map_free(u);
	config_free(u);
	kfree(u);
}

/*
 * From device_add() inside uio_register_device() on, /dev/uioN can be opened:
 * when registering fails after that, somebody may have it open, or be about to,
 * and uio will call us for him.  So it stays as long as the module.
 */
static void undo_register(struct igb_uio *u)
{
	lock_and_retire(u);
	recovery_stop(u);
	state_bury(u, NULL);
}

static int igb_uio_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct igb_uio *u;
	int ret;

	if (pci_is_bridge(pdev))
		return -ENODEV;
	if (is_locked_down(pdev))
		return -EPERM;
	state_reap(false);
	u = new_device(pdev);
	if (!u)
		return -ENOMEM;
	ret = pci_enable_device(pdev);
	if (ret)
		goto free;
	ret = setup(u);
	if (ret)
		goto disable;
	pci_set_drvdata(pdev, u);
	ret = uio_register_device(&pdev->dev, &u->info);
	if (!ret)
		return 0;
	undo_register(u);
	pci_disable_device(pdev);
	return ret;

disable:
	pci_disable_device(pdev);
free:
	free_device(u);
	return ret;
}

static void igb_uio_remove(struct pci_dev *pdev)
{
	struct igb_uio *u = pci_get_drvdata(pdev);
	struct device *node = get_device(&u->info.uio_dev->dev);

	lock_and_retire(u);
	recovery_stop(u);
	if (pci_num_vf(pdev))
		pci_disable_sriov(pdev);
	uio_unregister_device(&u->info);
	pci_disable_device(pdev);
	state_bury(u, node);
}

/* On the way to a reboot or to another kernel: no interrupt, no DMA. */
static void igb_uio_shutdown(struct pci_dev *pdev)
{
	lock_and_retire(pci_get_drvdata(pdev));
}

static const struct attribute_group *dev_groups[] = {
	&vfs_group,
	&igb_uio_state_group,
	NULL
};

static struct pci_driver igb_uio_driver = {
	.name = "igb_uio",
	.probe = igb_uio_probe,
	.remove = igb_uio_remove,
	.shutdown = igb_uio_shutdown,
	.sriov_configure = vfs_configure,
	.err_handler = &recovery_handlers,
	.groups = igb_uio_driver_groups,
	PCI_DRIVER_DEV_GROUPS(dev_groups),
};

static int __init igb_uio_init(void)
{
	int ret = irq_set_mode(intr_mode);

	if (ret) {
		pr_err("igb_uio: intr_mode=%s: not msix, msi or legacy\n", intr_mode);
		return ret;
	}
	map_warn_if_powerless();
	return pci_register_driver(&igb_uio_driver);
}

static void __exit igb_uio_exit(void)
{
	pci_unregister_driver(&igb_uio_driver);
	state_reap(true);
}

module_init(igb_uio_init);
module_exit(igb_uio_exit);

MODULE_DESCRIPTION("PCI functions for drivers in user space, safe to remove");
MODULE_AUTHOR("The dpdk-hotplug project");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1.0");
