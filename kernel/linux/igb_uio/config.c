// SPDX-License-Identifier: GPL-2.0
/*
 * The configuration of a function as it was when it was last known good.
 *
 * In:  config_save() at probe, at open and after a reset of the kernel's;
 *	config_restore() after an error's reset, and after our own.
 * Out: ->saved, and the function's configuration space.
 *
 * The copy is our own.  The PCI core's belongs to whoever resets or suspends
 * the function, who leaves it empty or overwrites it.  What is not known to be
 * good is not saved, and what has not come back is not restored: a function
 * that has been reset decodes nothing.
 * Context: process, under ->lock, and while nobody else resets the function:
 * with the device's lock held, or in a state in which an open is let in.
 */
#include <linux/slab.h>

#include "igb_uio.h"

/* The kernel's address of a BAR, and the register that should hold it. */
static bool is_decoded(struct pci_dev *pdev, int bar, u16 command)
{
	unsigned long flags = pci_resource_flags(pdev, bar);
	bool is_port = flags & IORESOURCE_IO;
	u32 mask = is_port ? PCI_BASE_ADDRESS_IO_MASK : PCI_BASE_ADDRESS_MEM_MASK;
	u32 word;

	if (!pci_resource_len(pdev, bar) ||
	    flags & (IORESOURCE_UNSET | IORESOURCE_PCI_FIXED))
		return true;
	pci_read_config_dword(pdev, PCI_BASE_ADDRESS_0 + 4 * bar, &word);
	return command & (is_port ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY) &&
	       (word & mask) == lower_32_bits(pci_bus_address(pdev, bar));
}

/*
 * Does it answer where the kernel has put it?  The registers of a virtual
 * function say nothing: its BARs are in its physical one.
 */
static bool is_good(struct pci_dev *pdev)
{
	u16 command;
	int bar;

	pci_read_config_word(pdev, PCI_COMMAND, &command);
	if (command == (u16)~0)
		return false;
	for (bar = 0; bar < PCI_STD_NUM_BARS && !pdev->is_virtfn; bar++)
		if (!is_decoded(pdev, bar, command))
			return false;
	return true;
}

/* -EIO: it is not good; the former copy stays, then, and when memory is short. */
int config_save(struct igb_uio *u)
{
	struct pci_saved_state *saved;

	lockdep_assert_held(&u->lock);
	if (!is_good(u->pdev))
		return -EIO;
	if (pci_save_state(u->pdev))
		return -ENOMEM;
	saved = pci_store_saved_state(u->pdev);
	if (!saved)
		return -ENOMEM;
	config_free(u);
	u->saved = saved;
	return 0;
}

/* A bus master while it is open; its line is on while it is listened to. */
void config_apply(struct igb_uio *u)
{
	lockdep_assert_held(&u->lock);
	pci_intx(u->pdev, u->intr == INTR_LEGACY && u->irq_on);
	if (u->opens)
		pci_set_master(u->pdev);
	else
		pci_clear_master(u->pdev);
}

/* -EIO: it has not come back, or nothing was saved. */
int config_restore(struct igb_uio *u)
{
	struct pci_dev *pdev = u->pdev;

	lockdep_assert_held(&u->lock);
	if (!u->saved || pci_load_saved_state(pdev, u->saved))
		return -EIO;
	/* neither DMA nor its line before we say so */
	pdev->saved_config_space[PCI_COMMAND / 4] &= ~PCI_COMMAND_MASTER;
	pdev->saved_config_space[PCI_COMMAND / 4] |= PCI_COMMAND_INTX_DISABLE;
	pci_restore_state(pdev);
	if (!is_good(pdev))
		return -EIO;
	config_apply(u);
	return 0;
}

void config_free(struct igb_uio *u)
{
	kfree(u->saved);
	u->saved = NULL;
}
