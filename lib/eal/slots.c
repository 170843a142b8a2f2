/* SPDX-License-Identifier: BSD-3-Clause */

/* slots: what an object calls by a name leads to a function of ours.
 * In:  a name, and which objects.  Out: each of their slots for it, as their own
 *      relocations name them.
 * Lock: `lock` guards the pages of slots while they are writable.
 * Context: app, work, events. */

#include <elf.h>
#include <link.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "slots.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;        /* the slots' pages */

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
take_slots(const struct dl_phdr_info *info, const struct object *o, const ElfW(Rela) *r, size_t n,
	   const struct slots *wanted)
{
	unsigned int n_taken = 0;
	uintptr_t slot;

	for (; n > 0; n--, r++) {
#if __SIZEOF_POINTER__ == 8
		const ElfW(Sym) *s = &o->symbols[ELF64_R_SYM(r->r_info)];
#else
		const ElfW(Sym) *s = &o->symbols[ELF32_R_SYM(r->r_info)];
#endif
		if (strcmp(o->names + s->st_name, wanted->symbol) != 0)
			continue;
		slot = info->dlpi_addr + r->r_offset;
		if (slot == wanted->way_on)
			continue;
		n_taken += *(uintptr_t *)slot == wanted->ours ||
			write_slot(slot, wanted->ours, is_relro(info, slot));
	}
	return n_taken;
}

/* Is the address in that object? */
static bool
is_in(const struct dl_phdr_info *info, uintptr_t address)
{
	uintptr_t offset = address - info->dlpi_addr;
	unsigned int i;

	for (i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_LOAD &&
		    offset - info->dlpi_phdr[i].p_vaddr < info->dlpi_phdr[i].p_memsz)
			return true;
	return false;
}

static int
take_object(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct slots *wanted = arg;
	struct object o;
	unsigned int i;

	(void)size;
	if ((wanted->not_in != 0 && is_in(info, wanted->not_in)) ||
	    (wanted->only_in != 0 && !is_in(info, wanted->only_in)))
		return 0;
	for (i = 0; i < info->dlpi_phnum; i++) {
		if (info->dlpi_phdr[i].p_type != PT_DYNAMIC)
			continue;
		o = read_dynamic(info->dlpi_addr, (const ElfW(Dyn) *)
				 (info->dlpi_addr + info->dlpi_phdr[i].p_vaddr));
		wanted->n_taken += take_slots(info, &o, o.plt, o.plt_len, wanted) +
			take_slots(info, &o, o.data, o.data_len, wanted);
	}
	return 0;
}

unsigned int
slots_take(struct slots *wanted)
{
	pthread_mutex_lock(&lock);
	wanted->n_taken = 0;
	dl_iterate_phdr(take_object, wanted);
	pthread_mutex_unlock(&lock);
	return wanted->n_taken;
}

/* How often an object has been loaded; 0: the loader does not say. */
static int
count_loads(struct dl_phdr_info *info, size_t size, void *n_loads)
{
	if (size >= offsetof(struct dl_phdr_info, dlpi_adds) + sizeof(info->dlpi_adds))
		*(unsigned long long *)n_loads = info->dlpi_adds;
	return 1;
}

unsigned long long
slots_n_loads(void)
{
	unsigned long long n_loads = 0;

	dl_iterate_phdr(count_loads, &n_loads);
	return n_loads;
}
