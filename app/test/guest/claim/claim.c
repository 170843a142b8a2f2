// SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0
/* claim: takes the registers of a PCI device away from whoever has mapped them.
 *
 * Loaded with bdf=0000:01:00.0 it claims all of that device's regions, and gives
 * them back when it is unloaded.  Claiming revokes the mappings of user space:
 * the next access raises SIGBUS.  The device itself stays, and stays bound: no
 * event tells anybody.
 * Built and loaded in a guest by app/test/guest/scenarios/claim.py.
 */
#include <linux/module.h>
#include <linux/pci.h>

static char *bdf;
module_param(bdf, charp, 0444);
MODULE_PARM_DESC(bdf, "address of the device, as in 0000:01:00.0");

static struct pci_dev *claimed;

static struct pci_dev *find(void)
{
	struct pci_dev *dev = NULL;

	while ((dev = pci_get_device(PCI_ANY_ID, PCI_ANY_ID, dev)) != NULL)
		if (bdf != NULL && strcmp(pci_name(dev), bdf) == 0)
			return dev;
	return NULL;
}

static int __init claim_init(void)
{
	int ret;

	claimed = find();
	if (claimed == NULL)
		return -ENODEV;
	ret = pci_request_regions(claimed, "claim");
	if (ret != 0)
		pci_dev_put(claimed);
	return ret;
}

static void __exit claim_exit(void)
{
	pci_release_regions(claimed);
	pci_dev_put(claimed);
}

module_init(claim_init);
module_exit(claim_exit);
MODULE_LICENSE("Dual BSD/GPL");
MODULE_DESCRIPTION("Revokes the user mappings of a PCI device's registers");
