// SPDX-License-Identifier: GPL-2.0
/*
 * Mappings of BARs in user space, and how they are cut off.
 *
 * There are two kinds.  Those of sysfs resourceN are the PCI core's; since
 * Linux 5.12 nothing revokes them when the device goes, but the kernel does
 * when a driver claims the memory exclusively, so that is done for a moment.
 * (Never for longer: sysfs would refuse to map it.)  Those of /dev/uioN are
 * ours: a page is inserted where it is touched, and after removal an access
 * raises SIGBUS or, with uio_mmap=ones, finds a page of ones.
 *
 * ->lock makes it sound: pages of the BAR are inserted under it while the
 * device is live, and map_revoke() runs under it when the device is not.
 * Address spaces are remembered one by one since a device node made elsewhere
 * (a container) has its own.  An entry counts mappings, and lasts no longer
 * than they do, so that it needs no reference: a mapping holds its file.
 *
 * Context: process; the callbacks of mappings under mmap_lock.
 */
#include <linux/fs.h>
#include <linux/ioport.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/security.h>
#include <linux/slab.h>

#include "igb_uio.h"
#include "compat.h"

enum { MMAP_OFF, MMAP_SIGBUS, MMAP_ONES };
static const char *const mmap_names[] = { "off", "sigbus", "ones" };
static int mmap_mode = MMAP_SIGBUS;

static int set_mmap_mode(const char *val, const struct kernel_param *kp)
{
	int i = sysfs_match_string(mmap_names, val);

	if (i < 0)
		return i;
	mmap_mode = i;
	return 0;
}

static int get_mmap_mode(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "%s\n", mmap_names[mmap_mode]);
}

static const struct kernel_param_ops mmap_ops = {
	.set = set_mmap_mode,
	.get = get_mmap_mode,
};
module_param_cb(uio_mmap, &mmap_ops, NULL, 0444);
MODULE_PARM_DESC(uio_mmap,
	"what a BAR mapped through /dev/uioN becomes after removal: sigbus (default) or ones; off: no such mappings");

/* An address space in which BARs of a device are mapped. */
struct space {
	struct list_head list;
	struct address_space *mapping;
	unsigned int n_vmas;
};

static struct space *find_space(struct igb_uio *u, struct address_space *mapping)
{
	struct space *s;

	lockdep_assert_held(&u->lock);
	list_for_each_entry(s, &u->spaces, list)
		if (s->mapping == mapping)
			return s;
	return NULL;
}

static int add_vma(struct igb_uio *u, struct address_space *mapping)
{
	struct space *s = find_space(u, mapping);

	if (!s) {
		s = kzalloc(sizeof(*s), GFP_KERNEL);
		if (!s)
			return -ENOMEM;
		s->mapping = mapping;
		list_add(&s->list, &u->spaces);
	}
	s->n_vmas++;
	return 0;
}

/* None is found for a mapping that add_vma() has refused. */
static void drop_vma(struct igb_uio *u, struct address_space *mapping)
{
	struct space *s = find_space(u, mapping);

	if (!s || --s->n_vmas)
		return;
	list_del(&s->list);
	kfree(s);
}

/*
 * A mapping comes into being.  If the device is not live any more it is born
 * cut off.
 */
static int enter_vma(struct igb_uio *u, struct address_space *mapping)
{
	int ret;

	mutex_lock(&u->lock);
	ret = add_vma(u, mapping);
	mutex_unlock(&u->lock);
	return ret;
}

/* It is split, moved or inherited: its address space is known. */
static void open_vma(struct vm_area_struct *vma)
{
	struct igb_uio_bar *bar = vma->vm_private_data;

	mutex_lock(&bar->u->lock);
	WARN_ON_ONCE(add_vma(bar->u, vma->vm_file->f_mapping));
	mutex_unlock(&bar->u->lock);
}

static void close_vma(struct vm_area_struct *vma)
{
	struct igb_uio_bar *bar = vma->vm_private_data;

	mutex_lock(&bar->u->lock);
	drop_vma(bar->u, vma->vm_file->f_mapping);
	mutex_unlock(&bar->u->lock);
}

/* The page of ones is memory, and is mapped as such. */
static vm_fault_t insert_page(struct igb_uio_bar *bar, struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;

	if (state_is_live(bar->u))
		return vmf_insert_pfn(vma, vmf->address, PHYS_PFN(bar->start) +
				      vmf->pgoff - bar->index);
	if (bar->u->ones)
		return vmf_insert_pfn_prot(vma, vmf->address,
					   page_to_pfn(bar->u->ones),
					   vm_get_page_prot(vma->vm_flags));
	return VM_FAULT_SIGBUS;
}

static vm_fault_t fault(struct vm_fault *vmf)
{
	struct igb_uio_bar *bar = vmf->vma->vm_private_data;
	vm_fault_t ret;

	mutex_lock(&bar->u->lock);
	ret = insert_page(bar, vmf);
	mutex_unlock(&bar->u->lock);
	return ret;
}

/* uio has checked that the offset names a BAR of ours, and the length. */
static int check_bar(const struct igb_uio_bar *bar, bool is_private)
{
	if (mmap_mode == MMAP_OFF || security_locked_down(LOCKDOWN_PCI_ACCESS))
		return -EPERM;
	if (is_private)
		return -EINVAL;
	return offset_in_page(bar->start) ? -ENODEV : 0;
}

#ifdef HAVE_UIO_MMAP_PREPARE
static int mapped(unsigned long start, unsigned long end, pgoff_t pgoff,
		  const struct file *file, void **vm_private_data)
{
	struct igb_uio_bar *bar = *vm_private_data;

	return enter_vma(bar->u, file->f_mapping);
}

static const struct vm_operations_struct vm_ops = {
	.open = open_vma,
	.close = close_vma,
	.mapped = mapped,
	.fault = fault,
};

static int map_bar(struct uio_info *info, struct vm_area_desc *desc)
{
	struct igb_uio *u = info->priv;
	struct igb_uio_bar *bar = &u->bars[desc->pgoff];
	int ret = check_bar(bar, vma_desc_is_cow_mapping(desc));

	if (ret)
		return ret;
	vma_desc_set_flags(desc, VMA_IO_BIT, VMA_PFNMAP_BIT,
			   VMA_DONTEXPAND_BIT, VMA_DONTDUMP_BIT);
	desc->page_prot = pgprot_noncached(desc->page_prot);
	desc->private_data = bar;
	desc->vm_ops = &vm_ops;
	return 0;
}
#else
static const struct vm_operations_struct vm_ops = {
	.open = open_vma,
	.close = close_vma,
	.fault = fault,
};

static int map_bar(struct uio_info *info, struct vm_area_struct *vma)
{
	struct igb_uio *u = info->priv;
	struct igb_uio_bar *bar = &u->bars[vma->vm_pgoff];
	int ret = check_bar(bar, (vma->vm_flags & (VM_SHARED | VM_MAYWRITE)) ==
				 VM_MAYWRITE);

	if (!ret)
		ret = enter_vma(u, vma->vm_file->f_mapping);
	if (ret)
		return ret;
	vm_flags_set(vma, VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_page_prot = pgprot_noncached(vma->vm_page_prot);
	vma->vm_private_data = bar;
	vma->vm_ops = &vm_ops;
	return 0;
}
#endif

static void set_mmap(struct uio_info *info)
{
#ifdef HAVE_UIO_MMAP_PREPARE
	info->mmap_prepare = map_bar;
#else
	info->mmap = map_bar;
#endif
}

static bool has_bar(struct pci_dev *pdev, int bar)
{
	return pci_resource_start(pdev, bar) && pci_resource_len(pdev, bar) &&
	       !(pci_resource_flags(pdev, bar) & IORESOURCE_UNSET);
}

/* Tell uio of the BARs, in the order and with the names that EAL knows. */
int map_setup(struct igb_uio *u)
{
	struct pci_dev *pdev = u->pdev;
	int bar, n_mem = 0, n_port = 0;

	for (bar = 0; bar < PCI_STD_NUM_BARS; bar++) {
		resource_size_t start = pci_resource_start(pdev, bar);
		resource_size_t len = pci_resource_len(pdev, bar);

		if (!has_bar(pdev, bar))
			continue;
		snprintf(u->bar_names[bar], sizeof(u->bar_names[bar]), "BAR%d", bar);
		if ((pci_resource_flags(pdev, bar) & IORESOURCE_MEM) &&
		    n_mem < MAX_UIO_MAPS) {
			struct uio_mem *mem = &u->info.mem[n_mem];

			mem->name = u->bar_names[bar];
			mem->addr = start;
			mem->size = len;
			mem->memtype = UIO_MEM_PHYS;
			u->bars[n_mem].u = u;
			u->bars[n_mem].index = n_mem;
			u->bars[n_mem].start = start;
			n_mem++;
		} else if ((pci_resource_flags(pdev, bar) & IORESOURCE_IO) &&
			   n_port < MAX_UIO_PORT_REGIONS) {
			struct uio_port *port = &u->info.port[n_port++];

			port->name = u->bar_names[bar];
			port->start = start;
			port->size = len;
			port->porttype = UIO_PORT_X86;
		}
	}
	set_mmap(&u->info);
	if (!n_mem && !n_port)
		return -ENOENT;
	if (mmap_mode != MMAP_ONES)
		return 0;
	u->ones = alloc_page(GFP_KERNEL);
	if (!u->ones)
		return -ENOMEM;
	memset(page_address(u->ones), 0xff, PAGE_SIZE);
	return 0;
}

/*
 * Exclusively, so that CONFIG_IO_STRICT_DEVMEM is not needed; by number, since
 * a BAR that somebody else holds must not save the others.
 */
static void revoke_sysfs(struct igb_uio *u)
{
	struct pci_dev *pdev = u->pdev;
	int bar;

	for (bar = 0; bar < PCI_STD_NUM_BARS; bar++) {
		resource_size_t start = pci_resource_start(pdev, bar);
		resource_size_t len = pci_resource_len(pdev, bar);

		if (!has_bar(pdev, bar) ||
		    !(pci_resource_flags(pdev, bar) & IORESOURCE_MEM))
			continue;
		revoke_resource_file(pdev, bar);
		if (!request_mem_region_exclusive(start, len, u->info.name)) {
			pci_warn(pdev, "BAR %d is claimed, not cut off\n", bar);
			continue;
		}
		release_mem_region(start, len);
		u->revoked |= BIT(bar);
	}
}

/* Cut off every mapping of every process, once the device is not live. */
void map_revoke(struct igb_uio *u)
{
	struct space *s;

	lockdep_assert_held(&u->lock);
	WARN_ON_ONCE(state_is_live(u));
	list_for_each_entry(s, &u->spaces, list)
		unmap_mapping_range(s->mapping, 0, 0, 1);
	revoke_sysfs(u);
}

void map_free(struct igb_uio *u)
{
	if (u->ones)
		__free_page(u->ones);
}

#define CMDLINE_LEN 4096

static bool is_booted_with(const char *option)
{
	struct file *file = filp_open("/proc/cmdline", O_RDONLY, 0);
	char *line = NULL;
	bool is = false;
	loff_t at = 0;
	ssize_t n;

	if (IS_ERR(file))
		return false;
	line = kzalloc(CMDLINE_LEN, GFP_KERNEL);
	if (line) {
		n = kernel_read(file, line, CMDLINE_LEN - 1, &at);
		is = n > 0 && strstr(line, option);
	}
	kfree(line);
	filp_close(file, NULL);
	return is;
}

/* Said once, when the module is loaded. */
void map_warn_if_powerless(void)
{
	if (!IS_ENABLED(CONFIG_STRICT_DEVMEM))
		pr_warn("igb_uio: a kernel without CONFIG_STRICT_DEVMEM: BARs of removed devices stay mapped\n");
	else if (is_booted_with("iomem=relaxed"))
		pr_warn("igb_uio: booted with iomem=relaxed: BARs of removed devices stay mapped\n");
}
