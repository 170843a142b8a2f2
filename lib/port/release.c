/* SPDX-License-Identifier: BSD-3-Clause */

/* release: a port is given back under the feet of those who use it.
 * In:  heal, which makes room for a new life; then the PMD, whose probe fails and
 *      calls rte_eth_dev_release_port().
 * Out: the same, but the port's fast path keeps its quiet functions, its ops are the
 *      dead ones and its data stays where it is: ethdev would clear the fast path,
 *      zeros first, and a thread that polls meanwhile takes a NULL for its queues (in
 *      the guest 7 of 12 probes that failed under a poller ended in SIGSEGV); and it
 *      makes ops and data NULL, which a thread that reads statistics takes.
 * How: there is no callback at that point (the port is UNUSED during a probe), so the
 *      call itself is ours: in shared libraries each object's slot for that function,
 *      as its own relocations name it; in static programs the linker's --wrap.
 * A port that is being torn down is not released at all: its driver is in there.
 * Nor is one a second time, as fail-safe does with its lost sub-device: its number is
 * zeroed by then (25.11: its data is NULL), and ethdev would take port 0's fast
 * path away, or die.  One that leaves a secondary is released as there (leave.c).
 * Context: work, app, events (release_guard); whatever thread runs a PMD. */

#include <elf.h>
#include <errno.h>
#include <link.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <rte_malloc.h>

#include "leave.h"
#include "release.h"
#include "stuck.h"

static const char symbol[] = "rte_eth_dev_release_port";

/* Ours, where the linker was told --wrap=rte_eth_dev_release_port; then this exists. */
int __wrap_rte_eth_dev_release_port(struct rte_eth_dev *eth);
int __real_rte_eth_dev_release_port(struct rte_eth_dev *eth) __attribute__((weak));

/* The one slot that stays: the way on. */
static int (*volatile in_ethdev)(struct rte_eth_dev *eth) = rte_eth_dev_release_port;

void
release_quietly(struct rte_eth_dev *eth)
{
	struct rte_eth_dev_data *data = eth->data;

	eth->state = RTE_ETH_DEV_UNUSED;        /* no DESTROY */
	eth->dev_ops = &dead_ops;
	eth->device = &port_of(eth)->shadow;
	eth->process_private = NULL;
	eth->intr_handle = NULL;
	rte_free(data->rx_queues);
	rte_free(data->tx_queues);
	rte_free(data->mac_addrs);
	rte_free(data->hash_mac_addrs);
	rte_free(data->dev_private);
	pthread_mutex_destroy(&data->flow_ops_mutex);
	memset(data, 0, sizeof(*data));         /* without a name it is free */
}

static bool
is_released(const struct rte_eth_dev *eth)
{
	return eth->state == RTE_ETH_DEV_UNUSED &&
		(eth->data == NULL || eth->data->name[0] == '\0');
}

int
__wrap_rte_eth_dev_release_port(struct rte_eth_dev *eth)
{
	if (eth != NULL && is_released(eth))
		return 0;
	if (eth != NULL && (port_of(eth)->state == PORT_HEALING ||
			    stuck_is_probing(port_of(eth)))) {
		release_quietly(eth);
		return 0;
	}
	if (eth != NULL && port_of(eth)->state == PORT_LEAVING) {
		leave_release(eth);
		return 0;
	}
	if (eth != NULL && stuck_is(port_of(eth)))
		return -EBUSY;          /* its driver is at what would be freed */
	return __real_rte_eth_dev_release_port != NULL ?
		__real_rte_eth_dev_release_port(eth) : in_ethdev(eth);
}

/* --- an object's slots for the function ------------------------------------------ */

/* What the dynamic section says of one object. */
struct object {
	const ElfW(Sym) *symbols;
	const char *names;
	const ElfW(Rela) *plt, *data;
	size_t plt_len, data_len;
};

/* glibc has added the base already, other loaders have not. */
static const void *
at(ElfW(Addr) base, ElfW(Addr) p)
{
	return (const void *)(p < base ? base + p : p);
}

static struct object
read_dynamic(ElfW(Addr) base, const ElfW(Dyn) *dyn)
{
	struct object o = { 0 };
	bool has_rela = false;

	for (; dyn->d_tag != DT_NULL; dyn++)
		switch (dyn->d_tag) {
		case DT_SYMTAB:
			o.symbols = at(base, dyn->d_un.d_ptr);
			break;
		case DT_STRTAB:
			o.names = at(base, dyn->d_un.d_ptr);
			break;
		case DT_PLTREL:
			has_rela = dyn->d_un.d_val == DT_RELA;
			break;
		case DT_JMPREL:
			o.plt = at(base, dyn->d_un.d_ptr);
			break;
		case DT_PLTRELSZ:
			o.plt_len = dyn->d_un.d_val / sizeof(ElfW(Rela));
			break;
		case DT_RELA:
			o.data = at(base, dyn->d_un.d_ptr);
			break;
		case DT_RELASZ:
			o.data_len = dyn->d_un.d_val / sizeof(ElfW(Rela));
			break;
		}
	if (!has_rela)
		o.plt_len = 0;
	if (o.symbols == NULL || o.names == NULL)
		o.plt_len = o.data_len = 0;
	return o;
}

/* Slots are read-only once the object is linked ("relro"), as they are left. */
static bool
write_slot(uintptr_t slot, uintptr_t value, bool is_read_only)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	void *start = (void *)(slot & ~(page - 1));

	if (is_read_only && mprotect(start, page, PROT_READ | PROT_WRITE) < 0)
		return false;
	atomic_store((_Atomic uintptr_t *)slot, value);
	if (is_read_only)
		(void)mprotect(start, page, PROT_READ);
	return true;
}

static bool
is_relro(const struct dl_phdr_info *info, uintptr_t addr)
{
	const ElfW(Phdr) *h;
	unsigned int i;

	for (i = 0; i < info->dlpi_phnum; i++) {
		h = &info->dlpi_phdr[i];
		if (h->p_type == PT_GNU_RELRO && addr - (info->dlpi_addr + h->p_vaddr) < h->p_memsz)
			return true;
	}
	return false;
}

static unsigned int
take_slots(const struct dl_phdr_info *info, const struct object *o, const ElfW(Rela) *r, size_t n)
{
	const uintptr_t ours = (uintptr_t)__wrap_rte_eth_dev_release_port;
	unsigned int n_taken = 0;
	uintptr_t slot;

	for (; n > 0; n--, r++) {
#if __SIZEOF_POINTER__ == 8
		const ElfW(Sym) *s = &o->symbols[ELF64_R_SYM(r->r_info)];
#else
		const ElfW(Sym) *s = &o->symbols[ELF32_R_SYM(r->r_info)];
#endif
		if (strcmp(o->names + s->st_name, symbol) != 0)
			continue;
		slot = info->dlpi_addr + r->r_offset;
		if (slot == (uintptr_t)&in_ethdev)
			continue;
		n_taken += *(uintptr_t *)slot == ours ||
			write_slot(slot, ours, is_relro(info, slot));
	}
	return n_taken;
}

/* Is it the one that we are in? */
static bool
is_own(const struct dl_phdr_info *info)
{
	uintptr_t at = (uintptr_t)__wrap_rte_eth_dev_release_port - info->dlpi_addr;
	unsigned int i;

	for (i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_LOAD &&
		    at - info->dlpi_phdr[i].p_vaddr < info->dlpi_phdr[i].p_memsz)
			return true;
	return false;
}

static int
take_object(struct dl_phdr_info *info, size_t size, void *n_taken)
{
	struct object o;
	unsigned int i;

	(void)size;
	if (__real_rte_eth_dev_release_port != NULL && is_own(info))
		return 0;       /* the linker has seen to it; its slot is the way on */
	for (i = 0; i < info->dlpi_phnum; i++) {
		if (info->dlpi_phdr[i].p_type != PT_DYNAMIC)
			continue;
		o = read_dynamic(info->dlpi_addr, (const ElfW(Dyn) *)
				 (info->dlpi_addr + info->dlpi_phdr[i].p_vaddr));
		*(unsigned int *)n_taken += take_slots(info, &o, o.plt, o.plt_len) +
			take_slots(info, &o, o.data, o.data_len);
	}
	return 0;
}

/* How often an object has been loaded; 0: the loader does not say. */
static int
count_loads(struct dl_phdr_info *info, size_t size, void *n_loads)
{
	if (size >= offsetof(struct dl_phdr_info, dlpi_adds) + sizeof(info->dlpi_adds))
		*(unsigned long long *)n_loads = info->dlpi_adds;
	return 1;
}

int
release_guard(void)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* the slots' pages */
	static unsigned long long n_loads_then;
	static unsigned int n_taken;
	unsigned long long n_loads = 0;

	pthread_mutex_lock(&lock);
	dl_iterate_phdr(count_loads, &n_loads);
	if (n_loads == 0 || n_loads != n_loads_then) {
		n_taken = 0;
		dl_iterate_phdr(take_object, &n_taken);
	}
	n_loads_then = n_loads;
	pthread_mutex_unlock(&lock);
	return n_taken > 0 || __real_rte_eth_dev_release_port != NULL ? 0 : -ENOTSUP;
}
