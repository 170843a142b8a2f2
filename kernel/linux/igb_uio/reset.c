// SPDX-License-Identifier: GPL-2.0
/*
 * A function is reset before it becomes a bus master, so that it does not go on
 * writing where a former user has told it to.
 *
 * In:  open, under uio's info_lock.
 * Out: ->is_clean; or an error, and the function is no bus master.
 *
 * None of the kernel's own resets is used.  They may go through a hot-plug slot,
 * and then wait for pciehp with the device's lock held, while pciehp waits for
 * the rescan lock, whose owner waits for the device's lock: nothing is ever
 * plugged or unplugged again.  Here nobody waits for a lock that hot-plug takes:
 * the device's lock and the access to configuration space are only tried.  What
 * is waited for is the card, and not for long.
 * Context: process.
 */
#include <linux/delay.h>
#include <linux/module.h>

#include "igb_uio.h"

#define TRIES		150	/* 20 ms each: others hold the locks, or reset it */
#define SETTLE_MS	1000	/* what PCI grants a card between reset and answer */
#define LINK_MS		100	/* no request before, once the link is up (PCIe r6 6.6.1) */
#define STEP_MS		20

/* Set in a function that is bound, clear in one that has been reset. */
#define ENABLED	(PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_INTX_DISABLE)

static bool reset = true;
module_param(reset, bool, 0444);
MODULE_PARM_DESC(reset, "reset a function before it becomes a bus master (default: on)");

static u16 read_command(struct pci_dev *pdev)
{
	u16 command;

	pci_read_config_word(pdev, PCI_COMMAND, &command);
	return command;
}

/* (Not by its vendor id: a virtual function's reads ffff even in life.) */
static int wait_ready(struct pci_dev *pdev)
{
	int ms;

	for (ms = 0; ms <= SETTLE_MS; ms += STEP_MS) {
		if (read_command(pdev) != (u16)~0)
			return 0;
		msleep(STEP_MS);
	}
	pci_err(pdev, "it does not come out of its reset\n");
	return -EIO;
}

/* A function level reset is complete by definition. */
static int reset_by_flr(struct pci_dev *pdev)
{
	u32 cap = 0;

	pcie_capability_read_dword(pdev, PCI_EXP_DEVCAP, &cap);
	if (!(cap & PCI_EXP_DEVCAP_FLR) ||
	    pdev->dev_flags & PCI_DEV_FLAGS_NO_FLR_RESET)
		return -ENOTTY;
	pci_wait_for_pending_transaction(pdev);
	pcie_capability_set_word(pdev, PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_BCR_FLR);
	msleep(100);
	return wait_ready(pdev);
}

/* Does somebody take a link that goes down for a card that is taken out? */
static bool is_watched(struct pci_dev *bridge)
{
	u16 control = 0;

	pcie_capability_read_word(bridge, PCI_EXP_SLTCTL, &control);
	return control & (PCI_EXP_SLTCTL_DLLSCE | PCI_EXP_SLTCTL_PDCE);
}

/* Not every port says whether its link is up; what is behind one has to answer anyway. */
static void wait_link(struct pci_dev *port)
{
	u32 cap = 0;
	u16 status = 0;
	int ms;

	pcie_capability_read_dword(port, PCI_EXP_LNKCAP, &cap);
	if (!(cap & PCI_EXP_LNKCAP_DLLLARC))
		return;
	for (ms = 0; ms < SETTLE_MS; ms += STEP_MS) {
		pcie_capability_read_word(port, PCI_EXP_LNKSTA, &status);
		if (status & PCI_EXP_LNKSTA_DLLLA)
			return;
		msleep(STEP_MS);
	}
}

/* Behind a link a card may be asked early, and again; on conventional PCI it may not. */
static void wait_bus(struct pci_dev *bridge)
{
	if (pci_pcie_type(bridge) != PCI_EXP_TYPE_ROOT_PORT &&
	    pci_pcie_type(bridge) != PCI_EXP_TYPE_DOWNSTREAM) {
		msleep(SETTLE_MS);
		return;
	}
	wait_link(bridge);
	msleep(LINK_MS);
}

/* A reset of its bus is complete, too; with nobody else on it, and no slot. */
static int reset_by_bus(struct pci_dev *pdev)
{
	struct pci_dev *bridge = pdev->bus->self;
	u16 control;

	if (!bridge || pdev->subordinate || !list_is_singular(&pdev->bus->devices) ||
	    is_watched(bridge))
		return -ENOTTY;
	if (!pci_cfg_access_trylock(bridge))
		return -EAGAIN;
	pci_read_config_word(bridge, PCI_BRIDGE_CONTROL, &control);
	pci_write_config_word(bridge, PCI_BRIDGE_CONTROL,
			      control | PCI_BRIDGE_CTL_BUS_RESET);
	usleep_range(2000, 3000);
	pci_write_config_word(bridge, PCI_BRIDGE_CONTROL, control);
	pci_cfg_access_unlock(bridge);
	wait_bus(bridge);
	return wait_ready(pdev);
}

static void set_power(struct pci_dev *pdev, u16 control, pci_power_t state)
{
	pci_write_config_word(pdev, pdev->pm_cap + PCI_PM_CTRL,
			      control | (__force u16)state);
	msleep(max_t(unsigned int, pdev->d3hot_delay, 10));
}

/* What a device forgets in D3 is up to the device (QEMU's e1000e: nothing). */
static int reset_by_power(struct pci_dev *pdev)
{
	u16 control;

	if (!pdev->pm_cap || pdev->dev_flags & PCI_DEV_FLAGS_NO_PM_RESET)
		return -ENOTTY;
	pci_read_config_word(pdev, pdev->pm_cap + PCI_PM_CTRL, &control);
	if (control & (PCI_PM_CTRL_NO_SOFT_RESET | PCI_PM_CTRL_STATE_MASK))
		return -ENOTTY;
	set_power(pdev, control, PCI_D3hot);
	set_power(pdev, control, PCI_D0);
	return wait_ready(pdev);
}

/* The first means that there is and that worked.  -ENOTTY: none. */
static int try_reset(struct pci_dev *pdev)
{
	static int (*const means[])(struct pci_dev *pdev) = {
		reset_by_flr, reset_by_bus, reset_by_power,
	};
	u16 before = read_command(pdev);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(means); i++) {
		int ret = means[i](pdev);

		if (ret && ret != -ENOTTY)
			return ret;
		if (!ret && !(before & read_command(pdev) & ENABLED))
			return 0;
	}
	return -ENOTTY;
}

static int reset_once(struct igb_uio *u)
{
	int ret = try_reset(u->pdev);

	if (ret == -ENOTTY)
		pci_warn(u->pdev, "the function cannot be reset alone: what a former user has left running may write to memory\n");
	else if (ret == -EAGAIN)
		return ret;
	mutex_lock(&u->lock);
	if (ret != -ENOTTY && state_is_live(u) && (ret || config_restore(u)))
		ret = -EIO;
	u->is_clean = ret != -EIO;
	mutex_unlock(&u->lock);
	return ret == -EIO ? ret : 0;
}

/* 1: yes; 0: no; -EAGAIN: somebody else does it; or why it is not ours to reset. */
static int needs_reset(struct igb_uio *u)
{
	int ret;

	mutex_lock(&u->lock);
	ret = state_peek(u, EVENT_OPEN);
	if (!ret)
		ret = reset && !u->is_clean && !u->opens && !pci_num_vf(u->pdev);
	mutex_unlock(&u->lock);
	return ret;
}

/*
 * The device's lock keeps out resets, error recovery, suspend and a change of
 * its virtual functions; who has it may be in remove(), and wait for our caller.
 */
static int try_once(struct igb_uio *u)
{
	struct pci_dev *pdev = u->pdev;
	int ret = -EAGAIN;

	if (!device_trylock(&pdev->dev))
		return ret;
	if (pci_cfg_access_trylock(pdev)) {
		ret = needs_reset(u);
		if (ret > 0)
			ret = reset_once(u);
		pci_cfg_access_unlock(pdev);
	}
	device_unlock(&pdev->dev);
	return ret;
}

/*
 * Opens come one by one, uio's lock sees to it.  Our own is not held while the
 * card is waited for, so that nobody who asks for state or mappings waits, too.
 */
int reset_at_open(struct igb_uio *u)
{
	int tries, ret;

	for (tries = 0; tries < TRIES; tries++) {
		if (tries)
			msleep(20);
		ret = needs_reset(u);
		if (ret > 0)
			ret = try_once(u);
		if (ret != -EAGAIN)
			return ret;
	}
	return -EAGAIN;
}
