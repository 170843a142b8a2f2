// SPDX-License-Identifier: GPL-2.0
/*
 * The interrupt: one vector, held while /dev/uioN is open.
 *
 * In:  irq_start() at the first open, irq_stop() at the last close or at
 *	removal, whichever comes first, irq_control() for each write().
 * Out: uio_event_notify(), which wakes the readers.
 *
 * uio is told UIO_IRQ_CUSTOM, so that it never frees an interrupt itself: it
 * would do so with a dev_id of its own.  Whether one is held is ->intr, under
 * ->lock, so that it is freed once.
 * Context: process, under ->lock; handle() is in interrupt context, without.
 */
#include <linux/interrupt.h>
#include <linux/module.h>

#include "igb_uio.h"

static enum igb_uio_intr wanted = INTR_MSIX;

int irq_set_mode(const char *name)
{
	if (!name || sysfs_streq(name, "msix"))
		wanted = INTR_MSIX;
	else if (sysfs_streq(name, "msi"))
		wanted = INTR_MSI;
	else if (sysfs_streq(name, "legacy"))
		wanted = INTR_LEGACY;
	else
		return -EINVAL;
	return 0;
}

/*
 * An INTx line may be shared, and a device that is gone reads as "it was me".
 * /dev/uioN can be opened before uio has filled in uio_dev: nothing to wake.
 */
static irqreturn_t handle(int irq, void *data)
{
	struct igb_uio *u = data;

	if (u->intr == INTR_LEGACY &&
	    (pci_channel_offline(u->pdev) || !pci_check_and_mask_intx(u->pdev)))
		return IRQ_NONE;
	if (READ_ONCE(u->info.uio_dev))
		uio_event_notify(&u->info);
	return IRQ_HANDLED;
}

/*
 * Without MSI a function's interrupts go to its INTx line, where others listen,
 * and the kernel opens that way again: nobody would answer there.
 */
static void free_vectors(struct pci_dev *pdev, bool is_present)
{
	pci_free_irq_vectors(pdev);
	if (is_present)
		pci_intx(pdev, false);
}

static int start_message(struct igb_uio *u, enum igb_uio_intr intr)
{
	int ret;

	ret = pci_alloc_irq_vectors(u->pdev, 1, 1, intr == INTR_MSIX ?
				    PCI_IRQ_MSIX : PCI_IRQ_MSI);
	if (ret < 0)
		return ret;
	u->intr = intr;
	u->irq = pci_irq_vector(u->pdev, 0);
	ret = request_irq(u->irq, handle, 0, u->info.name, u);
	if (ret) {
		u->intr = INTR_NONE;
		free_vectors(u->pdev, true);
	}
	return ret;
}

static int start_legacy(struct igb_uio *u)
{
	int ret;

	if (!u->pdev->irq || !pci_intx_mask_supported(u->pdev))
		return -ENOTTY;
	u->intr = INTR_LEGACY;
	u->irq = u->pdev->irq;
	ret = request_irq(u->irq, handle, IRQF_SHARED, u->info.name, u);
	if (ret) {
		u->intr = INTR_NONE;
		return ret;
	}
	pci_intx(u->pdev, true);
	return 0;
}

/* The wanted kind, or else the next simpler one, but not for want of memory. */
static int start_any(struct igb_uio *u)
{
	int ret = -ENOTTY;

	if (wanted >= INTR_MSIX)
		ret = start_message(u, INTR_MSIX);
	if (ret && ret != -ENOMEM && wanted >= INTR_MSI)
		ret = start_message(u, INTR_MSI);
	if (ret && ret != -ENOMEM)
		ret = start_legacy(u);
	return ret;
}

/* A device without any interrupt can be used: that is no failure. */
int irq_start(struct igb_uio *u)
{
	int ret = start_any(u);

	lockdep_assert_held(&u->lock);
	if (ret == -ENOMEM)
		return ret;
	u->irq_on = true;
	u->info.irq = ret ? UIO_IRQ_NONE : UIO_IRQ_CUSTOM;
	if (ret)
		pci_notice(u->pdev, "no interrupt: %d\n", ret);
	return 0;
}

/* A line that nobody handles any more must not be asserted. */
void irq_stop(struct igb_uio *u, bool is_present)
{
	lockdep_assert_held(&u->lock);
	if (u->intr == INTR_NONE)
		return;
	if (u->intr == INTR_LEGACY && is_present)
		pci_intx(u->pdev, false);
	free_irq(u->irq, u);
	if (u->intr != INTR_LEGACY)
		free_vectors(u->pdev, is_present);
	u->intr = INTR_NONE;
}

static int set_irq(struct igb_uio *u, bool on)
{
	if (u->state != STATE_OPENED)
		return state_is_live(u) ? -EIO : -ENODEV;
	if (u->intr == INTR_NONE)
		return -EIO;
	if (u->intr == INTR_LEGACY) {
		if (!pci_device_is_present(pci_physfn(u->pdev)))
			return -ENODEV;
		pci_intx(u->pdev, on);
	} else if (on != u->irq_on) {
		/* they count, we do not */
		if (on)
			enable_irq(u->irq);
		else
			disable_irq(u->irq);
	}
	u->irq_on = on;
	return 0;
}

int irq_control(struct uio_info *info, s32 on)
{
	struct igb_uio *u = info->priv;
	int ret;

	if (on != 0 && on != 1)
		return -EINVAL;
	mutex_lock(&u->lock);
	ret = set_irq(u, on);
	mutex_unlock(&u->lock);
	return ret;
}
