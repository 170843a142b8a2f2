// SPDX-License-Identifier: GPL-2.0
/*
 * A function is reset before it becomes a bus master, so that it does not go on
 * writing where a former user has told it to.
 *
 * In:  probe, under the device's lock; open, under uio's info_lock.
 * Out: ->is_clean; or an error, and the function stays what it is.
 * Context: process.
 */
#include <linux/delay.h>
#include <linux/module.h>

#include "igb_uio.h"

#define RESET_TRIES	50	/* 20 ms each: others hold the device's lock */

static bool reset = true;
module_param(reset, bool, 0444);
MODULE_PARM_DESC(reset, "reset a function before it becomes a bus master (default: on)");

/* A function level reset is complete by definition. */
static bool has_flr(struct pci_dev *pdev)
{
	u32 cap = 0;

	if (pdev->dev_flags & PCI_DEV_FLAGS_NO_FLR_RESET)
		return false;
	pcie_capability_read_dword(pdev, PCI_EXP_DEVCAP, &cap);
	return cap & PCI_EXP_DEVCAP_FLR;
}

/* A reset of its bus is, too, and hits nobody else. */
static bool is_alone(struct pci_dev *pdev)
{
	return pdev->bus->self && !pdev->subordinate &&
	       list_is_singular(&pdev->bus->devices);
}

/*
 * What else the kernel has is the power state: what a device forgets in there
 * is up to the device (QEMU's e1000e: nothing).
 */
static int try_reset(struct pci_dev *pdev)
{
	int ret = -ENOTTY;

	if (!has_flr(pdev) && is_alone(pdev))
		ret = pci_reset_bus(pdev);
	if (ret && ret != -EAGAIN)
		ret = pci_try_reset_function(pdev);
	return ret;
}

/* 1: yes; 0: no; -ENODEV: it is no longer ours to reset. */
static int needs_reset(struct igb_uio *u)
{
	int ret = -ENODEV;

	mutex_lock(&u->lock);
	if (state_is_live(u))
		ret = reset && !u->is_clean && !u->opens && !pci_num_vf(u->pdev);
	mutex_unlock(&u->lock);
	return ret;
}

static int reset_once(struct igb_uio *u)
{
	int ret = try_reset(u->pdev);

	if (ret == -ENOTTY)
		pci_warn(u->pdev, "the function cannot be reset: what a former user has left running may write to memory\n");
	else if (ret)
		return ret;
	mutex_lock(&u->lock);
	u->is_clean = true;
	mutex_unlock(&u->lock);
	return 0;
}

/*
 * At open; opens come one by one, uio's lock sees to it.  A reset needs the
 * device's lock, which remove() holds while it waits for uio's, which we hold:
 * so it is only tried.  With the device's lock it may wait for the slot's
 * driver; meanwhile nobody can be in remove() and wait for uio's lock.  Our own
 * is not held, so that nobody who asks for state or mappings waits, either.
 */
int reset_at_open(struct igb_uio *u)
{
	int tries, ret;

	for (tries = 0; tries < RESET_TRIES; tries++) {
		if (tries)
			msleep(20);
		ret = needs_reset(u);
		if (ret <= 0)
			return ret;
		ret = reset_once(u);
		if (ret != -EAGAIN)
			return ret;
	}
	return -EAGAIN;
}

/*
 * At probe: no DMA from here to open.  The driver core holds the device's
 * lock, which a reset of the bus would take: without FLR, open does it.
 */
int reset_at_probe(struct igb_uio *u)
{
	int ret;

	pci_clear_master(u->pdev);
	if (!reset || pci_num_vf(u->pdev) || !has_flr(u->pdev))
		return 0;
	ret = pci_reset_function_locked(u->pdev);
	u->is_clean = !ret;
	return ret == -ENOTTY ? 0 : ret;
}
